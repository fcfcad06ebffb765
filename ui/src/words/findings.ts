// What is wrong or new, as sentences: the server says what it is, and here is how that reads.
import type { FindingKind, FindingPartsFragment } from '../gql/graphql';
import type { LineageState } from '../url/lineage';
import type { WindowChoice } from '../url/window';
import { count, duration, parseDuration } from './format';
import type { Tone } from './going';
import { KIND_WORD, nodeName, plural } from './words';

export type Found = FindingPartsFragment;
export interface Named {
  kind: keyof typeof KIND_WORD;
  name: string;
}

export const FINDING_WORD: Record<FindingKind, string> = {
  LOST: 'records lost',
  STALLED: 'stalled',
  STOPPED: 'stopped',
  FALLING_BEHIND: 'falling behind',
  UNOBSERVED: 'not observed',
  GONE: 'gone',
  NEW: 'new',
};

/** Several of a kind, for a heading. */
export const findingCount = (kind: FindingKind, n: number): string => `${count(n)} ${FINDING_WORD[kind]}`;

export function findingTone(f: { severity: Found['severity']; kind: FindingKind }): Tone {
  if (f.kind === 'NEW') return 'plain';
  return { HARM: 'bad', RISK: 'warn', CHANGE: 'off' }[f.severity] as Tone;
}

/** A part of a sentence: words, or the name of a node, which is foreign text. */
export type Part = string | { name: string };
const named = (n: Named): Part => ({ name: nodeName(n) });

const holds = (n: Named): boolean => n.kind === 'TOPIC' || n.kind === 'DATASET';
type Flow = NonNullable<Found['flow']>;

/** Which end of a flow does something, and which holds records. */
export function endsOf<N extends Named>(f: { from: N; to: N }): { who: N; what: N; reads: boolean } {
  return holds(f.from) ? { who: f.to, what: f.from, reads: true } : { who: f.from, what: f.to, reads: false };
}

/** The sentence of a finding, without since when and whom it starves. */
export function sentence(f: Found): Part[] {
  if (f.flow) return ofFlow(f, f.flow);
  if (f.node) return ofNode(f, f.node);
  const where: Part = f.cluster ? { name: f.cluster.name } : { name: f.sources?.join(', ') ?? 'A source' };
  return [where, ' is not observed: ', f.reason ?? 'nothing says why'];
}

function ofFlow(f: Found, flow: Flow): Part[] {
  const { who, what, reads } = endsOf(flow);
  switch (f.kind) {
    case 'STALLED':
      return [named(who), ' does not read ', named(what), waiting(flow)];
    case 'FALLING_BEHIND':
      return [named(who), ' falls ever more behind on ', named(what), waiting(flow)];
    case 'STOPPED':
      if (!reads) return [named(who), ' stopped writing ', named(what)];
      if (flow.live === false) return ['Nobody reads ', named(what), ' for ', named(who), ' any more', waiting(flow)];
      return [named(who), ' stopped reading ', named(what), waiting(flow)];
    case 'LOST':
      return [...lost(flow.lost), ' of ', named(what), ' were gone before ', named(who), ' had read them'];
    case 'NEW':
      return [named(who), reads ? ' reads ' : ' writes ', named(what), ', which it was not seen to do before'];
    default:
      return [named(who), reads ? ' and ' : ' to ', named(what)];
  }
}

function waiting(f: Flow): string {
  if (f.lag == null || BigInt(f.lag) === 0n) return '';
  const late = f.lagSeconds ?? f.lagAtLeastSeconds;
  const behind = late == null ? '' : `, ${f.lagSeconds == null ? 'at least ' : ''}${duration(late)} behind`;
  return `: ${count(f.lag)} records wait${behind}`;
}

const lost = (n: string | null | undefined): Part[] => [
  n == null || BigInt(n) === 0n ? 'Records' : `${count(n)} records`,
];

function ofNode(f: Found, n: NonNullable<Found['node']>): Part[] {
  const kind = KIND_WORD[n.kind];
  switch (f.kind) {
    case 'LOST':
      return [...lost('lostRecords' in n ? n.lostRecords : null), ' of ', named(n), ' went with a leader'];
    case 'GONE':
      if (n.kind === 'APPLICATION' || n.kind === 'STREAM_JOB')
        return [`${kind} `, named(n), ' is there no more: its groups were deleted'];
      return [`${kind} `, named(n), ' was deleted'];
    default:
      return [`${kind} `, named(n), n.kind === 'TOPIC' ? ' was created' : ' was first seen', ...does(f, n)];
  }
}

