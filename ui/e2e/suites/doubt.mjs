import { axeInBoth, check, fact, lineageUrl, must, PATIENCE, page, until } from '../harness.mjs';

/** Cards on which the last word of the kind and the state reaches into the place, or that do not hold what is on them. */
export const covered = () =>
  page.locator('.node-card').evaluateAll((cards) =>
    cards.flatMap((card) => {
      const box = (s) => [...card.querySelectorAll(s)].map((e) => e.getBoundingClientRect()).filter((b) => b.width > 1);
      const words = Math.max(...box('.node-kind > :not(.sr)').map((b) => b.right));
      // From afar the place stands above the words.
      const over = card.closest('.far, .farther') ? 0 : Math.max(0, ...box('.place').map((b) => words - b.left));
      const wide = Math.max(
        0,
        ...box('.node-name, .place, .node-rates > *').map((b) => b.right - card.getBoundingClientRect().right),
      );
      return over > 0 || wide > 0
        ? [`${card.textContent}: covers ${over.toFixed(1)} px, ${wide.toFixed(1)} px outside`]
        : [];
    }),
  );

/** The demo has neither a cut answer nor a flow in doubt: its own answer, changed on the way. */
export async function doubt(url) {
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
    await page.getByText(/Showing \d+ of 4,812 nodes/).waitFor();
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
export async function leftBehind(url) {
  await check('a reader that nobody is there for is told in search, graph, table and panel', async () => {
    await page.goto(`${url}/catalog?q=nightly`);
    const row = page.getByRole('row', { name: /^nightly-report/ });
    await row.getByText(/^nobody reading, [\d,]+ behind, last read .* ago$/).waitFor({ timeout: PATIENCE });
    await axeInBoth('search of who is left behind');
    await page.goto(lineageUrl(url, 'application:shop/nightly-report'));
    await page.getByRole('button', { name: /nobody reading.*nightly-report.*lag/ }).waitFor();
    await page.getByRole('button', { name: /^orders to nightly-report, reads.*nobody reading.*behind/ }).click();
    const side = page.getByRole('complementary', { name: 'Flow' });
    await side
      .getByRole('note')
      .getByText(/^nobody reading, [\d,]+ behind/)
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
    must(/^≤ [\d,]+ records$/.test(await fact(side, 'Skipped, not read')), 'nothing was skipped');
  });
}
