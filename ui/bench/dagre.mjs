// The peer's layout: dagre, as its users call it for React Flow.
import dagre from '@dagrejs/dagre';

/** Places by dagre: the upper left corner of each card, in the order of the nodes. */
export function byDagre({ nodes, edges }, width, height, ranker) {
  const g = new dagre.graphlib.Graph();
  g.setGraph({ rankdir: 'LR', nodesep: 24, ranksep: 120, ranker });
  g.setDefaultEdgeLabel(() => ({}));
  for (const i of nodes.keys()) g.setNode(String(i), { width, height });
  for (const [a, b] of edges) g.setEdge(String(a), String(b));
  dagre.layout(g);
  return nodes.map((_, i) => {
    const { x, y } = g.node(String(i));
    return [x - width / 2, y - height / 2];
  });
}
