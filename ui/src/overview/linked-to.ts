import { useEffect, useRef } from 'react';

/** What a visitor does who no longer waits for where a link leads. */
const OWN = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const;
/** ms: what has not come by then moves the page as anything does that comes. */
const ARRIVING = 15_000;

/**
 * Where a link with a hash leads. Parts above it come when they are answered, in any order, and each pushes it further
 * down: it is held in sight until the visitor scrolls, or all has had its time.
 */
export function useLinkedTo(hash: string) {
  const at = useRef<HTMLElement>(null);
  useEffect(() => {
    const page = at.current?.parentElement;
    if (!page || location.hash !== hash) return;
    const sized = new ResizeObserver(() => at.current?.scrollIntoView());
    const leave = () => {
      sized.disconnect();
      clearTimeout(timer);
      for (const event of OWN) removeEventListener(event, leave);
    };
    const timer = setTimeout(leave, ARRIVING);
    for (const event of OWN) addEventListener(event, leave, { passive: true });
    sized.observe(page);
    return leave;
  }, [hash]);
  return at;
}
