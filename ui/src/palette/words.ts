// What somebody means who types into the search of everything.
import type { WindowChoice } from '../url/window';
import { parseDuration } from '../words/format';

export type Meant =
  | { what: 'nodes'; text: string }
  | { what: 'readers' | 'writers' | 'owner' | 'tag'; text: string }
  | { what: 'path'; from: string; to: string };

/** What is asked for: by its first words, else nodes of that name, owner or tag. */
export function meant(typed: string): Meant {
  const text = typed.trim();
  const path = /^(?:path|way)(?:\s+from)?\s+(\S.*?)\s+(?:to|->|→)\s+(\S.*)$/i.exec(text);
  if (path?.[1] && path[2]) return { what: 'path', from: path[1], to: path[2] };
  const of = /^(readers|consumers|writers|producers)\s+of\s+(\S.*)$/i.exec(text);
  if (of?.[1] && of[2]) return { what: /^[rc]/i.test(of[1]) ? 'readers' : 'writers', text: of[2] };
  const by = /^(owner|tag)(?:\s*:\s*|\s+)(\S.*)$/i.exec(text);
  if (by?.[1] && by[2]) return { what: by[1].toLowerCase() as 'owner' | 'tag', text: by[2] };
  return { what: 'nodes', text };
}

const UNITS: [RegExp, string][] = [
  [/^s(ec(ond)?s?)?$/, 's'],
  [/^m(in(ute)?s?)?$/, 'm'],
  [/^h((ou)?rs?)?$/, 'h'],
  [/^d(ays?)?$/, 'd'],
  [/^w(eeks?)?$/, 'w'],
];

/** The window that is typed, in the reader's own time zone; null: it is none. */
export function windowOf(typed: string, now: number = Date.now()): WindowChoice | null {
  const text = typed.trim().toLowerCase();
  const last = lastOf(text);
  if (last) return { kind: 'last', last };
  const [from, to, more] = text.split(/\s+(?:to|until)\s+|\s+–\s+/);
  if (from && to && more === undefined) {
    const [start, end] = [instantOf(from, now), instantOf(to, now)];
    return start !== null && end !== null && start < end ? { kind: 'range', start: iso(start), end: iso(end) } : null;
  }
  const day = dayOf(text, now);
  if (day !== null) {
    const next = new Date(day);
    next.setDate(next.getDate() + 1); // a day of 23 or 25 hours too
    const end = Math.min(next.getTime(), now);
    return end > day ? { kind: 'range', start: iso(day), end: iso(end) } : null;
  }
  const at = instantOf(text, now);
  return at === null || at > now ? null : { kind: 'at', at: iso(at) };
}

/** "last 4h", "past 30 min", "2 days", "last week". */
function lastOf(text: string): string | null {
  const m = /^(?:(?:the\s+)?(?:last|past)\s+)?(\d+)?\s*([a-z]+)$/.exec(text);
  const plain = text.replace(/^(?:the\s+)?(?:last|past)\s+/, '');
  if (parseDuration(plain) !== null) return plain;
  if (!m || (m[1] === undefined && plain === text)) return null;
  const unit = UNITS.find(([words]) => words.test(m[2] ?? ''))?.[1];
  const length = unit ? `${Number(m[1] ?? 1)}${unit}` : '';
  return parseDuration(length) === null ? null : length;
}

/** The start of a day: today, yesterday, or a date. */
function dayOf(text: string, now: number): number | null {
  const t = new Date(now);
  if (text === 'today') return t.setHours(0, 0, 0, 0);
  if (text === 'yesterday') {
    t.setDate(t.getDate() - 1);
    return t.setHours(0, 0, 0, 0);
  }
  const at = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00`) : Number.NaN; // without an offset: local
  return Number.isNaN(at) ? null : at;
}

/** An instant: RFC 3339, or a time of a day, of today without one and of yesterday where that is still to come. */
function instantOf(text: string, now: number): number | null {
  if (/^\d{4}-\d\d-\d\dt\d\d:\d\d(:\d\d(\.\d+)?)?(z|[+-]\d\d:\d\d)$/.test(text)) {
    const at = Date.parse(text.toUpperCase());
    return Number.isNaN(at) ? null : at;
  }
  const m = /^(?:(today|yesterday|\d{4}-\d\d-\d\d)[ t]+)?(?:at\s+)?(\d{1,2}):(\d\d)(?::(\d\d))?$/.exec(text);
  if (!m || Number(m[2]) > 23 || Number(m[3]) > 59 || Number(m[4] ?? 0) > 59) return null;
  const day = dayOf(m[1] ?? 'today', now);
  if (day === null) return null;
  const at = new Date(day);
  at.setHours(Number(m[2]), Number(m[3]), Number(m[4] ?? 0));
  if (m[1] === undefined && at.getTime() > now) at.setDate(at.getDate() - 1);
  return at.getTime();
}

const iso = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z');
