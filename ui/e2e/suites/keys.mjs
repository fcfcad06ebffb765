// Every action of the page and its way by keyboard alone: what it is on is reached by Tab, as by who has no mouse.
import { check, hasHeld, lineageUrl, must, page, until } from '../harness.mjs';

const ORDERS = 'topic:west/orders';
const query = () => new URL(page.url()).searchParams;
const button = (name, within = page) => within.getByRole('button', { name, exact: typeof name === 'string' });
const aside = (name) => page.getByRole('complementary', { name });
const focused = (locator) => locator.evaluate((e) => e === document.activeElement);

/** Goes to something by Tab. after: what one comes from, where the way from the page's top is long. */
async function reach(locator, after) {
  await locator.waitFor();
  await after?.focus();
  for (let i = 0; i < 90; i++) {
    if (await focused(locator)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not lead to ${locator}`);
}

async function hit(locator, after, key = 'Enter') {
  await reach(locator, after);
  await page.keyboard.press(key);
}

async function saved(locator, after) {
  await reach(locator, after);
  const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  return file.suggestedFilename();
}

/** Where the graph and all after the toolbar begins. */
const toolbar = () => page.getByRole('heading', { level: 1 });
const top = async () => {
  await page.evaluate(() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
  });
};

/** Actions, of which each is what a check does, or the name of the check of another part that does it. */
const ACTIONS = [
  [
    'the search of everything: nodes, owners, tags, readers, writers, ways, windows',
    'Ctrl K: readers, writers, paths, windows, owners and tags, by keyboard alone',
  ],
  ['the list of keys', '? lists the keys'],
  ['from row to row of the catalog', 'the catalog by keyboard alone: to a row far away, back, and into a lineage'],
  ['from the overview to what is wrong', 'by keyboard alone from the overview to what is wrong'],
  [
    'brushing the bar: the window moved and stretched',
    'the window is drawn, moved and stretched on the bar, and all else of the address stays',
  ],
  ['playing the window', 'Space plays and pauses, and not while nobody looks'],
  ['walking the graph and opening what has the focus', 'the graph is one tab stop, walked by arrows'],
  ['the table of a graph', 't shows the same as a table'],
  [
    'hiding, collapsing and expanding in the graph',
    'x hides what has the focus, c takes away what lies behind it, e brings it back',
  ],
  ['opening and closing the menu of exports', 'the menu opens and closes by keyboard alone'],
  [
    'from the list of what starves to a node and back',
    'by keyboard alone: a row opens its node, Escape leads back to the list and then out of it',
  ],
  ['skipping to the content, going to a page, colours', '/catalog', pages],
  ['filtering and sorting the catalog', '/catalog', catalogue],
  ['the window: preset, own, before, on and now; live; the length of the bar', lineageUrl('', ORDERS), windows],
  ['times in UTC and back', lineageUrl('', ORDERS), clock],
  ['view, direction, depth, unit, inactive and inner flows, evidence, coverage', lineageUrl('', ORDERS), views],
  ['zooming and fitting the graph', lineageUrl('', ORDERS), zoom],
  ['exports and the query of the view', lineageUrl('', ORDERS), exported],
  [
    'what it starves, its files, all downstream, as a page, the query of a panel',
    lineageUrl('', ORDERS, `&selected=${ORDERS}`),
    panel,
  ],
  ['ways between two nodes', lineageUrl('', ORDERS, '&path=application:shop/order-analytics'), ways],
  ['comparing two windows', '/lineage?last=1h', compared],
  ['an event and what it is about', '/lineage?last=24h&view=events', events],
  ['the report of who used a topic, its files and its print', '/usage?topic=topic:west/payments&last=24h', usage],
  ['the overview: map, changes, coverage, storage, a rule to copy', '/?last=10m', overview],
  ['the drawer of a phone', lineageUrl('', ORDERS), drawer],
];

async function pages() {
  await page.getByRole('heading', { level: 1 }).waitFor();
  await hit(page.getByRole('link', { name: 'Skip to content' }));
  must(page.url().endsWith('#main'), `it leads to ${page.url()}`);
  await top();
  await hit(page.getByRole('link', { name: 'Lineage', exact: true }));
  await page.waitForURL(/\/lineage\?/);
  await hit(button(/^Colours/));
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await hit(button(/^Colours: light/), undefined, 'Space');
  await until('dark by choice', async () => (await theme()) === 'dark');
  await page.keyboard.press('Space');
  await button(/^Colours: as the system/).waitFor();
}

async function catalogue() {
  const box = page.getByRole('searchbox', { name: /^Filter by name/ });
  await reach(box);
  await page.keyboard.type('orders');
  await page.waitForURL(/q=orders/);
  await hit(button('Topics'), box, 'Space');
  await page.waitForURL(/kind=topic/);
  await reach(page.getByRole('combobox', { name: 'Cluster' }), box);
  await page.keyboard.type('east');
  await page.waitForURL(/cluster=east/);
  await hit(page.getByRole('columnheader', { name: /^Lag/ }).getByRole('button'), box);
  await page.waitForURL(/order=lag/);
  await until('it is in that order', async () => {
    return (await page.getByRole('columnheader', { name: /^Lag/ }).getAttribute('aria-sort')) === 'descending';
  });
  await page.goto(`${new URL(page.url()).origin}/catalog?q=orders&owner=team-orders`);
  await hit(button(/^owner team-orders: give up/), box);
  await page.waitForURL((u) => !u.search.includes('owner='));
}

async function windows() {
  await hit(button('1 h'));
  await page.waitForURL(/last=1h/);
  await page.keyboard.press('l');
  await button('Live').and(page.locator('[aria-pressed=true]')).waitFor();
  await page.keyboard.press('l');
  await button('Live').and(page.locator('[aria-pressed=false]')).waitFor();
  await hit(button('One window back'), button('1 h'));
  await page.waitForURL(/start=/);
  const start = query().get('start');
  await hit(button('One window back'), button('1 h'));
  await until('an hour before', () => Date.parse(start) - Date.parse(query().get('start')) === 3_600_000);
  await hit(button('One window on'));
  await until('an hour on', () => query().get('start') === start);
  await hit(button('To now'), button('1 h'));
  await page.waitForURL(/last=1h/);
  await hit(button('Custom'), button('1 h'));
  await hit(page.getByRole('radio', { name: 'from – to' }), button('Custom'), 'ArrowDown');
  await hit(button('Show'), button('Custom'));
  await page.waitForURL(/at=/);
  const bar = page.getByRole('combobox', { name: 'Time that the bar shows' });
  await reach(bar, button('Custom'));
  await page.keyboard.type('1 week');
  must((await bar.inputValue()) === '7d', `the bar shows ${await bar.inputValue()}`);
  await page.keyboard.type('24');
}

async function clock() {
  const time = page.locator('.bar-window-words time').first();
  await time.waitFor();
  const local = await time.textContent();
  await page.keyboard.press('u');
  await until('UTC', async () => (await time.textContent()).endsWith('Z'));
  await hit(button(/^UTC: tell all times in local time/), page.getByRole('slider', { name: 'End of the window' }));
  await until('local time', async () => (await time.textContent()) === local || !/Z/.test(await time.textContent()));
}

async function views() {
  const first = button('Export');
  for (const [name, key, in_] of [
    ['Downstream', 'Enter', 'direction=downstream'],
    ['Less depth', 'Enter', 'depth='],
    ['Bytes', 'Space', 'unit=bytes'],
    ['Events', 'Enter', 'view=events'],
    ['Graph', 'Enter', ''],
  ]) {
    await hit(button(name), first, key);
    await page.waitForURL((u) => u.search.includes(in_));
  }
  for (const [name, in_] of [
    ['inactive', 'inactive='],
    ['inner topics', 'internal=1'],
  ]) {
    await hit(page.getByRole('checkbox', { name }), first, 'Space');
    await page.waitForURL((u) => u.search.includes(in_));
  }
  await hit(button('All evidence'), first);
  await hit(page.getByRole('checkbox', { name: 'committed offsets' }), undefined, 'Space');
  await page.waitForURL(/evidence=GROUP_OFFSETS/);
  await page.keyboard.press('Escape');
  must(await focused(button('committed offsets')), 'the focus is not where it came from');
  await hit(page.locator('.notices .badge'), button('Refresh'));
  await page.getByRole('region', { name: 'Coverage' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Coverage' }).waitFor({ state: 'detached' });
}

async function zoom() {
  await page.locator('.node-card').first().waitFor();
  const scale = () => page.locator('.react-flow__viewport').evaluate((v) => v.style.transform);
  const before = await scale();
  const graph = page.getByRole('application', { name: /^Lineage graph/ });
  await hit(button('Zoom Out'), graph);
  await until('it is smaller', async () => (await scale()) !== before);
  const small = await scale();
  await hit(button('Fit the view'), button('Zoom Out'));
  await until('it fits again', async () => (await scale()) !== small);
}

async function exported() {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(page.url()).origin });
  await hit(button('Export'), toolbar());
  const menu = page.getByRole('region', { name: 'Export' });
  for (const name of ['SVG', 'DOT (Graphviz)', 'Mermaid', 'CSV', 'JSON', 'Who wrote and read it, CSV']) {
    const file = await saved(menu.getByRole('link', { name, exact: true }), button('Export'));
    must(/^(lineage|usage)-orders-.*\.(svg|dot|mmd|csv|json)$/.test(file), `${name} saves ${file}`);
  }
  must((await saved(button('PNG', menu), button('Export'))).endsWith('.png'), 'PNG is none');
  await hit(button('Copy as query', menu), button('Export'));
  await menu.getByText('Copied').waitFor();
}

async function panel() {
  const side = aside('Node');
  const close = button('Close the panel');
  await hit(button('Copy as query', side), side.getByRole('link', { name: 'As a page' }));
  await side.getByText('Copied').waitFor();
  await hit(side.locator('.values summary').first(), close);
  await side
    .getByRole('region', { name: /: values$/ })
    .first()
    .waitFor();
  await hit(side.getByRole('link', { name: 'What it starves' }), close);
  const list = aside('What it starves');
  const csv = await saved(list.getByRole('link', { name: 'CSV' }), button('Close the list'));
  must(/^impact-orders-.*csv$/.test(csv), `it saves ${csv}`);
  await hit(button('Close the list'), list);
  await list.waitFor({ state: 'detached' });
  await page.goBack();
  await page.goBack();
  await hit(side.getByRole('link', { name: 'All downstream' }), close);
  await page.waitForURL(/direction=downstream/);
  await page.goBack();
  await hit(side.getByRole('link', { name: 'As a page' }), side.getByRole('heading', { name: /^Coverage/ }));
  await page.waitForURL(/\/node\?id=/);
}

async function ways() {
  const side = aside('Ways');
  await hit(button('Way 1', side), button('Close the ways'));
  await button('Way 1', side).and(page.locator('[aria-pressed=true]')).waitFor();
  await hit(side.getByRole('link', { name: 'The other way round' }), button('Close the ways'));
  await page.waitForURL(/root=application:shop\/order-analytics/);
  await page.keyboard.press('Escape');
  await side.waitFor({ state: 'detached' });
}

async function compared() {
  await hit(button('Compare'), button('Export'));
  const side = aside('What changed');
  await reach(side.getByRole('combobox', { name: 'with' }), button('Close the comparison'));
  await page.keyboard.type('a day');
  await page.waitForURL(/compare=1d/);
  await page.keyboard.press('End');
  const form = side.getByRole('form', { name: 'Window to compare with' });
  await hit(button('Compare', form));
  await page.waitForURL(/compare=20/);
  await page.keyboard.press('Escape');
  await side.waitFor({ state: 'detached' });
}

async function events() {
  const row = page.getByRole('row', { name: /Flow stopped .*billing/ }).first();
  await hit(row.getByRole('link', { name: /billing/ }), row.getByRole('link').first());
  await page.waitForURL(/selected=/);
  await page.goBack();
  await hit(row.getByRole('link').first(), button('Refresh'));
  await page.waitForURL(/at=20/);
}

async function usage() {
  const head = page.getByRole('combobox', { name: 'Time that the bar shows' });
  for (const name of ['CSV', 'JSON']) {
    const file = await saved(page.getByRole('link', { name, exact: true }), head);
    must(/^usage-payments-.*(csv|json)$/.test(file), `it saves ${file}`);
  }
  await page.evaluate(() => {
    globalThis.print = () => document.body.setAttribute('data-printed', 'yes');
  });
  await hit(button('Print'), head);
  await page.locator('body[data-printed]').waitFor();
  await hit(page.getByRole('link', { name: 'Its lineage' }));
  await page.waitForURL(/\/lineage\?root=topic:west\/payments/);
}

async function overview() {
  await hit(page.locator('.page-head .badge'), page.getByRole('combobox', { name: 'Time that the bar shows' }));
  await page.getByRole('region', { name: 'Coverage' }).waitFor();
  await page.keyboard.press('Enter');
  const since = page.getByRole('combobox', { name: 'since' });
  await reach(since, page.getByRole('region', { name: 'Furthest behind' }).getByRole('link').last());
  await page.keyboard.type('the week');
  await page.waitForURL(/against=week/);
  const map = page.getByRole('region', { name: 'Map of all flows', exact: true });
  await hit(button('Cluster', map), since);
  await page.waitForURL(/by=cluster/);
  const alike = page.getByText(/looks? alike/).first();
  await page.getByText('What lineaged keeps').waitFor();
  const storage = page.locator('summary', { hasText: 'What lineaged keeps' });
  await hit(storage, button('Cluster', map));
  must(await page.getByRole('columnheader', { name: 'Kept for' }).isVisible(), 'storage is folded');
  if (await alike.count()) {
    await hit(page.locator('summary', { hasText: /alike/ }), button('Cluster', map));
    await hit(button(/^Copy the rule/).first());
    await page.getByRole('region', { name: /alike/ }).getByText('Copied').waitFor();
  }
  await hit(map.getByRole('link').first(), button('Cluster', map));
  await page.waitForURL(/\/lineage\?root=/);
}

async function drawer() {
  await page.setViewportSize({ width: 390, height: 844 });
  try {
    await hit(button('View'), toolbar());
    await hit(button('Upstream'), button('View'));
    await page.waitForURL(/direction=upstream/);
    await hit(button('Details'), button('View'));
    await aside('Node').waitFor();
    await page.keyboard.press('Escape');
    await aside('Node').waitFor({ state: 'detached' });
  } finally {
    await page.setViewportSize({ width: 1440, height: 900 });
  }
}

export async function keys(url) {
  for (const [action, where, does] of ACTIONS) {
    if (!does) continue;
    await check(`by keyboard alone: ${action}`, async () => {
      await page.goto(url + where);
      await does();
    });
  }
  // Alone, this part does not know of the others.
  if (process.env.ONLY) return;
  await check('by keyboard alone: what other parts do', () => {
    const missing = ACTIONS.filter(([, where, does]) => !does && !hasHeld(where)).map(([action]) => action);
    must(missing.length === 0, `not done: ${missing.join('; ')}`);
  });
}
