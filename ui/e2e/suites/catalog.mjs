// The catalog: every node in one list.
import { axeInBoth, check, must, PATIENCE, page, until } from '../harness.mjs';
import { manyTopics } from '../many-topics.mjs';
import { DEMO, exactly, topicId } from '../worlds.mjs';

const row = (name) => page.getByRole('row', { name });
const topicRow = ({ topic }) => row(new RegExp(`^${exactly(topic)} usage of ${exactly(topic)} Topic west`));

export async function catalog(url) {
  await listed(url, DEMO);
  await check('nodes are found by how their flows go, also by that it is not known, and the link says it', async () => {
    await page.goto(`${url}/catalog?q=nightly`);
    await row(/^nightly-report/)
      .getByText('stopped')
      .waitFor({ timeout: PATIENCE });
    await page.goto(`${url}/catalog?last=10m`);
    const total = async () => Number((await page.getByRole('status').first().textContent()).replace(/\D.*/, ''));
    await until('a count', async () => (await total()) > 0);
    const all = await total();
    await page.getByRole('combobox', { name: 'State' }).selectOption({ label: 'stopped' });
    await page.waitForURL(/state=stopped/);
    await until('fewer', async () => (await total()) > 0 && (await total()) < all);
    const said = await page.locator('.catalog-rows [data-row] td:nth-of-type(8)').allInnerTexts();
    must(said.length > 0 && said.every((s) => s.startsWith('stopped')), `states are ${said}`);
    await page.getByRole('link', { name: 'nightly-report', exact: true }).waitFor();
    await page.goto(`${url}/catalog?state=moving,unknown`);
    await until('both', async () => (await total()) > 0 && (await total()) < all);
    must(
      (await page.getByRole('combobox', { name: 'State' }).inputValue()) === 'moving,unknown',
      'the link has another filter than the field',
    );
  });
  await check('an owner in a row is a filter, which can be given up', async () => {
    await page.goto(`${url}/catalog`);
    await page
      .getByRole('button', { name: /^Only what .* owns$/ })
      .first()
      .click();
    await page.waitForURL(/owner=/);
    await page.getByRole('button', { name: /^owner .*: give up this filter$/ }).click();
    await page.waitForURL((u) => !u.search.includes('owner='));
  });
  await nothing(url, DEMO);
}

/** Every node in one list, and how it is filtered. */
export async function listed(url, world) {
  await check('the catalog lists every node with its rate, lag, state and when it moved last', async () => {
    await page.goto(`${url}/catalog?q=${world.topic}`);
    await page.getByRole('heading', { name: 'Catalog', level: 1 }).waitFor();
    await until('the topic has a rate', async () => {
      const cells = await topicRow(world).locator('td').allTextContents();
      return /\d\/s/.test(cells[3]) && /[a-z]/.test(cells[7]) && /now|ago/.test(cells[8]);
    });
    must(/^\d+ nodes, as of /.test(await page.getByRole('status').first().textContent()), 'no count');
    must((await page.locator('.catalog-head .badge').textContent()).includes('observed'), 'no coverage');
  });
  await check('axe: catalog', () => axeInBoth('catalog'));
  await check('on a laptop the catalog has room for names, and each row its height', async () => {
    const before = page.viewportSize();
    await page.setViewportSize({ width: 1280, height: 800 });
    try {
      await page.goto(`${url}/catalog?order=name`);
      const rows = page.locator('.catalog-rows [data-row]');
      await rows.first().waitFor();
      const odd = await rows.evaluateAll((all) =>
        all.flatMap((row) => {
          const name = row.querySelector('.node-link .cut');
          const cut = name && name.textContent.length <= 16 && name.scrollWidth > name.clientWidth;
          const height = Math.round(row.getBoundingClientRect().height);
          return cut || height !== 44 ? [`${name?.textContent}: ${height} px${cut ? ', cut' : ''}`] : [];
        }),
      );
      must(odd.length === 0, odd.join('; '));
    } finally {
      await page.setViewportSize(before);
    }
  });
  await check('filters, order and window are in the URL, and a reload keeps them', async () => {
    await page.getByLabel('Filter by name').fill(world.topic);
    await page.getByRole('button', { name: 'Topics' }).click();
    await page.getByRole('columnheader', { name: /^Lag/ }).getByRole('button').click();
    await page.waitForURL(new RegExp(`/catalog\\?q=${world.topic}&kind=topic&order=lag&last=10m$`));
    await page.reload();
    await until('topics only, in the order of their lag', async () => {
      const kinds = await page.locator('.catalog-rows [data-row] td:nth-of-type(1)').allInnerTexts();
      const sorted = await page.getByRole('columnheader', { name: /^Lag/ }).getAttribute('aria-sort');
      return kinds.length > 0 && kinds.every((k) => k === 'Topic') && sorted === 'descending';
    });
    must((await page.getByLabel('Filter by name').inputValue()) === world.topic, 'the text was lost');
  });
}

