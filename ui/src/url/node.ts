// The page of one node or flow: its id and a window.
import { columnOf, isFlowId } from './lineage';
import { formatQuery } from './query';
import { parseWindow, type WindowChoice, windowPairs } from './window';

export interface NodeState {
  /** Of a node or a flow; empty: none was named. */
  id: string;
  window: WindowChoice;
  /** The id of a column of the node; null: none is chosen. */
  column: string | null;
}

export function parseNode(search: string): NodeState {
  const q = new URLSearchParams(search);
  const id = q.get('id') ?? '';
  return { id, window: parseWindow(q), column: columnOf(q.get('column'), id) };
}

export const formatNode = (s: NodeState): string =>
  formatQuery([
    ...(s.id ? [['id', s.id] as const] : []),
    ...windowPairs(s.window),
    ...(s.column ? [['column', s.column] as const] : []),
  ]);

/** The page of a node or a flow. */
export const nodePage = (id: string, window: WindowChoice, column: string | null = null): string =>
  `/node${formatNode({ id, window, column: columnOf(column, id) })}`;

/** The nodes that it is about: a flow's two ends. */
export const endsOf = (id: string): string[] => (isFlowId(id) ? id.split('->').slice(0, 2) : id ? [id] : []);
