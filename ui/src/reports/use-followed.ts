import { useLive } from '../data/live';
import { useSeldom } from '../time/use-timeline';
import { type WindowChoice, windowInput } from '../url/window';

/** A report is made of all that its scope has: it is asked for anew no more often, while its window goes on. */
const SECONDS = 60;

/** Follows what is new of a window that ends now. */
export function useFollowed(window: WindowChoice, fetching: boolean, ask: () => void): void {
  const again = useSeldom(ask, SECONDS);
  useLive({ window: windowInput(window), fetching, again, seconds: window.kind === 'last' ? SECONDS : null });
}
