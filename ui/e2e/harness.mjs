// What every part of the browser test stands on: the demo, the page, waiting, and counting what held.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const temp = mkdtempSync(join(tmpdir(), 'lineaged-e2e-'));
process.on('exit', () => rmSync(temp, { recursive: true, force: true }));
export const images = process.env.UPDATE_SCREENSHOTS === '1' ? join(root, 'docs', 'screenshots') : join(temp, 'images');
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
export const PATIENCE = 30_000;

const held = new Set();
let passed = 0;
let failed = 0;
const failures = []; // told again at the end: whoever cuts a long log keeps its end
const complaints = []; // of the browser: console errors, failed requests, requests that leave this machine

/** One check. What the browser complains of fails it, unless it is foreseen. */
export async function check(name, body, foreseen) {
  const before = complaints.length;
  const began = performance.now();
  try {
    await body();
    const said = complaints.slice(before).filter((c) => !foreseen?.test(c));
    if (said.length > 0) throw new Error(said.join('\n    '));
    passed++;
    held.add(name);
    console.log(`ok    ${name} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  } catch (e) {
    fail(name, e);
    if (process.env.KEEP)
      await page?.screenshot({ path: join(tmpdir(), `lineaged-e2e-fail-${failed}.png`) }).catch(() => {});
  } finally {
    // An answer changed for one check must not reach the next.
    await page?.unrouteAll({ behavior: 'wait' });
  }
}

function fail(name, e) {
  failed++;
  const said = `FAIL  ${name}\n    ${e.message}`;
  failures.push(said);
  console.log(said);
}

/** Whether a check of a name was made in this run, and held. */
export const hasHeld = (name) => held.has(name);

export function must(condition, message) {
  if (!condition) throw new Error(message);
}

/** Asks until the answer is true: the demo needs some seconds until all of it has been observed. */
export async function until(what, question, patience = PATIENCE) {
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

/** The program that is tested. npm runs this in ui/; the caller's path is relative to where the caller stands. */
export function binary() {
  const bin = resolve(process.env.INIT_CWD ?? '.', process.env.LINEAGED_BIN ?? join(root, 'bin', 'lineaged'));
  must(existsSync(bin), `missing: ${bin}; run make build, or set LINEAGED_BIN`);
  return bin;
}

async function startDemo() {
  const bin = binary();
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

/** The page that all parts look at, one after the other. */
export let page;

/** Where axe looked, by the names that the checks give. */
const looked = new Set();

/** Whether axe looked at a place of a name in both themes. */
export const wasLookedAt = (where) => THEMES.every((theme) => looked.has(`${where}, ${theme}`));

/** Only colours differ in the dark: what axe says of all else it has said in the light. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

export async function axe(where, only = { type: 'tag', values: RULES }) {
  looked.add(where);
  const bare = await page.evaluate(bareInstants);
  must(bare.length === 0, `${where}: instants without UTC: ${bare.slice(0, 3).join(' | ')}`);
  const violations = await page.evaluate(async (runOnly) => {
    // What is scrolled may lie half beneath what stays in its place, which axe takes for targets that are too small.
    const scrolled = [...document.querySelectorAll('*')].filter((e) => e.scrollTop > 0).map((e) => [e, e.scrollTop]);
    for (const [e] of scrolled) e.scrollTop = 0;
    const result = await globalThis.axe.run(document, { runOnly });
    for (const [e, top] of scrolled) e.scrollTop = top;
    return result.violations.map(
      (v) =>
        `${v.id} (${v.nodes.length}): ${v.help}: ${v.nodes
          .slice(0, 3)
          .map((n) => `${n.html.slice(0, 160)} [${n.any[0]?.message ?? ''}]`)
          .join(' | ')}`,
    );
  }, only);
  must(violations.length === 0, `${where}:\n    ${violations.join('\n    ')}`);
}

/** Instants in sight of which nobody can have UTC: text that is none of a <time>, and a <time> that does not say it. */
function bareInstants() {
  const out = [...document.querySelectorAll('time')]
    .filter((t) => !/Z$/.test(t.dateTime) || !/ UTC\b/.test(t.title))
    .map((t) => t.outerHTML);
  const told = /\b\d\d:\d\d(:\d\d)?\b(?!:|\.\d|Z| UTC| of [\d-]+ \(UTC\))|\bjust now\b|\b\d+ (s|min|h|d) ago\b/;
  // Under a line of time stand round hours; what a chart draws of them has its values beside it.
  const example = /yesterday \d\d:\d\d/; // of what one can type
  const other = 'time, .bar-axis, script, style, textarea, .graphiql-container';
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let t = texts.nextNode(); t; t = texts.nextNode()) {
    if (told.test(t.data.replace(example, '')) && !t.parentElement.closest(other) && t.parentElement.checkVisibility())
      out.push(t.data);
  }
  return out;
}

const THEMES = ['light', 'dark'];

export async function axeInBoth(where) {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((t) => document.documentElement.dataset.theme === t, theme);
    await axe(`${where}, ${theme}`, theme === 'dark' ? { type: 'rule', values: OF_COLOURS } : undefined);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

export const labels = () => page.locator('.flow-label');
export const shot = (name) => page.screenshot({ path: join(images, name) });
export const CONNECTOR = 'connector:demo-connect/orders-warehouse';
export const REPLICATOR = 'replicator:east/west-%3Eeast';
export const JOB = 'streamjob:west/basket-totals';
export const lineageUrl = (url, root, more = '') => `${url}/lineage?root=${encodeURIComponent(root)}&last=10m${more}`;
export const fact = async (side, name) =>
  (await side.locator('.fact', { hasText: name }).locator('dd').first().textContent()).trim();

/** Where more checks fail, it is not the machine. */
const MOST_AGAIN = 3;

/**
 * Runs parts on one demo and one browser, ends both, and says the counts. A part is a name and a function of the demo's
 * URL. twice: parts in which little failed run a second time, alone; what failed at first is told, and what fails then
 * counts.
 */
export async function run(parts, { twice = false } = {}) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));
  try {
    await inBrowser(async (url) => {
      const weak = [];
      for (const part of parts) {
        const before = { passed, failed };
        await part(url);
        if (failed > before.failed) weak.push({ part, passed: passed - before.passed });
      }
      if (twice && failed > 0 && failed <= MOST_AGAIN) await onceMore(url, weak);
    });
  } catch (e) {
    fail('between the checks', e);
  }
  if (failures.length > 0) console.log(`what failed:\n${failures.join('\n')}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

/** What earlier checks chose, this browser has forgotten: a second try begins as the first did. */
function forget() {
  localStorage.clear();
  sessionStorage.clear();
}

async function onceMore(url, weak) {
  for (const said of failures.splice(0)) console.log(`at first ${said}`);
  failed = 0;
  for (const { part, passed: counted } of weak) {
    passed -= counted;
    await page.goto(url);
    await page.evaluate(forget);
    await part(url);
  }
}

/** Gives the demo's URL to a function, with the page on a browser of its own; both end with it. */
export async function inBrowser(body, ...alsoLocal) {
  const given = process.env.LINEAGED_URL; // of one that runs already
  const demo = given ? { url: given, stop() {} } : await startDemo();
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
    listen(
      browser,
      [demo.url, ...alsoLocal].map((u) => new URL(u).origin),
    );
    await body(demo.url);
  } finally {
    await browser?.close();
    await demo.stop();
  }
}

/** What the browser complains of, and any request that leaves this machine, fails the check in which it happens. */
function listen(browser, local) {
  page.on('console', (m) => {
    if (m.type() === 'error') complaints.push(`console: ${m.text()}`);
  });
  page.on('pageerror', (e) => complaints.push(`uncaught: ${e.message}`));
  browser.on('request', (r) => {
    const u = new URL(r.url());
    if (u.protocol.startsWith('http') && !local.includes(u.origin)) complaints.push(`left this machine: ${r.url()}`);
  });
  browser.on('response', (r) => {
    if (r.status() >= 400) complaints.push(`${r.status()} ${r.url()}`);
  });
}
