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
