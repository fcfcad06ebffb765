// The browser test: the built binary's demo in Chromium, as a visitor would use it.
//
//   LINEAGED_BIN=bin/lineaged npm run e2e       CHROMIUM=/usr/bin/chromium  UPDATE_SCREENSHOTS=1 writes docs/images
//
// It starts the demo and the browser itself and ends both, and nothing else, whatever happens. Last line: the counts.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('../..', import.meta.url));
const temp = mkdtempSync(join(tmpdir(), 'lineaged-e2e-'));
const images = process.env.UPDATE_SCREENSHOTS === '1' ? join(root, 'docs', 'images') : join(temp, 'images');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const PATIENCE = 30_000;

let passed = 0;
let failed = 0;
const complaints = []; // of the browser: console errors, failed requests, requests that leave this machine

async function check(name, body) {
  const before = complaints.length;
  try {
    await body();
    const said = complaints.slice(before);
    if (said.length > 0) throw new Error(said.join('\n    '));
    passed++;
    console.log(`ok    ${name}`);
  } catch (e) {
    failed++;
    console.log(`FAIL  ${name}\n    ${e.message}`);
    if (process.env.KEEP)
      await page?.screenshot({ path: join(tmpdir(), `lineaged-e2e-fail-${failed}.png`) }).catch(() => {});
  } finally {
    // An answer changed for one check must not reach the next.
    await page?.unrouteAll({ behavior: 'wait' });
  }
}

function must(condition, message) {
  if (!condition) throw new Error(message);
}

/** Asks until the answer is true: the demo needs some seconds until all of it has been observed. */
async function until(what, question, patience = PATIENCE) {
  const end = Date.now() + patience;
  let last;
  while (Date.now() < end) {
    try {
      last = await question();
      if (last) return last;
    } catch (e) {
      last = e.message;
    }
    await new Promise((r) => setTimeout(r, 250));
  }
  throw new Error(`not within ${patience / 1000} s: ${what} (last: ${JSON.stringify(last)})`);
}

function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const dir of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']) {
      if (existsSync(join(dir, name))) return join(dir, name);
    }
  }
  throw new Error('missing: Chromium (Debian: apt-get install chromium), or set CHROMIUM');
}

