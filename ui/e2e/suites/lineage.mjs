// A lineage: its graph, its panels, its table, by mouse and by keyboard.
import { axe, axeInBoth, check, labels, must, page, until } from '../harness.mjs';
import { DEMO, exactly, flowId, topicId, writersId } from '../worlds.mjs';
import { covered } from './doubt.mjs';

const named = (world) => ({ t: exactly(world.topic), r: exactly(world.reader.name) });

export async function graph(url, world = DEMO) {
  const { t, r } = named(world);
  await check('its lineage opens from the table', async () => {
    await page.goto(`${url}/catalog?q=${world.topic}&kind=topic`);
    await page
      .getByRole('row', { name: new RegExp(`^${t} usage of ${t} Topic west`) })
      .getByRole('link', { name: world.topic, exact: true })
      .click();
    await page.waitForURL((u) => u.searchParams.get('root') === topicId(world));
    await page.getByRole('heading', { name: world.topic, level: 1 }).waitFor();
    await until('nodes and flows are drawn', async () => {
      return (await page.locator('.node-card').count()) >= 4 && (await labels().count()) >= 3;
    });
    await page.getByRole('button', { name: new RegExp(`^Topic ${t} ?, in west ?, root`) }).waitFor();
    await page.getByRole('button', { name: new RegExp(`^Unidentified writers writers of ${t}`) }).waitFor();
    await until('a rate on a flow', async () => (await labels().allInnerTexts()).some((t) => /\d\/s$/.test(t)));
  });
  await check('flows run from left to right', async () => {
    const x = async (name) => (await page.getByRole('button', { name }).boundingBox()).x;
    must(
      (await x(new RegExp(`^Unidentified writers writers of ${t}`))) < (await x(new RegExp(`^Topic ${t} ?, in west`))),
      'writers stand right of the topic',
    );
    must(
      (await x(new RegExp(`^Topic ${t} ?, in west`))) < (await x(new RegExp(`^Application .*${r}`))),
      'readers stand left of the topic',
    );
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

export async function panel(_url, world = DEMO) {
  const { t, r } = named(world);
  await check('a click on a flow shows chart, clients, evidence and coverage', async () => {
    await page.getByRole('button', { name: new RegExp(`^${t} to ${r}, reads`) }).click();
    await page.waitForURL((u) => u.searchParams.get('selected') === flowId(world));
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
    const clients = side.getByRole('region', { name: 'Clients' });
    must((await clients.locator('tbody tr').count()) > 0, 'no client');
    for (const said of world.client ?? []) await clients.getByText(said).first().waitFor();
    await side
      .getByText(/^seen from \d\d:\d\d:\d\d to/)
      .first()
      .waitFor();
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
    await page.getByRole('button', { name: new RegExp(`^Application .*${r}`) }).click();
    const side = page.getByRole('complementary', { name: 'Node' });
    await side.getByRole('link', { name: 'Open its lineage' }).waitFor();
    await side.getByRole('heading', { name: 'Groups' }).waitFor();
    if (world.members) await side.getByRole('row', { name: world.members }).waitFor();
    await axeInBoth('node panel');
    await side.getByRole('link', { name: 'Open its lineage' }).click();
    await page.getByRole('heading', { name: world.reader.name, level: 1 }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: world.topic, level: 1 }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
  });
}

export async function keyboard(_url, world = DEMO) {
  const { t, r } = named(world);
  const [root, writers] = [topicId(world), writersId(world)];
  await check('the graph is one tab stop, walked by arrows', async () => {
    const pane = page.getByRole('application', { name: /^Lineage graph/ });
    await pane.focus();
    await page.keyboard.press('Home');
    const label = () => page.evaluate(() => document.activeElement?.dataset.graphId ?? '');
    await until('the root has the focus', async () => (await label()) === root);
    await page.keyboard.press('ArrowLeft');
    await until('the flow to the left', async () => (await label()) === `${writers}->${root}`);
    await page.keyboard.press('ArrowLeft');
    await until('its writer', async () => (await label()) === writers);
    await page.keyboard.press('ArrowRight');
    await until('the flow again', async () => (await label()) === `${writers}->${root}`);
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Flow' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
    await until('the focus is back on the flow', async () => (await label()) === `${writers}->${root}`);
  });
  await check('t shows the same as a table', async () => {
    const flows = await labels().count();
    await page.keyboard.press('t');
    await page.waitForURL(/view=table/);
    await page.getByRole('region', { name: 'Lineage as tables' }).waitFor();
    const rows = await page.locator('.tables > section:first-child tbody tr').count();
    must(rows >= flows && rows > 0, `${rows} rows for ${flows} drawn flows`);
    await page.getByRole('button', { name: new RegExp(`${t} to ${r}`) }).click();
    await page
      .getByRole('complementary', { name: 'Flow' })
      .getByRole('heading', { name: /^Evidence/ })
      .waitFor();
  });
  await check('axe: table', () => axeInBoth('table'));
  await check('events of the window', async () => {
    await page.getByRole('button', { name: 'Events' }).click();
    await page.getByRole('heading', { name: new RegExp(`^Events of ${t}`) }).waitFor();
    await axe('events');
    await page.keyboard.press('t');
    await page.keyboard.press('t');
    await page.waitForURL((u) => !u.search.includes('view='));
  });
}

/** Far or near, beside a panel or alone: nothing that is said on a card reaches out of it. */
export async function held(url, world = DEMO) {
  await check('a card holds what stands on it, beside a panel too', async () => {
    const lineage = `${url}/lineage?root=${topicId(world)}&last=10m`;
    for (const [path, there] of [
      [lineage, '.flow-label'],
      [`${lineage}&selected=${flowId(world)}`, '.panel .facts'],
    ]) {
      await page.goto(path);
      await page.locator(there).first().waitFor();
      await page.locator(`[data-graph-id="${world.reader.id}"]`).waitFor();
      const over = await covered();
      must(over.length === 0, over.join('\n    '));
    }
  });
}
