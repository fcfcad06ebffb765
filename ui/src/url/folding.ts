// What of a picture is drawn as one, what is taken away and what is added to it: a link holds all of it.

export type Side = 'up' | 'down';

/** A node and a side of it. */
export interface Branch {
  side: Side;
  node: string;
}

export interface FoldingState {
  /** Ids of stacks whose members are drawn one by one, and of nodes that are to be in no stack. */
  unfold: string[];
  /** Nodes of which the hidden neighbours on a side are shown too, in the order in which they were asked for. */
  expand: Branch[];
  /** Branches of which nothing is drawn. */
  collapse: Branch[];
  /** Nodes that are not drawn. */
  hide: string[];
}

export const initialFolding: FoldingState = { unfold: [], expand: [], collapse: [], hide: [] };

/** Of neighbours of one kind more than so many are drawn as one. */
export const FOLD = 8;

/** The server's bounds: what a link has beyond them is left out, so that it opens all the same. */
const MOST_UNFOLD = 200;
const MOST_EXPAND = 50;

export function parseFolding(q: URLSearchParams): FoldingState {
  return {
    unfold: ids(q, 'unfold').slice(0, MOST_UNFOLD),
    expand: branches(q, 'expand').slice(0, MOST_EXPAND),
    collapse: branches(q, 'collapse'),
    hide: ids(q, 'hide'),
  };
}

const ids = (q: URLSearchParams, key: string): string[] => [...new Set(q.getAll(key).filter((x) => x !== ''))];

function branches(q: URLSearchParams, key: string): Branch[] {
  return ids(q, key).flatMap((text) => {
    const [, side, node] = /^(up|down):(.+:.+)$/.exec(text) ?? [];
    return side && node ? [{ side: side as Side, node }] : [];
  });
}

export function foldingPairs(s: FoldingState): [string, string][] {
  const branch = (key: string, all: readonly Branch[]) =>
    all.map(({ side, node }): [string, string] => [key, `${side}:${node}`]);
  return [
    ...s.unfold.map((id): [string, string] => ['unfold', id]),
    ...branch('expand', s.expand),
    ...branch('collapse', s.collapse),
    ...s.hide.map((id): [string, string] => ['hide', id]),
  ];
}

export const hasBranch = (all: readonly Branch[], { side, node }: Branch): boolean =>
  all.some((b) => b.side === side && b.node === node);

export const without = (all: readonly Branch[], { side, node }: Branch): Branch[] =>
  all.filter((b) => b.side !== side || b.node !== node);

/** How many steps were taken from the picture as the server draws it. */
export const folded = (s: FoldingState): number =>
  s.unfold.length + s.expand.length + s.collapse.length + s.hide.length;
