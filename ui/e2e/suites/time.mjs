// Windows, instants, the past, and being told of changes.
import { axeInBoth, check, labels, must, page, until } from '../harness.mjs';
import { DEMO, exactly, topicId } from '../worlds.mjs';

/** Windows are picked, and live moves them on. */
export async function windows(url, world) {
  await check('windows: an hour, an instant, live', async () => {
    await page.goto(`${url}/lineage?root=${topicId(world)}&last=10m&live=1`);
    await page.getByRole('button', { name: 'Live', pressed: true }).waitFor();
    const shown = () => page.locator('.notices .note').first().textContent();
    const first = await until('a window', shown);
    await until('live moves the window on', async () => (await shown()) !== first);
    await page.getByRole('button', { name: '1 h', exact: true }).click();
    await page.waitForURL(/last=1h&live=1/);
    await page.getByRole('button', { name: 'Custom', exact: true }).click();
    await page.getByRole('radio', { name: 'one instant' }).check();
    await axeInBoth('custom window');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/at=/);
    must((await page.getByRole('button', { name: 'Live' }).count()) === 0, 'an instant cannot be live');
  });
  await check('live counts on while records flow', async () => {
    await page.goto(`${url}/lineage?root=${topicId(world)}&last=10m&live=1&view=table`);
    const row = page.getByRole('row', { name: new RegExp(`^writers of ${exactly(world.topic)} to`) }).first();
    const first = await row.innerText();
    await until('the row of who writes says more', async () => (await row.innerText()) !== first);
  });
  await check('live asks when it is told of a change, and at no other time', async () => {
    const told = [];
    const asked = [];
    page.on('websocket', (ws) => ws.on('framereceived', (f) => /"next"/.test(f.payload) && told.push(f.payload)));
    const onRequest = (r) => r.url().endsWith('/graphql') && asked.push(r.postDataJSON().operationName);
    page.on('request', onRequest);
    await page.goto(`${url}/lineage?root=${topicId(world)}&last=10m&live=1`);
    await until('five changes are told', () => told.length >= 6);
    await until('what was told of is asked for', () => asked.filter((a) => a === 'Lineage').length >= 4);
    page.off('request', onRequest);
    const lineages = asked.filter((a) => a === 'Lineage').length;
    must(lineages <= told.length + 1, `told ${told.length} times, asked ${lineages} times`);
    must(!asked.includes('LineageVersion'), 'it polled');
    must(
      (await page.getByRole('status', { name: 'Live' }).textContent()) === '',
      'it says something of its connection',
    );
  });
}

export async function time(url) {
  await windows(url, DEMO);
  await unreachable(url, DEMO);
  await cutOff(url, DEMO);
  await past(url);
}

/** The server is out of reach, and comes back. */
export async function unreachable(url, world) {
  const lost = page
    .getByRole('alert')
    .filter({ hasText: 'lineaged cannot be reached. What is shown is the last answer.' });
  const body = async () => {
    await page.goto(`${url}/lineage?root=${topicId(world)}&last=10m`);
    await page.locator('.node-card').first().waitFor();
    const cards = await page.locator('.node-card').count();
    await page.context().setOffline(true);
    try {
      await page.getByRole('button', { name: 'Refresh' }).click();
      await lost.waitFor();
      must((await page.locator('.node-card').count()) === cards, 'the last answer is not shown');
      await axeInBoth('out of reach');
    } finally {
      await page.context().setOffline(false);
    }
    await lost.getByRole('button', { name: 'Try again' }).click();
    await lost.waitFor({ state: 'detached' });
  };
  await check('what cannot be reached says so over its last answer, and goes on', body, /ERR_INTERNET_DISCONNECTED/);
}

/** The connection is lost, and comes back. */
export async function cutOff(url, world) {
  await check('live says when it is not connected, goes on by asking, and connects again', async () => {
    let away = false;
    let cut;
    await page.routeWebSocket('**/graphql', (ws) => {
      if (away) return void ws.close();
      ws.connectToServer();
      cut = () => ws.close();
    });
    const asked = [];
    const onRequest = (r) => r.url().endsWith('/graphql') && asked.push(r.postDataJSON().operationName);
    await page.goto(`${url}/lineage?root=${topicId(world)}&last=10m&live=1`);
    const status = page.getByRole('status', { name: 'Live' });
    await until('a connection', () => cut);
    away = true;
    await cut();
    await status.getByText(/not connected, asking every \d+ s/).waitFor();
    page.on('request', onRequest);
    await until('it asks which answer there is, and for the answer', () => {
      return asked.includes('LineageVersion') && asked.includes('Lineage');
    });
    page.off('request', onRequest);
    await axeInBoth('live, not connected');
    away = false;
    await until('it is connected again', async () => (await status.textContent()) === '', 60_000);
  });
}

