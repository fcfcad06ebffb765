// What the page costs, measured in Chromium beside bare React Flow with dagre on the same graph, in one run and by
// turns. Prints the table of docs/performance.md.
//
//   LINEAGED_BIN=bin/lineaged npm --prefix ui run bench       ROUNDS=5
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inBrowser, must, page, temp, until } from '../e2e/harness.mjs';
import { scrolled } from './catalog.mjs';
import { fixedSet } from './graphs.mjs';
import { byServer, layoutRows } from './layout.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const SIZE = 300;
const here = fileURLToPath(new URL('.', import.meta.url));
const graph = fixedSet().find((g) => g.size === SIZE && g.shape === 'pipelines');
const count = (n) => n.toLocaleString('en');
const middle = (of) => of.toSorted((a, b) => a - b)[Math.floor(of.length / 2)];

/** The peer's page and the graph that it draws, on loopback. */
async function servePeer() {
  const built = join(temp, 'peer');
  const vite = join(here, '..', 'node_modules', 'vite', 'bin', 'vite.js');
  const args = [vite, 'build', '--config', join(here, 'vite.config.ts'), '--outDir', built, '--logLevel', 'error'];
  const ran = spawnSync(process.execPath, args, { encoding: 'utf8' });
  must(ran.status === 0, `the peer's page: ${ran.stderr}`);
  const types = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };
  const server = createServer((request, response) => {
    if (request.url === '/graph.json') return response.end(JSON.stringify(graph));
    const path = request.url === '/' ? '/index.html' : request.url;
    try {
      const body = readFileSync(join(built, path));
      response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}

/** The demo's answer, with the nodes and flows of the graph in the place of its own, each as one of the demo's. */
function answerOf(flows) {
  const [{ places }] = byServer([graph]);
  const topic = flows.nodes.find((n) => n.kind === 'TOPIC');
  const application = flows.nodes.find((n) => n.kind === 'APPLICATION');
  const id = (i) => `${i % 2 === 0 ? 'topic:west' : 'application:demo'}/${graph.nodes[i]}`;
  const flow = (kind) => flows.flows.find((f) => f.kind === kind && f.recordsPerSecond > 0);
  return {
    ...flows,
    nodes: graph.nodes.map((name, i) => ({ ...(i % 2 === 0 ? topic : application), id: id(i), name })),
    flows: graph.edges.map(([a, b]) => ({
      ...flow(a % 2 === 0 ? 'CONSUME' : 'PRODUCE'),
      id: `${id(a)}->${id(b)}`,
      from: { ...flows.flows[0].from, id: id(a) },
      to: { ...flows.flows[0].to, id: id(b) },
    })),
    totalNodes: graph.nodes.length,
    truncated: false,
    hidden: [],
    positions: places.map(([x, y], i) => ({ node: id(i), layer: Math.round(x / 360), x, y })),
  };
}

/**
 * Milliseconds from the end of an answer until the graph is on the screen: to the frame after the one that drew the last
 * of it. Nodes and lines are there by then, and a whole frame has changed nothing in it. The same on both sides.
 */
const drawnAfter = (url, cards) =>
  page.evaluate(
    async ([url, cards]) => {
      const frame = () => new Promise((r) => requestAnimationFrame(r));
      let changed = true;
      const inGraph = ({ target }) => target.parentElement?.closest('.react-flow');
      new MutationObserver((records) => {
        changed ||= records.some(inGraph);
      }).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
      for (const part of [cards, '.react-flow__edge path'])
        while (document.querySelectorAll(part).length === 0) await frame();
      for (changed = true; changed; ) {
        changed = false;
        await frame();
      }
      const end = performance.now();
      const answer = performance.getEntriesByType('resource').filter((e) => e.name.includes(url));
      return end - answer[answer.length - 1].responseEnd;
    },
    [url, cards],
  );

/** Frames a second while the mouse drags the picture to and fro for two seconds. */
async function panned() {
  const box = await page.locator('.react-flow').boundingBox();
  const from = { x: box.x + box.width * 0.5, y: box.y + box.height * 0.97 };
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.evaluate(() => {
    globalThis.frames = 0;
    const count = () => {
      globalThis.frames++;
      requestAnimationFrame(count);
    };
    requestAnimationFrame(count);
  });
  const began = Date.now();
  for (let step = 0; Date.now() - began < 2_000; step++)
    await page.mouse.move(from.x + 200 * Math.sin(step / 10), from.y - 100 * Math.abs(Math.sin(step / 7)));
  const rate = (1000 * (await page.evaluate(() => globalThis.frames))) / (Date.now() - began);
  await page.mouse.up();
  return rate;
}

/** KiB of scripts and styles as transferred until the page has drawn what it shows first. */
async function transferred(url, shown) {
  await page.goto('about:blank');
  await page.goto(url);
  await page.locator(shown).first().waitFor();
  await page.waitForLoadState('networkidle');
  return page.evaluate(() => {
    const scripts = performance.getEntriesByType('resource').filter((e) => /\.js(\?|$)/.test(e.name));
    return scripts.reduce((sum, e) => sum + e.encodedBodySize, 0) / 1024;
  });
}

async function measure(url, peer) {
  const first = await transferred(url, 'h1');
  const lineage = await transferred(`${url}/lineage?root=topic:west/orders&last=10m`, '.node-card');
  const times = { ours: [], peers: [] };
  const rates = { ours: [], peers: [] };
  for (let round = 0; round < ROUNDS; round++) {
    await page.route('**/graphql', async (route) => {
      const response = await route.fetch();
      const body = await response.json();
      if (body.data?.flows?.positions) body.data.flows = answerOf(body.data.flows);
      await route.fulfill({ response, json: body });
    });
    await page.goto(`${url}/lineage?last=10m`);
    times.ours.push(await drawnAfter('/graphql', '.node-card'));
    await until('all is in the picture', async () => (await page.locator('.react-flow__viewport').count()) === 1);
    rates.ours.push(await panned());
    await page.unrouteAll({ behavior: 'wait' });
    await page.goto(peer);
    times.peers.push(await drawnAfter('/graph.json', '.react-flow__node'));
    rates.peers.push(await panned());
  }
  const catalog = await scrolled(url, ROUNDS);
  const time = (ms) => `${ms.toFixed(0)} ms`;
  const rate = (fps) => `${fps.toFixed(1)}/s`;
  const ratios = (of) => middle(of.ours.map((v, i) => v / of.peers[i]));
  return [
    {
      work: 'scripts of the overview, as transferred',
      ours: `${first.toFixed(0)} KiB`,
      met: first <= 300,
      goal: '≤ 300 KiB',
    },
    {
      work: 'scripts of a lineage, as transferred',
      ours: `${lineage.toFixed(0)} KiB`,
      met: lineage <= 300,
      goal: '≤ 300 KiB',
    },
    {
      work: `from the answer to the drawn graph, ${SIZE} nodes`,
      ours: time(middle(times.ours)),
      peer: time(middle(times.peers)),
      ratio: ratios(times),
      goal: 0.25,
    },
    {
      work: `frames while panned, ${SIZE} nodes`,
      ours: rate(middle(rates.ours)),
      peer: rate(middle(rates.peers)),
      ratio: ratios(rates),
      goal: '≥ 0.9',
      met: ratios(rates) >= 0.9,
    },
    {
      work: `frames while a catalog of ${count(catalog.nodes)} nodes is scrolled, 40 rows a second`,
      ours: rate(middle(catalog.rates)),
    },
    {
      work: 'rows of it that were drawn, as it is scrolled from end to end',
      ours: count(catalog.seen),
      goal: count(catalog.nodes),
      met: catalog.seen === catalog.nodes,
    },
  ];
}

function table(rows) {
  console.log('| work | lineaged | React Flow, dagre | ratio | goal | met |\n|---|---|---|---|---|---|');
  for (const { work, ours, peer = '', ratio, goal, met } of rows) {
    const bound = typeof goal === 'number' ? `≤ ${goal}` : (goal ?? '');
    const good = met ?? (typeof goal === 'number' ? ratio <= goal : undefined);
    const said = good === undefined ? '' : good ? 'yes' : 'no';
    console.log(`| ${work} | ${ours} | ${peer} | ${ratio?.toPrecision(2) ?? ''} | ${bound} | ${said} |`);
  }
}

const peer = await servePeer();
try {
  let rows;
  await inBrowser(async (url) => {
    rows = await measure(url, peer.url);
  }, peer.url);
  table([...rows, ...layoutRows()]);
} finally {
  peer.stop();
}