async function startDemo() {
  // npm runs this in ui/; the caller's path is relative to where the caller stands.
  const bin = resolve(process.env.INIT_CWD ?? '.', process.env.LINEAGED_BIN ?? join(root, 'bin', 'lineaged'));
  must(existsSync(bin), `missing: ${bin}; run make build, or set LINEAGED_BIN`);
  const child = spawn(bin, ['demo', '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  child.stdout.on('data', (b) => (out += b));
  child.stderr.on('data', (b) => (out += b));
  child.on('error', (e) => (out += e.message));
  // Whatever ends this script, an error thrown in a callback too, ends the demo.
  const last = () => child.kill('SIGKILL');
  process.on('exit', last);
  child.once('exit', () => process.off('exit', last));
  const stop = () =>
    new Promise((done) => {
      if (child.exitCode !== null || child.signalCode !== null) return done();
      const hard = setTimeout(() => child.kill('SIGKILL'), 8_000);
      child.once('exit', () => {
        clearTimeout(hard);
        done();
      });
      child.kill('SIGTERM');
    });
  try {
    const url = await until('the demo prints its URL', () => {
      must(child.exitCode === null, `the demo ended: ${out}`);
      return /http:\/\/127\.0\.0\.1:\d+/.exec(out)?.[0];
    });
    return { url, stop };
  } catch (e) {
    await stop();
    throw new Error(`${e.message}\n${out}`);
  }
}

let page;

async function axe(where) {
  const violations = await page.evaluate(async (rules) => {
    const result = await globalThis.axe.run(document, { runOnly: { type: 'tag', values: rules } });
    return result.violations.map(
      (v) =>
        `${v.id} (${v.nodes.length}): ${v.help}: ${v.nodes
          .slice(0, 3)
          .map((n) => `${n.html.slice(0, 160)} [${n.any[0]?.message ?? ''}]`)
          .join(' | ')}`,
    );
  }, RULES);
  must(violations.length === 0, `${where}:\n    ${violations.join('\n    ')}`);
}

async function axeInBoth(where) {
  for (const theme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((t) => document.documentElement.dataset.theme === t, theme);
    await axe(`${where}, ${theme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

const labels = () => page.locator('.flow-label');
const shot = (name) => page.screenshot({ path: join(images, name) });

async function overview(url) {
  await check('the overview lists clusters and nodes', async () => {
    await page.goto(url);
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    for (const cluster of ['west', 'east']) await page.getByRole('rowheader', { name: cluster, exact: true }).waitFor();
    await until('orders is observed with a rate', async () => {
      const row = page.getByRole('row', { name: /^orders Topic west/ });
      return /\d\/s/.test(await row.locator('td').nth(2).textContent());
    });
    must((await page.locator('.badge').textContent()).includes('observed'), 'no coverage on the overview');
  });
  await check('axe: overview', () => axeInBoth('overview'));
  await check('/ leads to the search, which finds orders', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('orders');
    await page.waitForURL(/q=orders/);
    await until('only what matches is listed', async () => {
      const names = await page.locator('.nodes tbody tr').allInnerTexts(); // owner and tags are searched too
      return names.length >= 2 && names.length < 20 && names.every((n) => n.includes('orders'));
    });
  });
  await check('the kind filter and the order are in the URL', async () => {
    await page.getByRole('button', { name: 'Topics' }).click();
    await page.getByLabel('Order').selectOption('RATE');
    await page.waitForURL(/q=orders&kind=topic&order=rate/);
    await until('topics only', async () => {
      const kinds = await page.locator('.nodes tbody td:nth-of-type(1)').allInnerTexts();
      return kinds.length > 0 && kinds.every((k) => k === 'Topic');
    });
  });
}

async function graph() {
  await check('its lineage opens from the table', async () => {
    await page
      .getByRole('row', { name: /^orders Topic west/ })
      .getByRole('link')
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

async function panel() {
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
    // In the demo's past lineaged was out for some minutes.
    const shown = new URL(page.url());
    shown.searchParams.set('last', '24h');
    await page.goto(shown.href);
    await page
      .getByRole('complementary')
      .getByText(/Hatched: not observed/)
      .first()
      .waitFor();
    const side = page.getByRole('complementary', { name: 'Flow' });
    await side.getByText('Values').first().click();
    await side.getByRole('region', { name: 'Records per second: values' }).getByText('not observed').first().waitFor();
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
    await axe('node panel');
    await side.getByRole('link', { name: 'Open its lineage' }).click();
    await page.getByRole('heading', { name: 'billing', level: 1 }).waitFor();
    await page.goBack();
    await page.getByRole('heading', { name: 'orders', level: 1 }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('complementary').waitFor({ state: 'detached' });
  });
}

async function keyboard() {
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

async function time(url) {
  await check('windows: an hour, an instant, live', async () => {
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m&live=1`);
    await page.getByRole('button', { name: 'Live', pressed: true }).waitFor();
    const shown = () => page.locator('.notices .note').first().textContent();
    const first = await until('a window', shown);
    await until('live moves the window on', async () => (await shown()) !== first);
    await page.getByRole('button', { name: '1 h', exact: true }).click();
    await page.waitForURL(/last=1h&live=1/);
    await page.getByRole('button', { name: 'Custom', exact: true }).click();
    await page.getByRole('radio', { name: 'one instant' }).check();
    await axe('custom window');
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(/at=/);
    must((await page.getByRole('button', { name: 'Live' }).count()) === 0, 'an instant cannot be live');
  });
  await check('live asks when it is told of a change, and at no other time', async () => {
    const told = [];
    const asked = [];
    page.on('websocket', (ws) => ws.on('framereceived', (f) => /"next"/.test(f.payload) && told.push(f.payload)));
    const onRequest = (r) => r.url().endsWith('/graphql') && asked.push(r.postDataJSON().operationName);
    page.on('request', onRequest);
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m&live=1`);
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
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m&live=1`);
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
    await axe('live, not connected');
    away = false;
    await until('it is connected again', async () => (await status.textContent()) === '', 60_000);
  });
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

/** Cards on which the last word of the kind and the state reaches into the place, or that do not hold what is on them. */
const covered = () =>
  page.locator('.node-card').evaluateAll((cards) =>
    cards.flatMap((card) => {
      const box = (s) => [...card.querySelectorAll(s)].map((e) => e.getBoundingClientRect()).filter((b) => b.width > 1);
      const words = Math.max(...box('.node-kind > :not(.sr)').map((b) => b.right));
      const over = Math.max(0, ...box('.place').map((b) => words - b.left));
      const wide = Math.max(0, ...box('.node-name, .place').map((b) => b.right - card.getBoundingClientRect().right));
      return over > 0 || wide > 0
        ? [`${card.textContent}: covers ${over.toFixed(1)} px, ${wide.toFixed(1)} px outside`]
        : [];
    }),
  );

/** The demo has neither a cut answer nor a flow in doubt: its own answer, changed on the way. */
async function doubt(url) {
  await check('what is said of a node covers nothing', async () => {
    await page.route('**/graphql', async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      for (const n of body.data?.lineage?.nodes ?? []) {
        if (n.kind === 'DATASET') n.namespace = 'snowflake-and-more://db';
        if (n.kind === 'DATASET' || n.kind === 'APPLICATION') n.exists = false;
      }
      for (const f of body.data?.lineage?.flows ?? []) Object.assign(f, { active: null, state: null });
      await route.fulfill({ response, json: body });
    });
    for (const root of ['topic:west/inventory.public.stock_levels', 'topic:west/orders']) {
      await page.goto(lineageUrl(url, root));
      await page.locator('.of-dataset .word').first().waitFor();
      const over = await covered();
      must(over.length === 0, over.join('\n    '));
    }
  });
  await check('a cut answer and a flow that was not observed look so', async () => {
    await page.route('**/graphql', async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      const l = body.data?.lineage;
      if (l) {
        Object.assign(l, { truncated: true, totalNodes: 4812 });
        l.hidden = [{ node: 'topic:west/orders', upstream: 12, downstream: 37 }];
        const flow = l.flows.find((f) => f.id === 'topic:west/orders->application:shop/billing');
        if (flow) Object.assign(flow, { active: null, state: null, records: null, recordsPerSecond: null });
      }
      await route.fulfill({ response, json: body });
    });
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m`);
    await page.getByText(/Showing \d+ of 4812 nodes/).waitFor();
    await page.getByText('+37 →').waitFor();
    await page.getByText('← +12').waitFor();
    await page.getByRole('button', { name: /^orders to billing, reads, not observed/ }).waitFor();
    must((await page.locator('.flow.is-unobserved').count()) === 1, 'the flow is drawn like any other');
    await axeInBoth('cut and in doubt');
    await page.keyboard.press('t');
    await page
      .getByRole('row', { name: /orders to billing/ })
      .getByText('not known')
      .first()
      .waitFor();
  });
  await check('a lag that is not known, records lost and a lower bound look so, with the reason', async () => {
    await page.route('**/graphql', async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      const change = {
        active: true,
        state: 'MOVING',
        live: true,
        lag: null,
        lagSeconds: null,
        lagAtLeastSeconds: null,
        skipped: '0',
        lost: '150',
        estimated: true,
      };
      const id = 'topic:west/orders->application:shop/billing';
      for (const flow of [...(body.data?.lineage?.flows ?? []), body.data?.flow]) {
        if (flow?.id !== id) continue;
        Object.assign(flow, change);
        for (const e of flow.evidence) e.detail = null;
        flow.evidence[0].detail = 'at least: retention passed it';
      }
      await route.fulfill({ response, json: body });
    });
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m`);
    await page
      .getByRole('button', {
        name: /^orders to billing, reads, moving, ≥ .*lag not known, 150 lost, at least: retention/,
      })
      .click();
    await page.getByRole('button', { name: /^Application ?billing.*lag not known/ }).waitFor();
    const side = page.getByRole('complementary', { name: 'Flow' });
    await side.getByRole('note').getByText('at least: retention passed it').waitFor();
    must((await fact(side, 'Lag')) === 'not known', `lag is ${await fact(side, 'Lag')}`);
    must((await fact(side, 'Lost before read')) === '150 records', `lost is ${await fact(side, 'Lost before read')}`);
    must((await fact(side, 'Records')).startsWith('≥ '), `records are ${await fact(side, 'Records')}`);
    await axeInBoth('lag not known');
  });
}

