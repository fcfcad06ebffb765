import { useEffect, useRef, useState } from 'react';
import type { Elements } from './elements';
import type { XY } from './geometry';

/** How long what is gone is still to be seen, in milliseconds. */
const FADE = 600;

export const calm = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;

export interface Ghost {
  id: string;
  at: XY;
}

/** How far a node has moved from one picture to the next: of the first of some that both have. */
export function moved(before: Elements, after: Elements, anchors: readonly (string | null)[]): XY | null {
  const at = (of: Elements, id: string) => of.nodes.find((n) => n.id === id)?.position;
  for (const id of anchors) {
    if (!id) continue;
    const [from, to] = [at(before, id), at(after, id)];
    if (from && to) return { x: to.x - from.x, y: to.y - from.y };
  }
  return null;
}

/** The nodes that were in the picture before and are not any more, for a moment, where they would be in it now. */
export function useGhosts(drawn: Elements, shift: (before: Elements) => XY | null): Ghost[] {
  const last = useRef(drawn);
  const [ghosts, setGhosts] = useState<Ghost[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: by picture; how it moved is asked for then
  useEffect(() => {
    const before = last.current;
    last.current = drawn;
    if (before === drawn || calm()) return;
    const by = shift(before);
    const there = new Set(drawn.nodes.map((n) => n.id));
    const gone = by ? before.nodes.filter((n) => !there.has(n.id)).slice(0, 60) : [];
    if (by === null || gone.length === 0) return;
    setGhosts(gone.map((n) => ({ id: n.id, at: { x: n.position.x + by.x, y: n.position.y + by.y } })));
    const end = setTimeout(() => setGhosts([]), FADE);
    return () => clearTimeout(end);
  }, [drawn]);
  return ghosts;
}