/** That nothing is there, and that nothing was seen. */
export async function nothing(url, world) {
  await check('that nothing matches and that nothing was observed look and read differently', async () => {
    await page.goto(`${url}/catalog?q=no-such-thing`);
    await page.locator('.empty.observed').getByText('Nothing matches.').waitFor();
    await page.goto(`${url}/catalog?q=${world.topic}&start=2001-01-01T00:00:00Z&end=2001-01-01T01:00:00Z`);
    await page.locator('.empty.not-observed').getByText('This window is before the data.').waitFor();
    await axeInBoth('catalog before the data');
    await page.getByRole('button', { name: 'The oldest data' }).click();
    await topicRow(world).waitFor();
  });
}

export async function manyNodes(url) {
  await check(
    '5,000 nodes: no row is dropped, few are in the page, and a hundred at most are asked for at once',
    async () => {
      const asked = await manyTopics(5000);
      await page.goto(`${url}/catalog?order=name`);
      await row(/^t0 usage of t0 Topic west/).waitFor();
      // The same page is asked for anew when the window has moved on; another one is never.
      must(asked.pages > 0 && asked.further === 0, `${asked.further} pages more than what is in sight`);
      const found = await page.evaluate(async () => {
        const box = document.querySelector('.catalog-rows');
        const seen = new Set();
        let most = 0;
        for (let y = 0; y < box.scrollHeight; y += box.clientHeight - 100) {
          box.scrollTop = y;
          const bottom = Math.min(4999, Math.floor((box.scrollTop + box.clientHeight - 40) / 44));
          do await new Promise(requestAnimationFrame);
          while (!box.querySelector(`[data-row="${bottom}"]`) || box.querySelector('.coming'));
          const all = [...box.querySelectorAll('[data-row]')];
          most = Math.max(most, all.length);
          for (const r of all)
            if (r.querySelector('.node-link').textContent === `t${r.dataset.row}`) seen.add(r.dataset.row);
        }
        return { seen: seen.size, most };
      });
      must(found.seen === 5000 && found.most < 80, `${found.seen} rows seen, ${found.most} in the page at once`);
      must(asked.most === 100 && asked.windows.size === 2, `${asked.most} at once, ${[...asked.windows]}`);
    },
  );
  await check('the catalog by keyboard alone: to a row far away, back, and into a lineage', async () => {
    const asked = await manyTopics(5000);
    await page.goto(`${url}/catalog?order=name`);
    await row(/^t0 usage of t0 Topic west/).waitFor();
    const at = () => page.evaluate(() => document.activeElement?.closest('[data-row]')?.dataset.row);
    await page
      .getByRole('columnheader', { name: /^Last moved/ })
      .getByRole('button')
      .focus();
    await page.keyboard.press('Tab');
    await until('the first row', async () => (await at()) === '0');
    await page.keyboard.press('ArrowDown');
    await until('the second', async () => (await at()) === '1');
    await page.keyboard.press('Tab');
    must((await page.evaluate(() => document.activeElement.textContent)) === 'usage of t1', 'its users are not next');
    await page.keyboard.press('Tab');
    must((await page.evaluate(() => document.activeElement.textContent)) === 'team-odd', 'its owner is not next');
    await page.keyboard.press('End');
    await until('the last', async () => (await at()) === '4999');
    must(asked.pages <= 3, `${asked.pages} pages to get there`);
    await page.keyboard.press('PageUp');
    await until('some rows up', async () => Number(await at()) < 4999);
    await page.keyboard.press('Home');
    await until('the first again', async () => (await at()) === '0');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/lineage\?root=topic:west\/t0&last=10m&live=1$/);
  });
}

const search = () => page.getByRole('combobox', { name: /^Search nodes/ });
const option = (name) => page.getByRole('option', { name });

/** Opens the search of everything by a key, types, and waits until what is meant can be chosen. */
async function look(key, typed, first) {
  await page.keyboard.press(key);
  await search().waitFor();
  await page.keyboard.type(typed);
  await option(first).first().waitFor();
}