/** Who is left behind, and whose offsets were set: both are in the demo after half a minute. */
async function leftBehind(url) {
  await check('a reader that nobody is there for is told in search, graph, table and panel', async () => {
    await page.goto(`${url}/?q=nightly`);
    const row = page.getByRole('row', { name: /^nightly-report/ });
    await row.getByText(/^nobody reading, [\d ]+ behind, last read .* ago$/).waitFor({ timeout: PATIENCE });
    await axeInBoth('search of who is left behind');
    await page.goto(lineageUrl(url, 'application:shop/nightly-report'));
    await page.getByRole('button', { name: /nobody reading.*nightly-report.*lag/ }).waitFor();
    await page.getByRole('button', { name: /^orders to nightly-report, reads.*nobody reading.*behind/ }).click();
    const side = page.getByRole('complementary', { name: 'Flow' });
    await side
      .getByRole('note')
      .getByText(/^nobody reading, [\d ]+ behind/)
      .waitFor();
    await axeInBoth('panel of who is left behind');
    await page.keyboard.press('Escape');
    await page.keyboard.press('t');
    await page
      .getByRole('row', { name: /orders to nightly-report/ })
      .getByText(/nobody reading/)
      .waitFor();
    await axeInBoth('table of who is left behind');
  });
  await check(
    'who stopped in the window is told from who moves, by shape, word and colour, in every view',
    async () => {
      for (const where of ['root=topic:west/orders&', '']) {
        await page.goto(`${url}/lineage?${where}last=10m`);
        // What is out of sight is not drawn: the count of who stopped leads to one after the other.
        await page.locator('.sick', { hasText: /^\d+ stopped$/ }).waitFor();
        await until('the count leads there', async () => {
          await page.locator('.sick', { hasText: /^\d+ stopped$/ }).click();
          return new URL(page.url()).searchParams.get('selected')?.endsWith('nightly-report');
        });
        const label = page.getByRole('button', {
          name: /^orders to nightly-report, reads, stopped .*records behind/,
        });
        await label.waitFor({ timeout: PATIENCE });
        must(/^stopped$/.test((await label.innerText()).trim()), `says ${await label.innerText()}`);
        must((await label.locator('svg').count()) === 1, 'no shape');
        must(/tone-bad/.test(await label.getAttribute('class')), 'in the colour of what goes as it should');
        await page
          .locator('.notices')
          .getByText(/\d+ stopped/)
          .waitFor();
      }
      await axeInBoth('who stopped, among everything');
      await page.keyboard.press('t');
      const row = page.getByRole('row', { name: /orders to nightly-report/ });
      await row
        .getByText(/^stopped \d\d:/)
        .first()
        .waitFor();
      must((await row.locator('.lag.tone-bad').count()) === 1, 'its lag looks like any other');
      await row.getByRole('button', { name: /orders to nightly-report/ }).click();
      await page
        .getByRole('complementary', { name: 'Flow' })
        .locator('.panel-kind')
        .getByText(/^stopped /)
        .waitFor();
      await page.goto(`${url}/lineage?last=10s&view=table`);
      await page
        .getByRole('row', { name: /orders to nightly-report/ })
        .getByText(/^stopped /)
        .first()
        .waitFor();
    },
  );
  await check('offsets that were set are skipped, an event, and not read', async () => {
    await page.goto(`${lineageUrl(url, 'topic:west/inventory')}&view=events`);
    await until('the event shows', async () => {
      await page.reload();
      await page.getByRole('heading', { name: /^Events of/ }).waitFor();
      return (await page.getByRole('row', { name: /Offsets set, not read.*stock-audit/ }).count()) > 0;
    });
    await page.goto(lineageUrl(url, 'topic:west/inventory'));
    await page.getByRole('button', { name: /^inventory to stock-audit, reads.* skipped/ }).click();
    const side = page.getByRole('complementary', { name: 'Flow' });
    await side.getByText('Skipped, not read').waitFor();
    must(/^[\d ]+ records$/.test(await fact(side, 'Skipped, not read')), 'nothing was skipped');
  });
}

