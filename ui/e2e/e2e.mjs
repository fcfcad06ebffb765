// The browser test: the built binary's demo in Chromium, as a visitor would use it.
//
//   LINEAGED_BIN=bin/lineaged npm run e2e       CHROMIUM=/usr/bin/chromium  UPDATE_SCREENSHOTS=1 writes docs/screenshots
//                                               ONLY=time,movers: these parts alone
//
// It starts the demo and the browser itself and ends both, and nothing else, whatever happens. Last line: the counts.
import { must, run } from './harness.mjs';
import { archive } from './suites/archive.mjs';
import { bar } from './suites/bar.mjs';
import { catalog, manyNodes, palette } from './suites/catalog.mjs';
import { columns } from './suites/columns.mjs';
import { compliance } from './suites/compliance.mjs';
import { doubt, leftBehind } from './suites/doubt.mjs';
import { exports } from './suites/exports.mjs';
import { far } from './suites/far.mjs';
import { http } from './suites/http.mjs';
import { impact } from './suites/impact.mjs';
import { keys } from './suites/keys.mjs';
import { graph, held, keyboard, panel } from './suites/lineage.mjs';
import { movers, rareMovers } from './suites/movers.mjs';
import { names } from './suites/names.mjs';
import { newcomer } from './suites/newcomer.mjs';
import { overview } from './suites/overview.mjs';
import { past } from './suites/past.mjs';
import { phone } from './suites/phone.mjs';
import { picture } from './suites/picture.mjs';
import { places } from './suites/places.mjs';
import { products } from './suites/products.mjs';
import { reports } from './suites/reports.mjs';
import { requests } from './suites/requests.mjs';
import { said } from './suites/said.mjs';
import { screenshots } from './suites/screenshots.mjs';
import { graphiql, theme } from './suites/shell.mjs';
import { auditor, engineer, onCall } from './suites/stories.mjs';
import { time } from './suites/time.mjs';
import { usage } from './suites/usage.mjs';
import { whatIf } from './suites/what-if.mjs';
import { DEMO } from './worlds.mjs';

const PARTS = {
  overview: [overview],
  newcomer: [newcomer],
  catalog: [catalog, manyNodes, palette],
  lineage: [graph, panel, keyboard, held],
  picture: [picture],
  far: [far],
  time: [time],
  bar: [bar],
  doubt: [doubt, leftBehind],
  movers: [movers, rareMovers],
  names: [names],
  past: [past],
  phone: [phone],
  exports: [exports],
  impact: [impact],
  whatif: [(url) => whatIf(url, DEMO)],
  usage: [usage],
  compliance: [compliance],
  reports: [reports],
  products: [products],
  shell: [theme, graphiql],
  http: [http],
  requests: [asksOnce],
  archive: [archive],
  stories: [stories],
  // After all others: what those did is not done again.
  places: [places],
  keys: [keys],
  screenshots: [screenshots],
  said: [said],
  columns: [columns], // sends events: the others see the demo as it is
};

function ago(hours) {
  return new Date(Date.now() - hours * 3_600_000).toISOString().replace(/\.\d+/, '');
}

/** An hour of the demo's past. */
function asksOnce(url) {
  return requests(url, DEMO, ago(3), ago(2));
}

/** The demo's own world: a report that nobody runs any more, and a quarter of an hour of nine hours ago that is missing. */
async function stories(url) {
  await onCall(url, {
    topic: 'orders',
    said: 'nightly-report',
    state: /stopped|nobody reading/i,
    since: true,
    starves: null,
  });
  await engineer(url, { topic: 'orders', downstream: ['billing', 'order-analytics', 'voucher-mailer'] });
  const readers = ['order-enricher'];
  await auditor(url, {
    topic: 'customers',
    from: ago(10),
    to: ago(8),
    readers,
    gap: /lineaged was not running/,
  });
}

const only = process.env.ONLY?.split(',') ?? Object.keys(PARTS);
for (const name of only) must(PARTS[name], `ONLY names ${name}, and there is ${Object.keys(PARTS).join(', ')}`);
await run(
  only.flatMap((name) => PARTS[name]),
  { twice: true },
);
