// The lineage page's state and its URL: the one is always the other, so every view is a link.
import type { Direction, EvidenceKind } from '../gql/graphql';
import { parseDuration, type RateUnit } from '../words/format';
import { type Compare, parseCompare } from './compare';
import { parseEvidence } from './evidence';
import { type FoldingState, foldingPairs, initialFolding, parseFolding } from './folding';
import { formatQuery, oneOf } from './query';
import { initialWindow, parseWindow, type WindowChoice, windowPairs } from './window';

export type View = 'graph' | 'table' | 'events';

export interface LineageState extends FoldingState {
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
  /** With which window this one is compared; null: with none. */
  compare: Compare | null;
  /** How long a pause is no end, where windows are compared. */
  quiet: string;
  /** The id of a node or a flow. */
  selected: string | null;
  /** The id of a column of the selected node, NODE_ID#PATH. */
  column: string | null;
  /** Flows that are known by one of these alone; none: by any. */
  evidence: EvidenceKind[];
  /** What the first root starves is lit, in its order. */
  impact: boolean;
  /** The id of the node to which ways from the first root are looked for. */
  path: string | null;
  /** What is thought away: ids of nodes, cluster:NAME or broker:CLUSTER/ID; none: nothing. */
  lose: string[];
}

export const MAX_DEPTH = 10;
const DIRECTIONS = ['BOTH', 'UPSTREAM', 'DOWNSTREAM'] as const;

export const initialLineage: LineageState = {
  ...initialFolding,
  roots: [],
  direction: 'BOTH',
  depth: 3,
  window: initialWindow,
  live: false,
  inactive: true,
  internal: false,
  view: 'graph',
  unit: 'records',
  compare: null,
  quiet: '0s',
  selected: null,
  column: null,
  evidence: [],
  impact: false,
  path: null,
  lose: [],
};

/** The server takes no more at once. */
const MOST_LOST = 50;

/** Reads a query string. What it does not understand it leaves at its default, so that an old link still opens. */
export function parseLineage(search: string): LineageState {
  const q = new URLSearchParams(search);
  const depth = Number(q.get('depth'));
  const window = parseWindow(q);
  const roots = [...new Set(q.getAll('root').filter((r) => r !== ''))];
  const path = roots.length > 0 && q.get('path') !== roots[0] ? q.get('path') || null : null;
  return {
    roots,
    direction: oneOf(q.get('direction')?.toUpperCase() ?? null, DIRECTIONS),
    depth: Number.isInteger(depth) && depth >= 1 ? Math.min(depth, MAX_DEPTH) : initialLineage.depth,
    window,
    live: q.get('live') === '1' && window.kind === 'last',
    inactive: q.get('inactive') !== '0',
    internal: q.get('internal') === '1',
    view: oneOf(q.get('view'), ['graph', 'table', 'events']),
    unit: oneOf(q.get('unit'), ['records', 'bytes']),
    compare: parseCompare(q.get('compare')),
    quiet: parseDuration(q.get('quiet') ?? '') === null ? initialLineage.quiet : (q.get('quiet') ?? ''),
    selected: q.get('selected') || null,
    column: columnOf(q.get('column'), q.get('selected')),
    evidence: parseEvidence(q.get('evidence')),
    impact: roots.length > 0 && path === null && q.get('impact') === '1',
    path,
    lose: [...new Set(q.getAll('lose').filter((id) => id !== ''))].slice(0, MOST_LOST),
    ...parseFolding(q),
  };
}

/** A column goes with its node: where another is selected, it is not asked for. */
export const columnOf = (column: string | null, node: string | null): string | null =>
  column && node && column.startsWith(`${node}#`) ? column : null;

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
  if (s.evidence.length > 0) pairs.push(['evidence', s.evidence.join(',')]);
  if (s.impact) pairs.push(['impact', '1']);
  if (s.path) pairs.push(['path', s.path]);
  for (const id of s.lose) pairs.push(['lose', id]);
  if (s.compare) pairs.push(['compare', s.compare]);
  if (s.compare && s.quiet !== initialLineage.quiet) pairs.push(['quiet', s.quiet]);
  if (s.selected) pairs.push(['selected', s.selected]);
  const column = columnOf(s.column, s.selected);
  if (column) pairs.push(['column', column]);
  pairs.push(...foldingPairs(s));
  return formatQuery(pairs);
}

export function lineageHref(change: Partial<LineageState>): string {
  return `/lineage${formatLineage({ ...initialLineage, ...change })}`;
}

/** What the server is asked to draw. Ways between two nodes lie downstream of the one, whatever the direction was before. */
export function asked(s: LineageState): Pick<LineageState, 'roots' | 'direction' | 'depth'> {
  const [from] = s.roots;
  return s.path && from ? { roots: [from, s.path], direction: 'DOWNSTREAM', depth: MAX_DEPTH } : s;
}

/** What a node starves, lit. */
export const impactOf = (s: Partial<LineageState>, root: string): string =>
  lineageHref({
    ...s,
    roots: [root],
    direction: 'DOWNSTREAM',
    depth: MAX_DEPTH,
    impact: true,
    path: null,
    lose: [],
    view: 'graph',
    selected: null,
  });

/** What is hurt if a node is lost, drawn on all that lies downstream of it. */
export const lossOf = (s: Partial<LineageState>, id: string): string =>
  lineageHref({
    ...s,
    roots: [id],
    direction: 'DOWNSTREAM',
    depth: MAX_DEPTH,
    impact: false,
    path: null,
    compare: null,
    lose: [id],
    view: 'graph',
    selected: null,
  });

/** What is hurt if a cluster is lost, drawn on everything that moved. */
export const clusterLoss = (s: Partial<LineageState>, name: string): string =>
  lineageHref({
    ...s,
    roots: [],
    impact: false,
    path: null,
    compare: null,
    lose: [`cluster:${name}`],
    view: 'graph',
    selected: null,
  });

/** All that lies on one side of a node. */
export const allOf = (s: Partial<LineageState>, root: string, direction: Direction): string =>
  lineageHref({
    ...s,
    roots: [root],
    direction,
    depth: MAX_DEPTH,
    impact: false,
    path: null,
    lose: [],
    selected: null,
  });

/** The ways from one node to another. */
export const waysOf = (s: Partial<LineageState>, from: string, to: string): string =>
  lineageHref({ ...s, roots: [from], path: to, impact: false, lose: [], view: 'graph', selected: null });

export const isFlowId = (id: string): boolean => id.includes('->');
