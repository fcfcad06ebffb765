// lineaged's layout beside dagre's, on the fixed set: processor time of one drawing, and crossings.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { byDagre } from './dagre.mjs';
import { crossings, fixedSet, SIZES } from './graphs.mjs';

export const WIDTH = 240;
export const HEIGHT = 76;

/** Where lineaged's server puts the cards of each graph, and the processor time of one drawing in nanoseconds. */
export function byServer(graphs) {
  const bench = fileURLToPath(new URL('../../bench', import.meta.url));
  const input = JSON.stringify(graphs.map(({ nodes, edges }) => ({ nodes, edges })));
  const ran = spawnSync('go', ['run', '-C', bench, '-trimpath', './layout'], { input, maxBuffer: 1 << 28 });
  if (ran.status !== 0) throw new Error(`the server's layout: ${ran.error ?? ran.stderr}`);
  return JSON.parse(ran.stdout);
}

/** A drawing, and the processor time of one in nanoseconds: warm, again and again for half a second, or once where that takes longer. */
function measured(draw) {
  const times = [];
  let drawn;
  for (let used = 0; used < 500_000 || (times.length < 3 && used < 2_000_000); ) {
    const from = process.cpuUsage();
    drawn = draw();
    const { user, system } = process.cpuUsage(from);
    used += user + system;
    times.push(user + system);
  }
  const warm = times.length > 1 ? times.slice(1) : times;
  return { drawn, cpu: (1000 * sum(warm)) / warm.length };
}

const sum = (of) => of.reduce((a, b) => a + b, 0);

/** dagre's rankers; its own default takes a minute for a thousand nodes with hubs. */
const rankersOf = (size) => (size > 300 ? ['longest-path'] : ['network-simplex', 'longest-path']);

/** Lines of the table, by size: the set's processor time and crossings, and the ratios. */
export function layoutRows() {
  const graphs = fixedSet();
  const ours = byServer(graphs);
  return SIZES.flatMap((size) => {
    const of = [...graphs.keys()].filter((i) => graphs[i].size === size);
    const rankers = rankersOf(size).map((ranker) => {
      const all = of.map((i) => ({ i, ...measured(() => byDagre(graphs[i], WIDTH, HEIGHT, ranker)) }));
      const crossed = sum(all.map(({ i, drawn }) => crossings(graphs[i], drawn, WIDTH, HEIGHT)));
      return { ranker, cpu: sum(all.map((a) => a.cpu)), crossed };
    });
    const cpu = sum(of.map((i) => ours[i].cpu));
    const crossed = sum(of.map((i) => crossings(graphs[i], ours[i].places, WIDTH, HEIGHT)));
    return rankers.flatMap((r) => [
      {
        work: `layout of ${size} nodes, processor time; dagre's ranker ${r.ranker}`,
        ours: `${(cpu / of.length / 1e6).toFixed(2)} ms`,
        peer: `${(r.cpu / of.length / 1e6).toFixed(1)} ms`,
        ratio: cpu / r.cpu,
        goal: size === 1000 ? 1 / 50 : undefined,
      },
      {
        work: `crossings of ${of.length} graphs of ${size} nodes; dagre's ranker ${r.ranker}`,
        ours: String(crossed),
        peer: String(r.crossed),
        ratio: crossed / r.crossed,
        goal: 1.2,
      },
    ]);
  });
}
