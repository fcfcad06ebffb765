// Of whom the last life is asked for.
import type { LineageAnswer } from './types';

type Answer = {
  nodes: Pick<LineageAnswer['nodes'][number], 'id'>[];
  flows: { from: { id: string }; to: { id: string } }[];
};

/** Roots of which a window has nothing to show: one of them is missing, or each is known to be gone and moved nothing. */
export function departed(roots: readonly string[], answer: Answer | undefined, missing: boolean): string[] {
  if (roots.length === 0) return [];
  if (missing) return [...roots];
  if (!answer) return [];
  const gone = (id: string) =>
    answer.nodes.some((n) => n.id === id && 'exists' in n && n.exists === false) &&
    !answer.flows.some((f) => f.from.id === id || f.to.id === id);
  return roots.every(gone) ? [...roots] : [];
}
