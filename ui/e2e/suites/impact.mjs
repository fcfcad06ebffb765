// What a node starves, ways between two nodes, the filter of evidence, and what is lit.
import { readFile } from 'node:fs/promises';
import { axeInBoth, check, must, page, until } from '../harness.mjs';
import { DEMO, exactly, topicId } from '../worlds.mjs';

const saved = async (link) => {
  const [file] = await Promise.all([page.waitForEvent('download'), link.click()]);
  return { name: file.suggestedFilename(), text: (await readFile(await file.path())).toString() };
};
const lit = () =>
  page.locator('.node.lit .node-card').evaluateAll((cards) => cards.map((c) => c.dataset.graphId).sort());

export async function impact(url) {
  await check('what is selected lights its whole way, and only what a replicator copies of it', async () => {
    await page.goto(`${url}/lineage?last=10m&selected=topic:west/payments`);
    await until('its ways are lit', async () => (await lit()).includes('topic:east/west.payments'));
    const ids = await lit();
    must(ids.includes('unidentified:west/payments'), `who writes it is not lit: ${ids}`);
    must(!ids.includes('topic:east/west.orders'), `what comes of another topic is lit: ${ids}`);
    must((await page.locator('.flow-label.lit').count()) >= 4, 'no flow is lit');
  });
  await starves(url, DEMO);
  await check('what is not measured has no time, and who owns what is starved is told', async () => {
    const text = await starved().textContent();
    must(text.includes('team-finance') && /lineage|owners/.test(text), 'no owners');
    const json = JSON.parse((await saved(starved().getByRole('link', { name: 'JSON' }))).text);
    must(
      json.hits.some((h) => h.afterSeconds === null && h.hops > 1),
      'what is not measured has a time',
    );
  });
  await outOf(DEMO);
  await ways(url, DEMO);
  await evidence(url, DEMO);
}

const starved = () => page.getByRole('complementary', { name: 'What it starves' });

/** All that hangs on a topic. */
export async function starves(url, world) {
  const [id, reader] = [topicId(world), new RegExp(`${exactly(world.reader.name)}$`)];
  await check('what a topic starves is lit in its order, listed with owners, and a link', async () => {
    await page.goto(`${url}/lineage?root=${id}&last=10m&selected=${id}`);
    await page.getByRole('complementary', { name: 'Node' }).getByRole('link', { name: 'What it starves' }).click();
    await page.waitForURL(/direction=downstream&depth=10&last=10m&impact=1$/);
    await page.getByRole('heading', { name: `What ${world.topic} starves`, level: 1 }).waitFor();
    const side = starved();
    await side.getByRole('button', { name: reader }).waitFor();
    must((await side.locator('.hit').count()) >= world.downstream, 'it lists too few');
    const text = await side.textContent();
    must(/after [\d.]+ (m?s|min)\b/.test(text), `no time is told: ${text}`);
    // Which of them are measured differs from start to start; that each says one or the other does not.
    const untold = (await side.locator('.hit').allTextContents()).filter(
      (row) => !/after ([\d.]+ |how long is not known)/.test(row),
    );
    must(untold.length === 0, `neither a time nor that it is not known: ${untold}`);
    must(/owner/.test(text), 'no owners');
    // A card has the number of its row.
    const step = await page.locator(`.node:has([data-graph-id="${world.reader.id}"]) .lit-step`).textContent();
    const row = await side.locator('.hit', { hasText: world.reader.name }).locator('.hit-step').textContent();
    must(step.endsWith(row), `the card says ${step}, the row ${row}`);
    await axeInBoth('what it starves');
  });
  await check('it is taken away as CSV and JSON, in the same order', async () => {
    const csv = await saved(starved().getByRole('link', { name: 'CSV' }));
    must(new RegExp(`^impact-${world.topic}-\\d{8}T\\d{6}Z\\.csv$`).test(csv.name), `it is called ${csv.name}`);
    must(csv.text.startsWith(`# lineaged-impact, version 1\r\n# root: ${id}\r\n`), csv.text.slice(0, 80));
    const json = JSON.parse((await saved(starved().getByRole('link', { name: 'JSON' }))).text);
    must(json.hits.length >= world.downstream, `${json.hits.length} hits`);
    must(json.coverage.blindSpots.length > 0, 'coverage is missing');
    const rows = csv.text.split('\r\n').filter((line) => line && !line.startsWith('#'));
    must(rows.length === 1 + json.hits.length, `${rows.length} lines for ${json.hits.length} hits`);
  });
}