/** What a new node does: the first few of its flows. */
function does(f: Found, n: Named & { id: string }): Part[] {
  const flows = f.with ?? [];
  if (flows.length === 0) return [];
  const list = (of: typeof flows, word: string): Part[] =>
    of.length === 0
      ? []
      : [`${word} `, ...of.flatMap((w, i) => [i > 0 ? ', ' : '', named(w.from.id === n.id ? w.to : w.from)])];
  const out = flows.filter((w) => w.from.id === n.id);
  const into = flows.filter((w) => w.to.id === n.id);
  const more = f.withCount > flows.length ? [` and ${count(f.withCount - flows.length)} more`] : [];
  const [first, second] =
    n.kind === 'TOPIC' ? [list(into, 'written by'), list(out, 'read by')] : [list(into, 'reads'), list(out, 'writes')];
  return [': ', ...first, first.length > 0 && second.length > 0 ? '; ' : '', ...second, ...more].filter(
    (p) => p !== '',
  );
}

/** Whom it starves, in words and names; null: nobody, or that makes no sense of it. */
export function starving(f: Found): Part[] | null {
  const s = f.starves;
  if (!s || s.count === 0) return null;
  const names: Part[] = s.nearest.slice(0, 3).flatMap((n, i) => [i > 0 ? ', ' : '', named(n)]);
  const more = s.count - Math.min(3, s.nearest.length);
  return [
    `${f.kind === 'FALLING_BEHIND' ? 'makes late' : 'starves'} ${s.atLeast ? 'at least ' : ''}${count(s.count)}: `,
    ...names.filter((p) => p !== ''),
    ...(more > 0 ? [` and ${count(more)} more`] : []),
  ];
}

const SPANS = ['10m', '30m', '1h', '4h', '1d', '3d', '7d'];

/** A window that holds when it began, with some time before: as it is where that does. */
export function causeWindow(window: WindowChoice, since: string | null | undefined, now = Date.now()): WindowChoice {
  if (!since) return window;
  const at = Date.parse(since);
  if (window.kind === 'last') {
    const needed = ((now - at) / 1000) * 1.2;
    const length = parseDuration(window.last) ?? 0;
    const last = length >= needed ? window.last : SPANS.find((s) => (parseDuration(s) ?? 0) >= needed);
    return { kind: 'last', last: last ?? '7d' };
  }
  const end = window.kind === 'at' ? Date.parse(window.at) : Date.parse(window.end);
  const start = window.kind === 'at' ? end : Date.parse(window.start);
  if (start < at) return window;
  return {
    kind: 'range',
    start: new Date(at - Math.max(60_000, (end - at) * 0.2)).toISOString(),
    end: new Date(Math.max(end, at + 1000)).toISOString(),
  };
}

/** Where a finding leads: to the lineage around what it is about, with that selected; null: to nothing that is drawn. */
export function causeOf(f: Found, window: WindowChoice, now = Date.now()): Partial<LineageState> | null {
  const in_ = causeWindow(window, f.since, now);
  const view = { window: in_, live: in_.kind === 'last' };
  if (f.flow) return { ...view, roots: [endsOf(f.flow).who.id], selected: f.flow.id };
  if (f.node) return { ...view, roots: [f.node.id], selected: f.node.id };
  return null;
}

interface Seen {
  complete: boolean;
  observedFraction: number;
}

/** Of how many flows the state is not known, and why that can be. */
export const unknownFlows = (n: number): string =>
  `Of ${plural(n, 'flow')} it is not known how ${n === 1 ? 'it goes' : 'they go'}: the last reading is missing, or still to come.`;

/** What it means that nothing wrong was found: good news only where all was observed, and of all flows it is known. */
export function calm(
  c: Seen,
  unknown: number,
  over: string,
  percent: string,
): { good: boolean; whole: boolean; head: string; more: string } {
  if (c.observedFraction === 0)
    return {
      good: false,
      whole: false,
      head: 'Nothing was observed.',
      more: `Whether anything is wrong in ${over} is not known.`,
    };
  const unseen = unknown > 0 ? unknownFlows(unknown) : '';
  if (!c.complete)
    return {
      good: false,
      whole: false,
      head: `Nothing wrong was seen in the ${percent} of ${over} that was observed.`,
      more: `Of the rest it is not known. ${unseen}`.trim(),
    };
  if (unknown > 0)
    return {
      good: false,
      whole: true,
      head: `Nothing wrong was seen in ${over}, which was all observed.`,
      more: unseen,
    };
  return { good: true, whole: true, head: `Nothing is wrong: all of ${over} was observed.`, more: '' };
}

const LONG: Record<string, string> = { s: 'second', min: 'minute', h: 'hour', d: 'day' };

/** A window in running text. */
export function overWords(w: WindowChoice): string {
  if (w.kind === 'at') return 'that instant';
  if (w.kind === 'range') return 'this window';
  const long = duration(parseDuration(w.last) ?? 0).replace(/(\d+) (s|min|h|d)\b/g, (_, n: string, unit: string) =>
    plural(Number(n), LONG[unit] ?? unit),
  );
  return `the last ${long.replace(/^1 (\w+)$/, '$1')}`;
}
