// Graphs that are the same in each run. Nodes of an even place are topics, of an odd one applications, and a flow joins
// one of each.

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function random(seed) {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const name = (i) => `shop.${i % 2 === 0 ? 'orders' : 'billing'}.v${i}`;

/** So many flows from a node to one of the other kind further down, about 1.2 for a node, each once. */
function graph(size, seed, pick) {
  const r = random(seed);
  const edges = new Map();
  for (let tries = 0; edges.size < 1.2 * size && tries < 50 * size; tries++) {
    const [a, b] = pick(r);
    if (a < b && b < size && (b - a) % 2 === 1) edges.set(`${a} ${b}`, [a, b]);
  }
  return { nodes: Array.from({ length: size }, (_, i) => name(i)), edges: [...edges.values()] };
}

/** Pipelines of 30 nodes with few flows between them. */
const pipelines = (size, seed) =>
  graph(size, seed, (r) => {
    const a = Math.floor(r() * size);
    const far = r() < 0.03;
    return [a, far ? Math.floor(r() * size) : Math.min(a + 1 + 2 * Math.floor(r() * 3), 30 * Math.floor(a / 30) + 29)];
  });

/** One part in which few nodes have most flows. */
const hubs = (size, seed) =>
  graph(size, seed, (r) => {
    const a = Math.floor(r() * r() * size * 0.7);
    return [a, a + 1 + Math.floor(r() * size * 0.3)];
  });

export const SIZES = [30, 100, 300, 1000];

/** The fixed set: of each size and shape three. */
export const fixedSet = () =>
  SIZES.flatMap((size) =>
    Object.entries({ pipelines, hubs }).flatMap(([shape, make]) =>
      [1, 2, 3].map((seed) => ({ size, shape, ...make(size, 1000 * seed + size) })),
    ),
  );

/** Crossings of straight lines from the right side of a card to the left side of another, as both are drawn. */
export function crossings({ edges }, places, width, height) {
  const lines = edges.map(([a, b]) => {
    const [from, to] = places[a][0] <= places[b][0] ? [places[a], places[b]] : [places[b], places[a]];
    return [from[0] + width, from[1] + height / 2, to[0], to[1] + height / 2];
  });
  const side = (ax, ay, bx, by, x, y) => Math.sign((bx - ax) * (y - ay) - (by - ay) * (x - ax));
  let n = 0;
  for (let i = 0; i < lines.length; i++)
    for (let j = i + 1; j < lines.length; j++) {
      const [a, b] = [lines[i], lines[j]];
      const apart = (x, p) => side(...x, p[0], p[1]) * side(...x, p[2], p[3]) < 0;
      if (apart(a, b) && apart(b, a)) n++;
    }
  return n;
}
