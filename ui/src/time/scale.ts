// The bar's arithmetic: which time it shows, where a window lies in it, and what is told of a place. Instants are in
// milliseconds since 1970.
import type { EventType, Window } from '../gql/graphql';
import type { WindowChoice } from '../url/window';
import { type Clock, parseDuration } from '../words/format';

export interface Span {
  start: number;
  end: number;
}

export type Range = '1h' | '24h' | '7d' | 'all';

const HOUR = 3_600_000;

export const iso = (ms: number): string => new Date(Math.round(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');

/** How long a window is; an instant has no length. */
export function lengthOf(w: WindowChoice): number {
  if (w.kind === 'last') return (parseDuration(w.last) ?? 600) * 1000;
  return w.kind === 'range' ? Date.parse(w.end) - Date.parse(w.start) : 0;
}

/** Where a window lies, in a bar that ends at an instant. */
export function spanOf(w: WindowChoice, end: number): Span {
  if (w.kind === 'last') return { start: end - lengthOf(w), end };
  if (w.kind === 'range') return { start: Date.parse(w.start), end: Date.parse(w.end) };
  return { start: Date.parse(w.at), end: Date.parse(w.at) };
}

/** The time that the bar shows: up to now where the window lies in that, else around the window, and at least three times as long. */
export function barOf(range: Range, w: WindowChoice, held: string | null | undefined, now: number): Window {
  const all = held ? Math.ceil((now - Date.parse(held)) / HOUR) * HOUR : 24 * HOUR;
  let length = range === 'all' ? Math.max(all, HOUR) : (parseDuration(range) ?? 86_400) * 1000;
  if (w.kind === 'last') return { last: spell(Math.max(length, lengthOf(w))) };
  const is = spanOf(w, now);
  if (is.start >= now - length) return { last: spell(length) };
  length = Math.max(length, 3 * lengthOf(w));
  // In steps of half its length, so that it stays where it is while the window moves a little.
  const half = length / 2;
  const start = Math.floor((is.start + is.end) / 2 / half) * half - half / 2;
  return { start: iso(start), end: iso(Math.min(start + length, now)) };
}

const spell = (ms: number): string => `${Math.round(ms / 1000)}s`;

/** The window that was chosen in the bar: one that ends where the bar does, and the bar now, goes on with it. */
export function chosen(is: Span, bar: Span, endsNow: boolean, snap: number): WindowChoice {
  const start = Math.max(is.start, bar.start);
  const end = Math.min(is.end, bar.end);
  if (endsNow && bar.end - end < snap) return { kind: 'last', last: durationText(Math.max(end - start, 1000)) };
  return { kind: 'range', start: iso(start), end: iso(Math.max(end, start + 1000)) };
}

/** A length as a link says it: 90m, 36h, 45s. */
export function durationText(ms: number): string {
  const s = Math.max(1, Math.round(ms / 1000));
  if (s % 604_800 === 0) return `${s / 604_800}w`;
  if (s % 86_400 === 0) return `${s / 86_400}d`;
  if (s % 3_600 === 0) return `${s / 3_600}h`;
  return s % 60 === 0 ? `${s / 60}m` : `${s}s`;
}

/** Moves a window within the bar, and keeps its length. */
export function moved(is: Span, by: number, bar: Span): Span {
  const shift = Math.min(Math.max(by, bar.start - is.start), bar.end - is.end);
  return { start: is.start + shift, end: is.end + shift };
}

const STEPS = [60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000];

/** Instants that are round by a clock, to write under the bar, so many at most. */
export function marks(bar: Span, most: number, clock: Clock = 'local'): number[] {
  const seconds = (bar.end - bar.start) / 1000;
  const step = (STEPS.find((s) => seconds / s <= most) ?? 31_536_000) * 1000;
  const offset = clock === 'utc' ? 0 : new Date(bar.start).getTimezoneOffset() * 60_000;
  const out = [];
  for (let t = Math.ceil((bar.start - offset) / step) * step + offset; t < bar.end; t += step) out.push(t);
  return out;
}

/** Events that matter to who looks for what is wrong, the gravest first. */
export const GRAVE: readonly EventType[] = [
  'RECORDS_LOST',
  'JOB_FAILED',
  'FLOW_STOPPED',
  'TOPIC_DELETED',
  'TOPIC_RECREATED',
  'OFFSETS_SET',
  'ACCESS_DENIED',
  'CLUSTER_CHANGED',
  'JOB_RESTARTED',
  'CHECKPOINT_FAILED',
];

/** What a source says of itself: folded where there is more to see. */
export const OF_SOURCES: readonly EventType[] = ['SOURCE_LOST', 'SOURCE_RECOVERED'];

export type Weight = 'grave' | 'other' | 'source';

export function weightOf(type: EventType): Weight {
  if (GRAVE.includes(type)) return 'grave';
  return OF_SOURCES.includes(type) ? 'source' : 'other';
}