async function past(url) {
  await check('live lets go while nobody looks', async () => {
    const open = new Set();
    page.on('websocket', (ws) => {
      open.add(ws);
      ws.on('close', () => open.delete(ws));
    });
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m&live=1`);
    const look = (hidden) =>
      page.evaluate((h) => {
        Object.defineProperty(document, 'hidden', { configurable: true, get: () => h });
        document.dispatchEvent(new Event('visibilitychange'));
      }, hidden);
    await until('a connection', () => open.size === 1);
    await look(true);
    await until('none', () => open.size === 0);
    await look(false);
    await until('one again', () => open.size === 1);
  });
  await check("the demo's past: a standstill of hours ago, with who made it up", async () => {
    await page.goto(`${url}/lineage?root=topic:west/payments&last=10m`);
    await page.getByRole('button', { name: 'Custom', exact: true }).click();
    await page.getByRole('radio', { name: 'one instant' }).check();
    const at = new Date(Date.now() - 170 * 60_000);
    const two = (n) => String(n).padStart(2, '0');
    const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    await page.locator('input[type=datetime-local]').fill(`${day}T${two(at.getHours())}:${two(at.getMinutes())}`);
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/at=/);
    // Until the answer of that instant is drawn, the one before it is shown.
    await page.locator('.notices', { hasText: 'step 1s' }).waitFor();
    await page.locator('.flow-label.tone-bad', { hasText: /^(stopped|stalled)$/ }).waitFor();
    // The script looked each minute: what moved then was observed, if not by the second.
    await page.getByRole('button', { name: /^Topic about then payments ?, in west/ }).waitFor();
    must(
      (await labels()
        .filter({ hasText: /^~.*\/s/ })
        .count()) > 3,
      'what moved then has its rate',
    );
    must((await page.getByText('not observed').count()) === 0, 'all was observed then');
    await page.getByRole('button', { name: /^all observed/ }).click();
    await page.getByText('script made it up').first().waitFor();
  });
  await check('everything that moved, without a root', async () => {
    await page.goto(`${url}/lineage?last=10m`);
    await page.getByRole('heading', { name: 'Everything that moved' }).waitFor();
    await until('both clusters are drawn', async () => {
      const scopes = await page.locator('.node-card').evaluateAll((cards) => cards.map((c) => c.dataset.graphId));
      return scopes.some((s) => s.startsWith('topic:west/')) && scopes.some((s) => s.startsWith('topic:east/'));
    });
    await axeInBoth('everything');
  });
  await check('an unknown node is said to be unknown, with where to go from there', async () => {
    await page.goto(`${url}/lineage?root=topic:west/orders&at=2020-01-01T00:00:00Z`);
    await page.getByText('This window is before the data.').waitFor();
    await page.getByText(/^Data is held since .*\d\d:\d\d:\d\d/).waitFor();
    must((await page.locator('.node-card').count()) === 0, 'something is drawn');
    await axeInBoth('unknown node');
    await page.getByRole('button', { name: 'Find a node' }).click();
    must((await page.evaluate(() => document.activeElement.role)) === 'combobox', 'the search is not where one types');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'The newest instant' }).click();
    await page.getByRole('button', { name: /^Topic orders ?, in west/ }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'The oldest data' }).click();
    await page.waitForURL(/start=20[^&]*&end=/);
    await page.getByRole('button', { name: /^Topic .*orders ?, in west/ }).waitFor();
    await page.goto(`${url}/lineage?last=3d`);
    await page.getByText(/^Data is held since .* within this window/).waitFor();
  });
  await check('in a past window nothing is told as seen from now', async () => {
    const end = new Date(Date.now() - 5_000).toISOString();
    await page.goto(`${url}/lineage?root=topic:west/orders&view=table&at=${end}`);
    await page
      .getByRole('row', { name: /^orders to fulfilment/ })
      .first()
      .waitFor();
    const text = await page.locator('.tables').textContent();
    must(!/\bago\b|just now/.test(text), `it says: ${/.{40}(\bago\b|just now)/.exec(text)?.[0]}`);
  });
}
