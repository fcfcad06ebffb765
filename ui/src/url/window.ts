// The window that a page is of: what a link says of it, and what the server is asked.
import type { Window } from '../gql/graphql';
import { ago, instant, parseDuration } from '../words/format';

export type WindowChoice =
  | { kind: 'last'; last: string }
  | { kind: 'range'; start: string; end: string }
  | { kind: 'at'; at: string };

export const initialWindow: WindowChoice = { kind: 'last', last: '10m' };

/** The window that a query string names; ten minutes up to now where it names none, or none that is one. */
export function parseWindow(q: URLSearchParams): WindowChoice {
  const at = q.get('at');
  if (at && isInstant(at)) return { kind: 'at', at };
  const start = q.get('start');
  const end = q.get('end');
  if (start && end && isInstant(start) && isInstant(end) && Date.parse(start) < Date.parse(end)) {
    return { kind: 'range', start, end };
  }
  const last = q.get('last');
  return last && parseDuration(last) !== null ? { kind: 'last', last } : initialWindow;
}

// RFC 3339 with an offset: an instant that means another one elsewhere is no permalink.
function isInstant(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** A window as a link says it. */
export function windowPairs(w: WindowChoice): [string, string][] {
  if (w.kind === 'at') return [['at', w.at]];
  if (w.kind === 'range')
    return [
      ['start', w.start],
      ['end', w.end],
    ];
  return [['last', w.last]];
}

export function windowInput(w: WindowChoice): Window {
  switch (w.kind) {
    case 'last':
      return { last: w.last };
    case 'range':
      return { start: w.start, end: w.end };
    case 'at':
      return { at: w.at };
  }
}

/** How an instant is told beside a window: as long ago where the window ends now, else as it is: "ago" would be of now, and what is shown is not. */
export function whenIn(w: WindowChoice): (iso: string) => string {
  return w.kind === 'last' ? (iso) => ago(iso) : (iso) => instant(iso);
}

/** The length of a window in seconds; 0 of an instant. */
function lengthOf(w: WindowChoice): number {
  if (w.kind === 'last') return parseDuration(w.last) ?? 0;
  return w.kind === 'range' ? (Date.parse(w.end) - Date.parse(w.start)) / 1000 : 0;
}

/** A step that makes some twenty points of a window, what a small line can show, and a multiple of the usual steps. */
export function lineStep(w: WindowChoice): string {
  const seconds = lengthOf(w) / 20;
  if (seconds === 0) return wholeWindowStep(w);
  const unit = seconds <= 60 ? 30 : seconds <= 3600 ? 60 : 3600;
  return `${Math.ceil(seconds / unit) * unit}s`;
}

/**
 * A step that makes one point of the whole window: its mean. Whole days are a multiple of every tick and tier in use,
 * and a step may be longer than the window.
 */
export function wholeWindowStep(w: WindowChoice): string {
  // One day more than fits: the server may widen the window's ends.
  return `${Math.floor(lengthOf(w) / 86_400) + 1}d`;
}
