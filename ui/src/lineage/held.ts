// Windows and the time of which data is held.
import type { CombinedError } from 'urql';
import type { LineageState } from '../url/lineage';
import type { WindowChoice } from '../url/window';
import { parseDuration } from '../words/format';

export interface Held {
  heldSince?: string | null;
}

/** What an error says was observed of its window. */
export function coverageIn(error: CombinedError | undefined): Held & { window?: { start: string; end: string } } {
  const said = error?.graphQLErrors.find((e) => e.extensions.coverage)?.extensions.coverage;
  return typeof said === 'object' && said !== null ? said : {};
}

/** Whether a window ends before the oldest data, or begins before it; null: neither, or there is none. */
export function before(
  window: { start: string; end: string } | undefined,
  held: string | null | undefined,
): 'ends' | 'begins' | null {
  if (!window || !held) return null;
  const from = Date.parse(held);
  if (Date.parse(window.end) <= from) return 'ends';
  return Date.parse(window.start) < from ? 'begins' : null;
}

/** The oldest window of the same length of which there is data. */
export function oldest(state: Pick<LineageState, 'window'>, held: string): WindowChoice {
  const w = state.window;
  const seconds =
    w.kind === 'last'
      ? (parseDuration(w.last) ?? 600)
      : w.kind === 'range'
        ? (Date.parse(w.end) - Date.parse(w.start)) / 1000
        : 600; // an instant is a tick: the first of all shows nothing yet
  const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
  const start = Date.parse(held);
  return {
    kind: 'range',
    start: iso(start),
    end: iso(Math.max(start + 1000, Math.min(start + seconds * 1000, Date.now()))),
  };
}
