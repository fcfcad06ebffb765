import { useMemo } from 'react';
import { useQuery } from 'urql';
import { WaysDocument } from '../gql/graphql';
import type { LineageState } from '../url/lineage';
import { type Lit, litWays, waysOf } from './lit';
import { stacksWith } from './stacks';
import type { LineageAnswer } from './types';

/**
 * The whole way up and down of what is selected; null: nothing is, or it is not shown. Where a mover on the way leads not
 * everything everywhere, the server says what lies on it, and until it has said so nothing is lit.
 */
export function useChosenWays(answer: LineageAnswer | undefined, state: LineageState): Lit | null {
  const { selected } = state;
  const shown =
    selected !== null && answer?.nodes.some((n) => n.id === selected) ? selected : flowOf(answer, selected)?.id;
  const ways = useMemo(() => (answer && shown ? waysOf(answer, shown) : null), [answer, shown]);
  const flow = flowOf(answer, selected);
  const root = flow ? pivot(flow) : (shown ?? '');
  const window = answer?.window;
  const [{ data }] = useQuery({
    query: WaysDocument,
    pause: !ways?.unsure || !window,
    variables: {
      root,
      window: { start: window?.start ?? '', end: window?.end ?? '' },
      includeInactive: state.inactive,
      includeInternal: state.internal,
    },
  });
  return useMemo(() => {
    if (!answer || !shown || !ways) return null;
    if (!ways.unsure) return litWays(answer, shown, ways, null);
    if (!data?.up || !data.down) return null;
    const known = (ids: readonly string[]) => {
      const of = new Set(ids);
      for (const [stack] of stacksWith(answer.stacks, (id) => of.has(id))) of.add(stack);
      return of;
    };
    return litWays(answer, shown, ways, { up: known(data.up.ids), down: known(data.down.ids) });
  }, [answer, shown, ways, data]);
}

const flowOf = (answer: LineageAnswer | undefined, id: string | null) => answer?.flows.find((f) => f.id === id);

/** The end of a flow that tells most of where it leads: its topic, since of a mover all topics go their own ways. */
const pivot = (f: { from: { id: string }; to: { id: string } }): string =>
  f.from.id.startsWith('topic:') ? f.from.id : f.to.id;
