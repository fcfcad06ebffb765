// What somebody who comes new to it stumbled over once: each is a check, so that nobody does again.
import { check, lineageUrl, must, page, until } from '../harness.mjs';

const changed = () => page.getByRole('region', { name: 'What changed' });
const asked = (request) => request.postDataJSON()?.query?.match(/query (\w+)/)?.[1];

export async function newcomer(url) {
  await check('the overview asks for its clusters with the rest, and once for each other part', async () => {
    const all = [];
    const note = (request) =>
      request.url().endsWith('/graphql') && request.method() === 'POST' && all.push(asked(request));
    page.on('request', note);
    await page.goto(url);
    await page.getByRole('row', { name: /^west/ }).locator('.spark path').last().waitFor({ state: 'attached' });
    await page.getByRole('link', { name: /^All \d+ nodes$/ }).waitFor();
    await changed()
      .getByText(/ against /)
      .waitFor();
    const map = page.getByRole('region', { name: 'Map of all flows, drawn' });
    const [inside, room] = await map.evaluate((m) => [m.scrollWidth, m.clientWidth]);
    must(inside <= room, `the map of the demo is ${inside} px wide, and there are ${room}`);
    page.off('request', note);
    const others = all.filter((name) => name !== 'Overview' && name !== 'LineageVersion').sort();
    const want = ['CatalogSize', 'Changes', 'ClusterSpellings', 'GroupedMap', 'Storage', 'SuggestedJoins', 'Timeline'];
    must(others.join() === want.join(), `it asked ${others}`);
  });
  await check('what changed is compared with what data is held of, or it is said why not and what can be', async () => {
    must((await changed().getByLabel('since').inputValue()) === 'hour', 'a day before is asked of a day of data');
    must(
      !(await changed()
        .getByText(/^Nothing was observed/)
        .count()),
      'it can not be answered',
    );
    await changed().getByLabel('since').selectOption('week');
    await changed()
      .getByText(/^Nothing was observed then: data is held since/)
      .waitFor();
    await changed().getByRole('button', { name: 'Compare with the hour before' }).click();
    await page.waitForURL(/against=hour/);
    await changed()
      .getByText(/ against /)
      .waitFor();
  });
  await check('a window in the future is told once', async () => {
    const hours = (n) => new Date(Date.now() + n * 3_600_000).toISOString();
    await page.goto(`${url}/?start=${hours(24)}&end=${hours(25)}`);
    await page
      .getByRole('alert')
      .getByText(/is in the future/)
      .waitFor();
    must((await page.getByRole('alert').count()) === 1, 'it is told more than once');
    must((await page.getByRole('region', { name: 'Busiest topics' }).count()) === 0, 'parts stand there empty');
  });
  await check('a report that is live follows, and one of no topic says where to go', async () => {
    await page.goto(`${url}/usage?topic=topic:west/customers&last=10m`);
    const of = page.locator('.usage-head b').first();
    const first = await of.innerText();
    await until('the report follows', async () => (await of.innerText()) !== first);
    await page.goto(`${url}/usage?topic=application:shop/billing`);
    await page.getByRole('main').getByRole('link', { name: 'its lineage' }).click();
    await page.waitForURL(/\/lineage\?root=application:shop\/billing/);
  });
  await check('from a topic’s lineage it is one step to who used it and what it starves', async () => {
    await page.goto(lineageUrl(url, 'topic:west/orders'));
    await page.locator('.node-rates').first().waitFor();
    const over = await page
      .locator('.node-rates')
      .evaluateAll((all) => all.filter((r) => r.scrollWidth > r.clientWidth).map((r) => r.textContent));
    must(over.length === 0, `figures stand out of their cards: ${over}`);
    await page.getByRole('link', { name: 'who used it', exact: true }).click();
    await page.getByRole('heading', { name: 'Who used orders' }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'what it starves', exact: true }).click();
    await page.getByRole('complementary', { name: 'What it starves' }).waitFor();
  });
  await check('on a phone the cards of a lineage end before the edge', async () => {
    for (const width of [390, 320]) {
      await page.setViewportSize({ width, height: 740 });
      await page.goto(lineageUrl(url, 'topic:west/orders'));
      const card = await page.locator('.hop-here').boundingBox();
      must(card.x >= 8 && card.x + card.width <= width - 8, `from ${card.x} to ${card.x + card.width} at ${width}`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  });
}
