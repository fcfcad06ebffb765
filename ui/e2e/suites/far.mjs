// A picture from afar, and one picture after the other: what can be read, and who stays where they were.
import { axeInBoth, check, must, page, until } from '../harness.mjs';

const cards = () => page.locator('.node-card');
const places = () =>
  page.locator('.node-card').evaluateAll((all) =>
    all.map((c) => {
      const { x, y, width } = c.getBoundingClientRect();
      return [c.dataset.graphId, x, y, width];
    }),
  );

/** How many captions there are, how small the smallest letters that are to be read, and which captions cover each other. */
const read = () =>
  page.evaluate(() => {
    const zoom = new DOMMatrixReadOnly(getComputedStyle(document.querySelector('.react-flow__viewport')).transform).a;
    const boxes = [...document.querySelectorAll('.caption')].map((c) => c.getBoundingClientRect());
    const over = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    const names = [...document.querySelectorAll('.node-name')].filter((n) => getComputedStyle(n).opacity !== '0');
    const size = (n, by) => Number.parseFloat(getComputedStyle(n).fontSize) * by;
    const letters = [
      ...names.map((n) => size(n, zoom)),
      ...[...document.querySelectorAll('.caption')].map((c) => size(c, 1)),
    ];
    return {
      zoom,
      captions: boxes.length,
      names: names.length,
      least: Math.min(...letters),
      covered: boxes.filter((b, i) => boxes.some((c, k) => k > i && over(b, c))).length,
    };
  });

/** When a node was seen first: the demo's day lies before its start, and that may be minutes ago. */
async function firstSeen(url, id) {
  const answer = await page.request.post(`${url}/graphql`, {
    data: { query: 'query FirstSeen($id: ID!) { node(id: $id) { firstSeen } }', variables: { id } },
  });
  return (await answer.json()).data.node.firstSeen;
}

export async function far(url) {
  await check('at every zoom names are readable, or what cards have in common stands in their place', async () => {
    await page.goto(`${url}/lineage?last=24h`);
    await cards().first().waitFor();
    await page.getByRole('button', { name: 'Fit the view' }).click();
    let axed = false;
    for (let step = 0; step < 12; step++) {
      const { zoom, captions, names, least, covered } = await read();
      must(captions > 0 !== names > 0, `zoom ${zoom}: ${captions} captions and ${names} names`);
      must(least >= 9.5, `zoom ${zoom}: letters of ${least} px`);
      must(covered === 0, `zoom ${zoom}: ${covered} captions cover each other`);
      if (captions > 0 && !axed) {
        axed = true;
        await axeInBoth('a graph from afar');
      }
      if (zoom < 0.04) break;
      await page.getByRole('button', { name: 'Zoom Out' }).click();
      await until('it is further', async () => (await read()).zoom < zoom);
    }
    must(axed, 'never far enough');
    await page.locator('.caption').first().click();
    await until('near', async () => (await read()).names > 0);
  });
  await check('what is cut leads to the map of groups', async () => {
    let late = false;
    await page.route('**/graphql', async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      if (body.data?.flows?.positions) Object.assign(body.data.flows, { truncated: true, totalNodes: 4812 });
      // What stands above the map comes after it, as it may on a busy machine.
      if (body.data?.findings) await new Promise((r) => setTimeout(r, 1500));
      late ||= body.data?.findings !== undefined;
      await route.fulfill({ response, json: body });
    });
    await page.goto(`${url}/lineage?last=1h`);
    await page.getByRole('link', { name: 'As a map of groups' }).click();
    await page.waitForURL(/\/\?last=1h#map/);
    await page.getByRole('heading', { name: 'Wrong or new' }).waitFor();
    must(late, 'what is above the map came before it');
    await until('the map is in sight', async () => {
      const { y } = await page.getByRole('heading', { name: 'Map of all flows' }).boundingBox();
      return y >= 0 && y < 600;
    });
  });
  await check(
    'in the picture of everything nobody goes further than a card is wide while the window passes what is new',
    async () => {
      // Refunds, with what reads and writes them, begin in the middle of the demo's day.
      const began = Date.parse(await firstSeen(url, 'topic:west/refunds'));
      const at = (minutes) => new Date(began + minutes * 60_000).toISOString().replace(/\.\d+/, '');
      const link = (minutes) => `/lineage?start=${at(minutes - 10)}&end=${at(minutes)}`;
      await page.goto(url + link(-3));
      await cards().first().waitFor();
      await page.getByRole('button', { name: 'Fit the view' }).click();
      await until('all of it is in sight', async () => (await places()).length > 20);
      const inAll = async () => Number(/(\d+) nodes/.exec(await page.locator('.notices').innerText())?.[1]);
      const [before, nodes] = [new Map((await places()).map(([id, ...p]) => [id, p])), await inAll()];
      for (const minutes of [2, 6, 10]) {
        await page.evaluate((href) => history.pushState(null, '', href), link(minutes));
        await until(
          'another window',
          async () => (await page.locator('.lineage-view').getAttribute('aria-busy')) === 'false',
        );
      }
      await until('more nodes', async () => (await inAll()) > nodes);
      const stayed = (await places()).filter(([id]) => before.has(id));
      must(stayed.length > 20, `only ${stayed.length} stay`);
      for (const [id, x, y, width] of stayed) {
        const [wasX, wasY] = before.get(id);
        must(Math.hypot(x - wasX, y - wasY) <= width, `${id} went from ${wasX},${wasY} to ${x},${y}`);
      }
      await page.getByRole('button', { name: 'Arrange anew' }).click();
      await page.getByRole('button', { name: 'Arrange anew' }).waitFor({ state: 'detached' });
    },
  );
}
