// The overview's state and its URL.
import type { NodeKind, NodeOrder } from '../gql/graphql';
import { KIND_WORD } from '../words/words';
import { formatQuery } from './query';

export interface OverviewState {
  text: string;
  kinds: NodeKind[];
  cluster: string | null;
  /** null: best matches first. */
  order: NodeOrder | null;
  internal: boolean;
  /** The cursor after which the page starts. */
  after: string | null;
}

const KINDS = Object.keys(KIND_WORD) as NodeKind[];
const ORDERS: NodeOrder[] = ['NAME', 'RATE', 'LAG', 'LAST_MOVED'];

export function parseOverview(search: string): OverviewState {
  const q = new URLSearchParams(search);
  const kinds = (q.get('kind') ?? '').toUpperCase().split(',');
  const order = q.get('order')?.toUpperCase() ?? null;
  return {
    text: q.get('q') ?? '',
    kinds: KINDS.filter((k) => kinds.includes(k)),
    cluster: q.get('cluster') || null,
    order: ORDERS.find((o) => o === order) ?? null,
    internal: q.get('internal') === '1',
    after: q.get('after') || null,
  };
}

export function formatOverview(s: OverviewState): string {
  const pairs: [string, string][] = [];
  if (s.text) pairs.push(['q', s.text]);
  if (s.kinds.length > 0) pairs.push(['kind', s.kinds.join(',').toLowerCase()]);
  if (s.cluster) pairs.push(['cluster', s.cluster]);
  if (s.order) pairs.push(['order', s.order.toLowerCase()]);
  if (s.internal) pairs.push(['internal', '1']);
  if (s.after) pairs.push(['after', s.after]);
  return formatQuery(pairs);
}
