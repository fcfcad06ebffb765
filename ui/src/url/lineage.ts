// The lineage page's state and its URL: the one is always the other, so every view is a link.
import type { Direction, Window } from '../gql/graphql';
import { ago, instant, parseDuration, type RateUnit } from '../words/format';
import { formatQuery, oneOf } from './query';

export type WindowChoice =
  | { kind: 'last'; last: string }
  | { kind: 'range'; start: string; end: string }
  | { kind: 'at'; at: string };

export type View = 'graph' | 'table' | 'events';

export interface LineageState {
  /** Node ids; none: everything that moved in the window. */
  roots: string[];
  direction: Direction;
  depth: number;
  window: WindowChoice;
  /** Poll; only with a window that ends now. */
  live: boolean;
  /** Keep flows that moved nothing in the window but did within seven days. */
  inactive: boolean;
  /** Show inner topics too: those of stream jobs, and Kafka's and MirrorMaker's own. */
  internal: boolean;
  view: View;
  unit: RateUnit;
  /** The id of a node or a flow. */
  selected: string | null;
}

export const MAX_DEPTH = 10;
const DIRECTIONS = ['BOTH', 'UPSTREAM', 'DOWNSTREAM'] as const;

export const initialLineage: LineageState = {
  roots: [],
  direction: 'BOTH',
  depth: 3,
  window: { kind: 'last', last: '10m' },
  live: false,
  inactive: true,
  internal: false,
  view: 'graph',
  unit: 'records',
  selected: null,
};

/** Reads a query string. What it does not understand it leaves at its default, so that an old link still opens. */
export function parseLineage(search: string): LineageState {
  const q = new URLSearchParams(search);
  const depth = Number(q.get('depth'));
  const window = parseWindow(q);
  return {
    roots: [...new Set(q.getAll('root').filter((r) => r !== ''))],
    direction: oneOf(q.get('direction')?.toUpperCase() ?? null, DIRECTIONS),
    depth: Number.isInteger(depth) && depth >= 1 ? Math.min(depth, MAX_DEPTH) : initialLineage.depth,
    window,
    live: q.get('live') === '1' && window.kind === 'last',
    inactive: q.get('inactive') !== '0',
    internal: q.get('internal') === '1',
    view: oneOf(q.get('view'), ['graph', 'table', 'events']),
    unit: oneOf(q.get('unit'), ['records', 'bytes']),
    selected: q.get('selected') || null,
  };
}

function parseWindow(q: URLSearchParams): WindowChoice {
  const at = q.get('at');
  if (at && isInstant(at)) return { kind: 'at', at };
  const start = q.get('start');
  const end = q.get('end');
  if (start && end && isInstant(start) && isInstant(end) && Date.parse(start) < Date.parse(end)) {
    return { kind: 'range', start, end };
  }
  const last = q.get('last');
  return last && parseDuration(last) !== null ? { kind: 'last', last } : initialLineage.window;
}

// RFC 3339 with an offset: an instant that means another one elsewhere is no permalink.
function isInstant(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** The query string of a state, with what is default left out. */
export function formatLineage(s: LineageState): string {
  const pairs: [string, string][] = s.roots.map((r) => ['root', r]);
  if (s.direction !== initialLineage.direction) pairs.push(['direction', s.direction.toLowerCase()]);
  if (s.depth !== initialLineage.depth) pairs.push(['depth', String(s.depth)]);
  if (s.window.kind === 'at') pairs.push(['at', s.window.at]);
  else if (s.window.kind === 'range') pairs.push(['start', s.window.start], ['end', s.window.end]);
  // The window is always named: a link says what it shows even if our default changes.
  else pairs.push(['last', s.window.last]);
  if (s.live && s.window.kind === 'last') pairs.push(['live', '1']);
  if (!s.inactive) pairs.push(['inactive', '0']);
  if (s.internal) pairs.push(['internal', '1']);
  if (s.view !== initialLineage.view) pairs.push(['view', s.view]);
  if (s.unit !== initialLineage.unit) pairs.push(['unit', s.unit]);
  if (s.selected) pairs.push(['selected', s.selected]);
  return formatQuery(pairs);
}

export function lineageHref(change: Partial<LineageState>): string {
  return `/lineage${formatLineage({ ...initialLineage, ...change })}`;
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

/**
 * A step that makes one point of the whole window: its mean. Whole days are a multiple of every tick and tier in use,
 * and a step may be longer than the window.
 */
export function wholeWindowStep(w: WindowChoice): string {
  let seconds = 0;
  if (w.kind === 'last') seconds = parseDuration(w.last) ?? 0;
  if (w.kind === 'range') seconds = (Date.parse(w.end) - Date.parse(w.start)) / 1000;
  // One day more than fits: the server may widen the window's ends.
  return `${Math.floor(seconds / 86_400) + 1}d`;
}

export const isFlowId = (id: string): boolean => id.includes('->');