const CONNECTOR = 'connector:demo-connect/orders-warehouse';
const REPLICATOR = 'replicator:east/west-%3Eeast';
const JOB = 'streamjob:west/basket-totals';
const lineageUrl = (url, root, more = '') => `${url}/lineage?root=${encodeURIComponent(root)}&last=10m${more}`;
const fact = async (side, name) =>
  (await side.locator('.fact', { hasText: name }).locator('dd').first().textContent()).trim();

/** What the menu's entry of a name saves: its file name and its bytes. */
async function saved(name) {
  const menu = page.getByRole('region', { name: 'Export' });
  const entry = menu.getByRole('link', { name, exact: true }).or(menu.getByRole('button', { name, exact: true }));
  const [file] = await Promise.all([page.waitForEvent('download'), entry.click()]);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

async function exports(url) {
  const open = async () => {
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    await page.getByRole('region', { name: 'Export' }).waitFor();
  };
  await check('a view is taken away as a file of each form, the whole of it', async () => {
    await page.goto(lineageUrl(url, 'topic:west/orders', '&direction=downstream&depth=1'));
    await until('flows are drawn', async () => (await labels().count()) >= 6);
    const drawn = (await page.locator('.node-card').evaluateAll((all) => all.map((c) => c.dataset.graphId))).sort();
    await open();
    await axeInBoth('export menu');
    const svg = await saved('SVG');
    must(/^lineage-orders-\d{8}T\d{6}Z\.svg$/.test(svg.name), `it is called ${svg.name}`);
    const shown = await page.evaluate((text) => {
      const d = new DOMParser().parseFromString(text, 'image/svg+xml');
      const ids = (s) => [...d.querySelectorAll(s)].map((e) => e.getAttribute('data-id')).sort();
      return { wrong: d.querySelector('parsererror')?.textContent, cards: ids('.card'), paths: ids('path') };
    }, svg.bytes.toString());
    must(!shown.wrong, shown.wrong);
    must(String(shown.cards) === String(drawn), `the file has ${shown.cards}, the page ${drawn}`);
    must(shown.paths.length >= 6 && shown.paths.every((id) => id.includes('->')), `its flows are ${shown.paths}`);
    for (const [entry, ending, start] of [
      ['DOT (Graphviz)', 'dot', '// lineaged-lineage, version 1\n'],
      ['Mermaid', 'mmd', '%% lineaged-lineage, version 1\n'],
      ['CSV', 'csv', '# lineaged-lineage, version 1\r\n'],
      ['Who wrote and read it, CSV', 'csv', '# lineaged-usage, version 1\r\n# topic: topic:west/orders\r\n'],
    ]) {
      const file = await saved(entry);
      must(file.name.endsWith(`.${ending}`) && file.bytes.toString().startsWith(start), `${entry}: ${file.name}`);
    }
    const json = JSON.parse((await saved('JSON')).bytes.toString());
    must(String(json.nodes.map((n) => n.id).sort()) === String(drawn), 'the JSON has other nodes than the page');
    must(json.coverage.blindSpots.length > 0 && json.window.end, 'the JSON has neither window nor coverage');
    const usage = JSON.parse((await saved('Who wrote and read it, JSON')).bytes.toString());
    must(
      usage.readers.some((r) => r.id === 'topic:west/orders->application:shop/billing'),
      'billing is no reader',
    );
  });
  await check('a PNG is the picture, in the theme of the page', async () => {
    for (const [theme, ground] of [
      ['light', [244, 246, 249]],
      ['dark', [13, 18, 24]],
    ]) {
      await page.emulateMedia({ colorScheme: theme });
      await page.waitForFunction((t) => document.documentElement.dataset.theme === t, theme);
      const png = await saved('PNG');
      must(png.name.endsWith('.png'), `it is called ${png.name}`);
      const seen = await page.evaluate(
        async (data) => {
          const image = new Image();
          image.src = data;
          await image.decode();
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [image.width, image.height];
          const context = canvas.getContext('2d');
          context.drawImage(image, 0, 0);
          const { data: all } = context.getImageData(0, 0, image.width, image.height);
          const colours = new Set();
          for (let i = 0; i < all.length; i += 4) colours.add((all[i] << 16) | (all[i + 1] << 8) | all[i + 2]);
          return { width: image.width, corner: [...all.slice(0, 3)], colours: colours.size };
        },
        `data:image/png;base64,${png.bytes.toString('base64')}`,
      );
      must(seen.width > 1000 && seen.colours > 50, `the picture is empty: ${JSON.stringify(seen)}`);
      must(String(seen.corner) === String(ground), `its ground is ${seen.corner} in ${theme}`);
    }
    await page.emulateMedia({ colorScheme: 'light' });
  });
  await check('the query of the view is copied, and answers alone', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
    await page.getByRole('button', { name: 'Copy as query' }).click();
    await page.getByRole('region', { name: 'Export' }).getByText('Copied').waitFor();
    const answer = await page.evaluate(async () => {
      const query = await navigator.clipboard.readText();
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) });
      return response.json();
    });
    must(!answer.errors && answer.data.lineage.flows.length >= 6, `it answers ${JSON.stringify(answer).slice(0, 300)}`);
  });
  await check('the menu opens and closes by keyboard alone', async () => {
    await page.keyboard.press('Escape');
    const button = page.getByRole('button', { name: 'Export', exact: true });
    must((await button.getAttribute('aria-expanded')) === 'false', 'Escape leaves it open');
    must(await button.evaluate((b) => b === document.activeElement), 'the focus is not where it came from');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    must((await page.evaluate(() => document.activeElement.textContent)) === 'SVG', 'Tab does not lead into it');
    await page.keyboard.press('Escape');
    await page.goto(`${url}/lineage?last=10m`);
    await page.getByRole('heading', { name: 'Everything that moved' }).waitFor();
    await until('it is drawn', async () => (await page.locator('.node-card').count()) > 10);
    await open();
    const json = JSON.parse((await saved('JSON')).bytes.toString());
    must(json.scope.roots.length === 0 && json.nodes.length > 10, 'everything that moved is not in it');
    await page.keyboard.press('Escape');
  });
}

