// A lineage: its graph, its panels, its table, by mouse and by keyboard.
import { axe, axeInBoth, check, labels, must, page, until } from '../harness.mjs';

export async function graph(url) {
  await check('its lineage opens from the table', async () => {
    await page.goto(`${url}/catalog?q=orders&kind=topic`);
    await page
      .getByRole('row', { name: /^orders usage of orders Topic west/ })
      .getByRole('link', { name: 'orders', exact: true })
      .click();
    await page.waitForURL(/\/lineage\?root=topic:west\/orders/);
    await page.getByRole('heading', { name: 'orders', level: 1 }).waitFor();
    await until('nodes and flows are drawn', async () => {
      return (await page.locator('.node-card').count()) >= 4 && (await labels().count()) >= 3;
    });
    await page.getByRole('button', { name: /^Topic orders ?, in west ?, root/ }).waitFor();
    await page.getByRole('button', { name: /^Unidentified writers writers of orders/ }).waitFor();
    await until('a rate on a flow', async () => (await labels().allInnerTexts()).some((t) => /\d\/s$/.test(t)));
  });
  await check('flows run from left to right', async () => {
    const x = async (name) => (await page.getByRole('button', { name }).boundingBox()).x;
    must(
      (await x(/^Unidentified writers writers of orders/)) < (await x(/^Topic orders ?, in west/)),
      'writers stand right of the topic',
    );
    must((await x(/^Topic orders ?, in west/)) < (await x(/^Application billing/)), 'readers stand left of the topic');
  });
  await check('every answer says what was observed', async () => {
    const badge = page.locator('.notices .badge');
    must(/observed/.test(await badge.textContent()), 'no coverage badge');
    await badge.click();
    await page.getByRole('region', { name: 'Coverage' }).getByText('blind spot').first().waitFor();
    await badge.click();
  });
  await check('axe: lineage graph', () => axeInBoth('graph'));
}

export async function panel() {
  await check('a click on a flow shows chart, clients, evidence and coverage', async () => {
    await page.getByRole('button', { name: /^orders to billing, reads/ }).click();
    await page.waitForURL(/selected=topic:west\/orders-%3Eapplication/);
    const side = page.getByRole('complementary', { name: 'Flow' });
    await side
      .getByRole('img', { name: /^Records per second\. records: from/ })
      .locator('canvas')
      .waitFor();
    await side
      .getByRole('img', { name: /^Records behind\./ })
      .locator('canvas')
      .waitFor();
    const drawn = await side
      .locator('canvas')
      .first()
      .evaluate((c) => {
        const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
        return data.some((v) => v !== 0);
      });
    must(drawn, 'the chart is empty');
    await side.getByRole('heading', { name: /^Evidence/ }).waitFor();
    await side.getByText('committed offsets', { exact: false }).first().waitFor();
    await side.getByRole('heading', { name: /^Clients/ }).waitFor();
    must((await side.getByRole('region', { name: 'Clients' }).locator('tbody tr').count()) > 0, 'no client');
    await side.getByRole('heading', { name: /^Coverage/ }).waitFor();
  });
  await check('axe: flow panel', () => axeInBoth('flow panel'));
  await check('what was not observed looks so', async () => {
    // In the demo's past lineaged was out for some minutes, of nine hours ago: less than a step of a day's chart may be.
    const shown = new URL(page.url());
    shown.searchParams.set('last', '24h');
    await page.goto(shown.href);
    const side = page.getByRole('complementary', { name: 'Flow' });
    const chart = side.getByRole('figure').filter({ hasText: /^Records per second/ });
    await chart.getByText(/Hatched: not observed \(one span\)/).waitFor();
    const at = (hours) => `${new Date(Date.now() - hours * 3_600_000).toISOString().slice(0, 19)}Z`;
    shown.searchParams.delete('last');
    shown.searchParams.set('start', at(10));
    shown.searchParams.set('end', at(8));
    await page.goto(shown.href);
    await chart.getByText(/Hatched: not observed/).waitFor();
    await side.getByText('Values').first().click();
    await side.getByRole('region', { name: 'Records per second: values' }).getByText('not observed').first().waitFor();
    await page.goBack();
    await page.goBack();
  });
  await check('a reload and the back button restore the state', async () => {
    const here = page.url();
    await page.reload();
    await page
      .getByRole('complementary', { name: 'Flow' })
      .getByRole('heading', { name: /^Evidence/ })
      .waitFor();
    must(page.url() === here, `the URL changed: ${page.url()}`);
    await page.goBack();
    await page.waitForURL((u) => !u.search.includes('selected='));
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await page.goForward();
    await page.getByRole('complementary', { name: 'Flow' }).waitFor();
  });
  await check('a node offers its own lineage', async () => {
    await page.getByRole('button', { name: /^Application billing/ }).click();
    const side = page.getByRole('complementary', { name: 'Node' });
    await side.getByRole('link', { name: 'Open its lineage' }).waitFor();
    await side.getByRole('heading', { name: 'Groups' }).waitFor();
    await axeInBoth('node panel');
    await side.getByRole('link', { name: 'Open its lineage' }).click();
    await page.getByRole('heading', { name: 'billing', level: 1 }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'orders', level: 1 }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
  });
}

export async function keyboard() {
  await check('the graph is one tab stop, walked by arrows', async () => {
    const pane = page.getByRole('application', { name: /^Lineage graph/ });
    await pane.focus();
    await page.keyboard.press('Home');
    const label = () => page.evaluate(() => document.activeElement?.dataset.graphId ?? '');
    await until('the root has the focus', async () => (await label()) === 'topic:west/orders');
    await page.keyboard.press('ArrowLeft');
    await until('the flow to the left', async () => (await label()) === 'unidentified:west/orders->topic:west/orders');
    await page.keyboard.press('ArrowLeft');
    await until('its writer', async () => (await label()) === 'unidentified:west/orders');
    await page.keyboard.press('ArrowRight');
    await until('the flow again', async () => (await label()) === 'unidentified:west/orders->topic:west/orders');
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Flow' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await until(
      'the focus is back on the flow',
      async () => (await label()) === 'unidentified:west/orders->topic:west/orders',
    );
  });
  await check('t shows the same as a table', async () => {
    const flows = await labels().count();
    await page.keyboard.press('t');
    await page.waitForURL(/view=table/);
    await page.getByRole('region', { name: 'Lineage as tables' }).waitFor();
    const rows = await page.locator('.tables > section:first-child tbody tr').count();
    must(rows >= flows && rows > 0, `${rows} rows for ${flows} drawn flows`);
    await page.getByRole('button', { name: /orders to billing/ }).click();
    await page
      .getByRole('complementary', { name: 'Flow' })
      .getByRole('heading', { name: /^Evidence/ })
      .waitFor();
  });
  await check('axe: table', () => axeInBoth('table'));
  await check('events of the window', async () => {
    await page.getByRole('button', { name: 'Events' }).click();
    await page.getByRole('heading', { name: /^Events of orders/ }).waitFor();
    await axe('events');
    await page.keyboard.press('t');
    await page.keyboard.press('t');
    await page.waitForURL((u) => !u.search.includes('view='));
  });
}
