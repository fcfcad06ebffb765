// The page of one node or flow: its id and a window.
import { isFlowId } from './lineage';
import { formatQuery } from './query';
import { parseWindow, type WindowChoice, windowPairs } from './window';

export interface NodeState {
  /** Of a node or a flow; empty: none was named. */
  id: string;
  window: WindowChoice;
}

export function parseNode(search: string): NodeState {
  const q = new URLSearchParams(search);
  return { id: q.get('id') ?? '', window: parseWindow(q) };
}

export const formatNode = (s: NodeState): string =>
  formatQuery([...(s.id ? [['id', s.id] as const] : []), ...windowPairs(s.window)]);

/** The page of a node or a flow. */
export const nodePage = (id: string, window: WindowChoice): string => `/node${formatNode({ id, window })}`;

/** The nodes that it is about: a flow's two ends. */
export const endsOf = (id: string): string[] => (isFlowId(id) ? id.split('->').slice(0, 2) : id ? [id] : []);
