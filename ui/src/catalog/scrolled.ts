import {
  type FocusEvent,
  type KeyboardEvent,
  type RefObject,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { visible } from './visible';

type Box = RefObject<HTMLDivElement | null>;

/** Which rows are in sight, as one scrolls. */
export function useLooked(rowHeight: number, total: number, of: string): { box: Box; from: number; to: number } {
  const box: Box = useRef(null);
  const [[from, to], setLooked] = useState<[number, number]>([0, Math.min(total, 40)]);
  const there = total > 0;
  useLayoutEffect(() => {
    const element = box.current;
    if (!there || !element) return;
    const look = () => {
      const now = visible(element.scrollTop, element.clientHeight, rowHeight, total);
      setLooked((was) => (was[0] === now[0] && was[1] === now[1] ? was : now));
    };
    look();
    element.addEventListener('scroll', look, { passive: true });
    const sized = new ResizeObserver(look);
    sized.observe(element);
    return () => {
      element.removeEventListener('scroll', look);
      sized.disconnect();
    };
  }, [rowHeight, total, there]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another question begins at its top
  useLayoutEffect(() => {
    if (box.current) box.current.scrollTop = 0;
  }, [of]);
  return { box, from: Math.min(from, total), to: Math.min(to, total) };
}

const steps = (inSight: number, total: number): Record<string, (at: number) => number> => ({
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + inSight,
  PageUp: (at) => at - inSight,
  Home: () => 0,
  End: () => total - 1,
});

/** Tab stops at one row of all; arrows, page keys, Home and End go from there to the others. */
export function useArrows(box: Box, rowHeight: number, head: number, total: number) {
  const [chosen, setChosen] = useState(0);
  const current = Math.min(chosen, Math.max(0, total - 1));
  const coming = useRef<number | null>(null);
  // The row may be drawn, or fetched, only after it was gone to.
  useEffect(() => {
    if (coming.current === null) return;
    const link = box.current?.querySelector<HTMLElement>(`[data-row="${coming.current}"] .node-link`);
    if (!link) return;
    coming.current = null;
    link.focus({ preventScroll: true });
  });
  const onKeyDown = (e: KeyboardEvent) => {
    const element = box.current;
    if (!element || e.ctrlKey || e.metaKey || e.altKey) return;
    const room = element.clientHeight - head;
    const step = steps(Math.max(1, Math.floor(room / rowHeight) - 1), total)[e.key];
    if (!step) return;
    e.preventDefault();
    const next = Math.max(0, Math.min(total - 1, step(current)));
    const top = next * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowHeight > element.scrollTop + room) element.scrollTop = top + rowHeight - room;
    coming.current = next;
    setChosen(next);
  };
  const onFocus = (e: FocusEvent) => {
    const row = e.target.closest<HTMLElement>('[data-row]')?.dataset.row;
    if (row !== undefined && coming.current === null) setChosen(Number(row));
  };
  return { current, onKeyDown, onFocus };
}
