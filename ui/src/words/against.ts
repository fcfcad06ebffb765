// Which two times are compared.
import type { Window } from '../gql/graphql';
import type { Against } from '../url/estate';
import type { WindowChoice } from '../url/window';
import { parseDuration } from './format';

const HOUR = 3_600_000;
const BEFORE = { hour: HOUR, day: 24 * HOUR, week: 7 * 24 * HOUR } as const;

export const AGAINST_WORD: Record<Against, string> = {
  hour: 'the hour before',
  day: 'the day before',
  week: 'the week before',
  visit: 'my last visit',
};

const between = (start: number, end: number): Window => ({
  start: new Date(start).toISOString(),
  end: new Date(end).toISOString(),
});

/**
 * The window, an hour at least, and the same so long before; or the hour up to one's last visit. Minutes are whole, so
 * that the same is asked while one passes. null: there was no visit before this one.
 */
export function compared(
  window: WindowChoice,
  against: Against,
  visited: number | null,
  now: number,
): { before: Window; after: Window } | null {
  const minute = Math.floor(now / 60_000) * 60_000;
  let end = minute;
  let length = HOUR;
  if (window.kind === 'last') length = Math.max(HOUR, (parseDuration(window.last) ?? 0) * 1000);
  if (window.kind === 'at') end = Date.parse(window.at);
  if (window.kind === 'range') {
    end = Date.parse(window.end);
    length = Math.max(HOUR, end - Date.parse(window.start));
  }
  const after = window.kind === 'last' ? { last: `${Math.round(length / 1000)}s` } : between(end - length, end);
  if (against !== 'visit') {
    const back = Math.max(BEFORE[against], against === 'hour' ? length : 0);
    return { before: between(end - back - length, end - back), after };
  }
  return visited === null ? null : { before: between(visited - HOUR, visited), after };
}

/** How much of a window lies in the time of which data is held. */
function heldOf(w: Window, held: number): 'all' | 'part' | 'none' {
  if (Date.parse(w.start ?? '') >= held) return 'all';
  return Date.parse(w.end ?? '') > held ? 'part' : 'none';
}

/** What is compared with unasked: the day before, else the hour before, where data of all of it is held, or of a part. */
const UNASKED = ['day', 'hour'] as const;

/** The comparison that the data can answer best; null: none of them. */
export function answerable(window: WindowChoice, held: string | null | undefined, now: number): Against | null {
  if (!held) return null;
  const had = UNASKED.map((a) => {
    const asked = compared(window, a, null, now);
    return { a, held: asked ? heldOf(asked.before, Date.parse(held)) : 'none' };
  });
  return (had.find((x) => x.held === 'all') ?? had.find((x) => x.held === 'part'))?.a ?? null;
}

/** Whether what is compared with is all before the data. */
export function beforeData(before: Window, held: string | null | undefined): boolean {
  return !!held && heldOf(before, Date.parse(held)) === 'none';
}