async function movers(url) {
  const side = () => page.getByRole('complementary', { name: 'Node' });
  const flowSide = () => page.getByRole('complementary', { name: 'Flow' });
  await check(
    'downstream of orders: a stream job, a sink and its table, a replicator, and readers in east',
    async () => {
      await page.goto(lineageUrl(url, 'topic:west/orders', '&direction=downstream'));
      for (const name of [
        /^Stream job basket-totals ?, in ?west/,
        /^Sink connector orders-warehouse ?, in ?west/,
        /^Dataset warehouse\.sales\.orders ?, in ?postgres/,
        /^Replicator west->east ?, from ?west ?to/,
        /^Topic west\.orders ?, in ?east/,
        /^Application fulfilment-east ?, in ?east/,
      ])
        await page.getByRole('button', { name }).waitFor({ timeout: PATIENCE });
      const shapes = await page.locator('.node .icon.kind').evaluateAll((all) => {
        return new Set(all.map((i) => `${i.getAttribute('class')} ${i.querySelector('path').getAttribute('d')}`)).size;
      });
      must(shapes >= 6, `${shapes} shapes for the kinds of nodes`);
    },
  );
  await check('what leaves Kafka is not measurable, which is not zero', async () => {
    await page
      .getByRole('button', {
        name: /^orders-warehouse to warehouse\.sales\.orders, leaves Kafka, moving, not measurable/,
      })
      .click();
    await flowSide()
      .getByRole('heading', { name: /^Evidence/ })
      .waitFor();
    for (const name of ['Mean rate', 'Records', 'Bytes'])
      must((await fact(flowSide(), name)) === 'not measurable', `${name} is ${await fact(flowSide(), name)}`);
    must((await flowSide().locator('canvas').count()) === 0, 'a chart of what cannot be counted');
    await flowSide().getByText('Kafka Connect', { exact: true }).first().waitFor();
    await axeInBoth('external flow');
  });
  await check('a replication has its lag, its second half is counted by elimination', async () => {
    await page
      .getByRole('button', { name: /^orders to west->east, copies, moving, .*records behind/ })
      .click({ timeout: PATIENCE });
    await flowSide().getByText('MirrorMaker 2', { exact: true }).waitFor();
    await flowSide().getByRole('heading', { name: 'Lag' }).waitFor();
    must(/^[\d ]+ records?$/.test(await fact(flowSide(), 'Lag')), `lag is ${await fact(flowSide(), 'Lag')}`);
    await page.getByRole('button', { name: /^west->east to west\.orders, copies/ }).click();
    await flowSide()
      .locator('.evidence-kind', { hasText: /^by elimination ?~ estimated/ })
      .waitFor();
    await flowSide()
      .getByText(/Estimated: .*could hide in it/)
      .waitFor();
    must((await flowSide().getByRole('heading', { name: 'Lag' }).count()) === 0, 'a writer cannot be behind');
    await axeInBoth('replication');
  });
  await check('the panels say what a connector, a dataset and a replicator are', async () => {
    await page.getByRole('button', { name: /^Sink connector orders-warehouse/ }).click();
    await side().getByRole('heading', { name: 'Tasks' }).waitFor();
    must(
      (await side()
        .getByRole('row', { name: /^0 RUNNING \S+:\d+/ })
        .count()) === 1,
      'no task with its worker',
    );
    for (const [name, want] of [
      ['Connect cluster', 'demo-connect'],
      ['Type', 'sink'],
      ['State', 'RUNNING'],
      ['Class', 'JdbcSinkConnector'],
    ])
      must((await fact(side(), name)) === want, `${name} is ${await fact(side(), name)}`);
    await side().getByRole('heading', { name: 'Groups' }).waitFor();
    await axeInBoth('connector panel');
    await page.getByRole('button', { name: /^Dataset warehouse/ }).click();
    await side().getByText('postgres://warehouse-db.shop.example:5432').waitFor();
    await page.getByRole('button', { name: /^Replicator west->east/ }).click();
    await side().getByText('Copies from').waitFor();
    must((await fact(side(), 'Copies from')) === 'west', 'copies from elsewhere');
    must((await fact(side(), 'Copies to')) === 'east', 'copies to elsewhere');
    must((await fact(side(), 'Policy')) === 'DefaultReplicationPolicy', `policy is ${await fact(side(), 'Policy')}`);
    await axeInBoth('replicator panel');
    await side().getByRole('link', { name: 'Open its lineage' }).click();
    await page.getByRole('heading', { name: 'west->east', level: 1 }).waitFor();
    must(new URL(page.url()).searchParams.get('root') === REPLICATOR, `a percent sign was lost: ${page.url()}`);
    await page.reload();
    await page.getByRole('button', { name: /^Replicator west->east ?, from ?west.*root of this view/ }).waitFor();
  });
  await check('a stream job opens: its inner topics are hidden until they are asked for', async () => {
    await page.goto(lineageUrl(url, JOB));
    const changelog = () =>
      page.getByRole('button', { name: /^Changelog topic basket-totals-.*-changelog ?, in ?west/ });
    await page.getByRole('button', { name: /^Stream job basket-totals/ }).click();
    await side()
      .getByRole('heading', { name: /^Inside.*store.*inner topic/ })
      .waitFor();
    must((await fact(side(), 'Application id')) === 'basket-totals', 'no application.id');
    must((await changelog().count()) === 0, 'an inner topic is drawn unasked');
    await side().getByRole('button', { name: 'Show them in the graph' }).click();
    await page.waitForURL(/internal=1/);
    must(await page.getByRole('checkbox', { name: 'inner topics' }).isChecked(), 'the toolbar says otherwise');
    await changelog().click();
    await side().getByText('Inner topic of').waitFor();
    must((await fact(side(), 'Inner topic of')) === 'basket-totals', 'of another job');
    await axeInBoth('inner topics');
    await page.getByRole('checkbox', { name: 'inner topics' }).uncheck();
    await page.waitForURL((u) => !u.search.includes('internal='));
    await changelog().waitFor({ state: 'detached' });
  });
  await check('the overview filters by every kind', async () => {
    for (const [button, kind, row] of [
      ['Stream jobs', 'stream_job', /^basket-totals Stream job west/],
      [
        'Connectors',
        'connector',
        /^orders-warehouse Sink connector west, by demo-connect (?:[≤≥~] ?)?[\d.]+(?: k)?\/s not measurable /,
      ],
      [
        'Connectors',
        'connector',
        /^inventory-cdc Source connector west, by demo-connect not measurable (?:[≤≥~] ?)?[\d.]+(?: k)?\/s /,
      ],
      ['Replicators', 'replicator', /^west->east Replicator west to east/],
      ['Datasets', 'dataset', /^warehouse\.sales\.orders Dataset postgres:.* not measurable not measurable/],
    ]) {
      await page.goto(url);
      await page.getByRole('button', { name: button, exact: true }).click();
      await page.waitForURL((u) => u.search.includes(`kind=${kind}`));
      await page.getByRole('row', { name: row }).waitFor();
    }
  });
  await check('what looks alike is offered with its rule', async () => {
    await page.goto(url);
    await page.getByText(/pair of applications looks alike/).click();
    const notice = page.getByRole('region', { name: /looks? alike/ });
    await notice.getByRole('link', { name: 'refund-reader' }).waitFor();
    await notice
      .getByText(/only reads, .* only writes/)
      .last()
      .waitFor();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
    await notice.getByRole('button', { name: /^Copy the rule/ }).click();
    await notice.getByText('Copied').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    must(/^applications:\n {2}- match: /.test(copied), `copied: ${copied}`);
    await axeInBoth('suggested joins');
    await notice.getByRole('link', { name: 'see both in one graph' }).click();
    await page.waitForURL(/root=.*refund-reader&root=.*refund-writer/);
  });
  await check('who a writer without a name may be is offered with its reason and a rule', async () => {
    const writers = 'unidentified:west/sessions';
    await page.goto(lineageUrl(url, 'topic:west/sessions', `&selected=${writers}`));
    const part = page.getByRole('region', { name: /^Who it may be/ });
    await part.getByText(/candidates considered/).waitFor();
    await until('the sessioniser, whose reading is known by its waves, comes first', async () => {
      if (/^sessioniser/.test((await part.locator('.who').first().innerText({ timeout: 1000 })).trim())) return true;
      await page.reload();
      await part.getByText(/candidates considered/).waitFor();
    });
    const first = part.getByRole('listitem').first();
    await first.getByText(/what it reads of clickstream and what is written go up and down together/).waitFor();
    await first.getByText('The rule that would name it so').click();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
    await first.getByRole('button', { name: 'Copy the rule for sessioniser' }).click();
    await first.getByText('Copied').waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    must(copied.includes("match: {unidentified: '^west/sessions$'}"), `copied: ${copied}`);
    await axeInBoth('candidates');
  });
}