/** Goes down until what is meant is the one that Enter opens, and opens it. */
async function choose(name) {
  for (let i = 0; i < 20 && (await option(name).first().getAttribute('aria-selected')) !== 'true'; i++)
    await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await search().waitFor({ state: 'detached' });
}

/** The search of everything, asked for who reads a topic and for the ways between two nodes. */
export async function asked(url, world) {
  const { topic, end } = world;
  await check('Ctrl K: who reads a topic, and the ways from it to a node, by keyboard alone', async () => {
    await page.goto(url);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    const readers = new RegExp(`^Readers of ${exactly(topic)} west`);
    await look('Control+k', `readers of ${topic}`, readers);
    await axeInBoth('search with results');
    await choose(readers);
    await page.waitForURL(
      (u) =>
        u.searchParams.get('root') === topicId(world) && /direction=downstream&depth=1.*&view=table/.test(u.search),
    );
    await page
      .getByRole('row', { name: new RegExp(`${exactly(topic)} to ${exactly(world.reader.name)}`) })
      .first()
      .waitFor();
    const path = new RegExp(`^${exactly(topic)} to ${exactly(end.name)} path, `);
    await look('/', `path ${topic} to ${end.name}`, path);
    await choose(path);
    await page.waitForURL((u) => u.searchParams.get('path') === end.id);
  });
}

export async function palette(url) {
  await check('the search of everything says what one can ask, and Escape gives the focus back', async () => {
    await page.goto(url);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Search everything' }).focus();
    await look('Enter', '', /^readers of/);
    await option(/^path/).waitFor();
    await axeInBoth('search of everything');
    await page.keyboard.press('Escape');
    await search().waitFor({ state: 'detached' });
    must((await page.evaluate(() => document.activeElement.ariaLabel)) === 'Search everything', 'the focus is lost');
  });
  await check('/ finds a node as one types, by one question for a word, and Enter opens it', async () => {
    let asked = 0;
    await page.route('**/graphql', (route) => {
      if (route.request().postDataJSON().operationName === 'FindNodes') asked++;
      return route.continue();
    });
    await look('/', 'orders', /^orders Topic, west/);
    must(asked === 1, `${asked} questions`);
    await axeInBoth('search with results');
    await choose(/^orders Topic, west/);
    await page.waitForURL(/\/lineage\?root=topic:west\/orders/);
  });
  await check('Ctrl K: readers, writers, paths, windows, owners and tags, by keyboard alone', async () => {
    await look('Control+k', 'readers of orders', /^Readers of orders west/);
    await choose(/^Readers of orders west/);
    await page.waitForURL(/root=topic:west\/orders&direction=downstream&depth=1&last=10m&live=1&view=table/);
    await look('Control+k', 'writers of orders', /^Writers of orders west/);
    await choose(/^Writers of orders west/);
    await page.waitForURL(/root=topic:west\/orders&direction=upstream&depth=1/);
    await look('Control+k', 'last 4h', /^The last 4h/);
    await choose(/^The last 4h/);
    await page.waitForURL(/root=topic:west\/orders&direction=upstream.*&last=4h/);
    await look('Control+k', 'path orders to billing', /^orders to billing path, west$/);
    await choose(/^orders to billing path, west$/);
    await page.waitForURL(/root=topic:west\/orders&.*path=application:shop\/billing/);
    await look('Control+k', 'team-web', /^team-web owner/);
    await choose(/^team-web owner/);
    await page.waitForURL(/\/catalog\?owner=team-web&last=4h/);
    await look('/', 'tag pii', /^pii tag/);
    await choose(/^pii tag/);
    await page.waitForURL(/\/catalog\?tag=pii/);
    await look('/', 'orders', /^All \d+ in the catalog/);
    await choose(/^All \d+ in the catalog/);
    await page.waitForURL(/\/catalog\?q=orders/);
    await look('/', 'yesterday 14:00', /^The instant/);
    await choose(/^The instant/);
    await page.waitForURL(/\/catalog\?q=orders&at=/);
  });
  await check('a search that finds nothing says so', async () => {
    await page.goto(url);
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.keyboard.press('/');
    await search().fill('no-such-thing-anywhere');
    await page
      .getByText(/^Nothing matches in this window/)
      .first()
      .waitFor();
    await page.keyboard.press('Escape');
  });
}
