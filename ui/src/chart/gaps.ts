// From the API's points to what is drawn: a null stays a hole, and every hole is a span that can be shaded and named.
import { compact, duration } from '../words/format';

export interface ApiPoint {
  at: string;
  value?: number | null;
  /** More may have moved. */
  atLeast?: boolean;
}

export interface Span {
  /** Unix seconds, half-open. */
  start: number;
  end: number;
}

/** Unix seconds of each point. A point stands for [at, at + step). */
export function times(points: readonly ApiPoint[]): number[] {
  return points.map((p) => Date.parse(p.at) / 1000);
}

export function values(points: readonly ApiPoint[]): (number | null)[] {
  return points.map((p) => p.value ?? null);
}

/** Runs of points without a value. stepSeconds says how long the last point is. */
export function unobserved(points: readonly ApiPoint[], stepSeconds: number): Span[] {
  const spans: Span[] = [];
  let open: number | null = null;
  for (const p of points) {
    const at = Date.parse(p.at) / 1000;
    if (p.value === null || p.value === undefined) {
      open ??= at;
    } else if (open !== null) {
      spans.push({ start: open, end: at });
      open = null;
    }
  }
  const last = points.at(-1);
  if (open !== null && last) spans.push({ start: open, end: Date.parse(last.at) / 1000 + stepSeconds });
  return spans;
}

/** Spans in which none of several lines has a value. All lines have the same points. */
export function unobservedInAll(lines: readonly (readonly ApiPoint[])[], stepSeconds: number): Span[] {
  const [first] = lines;
  if (!first) return [];
  const merged = first.map((p, i) => ({ at: p.at, value: lines.find((l) => l[i]?.value != null)?.[i]?.value ?? null }));
  return unobserved(merged, stepSeconds);
}

interface Lost {
  kind: string;
  start: string;
  end: string;
  sources: readonly string[];
}

/**
 * Spans in which none of the sources saw anything. A point that was partly observed has a value, and would hide them: a
 * step of a long window is longer than most outages.
 */
export function lostBy(stretches: readonly Lost[], sources: readonly string[]): Span[] {
  if (sources.length === 0) return [];
  return stretches
    .filter((s) => s.kind === 'LOST' && sources.every((x) => s.sources.includes(x)))
    .map((s) => ({ start: Date.parse(s.start) / 1000, end: Date.parse(s.end) / 1000 }));
}

/** Spans in their order, those that touch as one. */
export function merged(spans: readonly Span[]): Span[] {
  const out: Span[] = [];
  for (const s of spans.toSorted((a, b) => a.start - b.start)) {
    const last = out.at(-1);
    if (last && s.start <= last.end) last.end = Math.max(last.end, s.end);
    else out.push({ ...s });
  }
  return out;
}

export interface Stats {
  min: number;
  mean: number;
  max: number;
  last: number;
}

export function stats(points: readonly ApiPoint[]): Stats | null {
  const known = values(points).filter((v) => v !== null);
  const last = known.at(-1);
  if (last === undefined) return null;
  return {
    min: Math.min(...known),
    max: Math.max(...known),
    mean: known.reduce((a, b) => a + b, 0) / known.length,
    last,
  };
}

/** The mean of what was observed; null: nothing was. */
export const mean = (points: readonly ApiPoint[] | undefined): number | null => stats(points ?? [])?.mean ?? null;

/** What the picture says, for those who do not see it. */
export function describe(label: string, points: readonly ApiPoint[], stepSeconds: number, unit: string): string {
  const s = stats(points);
  const holes = unobserved(points, stepSeconds);
  if (!s) return `${label}: not observed in this window.`;
  const missing = holes.reduce((sum, h) => sum + h.end - h.start, 0);
  const gap =
    holes.length === 0
      ? ''
      : ` Not observed for ${duration(missing)} in ${holes.length} ${holes.length === 1 ? 'span' : 'spans'}.`;
  return `${label}: from ${compact(s.min)} to ${compact(s.max)}, mean ${compact(s.mean)}, latest ${compact(s.last)} ${unit}.${gap}`;
}