/** What the demo has not: its own answers, changed on the way. */
async function rareMovers(url) {
  const answering = (change) =>
    page.route('**/graphql', async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      change(body.data ?? {});
      await route.fulfill({ response, json: body });
    });
  const side = () => page.getByRole('complementary', { name: 'Node' });
  await check('a topology that was told unfolds; sinks that were not told are said to be so', async () => {
    await answering(({ node }) => {
      if (node?.kind !== 'STREAM_JOB') return;
      const part = { repartitionSources: [], repartitionSinks: [], changelogs: [], stores: [], sinks: [] };
      const told = (id, over) => ({ ...part, id, sources: [], sinksKnown: false, ...over });
      node.protocol = 'streams';
      node.subtopologies = [
        told('0', { sources: ['orders'], repartitionSinks: ['basket-totals-by-customer-repartition'] }),
        told('1', { repartitionSources: ['basket-totals-by-customer-repartition'], stores: ['totals'] }),
        told('2', { sources: ['elsewhere'], sinks: ['customer-baskets'], sinksKnown: true }),
        told('3', { sources: ['elsewhere'] }),
      ];
    });
    await page.goto(lineageUrl(url, JOB, `&selected=${JOB}`));
    await side()
      .getByRole('heading', { name: /^Inside 4 subtopologies/ })
      .waitFor();
    const part = (n) => side().locator('details.subtopology').nth(n);
    must((await part(0).getAttribute('open')) === null, 'many subtopologies are folded at first');
    await part(0).locator('summary').focus();
    await page.keyboard.press('Enter');
    await part(0).getByText('not told by the broker: see the flows').waitFor();
    await part(2).locator('summary').click();
    must((await part(2).getByText('not told by the broker').count()) === 0, 'known sinks are said to be unknown');
    await axeInBoth('subtopologies');
    await part(0).getByRole('button', { name: 'orders' }).click();
    await side().getByRole('heading', { name: 'orders', level: 2 }).waitFor();
  });
  await check('a deleted connector, and nothing that looks alike', async () => {
    await answering((data) => {
      const gone = { exists: false, state: null, type: null, class: null, tasks: [] };
      if (data.node?.kind === 'CONNECTOR') Object.assign(data.node, gone);
      for (const n of data.lineage?.nodes ?? [])
        if (n.kind === 'CONNECTOR') Object.assign(n, { exists: false, type: null });
      if (data.suggestedJoins) data.suggestedJoins.joins = [];
    });
    await page.goto(lineageUrl(url, CONNECTOR, `&selected=${CONNECTOR}`));
    await page.getByRole('button', { name: /^Connector deleted orders-warehouse/ }).waitFor();
    must((await fact(side(), 'State')) === 'deleted', `state is ${await fact(side(), 'State')}`);
    must((await fact(side(), 'Class')) === 'not told', `class is ${await fact(side(), 'Class')}`);
    await page.goto(url);
    await page.getByRole('row', { name: /^orders Topic west/ }).waitFor();
    must((await page.getByText('alike').count()) === 0, 'an empty notice is shown');
  });
  await check('a replicator that is gone looks so, and its clusters are not said to be unwatched', async () => {
    await answering((data) => {
      const gone = { exists: false, source: null, target: null };
      if (data.node?.kind === 'REPLICATOR')
        Object.assign(data.node, gone, { state: null, connect: null, policy: null });
      for (const n of data.lineage?.nodes ?? []) if (n.kind === 'REPLICATOR') Object.assign(n, gone);
    });
    // Few nodes, so that the cards are drawn with all their words.
    const few = `&direction=downstream&depth=1&selected=${encodeURIComponent(REPLICATOR)}`;
    await page.goto(lineageUrl(url, REPLICATOR, few));
    await page.getByRole('button', { name: /^Replicator deleted west->east ?, from ?west/ }).waitFor();
    const [word, places] = await Promise.all(
      ['.word', '.node-scope'].map((part) => page.locator(`.of-replicator ${part}`).first().boundingBox()),
    );
    must(word.x + word.width <= places.x, 'the word stands under the places');
    for (const [name, want] of [
      ['Copies from', 'west'],
      ['Copies to', 'east'],
      ['State', 'deleted'],
      ['Runs on', 'not known'],
    ])
      must((await fact(side(), name)) === want, `${name} is ${await fact(side(), name)}`);
    await page.keyboard.press('t');
    await page.getByRole('row', { name: /^west->east ?deleted Replicator west to east/ }).waitFor();
    await axeInBoth('a replicator that is gone');
  });
  await check('two clusters that copy to each other are drawn, and walked round', async () => {
    await answering(({ lineage }) => {
      const one = lineage?.nodes?.find((n) => n.kind === 'REPLICATOR');
      const at = lineage?.positions?.find((p) => p.node === 'topic:east/west.orders');
      const there = lineage?.flows?.find((f) => f.to.id === one?.id);
      if (!one || !at || !there) return;
      const id = 'replicator:west/east-%3Ewest';
      lineage.nodes.push({ ...one, id, name: 'east->west', source: one.target, target: one.source });
      lineage.positions.push({ node: id, layer: at.layer + 1, x: at.x + 360, y: at.y - 100 });
      const flow = (from, to) => ({ ...there, id: `${from}->${to}`, from: { id: from }, to: { id: to } });
      lineage.flows.push(flow('topic:east/west.orders', id), { ...flow(id, 'topic:west/orders'), lag: null });
    });
    await page.goto(lineageUrl(url, 'topic:west/orders', '&direction=downstream'));
    await page.getByRole('button', { name: /^Replicator east->west ?, from ?east ?to ?→? ?west/ }).waitFor();
    for (const again of [false, true]) {
      if (again) await page.getByRole('button', { name: 'Fit the view' }).click();
      await until('all of it is in sight', () =>
        page.evaluate(() => {
          const pane = document.querySelector('.react-flow').getBoundingClientRect();
          const all = [...document.querySelectorAll('.flow')].map((f) => f.getBoundingClientRect());
          return (
            all.length > 3 && all.every((b) => b.top >= pane.top && b.bottom <= pane.bottom && b.left >= pane.left)
          );
        }),
      );
    }
    await page.getByRole('button', { name: /^east->west to orders, copies/ }).focus();
    await page.keyboard.press('ArrowRight');
    const at = () => page.evaluate(() => document.activeElement?.dataset.graphId ?? '');
    await until('the cycle leads back to its root', async () => (await at()) === 'topic:west/orders');
    await axeInBoth('a cycle');
  });
}

