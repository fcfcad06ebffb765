// What a page costs its server: each document once, however many rows and cards the page has.
import { check, must, page } from '../harness.mjs';
import { flowId, topicId } from '../worlds.mjs';

/** Each page, what shows that its answer has come, and how many documents it asks: its own, and the bar of time's. */
const PAGES = (world) => [
  ['/?', 'h1', 9],
  ['/catalog?', '[data-row]', 3],
  [`/lineage?root=${topicId(world)}&`, '.node-card', 2],
  [`/lineage?root=${topicId(world)}&view=table&selected=${flowId(world)}&`, '.panel .facts', 3],
  ['/lineage?view=events&', '.lineage-view tbody tr', 3],
  [`/node?id=${topicId(world)}&`, '.facts', 6], // what is said of it, and its columns, are asked more seldom than the rest
  [`/node?id=${flowId(world)}&`, '.facts', 3],
  [`/usage?topic=${topicId(world)}&`, '.usage-links', 2],
  [`/reports?report=usage&topic=${topicId(world)}&`, '.usage-sum', 2],
];

/** In a window of the past, which nothing changes, a page asks when it opens, and never again. */
export async function requests(url, world, start, end) {
  await check('a page asks each of its documents once, and few of them', async () => {
    for (const [path, ready, most] of PAGES(world)) {
      const asked = [];
      const onRequest = (r) => r.url().endsWith('/graphql') && asked.push(r.postDataJSON().operationName);
      await page.goto('about:blank');
      page.on('request', onRequest);
      await page.goto(`${url}${path}start=${start}&end=${end}`);
      await page.locator(ready).first().waitFor();
      await page.waitForLoadState('networkidle');
      page.off('request', onRequest);
      const again = asked.filter((name, i) => asked.indexOf(name) !== i);
      must(again.length === 0, `${path} asks more than once for ${again}`);
      must(asked.length > 0 && asked.length <= most, `${path} asks ${asked.length} documents: ${asked}`);
    }
  });
}
