import { useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { PathsBetweenDocument, type PathsBetweenQuery } from '../gql/graphql';
import type { LineageState } from '../url/lineage';
import type { Lit } from './lit';
import type { LineageAnswer } from './types';

export type PathsAnswer = NonNullable<PathsBetweenQuery['paths']>;
export type Way = PathsAnswer['paths'][number];

/** The ways from the root to state.path in the window of the picture; asked only where there is one. */
export function usePaths(answer: LineageAnswer | undefined, state: LineageState) {
  const [chosen, choose] = useState<number | null>(null);
  const [from = ''] = state.roots;
  const on = state.path !== null && from !== '' && answer !== undefined;
  const [{ data, error }, again] = useQuery({
    query: PathsBetweenDocument,
    pause: !on,
    variables: {
      from,
      to: state.path ?? '',
      window: { start: answer?.window.start ?? '', end: answer?.window.end ?? '' },
      includeInternal: state.internal,
    },
  });
  const paths = on ? data?.paths : undefined;
  const lit = useMemo(() => {
    if (!paths) return null;
    const one = chosen === null ? undefined : paths.paths[chosen];
    return litPaths(one ? [one] : paths.paths, [from, state.path ?? '']);
  }, [paths, chosen, from, state.path]);
  return { paths, lit, error: on ? error : undefined, again, chosen, choose };
}

/** The ways with their ends; where there is none the ends alone. */
export function litPaths(
  ways: readonly {
    hops: readonly { flow: Pick<Way['hops'][number]['flow'], 'id'> & { from: { id: string }; to: { id: string } } }[];
  }[],
  ends: readonly string[],
): Lit {
  const flows = ways.flatMap((w) => w.hops.map((h) => h.flow));
  return {
    nodes: new Map([...ends, ...flows.flatMap((f) => [f.from.id, f.to.id])].map((n) => [n, null])),
    flows: new Set(flows.map((f) => f.id)),
  };
}