async function theme(url) {
  await check('the theme follows the system until it is chosen, and the choice stays', async () => {
    await page.goto(url);
    const now = () => page.evaluate(() => document.documentElement.dataset.theme);
    await page.emulateMedia({ colorScheme: 'dark' });
    await until('dark as the system', async () => (await now()) === 'dark');
    await page.getByRole('button', { name: /^Colours/ }).click();
    await until('light by choice', async () => (await now()) === 'light');
    await page.reload();
    must((await now()) === 'light', 'the choice was lost');
    await page.getByRole('button', { name: /^Colours/ }).click();
    await page.getByRole('button', { name: /^Colours/ }).click();
    await page.emulateMedia({ colorScheme: 'light' });
    await until('the system again', async () => (await now()) === 'light');
  });
  await check('? lists the keys', async () => {
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await axe('keys');
    await page.keyboard.press('Escape');
  });
}

async function graphiql(url) {
  await check('GraphiQL works offline', async () => {
    await page.goto(`${url}/graphiql`);
    await page.locator('.graphiql-query-editor .view-line').first().waitFor({ timeout: PATIENCE });
    await page.getByRole('button', { name: /execute query/i }).click();
    await until('the answer is shown', async () =>
      (await page.locator('.result-window').textContent()).includes('"recordsPerSecond"'),
    );
  });
}

