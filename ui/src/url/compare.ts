// With which window a page's window is compared, and how a link says it.
import type { Window } from '../gql/graphql';
import { parseDuration } from '../words/format';

/** The window just before, one so long before as a duration says, or one by its ends. */
export type Compare = 'before' | string;

const INSTANT = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)`;
const RANGE = new RegExp(`^(${INSTANT})/(${INSTANT})$`);

/** What a link says of comparing; null: nothing, or nothing that can be understood. */
export function parseCompare(text: string | null): Compare | null {
  if (text === null) return null;
  if (text === 'before' || parseDuration(text) !== null) return text;
  const m = RANGE.exec(text);
  return m && Date.parse(m[1] ?? '') < Date.parse(m[2] ?? '') ? text : null;
}

/** The window to compare one with, by its ends. */
export function comparedWindow(
  c: Compare,
  is: { start: string; end: string },
): Window & { start: string; end: string } {
  const range = RANGE.exec(c);
  if (range) return { start: range[1] ?? '', end: range[2] ?? '' };
  const [start, end] = [Date.parse(is.start), Date.parse(is.end)];
  const by = c === 'before' ? end - start : (parseDuration(c) ?? 0) * 1000;
  return { start: iso(start - by), end: iso(end - by) };
}

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
