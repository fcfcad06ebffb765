// The catalog's state and its URL: filters, order and window. Where one has scrolled to is in none: rows come and go.
import type { FlowState, NodeKind, NodeOrder } from '../gql/graphql';
import { GOING, type Going } from '../words/going';
import { KIND_WORD } from '../words/words';
import { formatQuery } from './query';
import { initialWindow, parseWindow, type WindowChoice, windowPairs } from './window';

export interface CatalogState {
  text: string;
  kinds: NodeKind[];
  cluster: string | null;
  owner: string | null;
  tag: string | null;
  /** With a tag: also those that do not bear it, and to which it comes. */
  derived: boolean;
  /** With a flow that goes so; none: all. */
  states: Going[];
  /** null: best matches first, and by name where nothing is searched for. */
  order: NodeOrder | null;
  internal: boolean;
  window: WindowChoice;
}

export const initialCatalog: CatalogState = {
  text: '',
  kinds: [],
  cluster: null,
  owner: null,
  tag: null,
  derived: false,
  states: [],
  order: null,
  internal: false,
  window: initialWindow,
};

const KINDS = Object.keys(KIND_WORD) as NodeKind[];
/** How flows can go, those first that need somebody; that it is not known is one of them. */
export const STATES: Going[] = [...(Object.keys(GOING) as FlowState[]).map((s) => GOING[s]), 'unknown'];

/** A state as the server is asked for it. */
export const asked = (g: Going): FlowState | null =>
  (Object.keys(GOING) as FlowState[]).find((s) => GOING[s] === g) ?? null;

const ORDERS: NodeOrder[] = ['NAME', 'RATE', 'LAG', 'LAST_MOVED'];

/** Reads a query string. What it does not understand it leaves at its default, so that an old link still opens. */
export function parseCatalog(search: string): CatalogState {
  const q = new URLSearchParams(search);
  const kinds = (q.get('kind') ?? '').toUpperCase().split(',');
  const states = (q.get('state') ?? '').split(',');
  const order = q.get('order')?.toUpperCase() ?? null;
  return {
    text: q.get('q') ?? '',
    kinds: KINDS.filter((k) => kinds.includes(k)),
    cluster: q.get('cluster') || null,
    owner: q.get('owner') || null,
    tag: q.get('tag') || null,
    derived: q.get('derived') === '1' && q.has('tag'),
    states: STATES.filter((g) => states.includes(g)),
    order: ORDERS.find((o) => o === order) ?? null,
    internal: q.get('internal') === '1',
    window: parseWindow(q),
  };
}

export function formatCatalog(s: CatalogState): string {
  const pairs: [string, string][] = [];
  if (s.text) pairs.push(['q', s.text]);
  if (s.kinds.length > 0) pairs.push(['kind', s.kinds.join(',').toLowerCase()]);
  if (s.cluster) pairs.push(['cluster', s.cluster]);
  if (s.owner) pairs.push(['owner', s.owner]);
  if (s.tag) pairs.push(['tag', s.tag]);
  if (s.tag && s.derived) pairs.push(['derived', '1']);
  if (s.states.length > 0) pairs.push(['state', s.states.join(',')]);
  if (s.order) pairs.push(['order', s.order.toLowerCase()]);
  if (s.internal) pairs.push(['internal', '1']);
  // The window is always named: a link says what it shows even if our default changes.
  pairs.push(...windowPairs(s.window));
  return formatQuery(pairs);
}

export const catalogHref = (change: Partial<CatalogState>): string =>
  `/catalog${formatCatalog({ ...initialCatalog, ...change })}`;
