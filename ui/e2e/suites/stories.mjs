// Three people who come with a question and no manual. Each story is told on the demo and, by internal/acceptance, on a
// real Kafka. A world says what there is: topic, group, who starves (or null), what it says of the group, and a time in
// the past with a gap in it.
import { readFile } from 'node:fs/promises';
import { axe, check, must, page, until } from '../harness.mjs';

async function saved(link) {
  const [file] = await Promise.all([page.waitForEvent('download'), link.click()]);
  return (await readFile(await file.path())).toString();
}

/** From the first page to a topic's lineage, by the search alone. */
async function find(url, topic) {
  await page.goto(url);
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: /^Search/ }).waitFor();
  await page.keyboard.type(topic);
  await page
    .getByRole('option', { name: new RegExp(`^${topic} Topic, west`) })
    .first()
    .click();
}

/** An operator on call: what broke, since when, whom it starves; the link is sent to a colleague, who sees the same. */
export async function onCall(url, world) {
  await check('on call: from the overview to who broke, since when, and whom it starves', async () => {
    await page.goto(url);
    const wrong = page.getByRole('region', { name: 'Wrong or new' });
    const finding = wrong.getByRole('listitem').filter({ hasText: world.said });
    await finding.first().waitFor({ timeout: 120_000 });
    const text = await finding.first().innerText();
    must(text.includes(world.topic), `it does not name ${world.topic}: ${text}`);
    if (world.starves) must(text.includes(world.starves), `it does not say that ${world.starves} starves: ${text}`);
    await finding.first().getByRole('link').first().click();
    await page.waitForURL(/\/lineage\?.*selected=/);
    const side = page.getByRole('complementary', { name: 'Flow' });
    await side.getByText(world.state).first().waitFor();
    if (world.since)
      await side
        .getByText(/since|last read/i)
        .first()
        .waitFor();
  });
  await check('on call: the link is reopened elsewhere, and shows the same', async () => {
    const link = page.url();
    const seen = () =>
      page.locator('.node-card').evaluateAll((cards) =>
        cards
          .map((c) => c.dataset.graphId)
          .sort()
          .join(' '),
      );
    const before = await seen();
    await page.goto('about:blank');
    await page.goto(link);
    await page.getByRole('complementary', { name: 'Flow' }).getByText(world.state).first().waitFor();
    await until('the same nodes', async () => (await seen()) === before);
    await axe('a link from a colleague');
  });
}

/** An engineer who is about to change a topic: all that hangs on it in 30 days, and whose it is, as a file. */
export async function engineer(url, world) {
  await check(
    'engineer: all that is hurt by the change of a topic, in 30 days, is taken away with its owners',
    async () => {
      await find(url, world.topic);
      await page.waitForURL(/\/lineage\?root=/);
      const at = new URL(page.url());
      at.searchParams.set('last', '30d');
      at.searchParams.set('selected', at.searchParams.get('root'));
      await page.goto(at.href);
      await page.getByRole('complementary', { name: 'Node' }).getByRole('link', { name: 'What it starves' }).click();
      const side = page.getByRole('complementary', { name: 'What it starves' });
      for (const name of world.downstream) await side.getByRole('button', { name: new RegExp(`${name}$`) }).waitFor();
      const file = await saved(side.getByRole('link', { name: 'CSV' }));
      for (const name of world.downstream) must(file.includes(name), `${name} is not in the file`);
      must(
        /^# window:/m.test(file) && /^# (coverage|observed)/m.test(file),
        `no window or coverage: ${file.slice(0, 600)}`,
      );
      must(/not observed|before the data|gap/i.test(file), 'the file does not say that 30 days are not all held');
    },
  );
}

/** An auditor: who read a topic in a past window, with the gap in it, as a file. */
export async function auditor(url, world) {
  await check('auditor: who read a topic in a past window, with its gap, is taken away', async () => {
    await find(url, world.topic);
    await page.waitForURL(/\/lineage\?root=/);
    const at = new URL(page.url());
    at.searchParams.delete('last');
    at.searchParams.set('start', world.from);
    at.searchParams.set('end', world.to);
    at.searchParams.set('selected', at.searchParams.get('root'));
    await page.goto(at.href);
    await page
      .getByRole('complementary', { name: 'Node' })
      .getByRole('link', { name: 'Who used it', exact: true })
      .click();
    await page.waitForURL(/\/usage\?/);
    const readers = page.getByRole('region', { name: /^Readers/ });
    for (const name of world.readers) await readers.getByText(name).first().waitFor();
    await page.getByRole('region', { name: 'Observed' }).getByText(world.gap).first().waitFor();
    await axe('usage report');
    const file = await saved(page.getByRole('link', { name: 'CSV' }));
    for (const name of world.readers) must(file.includes(name), `${name} is not in the file`);
    must(world.gap.test(file), `the gap is not in the file: ${file.slice(0, 900)}`);
  });
}
