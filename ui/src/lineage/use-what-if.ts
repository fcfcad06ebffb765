import { useMemo } from 'react';
import { useQuery } from 'urql';
import { WhatIfDocument, type WhatIfQuery } from '../gql/graphql';
import type { LineageState } from '../url/lineage';
import { duration } from '../words/format';
import type { Lit, Mark } from './lit';
import { stacksWith } from './stacks';
import type { LineageAnswer } from './types';

export type WhatIf = NonNullable<WhatIfQuery['whatIf']>;
export type Starving = WhatIf['starved'][number];
export type RetentionRisk = WhatIf['retention'][number];

/** How many of each list are shown; how many there are is said. */
const FIRST = 200;

/** What is hurt if what the state names is lost, in the window of the picture; asked only while it names something. */
export function useWhatIf(answer: LineageAnswer | undefined, state: LineageState) {
  const on = state.lose.length > 0 && answer !== undefined;
  const [{ data, error, fetching }, again] = useQuery({
    query: WhatIfDocument,
    pause: !on,
    variables: {
      lose: state.lose,
      window: { start: answer?.window.start ?? '', end: answer?.window.end ?? '' },
      first: FIRST,
    },
  });
  const whatIf = on ? (data?.whatIf ?? undefined) : undefined;
  const lit = useMemo(() => (whatIf && answer ? litLoss(answer, whatIf) : null), [whatIf, answer]);
  return { whatIf, lit, error: on ? error : undefined, fetching: on && fetching, again };
}

/** After how long one starves: measured, at least, or not known. */
export function starvesAfter({
  afterSeconds,
  atLeastSeconds,
}: Pick<Starving, 'afterSeconds' | 'atLeastSeconds'>): string {
  if (afterSeconds != null) return afterSeconds === 0 ? 'at once' : `after ${duration(afterSeconds)}`;
  return atLeastSeconds > 0 ? `after ${duration(atLeastSeconds)} at least` : 'when is not known';
}

/** What becomes of one who starves. */
export function starvingMark(s: Pick<Starving, 'wholly' | 'afterSeconds' | 'atLeastSeconds'>): Mark {
  const after = starvesAfter(s);
  if (s.wholly == null) return { kind: 'unknown', words: `may starve, ${after}` };
  return s.wholly ? { kind: 'starved', words: `starves, ${after}` } : { kind: 'less', words: `gets less, ${after}` };
}

/** When what one does not read any more begins to be deleted. */
export function deletedMark({ by, afterSeconds }: Pick<RetentionRisk, 'by' | 'afterSeconds'>): Mark {
  if (by === 'NEVER') return { kind: 'less', words: 'what waits is kept' };
  if (afterSeconds == null) return { kind: 'unknown', words: 'when unread records are deleted cannot be told' };
  return {
    kind: 'deleted',
    words:
      afterSeconds === 0
        ? 'unread records are deleted at once'
        : `unread records are deleted after ${duration(afterSeconds)}`,
  };
}

/** The marks of all that is hurt, and the flows among them. What is lost says so, whatever else is true of it. */
export function marksOf({ lost, starved, copies, retention }: WhatIf): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const r of retention) {
    const mark = deletedMark(r);
    if (mark.kind !== 'less' && !marks.has(r.flow.from.id)) marks.set(r.flow.from.id, mark);
  }
  for (const s of starved) marks.set(s.node.id, starvingMark(s));
  const only = new Map(copies.map((c) => [c.topic.id, c.only]));
  for (const { node, partitions } of lost) {
    const part = partitions == null ? 'lost' : `${partitions} partitions lost`;
    const copy = only.get(node.id);
    const words = copy === true ? `${part}, the only copy` : copy === false ? `${part}, a copy is left` : part;
    marks.set(node.id, { kind: 'lost', words });
  }
  return marks;
}

/** What of a picture a loss hurts. */
export function litLoss(
  { flows, stacks = [] }: Pick<LineageAnswer, 'flows'> & Partial<Pick<LineageAnswer, 'stacks'>>,
  whatIf: WhatIf,
): Lit {
  const marks = marksOf(whatIf);
  for (const [stack, member] of stacksWith(stacks, (id) => marks.has(id))) {
    const mark = marks.get(member);
    if (mark) marks.set(stack, { ...mark, words: `some: ${mark.words}` });
  }
  const among = flows.filter((f) => marks.has(f.from.id) && marks.has(f.to.id));
  return { nodes: new Map([...marks.keys()].map((id) => [id, null])), flows: new Set(among.map((f) => f.id)), marks };
}
