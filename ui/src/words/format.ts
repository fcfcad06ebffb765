// Numbers and times as people read them. Nothing here turns "not known" into a figure: null stays the caller's to word.

/** Whole numbers and fractions as the reader's own language has them. */
const whole = new Intl.NumberFormat();
const fraction = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });

const SI = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** Three significant digits with an SI prefix: 0.05, 7.2, 943, 1.24 k, 18.3 M. */
export function compact(n: number): string {
  if (n === 0) return '0';
  const sign = n < 0 ? '−' : '';
  let x = Math.abs(n);
  if (x < 0.01) return `${sign}<${fraction.format(0.01)}`;
  let prefix = 0;
  // 999.5 would be shown as 1000: it belongs to the next prefix.
  while (x >= 999.5 && prefix < SI.length - 1) {
    x /= 1000;
    prefix++;
  }
  const digits = x < 1 ? 2 : x < 9.995 ? 2 : x < 99.95 ? 1 : 0;
  const text = digits === 0 ? String(Math.round(x)) : fraction.format(Number(x.toFixed(digits)));
  return prefix === 0 ? sign + text : `${sign}${text} ${SI[prefix]}`;
}

export type RateUnit = 'records' | 'bytes';

/** "1.2 k/s" for records, "3.4 MB/s" for bytes. */
export function rate(n: number, unit: RateUnit): string {
  const c = compact(n);
  if (unit === 'records') return `${c}/s`;
  return c.includes(' ') ? `${c}B/s` : `${c} B/s`;
}

export function bytes(n: string | number): string {
  const c = compact(Number(n));
  return c.includes(' ') ? `${c}B` : `${c} B`;
}

/** A whole count, as the API's decimal string, with its thousands apart as the reader has them; exact beyond 2^53. */
export function count(n: string | number): string {
  const s = typeof n === 'number' ? String(Math.round(n)) : n;
  const m = /^(-?)(\d+)$/.exec(s);
  if (!m) return s;
  return (m[1] ? '−' : '') + whole.format(BigInt(m[2] ?? ''));
}

/** The same of what is an upper bound, as the offsets that a topic holds are of its records. There are no fewer than none. */
export function countAtMost(n: string | number): string {
  return `${BigInt(n) > 0n ? '≤ ' : ''}${count(n)}`;
}

const UNITS: [string, number][] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
];

/** The two largest units: 450 ms, 12 s, 3 min 20 s, 2 h, 3 d 4 h. */
export function duration(seconds: number): string {
  if (seconds < 0.0005) return '0 s';
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10 && seconds % 1 !== 0) return `${fraction.format(Number(seconds.toFixed(1)))} s`;
  let left = Math.round(seconds);
  const parts: string[] = [];
  for (const [i, [name, size]] of UNITS.entries()) {
    const n = Math.floor(left / size);
    if (n === 0 && parts.length === 0) continue;
    left -= n * size;
    if (n > 0) parts.push(`${n} ${name}`);
    // Only neighbouring units stand together: "3 d", not "3 d 5 s".
    if (parts.length === 2 || i === UNITS.length - 1 || (parts.length === 1 && left < (UNITS[i + 1]?.[1] ?? 0))) break;
  }
  return parts.join(' ');
}

const SECONDS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, y: 31_536_000 };

