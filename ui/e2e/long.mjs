// The long form of the browser test: a page that is left open lets go of what it no longer shows.
//
//   LINEAGED_BIN=bin/lineaged npm run e2e:long      MINUTES=10
import { check, must, page, run, until } from './harness.mjs';

const MINUTES = Number(process.env.MINUTES ?? 10);

/** Bytes of the page's heap that are alive, and how many nodes its document has. */
async function held() {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  const { nodes } = await devtools.send('Memory.getDOMCounters');
  await devtools.detach();
  return { usedSize, nodes };
}

async function live(url) {
  await check(`memory of a live lineage is flat over ${MINUTES} minutes`, async () => {
    let answers = 0;
    page.on('response', (r) => {
      if (r.url().endsWith('/graphql')) answers++;
    });
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m&live=1`);
    await until('the graph is drawn', async () => (await page.locator('.node-card').count()) >= 4);
    await page.getByRole('button', { name: /^orders to order-enricher, reads/ }).click();
    await page.getByRole('complementary').locator('canvas').first().waitFor();
    const of = (part) => new Promise((r) => setTimeout(r, (MINUTES * 60_000 * part) / 5));
    await of(1);
    const early = await held();
    const asked = answers;
    await of(4);
    const late = await held();
    const mebi = (bytes) => `${(bytes / (1 << 20)).toFixed(1)} MiB`;
    console.log(
      `      ${answers - asked} answers: heap ${mebi(early.usedSize)}, then ${mebi(late.usedSize)}; ` +
        `${early.nodes} nodes in documents, then ${late.nodes}`,
    );
    must(answers - asked > 10 * MINUTES, `only ${answers - asked} answers: nothing was updated`);
    must(
      late.usedSize < 1.1 * early.usedSize + (1 << 20),
      `heap grew from ${mebi(early.usedSize)} to ${mebi(late.usedSize)}`,
    );
    must(late.nodes < 1.1 * early.nodes + 500, `documents grew from ${early.nodes} to ${late.nodes} nodes`);
  });
}

await run([live]);
