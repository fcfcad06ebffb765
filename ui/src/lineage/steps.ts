// Where an arrow key leads in the graph: along the flows to the left and right, among siblings up and down.
import type { Elements } from './elements';

export type Arrow = 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown';

/** The id of the node or flow that the key leads to; null: it stays. */
export function step({ nodes, edges }: Elements, from: string, key: Arrow): string | null {
  const edge = edges.find((e) => e.id === from);
  const y = new Map(nodes.map((n) => [n.id, n.position.y]));
  const byY =
    (end: 'source' | 'target') => (a: { source: string; target: string }, b: { source: string; target: string }) =>
      (y.get(a[end]) ?? 0) - (y.get(b[end]) ?? 0);
  if (edge) {
    if (key === 'ArrowRight') return edge.target;
    if (key === 'ArrowLeft') return edge.source;
    // Siblings: the flows of the same node, of that end where it has several.
    const out = edges.filter((e) => e.source === edge.source).sort(byY('target'));
    const siblings = out.length > 1 ? out : edges.filter((e) => e.target === edge.target).sort(byY('source'));
    return neighbour(siblings, from, key);
  }
  const node = nodes.find((n) => n.id === from);
  if (!node) return nodes[0]?.id ?? null;
  if (key === 'ArrowRight') return edges.filter((e) => e.source === from).sort(byY('target'))[0]?.id ?? null;
  if (key === 'ArrowLeft') return edges.filter((e) => e.target === from).sort(byY('source'))[0]?.id ?? null;
  const column = nodes.filter((n) => n.position.x === node.position.x).sort((a, b) => a.position.y - b.position.y);
  return neighbour(column, from, key);
}

function neighbour(list: readonly { id: string }[], from: string, key: Arrow): string | null {
  const i = list.findIndex((x) => x.id === from);
  return list[key === 'ArrowDown' ? i + 1 : i - 1]?.id ?? null;
}
