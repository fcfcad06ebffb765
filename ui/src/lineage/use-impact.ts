import { useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { ImpactDocument, type ImpactQuery } from '../gql/graphql';
import type { LineageState } from '../url/lineage';
import type { Lit } from './lit';
import { stacksWith } from './stacks';
import type { LineageAnswer } from './types';

export type ImpactAnswer = NonNullable<ImpactQuery['impact']>;
export type Hit = ImpactAnswer['edges'][number]['node'];

/** How many are asked for at once, and at most: beyond that a file has them all. */
const PAGE = 200;
const MOST = 1000;

/** What the first root starves, in the window of the picture; asked only while the state says so. */
export function useImpact(answer: LineageAnswer | undefined, state: LineageState) {
  const [first, setFirst] = useState(PAGE);
  const [root = ''] = state.roots;
  const on = state.impact && root !== '' && answer !== undefined;
  const [{ data, error, fetching }, again] = useQuery({
    query: ImpactDocument,
    pause: !on,
    variables: {
      root,
      window: { start: answer?.window.start ?? '', end: answer?.window.end ?? '' },
      evidence: state.evidence.length > 0 ? state.evidence : null,
      includeInactive: state.inactive,
      includeInternal: state.internal,
      first,
    },
  });
  const impact = on ? data?.impact : undefined;
  const lit = useMemo(() => (impact && answer ? litImpact(answer, root, impact) : null), [impact, answer, root]);
  const more = impact && impact.edges.length < impact.totalCount && first < MOST ? () => setFirst(MOST) : null;
  return { impact, lit, error: on ? error : undefined, fetching: on && fetching, more, again };
}

/** All that is hit, each with its number, and the flows among them: what goes from one that is hit to another hits it too. */
export function litImpact(
  { flows, stacks = [] }: Pick<LineageAnswer, 'flows'> & Partial<Pick<LineageAnswer, 'stacks'>>,
  root: string,
  { edges }: { edges: readonly { node: { node: { id: string } } }[] },
): Lit {
  const nodes = new Map<string, number | null>([[root, null]]);
  for (const [i, { node: hit }] of edges.entries()) nodes.set(hit.node.id, i + 1);
  for (const [stack, member] of stacksWith(stacks, (id) => nodes.has(id))) nodes.set(stack, nodes.get(member) ?? null);
  const among = flows.filter((f) => nodes.has(f.from.id) && nodes.has(f.to.id));
  return { nodes, flows: new Set(among.map((f) => f.id)) };
}
