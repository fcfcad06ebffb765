// Names that Kafka allows and people do not expect: on every page they are text, whole, in their own direction, and push nothing off the screen.
import { check, must, page } from '../harness.mjs';

const LONG = `${'a.very-long_topic-name.'.repeat(11).slice(0, 245)}.end`; // 249 characters and no place to break
const RTL = 'شحنات-الطلبات-الجديدة <b onclick="hit=1">bold</b>';
const HTML = '<img src=x onerror="hit=1">&amp;"\'';
const ODD = [LONG, RTL, HTML];

/** Every name, owner and tag of all answers becomes an odd one: one of three, always the same for the same. */
async function oddNames() {
  await page.route('**/graphql', async (route) => {
    const response = await route.fetch();
    const json = await response.json();
    odd(json.data);
    await route.fulfill({ response, json });
  });
}

const pick = (s) => ODD[[...s].reduce((sum, c) => sum + c.charCodeAt(0), 0) % ODD.length];
const FOREIGN = ['name', 'owner', 'tag', 'clientId', 'group', 'member', 'transactionalId', 'principal', 'host'];

function odd(value) {
  if (Array.isArray(value)) return value.forEach(odd);
  if (value == null || typeof value !== 'object') return;
  for (const [key, v] of Object.entries(value)) {
    if (FOREIGN.includes(key) && typeof v === 'string') value[key] = v === 'orders' ? LONG : pick(v);
    else if (key === 'derivedTags')
      odd(v?.tags); // no words, but what is told of them
    else if (key === 'tags') value.tags = [HTML, RTL, LONG];
    else odd(v);
  }
}

/** What of the page stands outside the window, and in nothing that is scrolled; where foreign text stands without its own direction. */
const wrong = () =>
  page.evaluate(
    ([rtl]) => {
      const found = [];
      const width = document.documentElement.clientWidth;
      if (document.documentElement.scrollWidth > width)
        found.push(`the page is ${document.documentElement.scrollWidth} px wide`);
      const scrolled = (e) => {
        for (let p = e.parentElement; p; p = p.parentElement)
          if (
            ['auto', 'scroll'].includes(getComputedStyle(p).overflowX) ||
            p.matches('.react-flow, dialog:not([open])')
          )
            return true;
        return false;
      };
      for (const e of document.querySelectorAll('a, button, input, select, summary, h1, h2, h3, .badge')) {
        const r = e.getBoundingClientRect();
        if (r.width === 0 || e.closest('.sr, .skip') || getComputedStyle(e).visibility === 'hidden') continue;
        if ((r.right > width + 1 || r.left < -1) && !scrolled(e))
          found.push(`${e.tagName} ${e.className}: ${Math.round(r.left)} to ${Math.round(r.right)}`);
      }
      const texts = document.createTreeWalker(document.querySelector('#root'), NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const { data, parentElement } = texts.currentNode;
        if (data.includes(rtl) && !parentElement.closest('bdi, [dir="auto"], .sr, title, option'))
          found.push(`no direction of its own: ${parentElement.outerHTML.slice(0, 160)}`);
      }
      if (globalThis.hit || document.querySelector('#root img[src="x"], #root [onclick]'))
        found.push('a name was executed');
      return found;
    },
    [RTL.slice(0, 12)],
  );

const reachable = () =>
  page.evaluate(
    (name) =>
      [...document.querySelectorAll('#root *')].some(
        (e) => e.title?.includes(name) || (e.children.length === 0 && e.textContent === name),
      ),
    LONG,
  );

const VIEWS = [
  ['overview', '/', '.card'],
  ['catalog', '/catalog', '[data-row]'],
  ['lineage', '/lineage?root=topic:west/orders&last=10m', '.node-card, .hop'],
  ['node panel', '/lineage?root=topic:west/orders&last=10m&selected=topic:west/orders', 'aside .facts'],
  [
    'flow panel',
    '/lineage?root=topic:west/orders&last=10m&selected=topic:west/orders->application:shop/billing',
    'aside .facts',
  ],
  ['table', '/lineage?root=topic:west/orders&last=10m&view=table', '.tables tbody tr'],
  ['events', '/lineage?root=topic:west/orders&last=24h&view=events', '.lineage-view tbody tr'],
  ['everything', '/lineage?last=10m', '.node-card, .hop'],
];

export async function names(url) {
  for (const [width, height] of [
    [320, 640],
    [1280, 800],
  ]) {
    for (const [what, path, there] of VIEWS) {
      await check(`odd names at ${width} px: ${what}`, async () => {
        await page.setViewportSize({ width, height });
        await oddNames();
        await page.goto(url + path);
        await page.locator(there).first().waitFor();
        const found = await wrong();
        must(found.length === 0, found.slice(0, 6).join('\n    '));
        if (what !== 'events' && what !== 'overview') must(await reachable(), 'the whole name is nowhere');
      });
    }
    await check(`odd names at ${width} px: search of everything`, async () => {
      await oddNames();
      await page.keyboard.press('Control+k');
      await page.keyboard.type('orders');
      await page
        .getByRole('option', { name: /Topic, / })
        .first()
        .waitFor();
      const found = await wrong();
      must(found.length === 0, found.join('\n    '));
      await page.keyboard.press('Escape');
    });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
}
