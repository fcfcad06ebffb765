// The peer in the browser: React Flow as it comes, placed by dagre. It draws what graph.json says.
import { ReactFlow } from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { createRoot } from 'react-dom/client';
import { byDagre } from '../dagre.mjs';

const graph = (await (await fetch('/graph.json')).json()) as { nodes: string[]; edges: [number, number][] };
const places = byDagre(graph, 240, 76, 'network-simplex');
const nodes = graph.nodes.map((label, i) => ({
  id: String(i),
  position: { x: places[i]?.[0] ?? 0, y: places[i]?.[1] ?? 0 },
  width: 240,
  height: 76,
  data: { label },
}));
const edges = graph.edges.map(([a, b], i) => ({ id: `e${i}`, source: String(a), target: String(b) }));
const root = document.getElementById('root');
if (root) createRoot(root).render(<ReactFlow nodes={nodes} edges={edges} minZoom={0.1} fitView />);
