// What a reader does to a picture, as changes of the page's state.
import { useEffect, useMemo } from 'react';
import { type Branch, type FoldingState, hasBranch, parseFolding, type Side, without } from '../url/folding';
import type { LineageState } from '../url/lineage';
import type { Change } from '../url/use-url';
import type { Picture } from './focused';
import { beyond } from './stacks';
import type { LineageAnswer } from './types';

const now = (): FoldingState => parseFolding(new URLSearchParams(location.search));

const SIDES: Side[] = ['up', 'down'];

/** The actions on the picture of an answer. */
export function usePicture(answer: LineageAnswer | undefined, state: LineageState, change: Change<LineageState>) {
  const hidden = inStack(answer, state.selected).filter((id) => !state.unfold.includes(id));
  // What a link has chosen is drawn: it is taken out of its stack.
  useEffect(() => {
    if (hidden.length > 0) change({ unfold: [...state.unfold, ...hidden] }, { replace: true });
  });
  return useMemo(() => pictureOf(answer, state, change), [answer, state, change]);
}

/** The ends of what is chosen that are in a stack. */
function inStack(answer: LineageAnswer | undefined, selected: string | null): string[] {
  if (!answer || !selected) return [];
  const ends = selected.split('->');
  return ends.filter((id) => answer.stacks.some((s) => s.folded && s.memberIds.includes(id)));
}

export function pictureOf(
  answer: LineageAnswer | undefined,
  state: LineageState,
  change: (patch: Partial<LineageState>) => void,
): Picture {
  return {
    unfold: (stack) => change({ unfold: [...state.unfold, stack] }),
    fold: (stack) => {
      const members = answer?.stacks.find((s) => s.node === stack)?.memberIds ?? [];
      change({ unfold: state.unfold.filter((id) => id !== stack && !members.includes(id)) });
    },
    // By the link of now: two sides may be opened in one event.
    open: (side, node) => change(opened(answer, { ...state, ...now() }, { side, node })),
    collapse: (node) => {
      const shown = state.expand.filter((b) => b.node === node);
      if (shown.length > 0) return change({ expand: state.expand.filter((b) => b.node !== node) });
      const more = SIDES.map((side) => ({ side, node })).filter(
        (b) => answer && !hasBranch(state.collapse, b) && beyond(answer.flows, answer, state.roots, [b]).size > 0,
      );
      if (more.length > 0) change({ collapse: [...state.collapse, ...more] });
    },
    hide: (node) => {
      if (!state.roots.includes(node)) change({ hide: [...state.hide, node], selected: null });
    },
  };
}

/** Shows what is not shown on a side of a node: what was taken away first, then what the server holds back. */
function opened(answer: LineageAnswer | undefined, state: LineageState, branch: Branch): Partial<LineageState> {
  const near = (answer?.flows ?? []).flatMap((f) => {
    if (branch.side === 'down') return f.from.id === branch.node ? [f.to.id] : [];
    return f.to.id === branch.node ? [f.from.id] : [];
  });
  const hide = state.hide.filter((id) => !near.includes(id));
  if (hasBranch(state.collapse, branch) || hide.length < state.hide.length) {
    return { collapse: without(state.collapse, branch), hide };
  }
  return { expand: [...without(state.expand, branch), branch] };
}
