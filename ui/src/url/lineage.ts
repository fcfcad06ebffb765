// The lineage page's state and its URL: the one is always the other, so every view is a link.
import type { Direction } from '../gql/graphql';
import type { RateUnit } from '../words/format';
import { formatQuery, oneOf } from './query';
import { initialWindow, parseWindow, type WindowChoice, windowPairs } from './window';

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
  window: initialWindow,
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

/** The query string of a state, with what is default left out. */
export function formatLineage(s: LineageState): string {
  const pairs: [string, string][] = s.roots.map((r) => ['root', r]);
  if (s.direction !== initialLineage.direction) pairs.push(['direction', s.direction.toLowerCase()]);
  if (s.depth !== initialLineage.depth) pairs.push(['depth', String(s.depth)]);
  // The window is always named: a link says what it shows even if our default changes.
  pairs.push(...windowPairs(s.window));
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

export const isFlowId = (id: string): boolean => id.includes('->');
