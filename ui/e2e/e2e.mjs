// The browser test: the built binary's demo in Chromium, as a visitor would use it.
//
//   LINEAGED_BIN=bin/lineaged npm run e2e       CHROMIUM=/usr/bin/chromium  UPDATE_SCREENSHOTS=1 writes docs/images
//                                               ONLY=time,movers: these parts alone
//
// It starts the demo and the browser itself and ends both, and nothing else, whatever happens. Last line: the counts.
import { must, run } from './harness.mjs';
import { bar } from './suites/bar.mjs';
import { catalog, manyNodes, palette } from './suites/catalog.mjs';
import { doubt, leftBehind } from './suites/doubt.mjs';
import { exports } from './suites/exports.mjs';
import { http } from './suites/http.mjs';
import { impact } from './suites/impact.mjs';
import { graph, keyboard, panel } from './suites/lineage.mjs';
import { movers, rareMovers } from './suites/movers.mjs';
import { names } from './suites/names.mjs';
import { overview } from './suites/overview.mjs';
import { phone } from './suites/phone.mjs';
import { picture } from './suites/picture.mjs';
import { screenshots } from './suites/screenshots.mjs';
import { graphiql, theme } from './suites/shell.mjs';
import { time } from './suites/time.mjs';
import { usage } from './suites/usage.mjs';

const PARTS = {
  overview: [overview],
  catalog: [catalog, manyNodes, palette],
  lineage: [graph, panel, keyboard],
  picture: [picture],
  time: [time],
  bar: [bar],
  doubt: [doubt, leftBehind],
  movers: [movers, rareMovers],
  names: [names],
  phone: [phone],
  exports: [exports],
  impact: [impact],
  usage: [usage],
  shell: [theme, graphiql],
  http: [http],
  screenshots: [screenshots],
};

const only = process.env.ONLY?.split(',') ?? Object.keys(PARTS);
for (const name of only) must(PARTS[name], `ONLY names ${name}, and there is ${Object.keys(PARTS).join(', ')}`);
await run(only.flatMap((name) => PARTS[name]));
