// The first page: what is wrong or new, the clusters, what moves most, what happened and changed, and the map.
import { axeInBoth, check, must, page, until } from '../harness.mjs';
import { DEMO } from '../worlds.mjs';

const findings = () => page.getByRole('region', { name: 'Wrong or new' });
const NOBODY = /Nobody reads orders for nightly-report any more: [\d,]+ records? waits?/;
const BEFORE = '/?start=2024-10-01T00:00:00Z&end=2024-10-01T01:00:00Z';

export async function overview(url) {
  await check('the overview says what stopped, since when, whose it is, and leads there', async () => {
    await page.goto(url);
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    const row = findings().getByRole('listitem').filter({ hasText: NOBODY });
    await row.getByText(NOBODY).waitFor({ timeout: 60_000 });
    const said = await row.innerText();
    must(/stopped/.test(said) && /since .* ago/.test(said) && said.includes('team-finance'), `it says ${said}`);
    must(/\d stopped/.test(await findings().getByRole('list', { name: 'How many' }).innerText()), 'no count of them');
    await row.getByRole('link').click();
    await page.waitForURL(
      /\/lineage\?root=application:shop\/nightly-report&last=\d+m&live=1&selected=topic:west\/orders/,
    );
    await page
      .getByRole('complementary')
      .getByText(/stopped/i)
      .first()
      .waitFor();
    await page.goBack();
  });
  await estate(url, DEMO);
  await atLength(url);
}

/** What there is and how it goes: clusters, what moves most, what happened and changed, the map. */
export async function estate(url, world) {
  await check('clusters have health, what is written to them, and what was seen', async () => {
    await page.goto(`${url}/?last=10m`);
    for (const cluster of world.clusters) {
      const row = page
        .getByRole('row')
        .filter({ has: page.getByRole('rowheader', { name: new RegExp(`^${cluster}`) }) });
      await until(`${cluster} is written`, async () => {
        const line = await row.locator('.spark path').last().getAttribute('d');
        return /\d\/s/.test(await row.locator('.cluster-line').innerText()) && line.length > 20;
      });
      await row.getByRole('button', { name: /observed/ }).click();
      await page
        .getByText(/blind spots?$/)
        .first()
        .waitFor();
      await row.getByRole('button', { name: /observed/ }).click();
    }
  });
  await check('what moves most, what happened and what changed is there', async () => {
    await page.getByRole('region', { name: 'Busiest topics' }).getByRole('link', { name: world.busiest }).waitFor();
    await page.getByRole('region', { name: 'Busiest applications' }).getByText(/\d\/s/).first().waitFor();
    await page.getByRole('region', { name: 'Furthest behind' }).getByRole('link', { name: world.behind }).waitFor();
    await page.getByRole('region', { name: 'What happened' }).getByText(world.happened).first().waitFor();
    const changed = page.getByRole('region', { name: 'What changed' });
    await changed.getByText(world.compared).first().waitFor();
    await changed.getByLabel('since').selectOption('visit');
    await page.waitForURL(/against=visit/);
    await changed.getByText(/first visit/).waitFor();
    await changed.getByLabel('since').selectOption('day');
  });
  await check('the map groups all flows, and a group leads to its members', async () => {
    const map = page.getByRole('region', { name: 'Map of all flows', exact: true });
    await map.getByRole('link', { name: world.owned }).waitFor();
    await map.getByRole('button', { name: 'Cluster' }).click();
    await page.waitForURL(/by=cluster/);
    const west = map.getByRole('link', { name: /\d+ topics west/ });
    must(/root=topic:west\/\S+root=topic:west\//.test(await west.getAttribute('href')), 'it leads to one node alone');
    must((await map.locator('.map-line').count()) >= world.lines, 'no flows are drawn');
    await axeInBoth('overview');
  });
  await check('all nodes are one click away, and counted', async () => {
    await page.goto(url);
    await until('the count', async () =>
      /^All \d+ nodes$/.test(await page.getByRole('link', { name: /^All \d/ }).textContent()),
    );
  });
  await check('by keyboard alone from the overview to what is wrong', async () => {
    await page.goto(url);
    await findings().getByRole('listitem').filter({ hasText: world.behind }).first().waitFor();
    await page.getByRole('link', { name: /^All \d/ }).focus();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/lineage\?root=.*selected=/);
  });
}

/** What only an answer changed on the way, or the demo's own past, has. */
async function atLength(url) {
  await check('that nothing was observed is said by all parts, and looks different', async () => {
    await page.goto(url + BEFORE);
    await findings().getByText('Nothing was observed.').waitFor();
    for (const name of ['Busiest topics', 'What happened', 'What changed', 'Map of all flows'])
      await page
        .getByRole('region', { name, exact: true })
        .getByText(/^Nothing was observed/)
        .waitFor();
    must(!(await page.getByText(/Nothing is wrong/).count()), 'it is told as health');
    await axeInBoth('nothing observed');
  });
  await check('nothing wrong is calm, and says that all was observed', async () => {
    await answerWith((f) => ({
      ...f,
      totalCount: 0,
      unknown: 0,
      byKind: [],
      edges: [],
      coverage: { ...f.coverage, complete: true, observedFraction: 1 },
    }));
    await page.goto(url);
    await findings().getByText('Nothing is wrong: all of the last 10 minutes was observed.').waitFor();
  });
  await check('many are grouped by kind, and the rest is a click away', async () => {
    await answerWith((f) => {
      const [first] = f.edges;
      const many = Array.from({ length: 12 }, (_, i) => ({ ...first, node: { ...first.node, id: `n${i}` } }));
      return { ...f, totalCount: 12, byKind: [{ kind: first.node.kind, count: 12 }], edges: many };
    });
    await page.goto(url);
    await findings().getByRole('heading', { name: '12 stopped' }).waitFor();
    must((await findings().locator('.finding').count()) === 4, 'more than the first stand there');
    await findings().getByRole('button', { name: '8 more stopped' }).click();
    must((await findings().locator('.finding').count()) === 12, 'not all are shown');
  });
  await check('the overview holds 390 and 320 px', async () => {
    for (const width of [390, 320]) {
      await page.setViewportSize({ width, height: 740 });
      await page.goto(url);
      await findings().getByText(NOBODY).waitFor();
      await page.getByRole('region', { name: 'Map of all flows', exact: true }).getByRole('link').first().waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      must(wide <= width, `${wide} px at ${width}`);
    }
    await axeInBoth('overview, phone');
    await page.setViewportSize({ width: 1440, height: 900 });
  });
}

/** Another answer about findings, made of the real one. */
async function answerWith(change) {
  await page.route('**/graphql', async (route) => {
    if (!route.request().postData()?.includes('query Overview')) return route.fallback();
    const response = await route.fetch();
    const body = await response.json();
    if (body.data?.findings) body.data.findings = change(body.data.findings);
    return route.fulfill({ response, json: body });
  });
}
