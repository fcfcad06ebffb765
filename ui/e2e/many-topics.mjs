// A catalog of thousands: the server's part of it, made up, for what looks at how the page shows so many.
import { page } from './harness.mjs';

/** A list of so many topics, a page at a time as the server has it: the cursor is the number of rows before it. */
export async function manyTopics(total) {
  const asked = { pages: 0, further: 0, most: 0, windows: new Set() };
  const window = { start: '2026-11-27T10:00:00Z', end: '2026-11-27T10:10:00Z' };
  const node = (i) => ({
    id: `topic:west/t${i}`,
    kind: 'TOPIC',
    name: `t${i}`,
    owner: i % 2 ? 'team-odd' : null,
    tags: [],
    cluster: { id: 'west', name: 'west' },
    internal: false,
    exists: true,
    partitions: 1,
    innerOf: null,
    lastMoved: i % 3 ? window.end : null,
    flowStates:
      i % 3
        ? [
            { state: 'STALLED', count: 1 },
            { state: 'MOVING', count: 60 },
          ]
        : [],
    rateIn: { detail: null, points: [{ at: window.start, value: i }] },
    rateOut: null,
    lagSeries: i % 3 ? { points: [{ at: window.start, value: null }] } : null,
  });
  await page.route('**/graphql', async (route) => {
    const { operationName, variables } = route.request().postDataJSON();
    if (!operationName.startsWith('Catalog') || operationName === 'CatalogSize') return route.continue();
    const from = Number(variables.after ?? 0);
    const to = Math.min(from + variables.first, total);
    asked.windows.add(JSON.stringify(variables.window));
    const edges =
      operationName === 'Catalog' ? Array.from({ length: to - from }, (_, i) => ({ node: node(from + i) })) : [];
    asked.pages += operationName === 'Catalog' ? 1 : 0;
    asked.further += variables.after ? 1 : 0;
    asked.most = Math.max(asked.most, edges.length);
    const coverage = {
      window,
      heldSince: null,
      complete: true,
      observedFraction: 1,
      gapCount: 0,
      stretchCount: 0,
      stretches: [],
      blindSpots: [],
    };
    const pageInfo = { endCursor: to > from ? String(to) : null };
    await route.fulfill({ json: { data: { nodes: { totalCount: total, unknown: 1667, coverage, pageInfo, edges } } } });
  });
  return asked;
}