/** Seconds of a Prometheus style duration (30s, 10m, 1h30m); null when it is none. */
export function parseDuration(text: string): number | null {
  if (!/^(\d+(ms|[smhdwy]))+$/.test(text)) return null;
  let sum = 0;
  for (const [, n, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) sum += Number(n) * (SECONDS[unit ?? ''] ?? 0);
  return sum > 0 ? sum : null;
}

/** Share of the window that was observed: never "100 %" for less than all, never "0 %" for something. */
export function percent(fraction: number): string {
  const p = fraction * 100;
  if (p > 0 && p < 1) return '<1 %';
  return `${Math.floor(p + 1e-9)} %`;
}

/** Whose clock an instant is told by: the reader's own, or that of logs. */
export type Clock = 'local' | 'utc';

const written = (options: Intl.DateTimeFormatOptions): Record<Clock, Intl.DateTimeFormat> => ({
  local: new Intl.DateTimeFormat('en-GB', options),
  utc: new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC' }),
});
const hours = written({ hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = written({ day: 'numeric', month: 'short' });
const dayYear = written({ day: 'numeric', month: 'short', year: 'numeric' });

/** Day and year of an instant by a clock, to tell two days apart. */
const date = (t: Date, by: Clock): [day: string, year: number] =>
  by === 'utc' ? [t.toISOString().slice(0, 10), t.getUTCFullYear()] : [t.toDateString(), t.getFullYear()];

/** The time of day; in UTC with the Z that logs have. */
const hour = (t: Date, by: Clock): string => hours[by].format(t) + (by === 'utc' ? 'Z' : '');

const minutes = written({ hour: '2-digit', minute: '2-digit' });

/** For what stands under a line of time: hours and minutes, or the day. */
export const minute = (ms: number, by: Clock): string => minutes[by].format(ms);
export const dayOf = (ms: number, by: Clock): string => day[by].format(ms);

/** By a clock; the day only when it is not today, the year only when it is not this one. */
export function instant(iso: string, now: number = Date.now(), by: Clock = 'local'): string {
  const t = new Date(iso);
  if (Number.isNaN(t.getTime())) return iso;
  const [is, year] = date(t, by);
  const [today, thisYear] = date(new Date(now), by);
  if (is === today) return hour(t, by);
  return `${(year === thisYear ? day : dayYear)[by].format(t)}, ${hour(t, by)}`;
}

const zoneName = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });

/** The zone of this reader's clock at an instant, with what it is ahead of UTC: "CET, UTC+1", "UTC+5:30", "UTC". */
export function zone(iso: string): string {
  const t = new Date(iso);
  if (Number.isNaN(t.getTime())) return '';
  const ahead = -t.getTimezoneOffset();
  const [hours, minutes] = [Math.floor(Math.abs(ahead) / 60), Math.abs(ahead) % 60];
  const offset = ahead === 0 ? 'UTC' : `UTC${ahead > 0 ? '+' : '−'}${hours}${minutes ? `:${two(minutes)}` : ''}`;
  const name = zoneName.formatToParts(t).find((p) => p.type === 'timeZoneName')?.value ?? '';
  // What has no name of its own is called by its offset already.
  return name === '' || /^(GMT|UTC)/.test(name) ? offset : `${name}, ${offset}`;
}

const two = (n: number): string => String(n).padStart(2, '0');

/** An instant in UTC, for who compares it with a log: 2026-11-27 13:41:00 UTC. */
export function utc(iso: string): string {
  const t = new Date(iso);
  return Number.isNaN(t.getTime()) ? iso : `${t.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** From an instant to another: both with their day where it is not the same, or not today. */
export function spanEnds(start: string, end: string, now: number = Date.now(), by: Clock = 'local'): [string, string] {
  const [a, b] = [new Date(start), new Date(end)];
  if (Number.isNaN(a.getTime()) || Number.isNaN(b.getTime())) return [start, end];
  const [[is, year], [ends, endYear]] = [date(a, by), date(b, by)];
  if (is === ends) return [instant(start, now, by), hour(b, by)];
  const thisYear = date(new Date(now), by)[1];
  const named = (year === thisYear && endYear === thisYear ? day : dayYear)[by];
  return [`${named.format(a)}, ${hour(a, by)}`, `${named.format(b)}, ${hour(b, by)}`];
}

/** The same as running text, in local time. */
export const span = (start: string, end: string, now: number = Date.now()): string =>
  spanEnds(start, end, now).join(' – ');

export function ago(iso: string, now: number = Date.now()): string {
  const seconds = (now - Date.parse(iso)) / 1000;
  if (Number.isNaN(seconds)) return iso;
  if (seconds < 2) return 'just now';
  return `${duration(Math.floor(seconds))} ago`;
}

/** The value of an <input type="datetime-local"> for an instant, in local time with seconds. */
export function toLocalInput(iso: string): string {
  const t = new Date(iso);
  if (Number.isNaN(t.getTime())) return '';
  const shifted = new Date(t.getTime() - t.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}

/** RFC 3339 in UTC without needless fractions; null when the field is empty or broken. */
export function fromLocalInput(value: string): string | null {
  const t = new Date(value);
  return value === '' || Number.isNaN(t.getTime()) ? null : t.toISOString().replace('.000Z', 'Z');
}