async function screenshots(url) {
  const update = process.env.UPDATE_SCREENSHOTS === '1';
  await check('screenshots', async () => {
    mkdirSync(images, { recursive: true });
    await page.goto(`${url}/?order=rate`);
    await until('rates', async () =>
      (await page.locator('.nodes td.num').allTextContents()).some((t) => /\d\/s/.test(t)),
    );
    // For the README the demo has run as long as the page shows; a test need not wait for that.
    if (update) await until('ten minutes observed', () => page.locator('.badge-ok').count(), 15 * 60_000);
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m`);
    await page.getByRole('button', { name: /^orders to order-enricher, reads/ }).click();
    await page.getByRole('complementary').locator('canvas').first().waitFor();
    await page.locator('h1').hover();
    await shot('lineage.png');
  });
}

async function main() {
  const demo = await startDemo();
  let browser;
  try {
    // launchPersistentContext: a new, empty user data directory, which is deleted with the rest of temp.
    browser = await chromium.launchPersistentContext(join(temp, 'profile'), {
      executablePath: findChromium(),
      viewport: { width: 1440, height: 900 },
      colorScheme: 'light',
      reducedMotion: 'reduce',
      args: [
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    browser.setDefaultTimeout(15_000);
    await browser.addInitScript({ content: AXE });
    page = browser.pages()[0] ?? (await browser.newPage());
    const local = new URL(demo.url).origin;
    page.on('console', (m) => {
      if (m.type() === 'error') complaints.push(`console: ${m.text()}`);
    });
    page.on('pageerror', (e) => complaints.push(`uncaught: ${e.message}`));
    browser.on('request', (r) => {
      const u = new URL(r.url());
      if (u.protocol.startsWith('http') && u.origin !== local) complaints.push(`left this machine: ${r.url()}`);
    });
    browser.on('response', (r) => {
      if (r.status() >= 400) complaints.push(`${r.status()} ${r.url()}`);
    });
    await overview(demo.url);
    await graph();
    await panel();
    await keyboard();
    await time(demo.url);
    await doubt(demo.url);
    await leftBehind(demo.url);
    await movers(demo.url);
    await rareMovers(demo.url);
    await exports(demo.url);
    await theme(demo.url);
    await graphiql(demo.url);
    await screenshots(demo.url);
  } finally {
    await browser?.close();
    await demo.stop();
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
try {
  await main();
} catch (e) {
  failed++;
  console.log(`FAIL  ${e.message}`);
} finally {
  rmSync(temp, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
