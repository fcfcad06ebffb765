// The usage report of a topic, pages of nodes and flows, and links that lead nowhere any more.
import { readFile } from 'node:fs/promises';
import { axeInBoth, check, fact, must, page, until } from '../harness.mjs';
import { DEMO, exactly } from '../worlds.mjs';

const saved = async (link) => {
  const [file] = await Promise.all([page.waitForEvent('download'), link.click()]);
  return { name: file.suggestedFilename(), text: (await readFile(await file.path())).toString() };
};

export async function usage(url) {
  await check('an auditor comes from the catalog to who used a topic, in a past window with its gap', async () => {
    await page.goto(`${url}/catalog?q=payments&kind=topic&last=24h`);
    await page.getByRole('link', { name: 'usage of payments', exact: true }).first().click();
    await page.waitForURL(/\/usage\?topic=topic:west\/payments&last=24h$/);
    await page.getByRole('heading', { name: 'Who used payments', level: 1 }).waitFor();
    const readers = page.getByRole('region', { name: 'Readers' });
    await readers.getByRole('link', { name: 'billing', exact: true }).waitFor();
    // In the demo's past lineaged was out for some minutes, and nobody may take that for rest.
    const seen = page.getByRole('region', { name: 'Observed' });
    must((await seen.locator('.hole').count()) > 0, 'the gap is no hole in the strip');
    must(/not observed: /.test(await seen.textContent()), 'the gap has no reason');
    await page.getByRole('region', { name: 'Blind spots' }).getByText('Remedy:').first().waitFor();
    await page.getByRole('region', { name: 'Permitted' }).waitFor();
    await axeInBoth('usage');
  });
  await check('it is taken away with its gap and its blind spots', async () => {
    const csv = await saved(page.getByRole('link', { name: 'CSV', exact: true }));
    must(/^usage-payments-\d{8}T\d{6}Z\.csv$/.test(csv.name), `it is called ${csv.name}`);
    for (const part of ['# coverage: not complete', '# gap: ', '# blind spot: ', ',application:shop/billing,']) {
      must(csv.text.includes(part), `the CSV has no ${part}`);
    }
    const json = JSON.parse((await saved(page.getByRole('link', { name: 'JSON', exact: true }))).text);
    must(json.coverage.gaps.length > 0 && json.readers.length > 0, 'the JSON has no gaps or no readers');
  });
  await check('what of it stands in the ledger is taken away with its proofs', async () => {
    const proof = page.getByRole('region', { name: 'Proof' });
    await proof.getByText(/this window stands in the ledger/).waitFor();
    const bundle = await saved(proof.getByRole('link', { name: 'Take the proof away' }));
    must(/^ledger-payments-\d{8}T\d{6}Z\.lineaged-bundle$/.test(bundle.name), `it is called ${bundle.name}`);
    const head = JSON.parse(bundle.text.split('\n')[0]);
    must(head.topic === 'topic:west/payments' && head.checkpoint.startsWith('lineaged.dev/ledger/'), 'it is no bundle');
    must(bundle.text.includes('"node":"application:shop/billing"'), 'who read it is not in it');
  });
  await check('on paper there are the report and no buttons', async () => {
    await page.emulateMedia({ media: 'print' });
    must(await page.getByRole('heading', { name: 'Who used payments' }).isVisible(), 'its title is not printed');
    must(!(await page.locator('.usage-links').isVisible()), 'buttons are printed');
    await page.emulateMedia({ media: 'screen' });
  });
  await pages(url, { ...DEMO, topic: 'payments' });
  await leadsOn(url);
}

/** A topic's page, the page of a flow from it, and its charts. */
export async function pages(url, world) {
  const { topic, reader } = world;
  await check('a node and a flow are pages too, and from the topic it is one step to its users', async () => {
    await page.goto(`${url}/node?id=topic:west/${topic}&last=1h`);
    const node = page.getByRole('article', { name: 'Node' });
    await node.getByRole('heading', { name: 'On disk' }).waitFor();
    await node
      .getByRole('img', { name: /^Retained bytes/ })
      .locator('canvas')
      .waitFor();
    await node.getByRole('link', { name: 'Who used it', exact: true }).waitFor();
    await node.getByRole('region', { name: 'What happened' }).waitFor();
    const permitted = node.getByRole('region', { name: 'Permitted' });
    await permitted.getByText(world.permitted).waitFor();
    await axeInBoth('page of a node');
    must(/^\d+$/.test(await fact(node, 'Partitions')), `partitions: ${await fact(node, 'Partitions')}`);
    await node.getByRole('button', { name: new RegExp(`^${exactly(reader.name)}`) }).click();
    await page.waitForURL((u) => u.searchParams.get('id') === `topic:west/${topic}->${reader.id}`);
    await page
      .getByRole('article', { name: 'Flow' })
      .getByRole('heading', { name: /^Evidence/ })
      .waitFor();
  });
  await check('what is dragged over in a chart becomes the window', async () => {
    const plot = page.getByRole('img', { name: /^Records per second/ });
    await plot.locator('canvas').waitFor();
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.locator('.u-over').boundingBox();
    await page.mouse.move(box.x + box.width * 0.3, box.y + 40);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, box.y + 40, { steps: 5 });
    await page.mouse.up();
    await page.waitForURL(/start=[^&]+&end=/);
    const q = new URL(page.url()).searchParams;
    const minutes = (Date.parse(q.get('end')) - Date.parse(q.get('start'))) / 60_000;
    must(minutes > 15 && minutes < 22, `three tenths of an hour are ${minutes} minutes`);
  });
}

async function leadsOn(url) {
  await check('links to what is gone, to before the data, and mangled ones say so and lead on', async () => {
    for (const [path, says] of [
      ['/node?id=topic:west/never-was&last=10m', 'no node topic:west/never-was'],
      ['/node?id=nonsense&last=10m', /nonsense/],
      ['/node', 'This link names none.'],
      ['/usage', 'This link names no topic.'],
      ['/usage?topic=topic:west/never-was', 'no node topic:west/never-was'],
      ['/usage?topic=application:shop/billing', /not a topic|no topic/],
      ['/usage?topic=topic:west/orders&at=2020-01-01T00:00:00Z', 'This window is before the data.'],
      ['/node?id=topic:west/orders&at=2020-01-01T00:00:00Z', 'This window is before the data.'],
      ['/lineage?root=topic:west/orders&last=soon&depth=99', /This link says .*last=soon/],
    ]) {
      await page.goto(url + path);
      await page.getByText(says).first().waitFor();
      must((await page.locator('main a, main button').count()) > 0, `${path}: nothing leads on`);
    }
    await until('nothing is wider than the page at 320 px', async () => {
      await page.setViewportSize({ width: 320, height: 700 });
      await page.goto(`${url}/usage?topic=topic:west/payments&last=24h`);
      await page.getByRole('region', { name: 'Readers' }).waitFor();
      return (await page.evaluate(() => document.documentElement.scrollWidth)) <= 320;
    });
    await page.setViewportSize({ width: 1440, height: 900 });
  });
}