/** From a row of what is starved to its node, and back. */
export async function outOf(world) {
  await check('by keyboard alone: a row opens its node, Escape leads back to the list and then out of it', async () => {
    const side = starved();
    await side.getByRole('button', { name: new RegExp(`${exactly(world.reader.name)}$`) }).focus();
    await page.keyboard.press('Enter');
    await page
      .getByRole('complementary', { name: 'Node' })
      .getByRole('heading', { name: world.reader.name, level: 2 })
      .waitFor();
    await page.keyboard.press('Escape');
    await side.waitFor();
    await page.keyboard.press('Escape');
    await side.waitFor({ state: 'detached' });
    must(!page.url().includes('impact'), `the link still says it: ${page.url()}`);
  });
}

/** The ways from a topic to a node. */
export async function ways(url, world) {
  const { topic, end } = world;
  await check('the ways between two nodes are listed with their times and lit; none reads as none', async () => {
    await page.goto(`${url}/lineage?root=topic:west/${topic}&path=${end.id}&last=10m`);
    const side = page.getByRole('complementary', { name: 'Ways' });
    await side.getByText('Yes, it can.').waitFor();
    await side.getByRole('button', { name: 'Way 1' }).click();
    await until('its nodes are lit', async () => String(await lit()).includes(end.by));
    must((await side.locator('.way').first().locator('.way-hops li').count()) === 3, 'it has another length');
    must((await lit()).length === 4, `lit is ${await lit()}`);
    await axeInBoth('ways');
    await page.goto(`${url}/lineage?root=${end.id}&path=topic:west/${topic}&last=10m`);
    await side.getByText(/No way in this window|It cannot be told/).waitFor();
    await page.goto(`${url}/lineage?root=topic:west/${topic}&path=topic:west/never-was&last=10m`);
    await page.getByText('no node topic:west/never-was').waitFor();
  });
}

/** What is known by one kind of evidence alone. */
export async function evidence(url, world) {
  await check('a filter of evidence is a link, and takes away what is known otherwise', async () => {
    await page.goto(`${url}/lineage?root=${topicId(world)}&last=10m`);
    await until('it is drawn', async () => (await page.locator('.node-card').count()) > world.nodes);
    await page.locator('.of-unidentified').first().waitFor();
    await page.getByRole('button', { name: 'All evidence' }).click();
    await page.getByRole('checkbox', { name: 'committed offsets' }).check();
    await page.waitForURL(/evidence=GROUP_OFFSETS/);
    await axeInBoth('filter of evidence');
    await page.keyboard.press('Escape');
    await until('no writer is left', async () => (await page.locator('.of-unidentified').count()) === 0);
    await page.getByRole('button', { name: 'committed offsets', exact: true }).waitFor();
    // Of everything that moved the filter holds as well, and stays when the root goes.
    await page.goto(`${url}/lineage?evidence=GROUP_OFFSETS&last=10m`);
    await until('readers alone', async () => (await page.locator('.node-card').count()) > world.readers);
    must((await page.locator('.of-unidentified').count()) === 0, 'a writer that is known otherwise is drawn');
    await page.goto(`${url}/lineage?evidence=AUDIT_LOG&last=10m`);
    await page.getByText('No flow is known by this evidence.').waitFor();
    await page.locator('.ways').getByRole('link', { name: 'All evidence' }).click();
    await until('all of it', async () => (await page.locator('.of-unidentified').count()) > 0);
  });
}
