// Every page, panel, menu, dialog and drawer of the page, and that axe finds nothing on any of them in light and in dark. A
// place at which another part has let axe look already, under the same name, is not looked at twice in one run.
import { axeInBoth, CONNECTOR, check, JOB, lineageUrl, must, page, REPLICATOR, wasLookedAt } from '../harness.mjs';

const ORDERS = 'topic:west/orders';
const DATASET = 'dataset:postgres%3A%2F%2Fwarehouse-db.shop.example%3A5432/warehouse.sales.orders';
const BILLING = 'application:shop/billing';
const BEFORE = 'start=2024-10-01T00:00:00Z&end=2024-10-01T01:00:00Z';
const lineage = (more = '') => lineageUrl('', ORDERS, more);
const panel = (root, id = root) => lineageUrl('', root, `&selected=${encodeURIComponent(id)}`);
const there = (selector) => page.locator(selector).first().waitFor();
const press = (name) => page.getByRole('button', { name, exact: true }).first().click();
const facts = () => there('aside .facts, aside .panel-links');
const onPhone = (then) => async () => {
  await page.setViewportSize({ width: 390, height: 844 });
  await page.reload();
  await then();
};

/** The name that checks give a place; its path; what is done there before one looks. */
const PLACES = [
  // Pages, and what is shown in place of them.
  ['overview', '/?last=10m', () => there('.map-card')],
  ['overview with all that opens', '/?last=10m', openOverview],
  ['nothing observed', `/?${BEFORE}`, () => there('.calm')],
  ['overview, phone', '/?last=10m', onPhone(() => there('.map-card'))],
  ['catalog', '/catalog', () => there('[data-row]')],
  ['catalog before the data', `/catalog?q=orders&${BEFORE}`, () => there('.empty.not-observed')],
  ['catalog without a match', '/catalog?q=no-such-thing', () => there('.empty.observed')],
  ['catalog on a phone', '/catalog', onPhone(() => press(/^Filters/))],
  ['graph', lineage(), () => there('.node-card')],
  ['table', lineage('&view=table'), () => there('.tables tbody tr')],
  ['events', lineage('&view=events'), () => there('.tables')],
  ['everything', '/lineage?last=10m', () => there('.node-card')],
  ['unknown node', '/lineage?root=topic:west/never-was', () => there('.empty')],
  ['hops', lineage(), onPhone(() => there('.hop-here'))],
  ['usage', '/usage?topic=topic:west/payments&last=24h', () => there('.usage-side')],
  ['usage of no topic', '/usage', () => there('.empty')],
  ['page of a node', '/node?id=topic:west/payments&last=1h', () => there('article canvas')],
  ['page of a flow', `/node?id=${ORDERS}-%3E${BILLING}&last=1h`, () => there('article canvas')],
  ['page of no node', '/node', () => there('.empty')],
  ['a link that is not understood', '/lineage?root=topic:west/orders&last=soon', () => there('.node-card')],
  ['no such page', '/catalog', openNowhere],
  // Panels.
  ['topic panel', panel(ORDERS), facts],
  ['node panel', panel(ORDERS, BILLING), facts],
  ['candidates', panel('topic:west/sessions', 'unidentified:west/sessions'), () => there('.candidates .who')],
  ['connector panel', panel(CONNECTOR), facts],
  ['replicator panel', panel(REPLICATOR), facts],
  ['subtopologies', panel(JOB), facts],
  ['dataset panel', panel(CONNECTOR, DATASET), facts],
  ['flow panel', panel(ORDERS, `${ORDERS}->${BILLING}`), () => there('aside canvas')],
  ['replication', panel(REPLICATOR, `${ORDERS}->${REPLICATOR}`), facts],
  ['what it starves', lineage('&direction=downstream&depth=10&impact=1'), () => there('.hit')],
  ['ways', lineage('&path=application:shop/order-analytics'), () => there('.way')],
  ['compared', '/lineage?last=1h&compare=before', () => there('.compare-lists')],
  ['compared with a window of its own', `/lineage?last=1h&compare=${own()}`, () => there('.compare-other')],
  // Menus, dialogs, drawers and what unfolds.
  ['export menu', lineage(), () => press('Export')],
  ['filter of evidence', lineage(), () => press('All evidence')],
  ['coverage of a lineage', lineage(), () => page.locator('.notices .badge').click()],
  ['values of a chart', panel(ORDERS), () => page.locator('aside .values summary').first().click()],
  ['custom window', lineage(), () => press('Custom')],
  ['search of everything', lineage(), () => press('Search everything')],
  ['search with results', lineage(), openSearch],
  ['keys', lineage(), () => press('Keys ?')],
  ['drawer', lineage(), onPhone(() => press('View'))],
  ['sheet', panel(ORDERS), onPhone(facts)],
  ['live, not connected', lineage('&live=1'), () => there('.node-card')],
  ['an answer that failed', '/catalog', openProblem],
];

function own() {
  const at = (hours) => `${new Date(Date.now() - hours * 3_600_000).toISOString().slice(0, 16)}:00Z`;
  return `${at(3)}/${at(2)}`;
}

async function openOverview() {
  await there('.map-card');
  await page.locator('.page-head .badge').click();
  for (const part of await page.locator('main details').all())
    if ((await part.getAttribute('open')) === null) await part.locator('summary').first().click();
  await page.getByRole('button', { name: 'Prefix of the name' }).click();
  await there('.map-card');
  await page.evaluate(() => scrollTo(0, 0)); // where the last click had scrolled to, the bar covers half of a link
}

/** The server knows no such path: it can only be come to within the page. */
async function openNowhere() {
  await page.evaluate(() => {
    history.pushState(null, '', '/nowhere');
    dispatchEvent(new PopStateEvent('popstate'));
  });
  await page.getByRole('heading', { name: 'No such page' }).waitFor();
}

async function openSearch() {
  await there('.node-card');
  await page.keyboard.press('/');
  await page.keyboard.type('orders');
  await page
    .getByRole('option', { name: /^orders Topic/ })
    .first()
    .waitFor();
}

/** What is told when the server refuses: its words, and a way to ask again. */
async function openProblem() {
  await page.route('**/graphql', (route) =>
    route.fulfill({
      json: { errors: [{ message: 'the question is too complex', extensions: { code: 'COMPLEXITY' } }] },
    }),
  );
  await page.getByRole('searchbox', { name: /^Filter by name/ }).fill('orders');
  await page.getByRole('alert').getByText('the question is too complex').waitFor();
}

export async function places(url) {
  for (const [where, path, then] of PLACES) {
    if (wasLookedAt(where)) continue;
    await check(`axe: ${where}`, async () => {
      await page.goto(url + path);
      await then();
      await axeInBoth(where);
    });
    await page.setViewportSize({ width: 1440, height: 900 });
  }
  await check('the places have names of their own', () => {
    const all = PLACES.map(([where]) => where);
    must(new Set(all).size === all.length, 'two places of one name');
  });
}
