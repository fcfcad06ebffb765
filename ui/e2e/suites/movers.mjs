// Connectors, replicators and stream jobs.
import {
  axeInBoth,
  CONNECTOR,
  check,
  fact,
  JOB,
  lineageUrl,
  must,
  PATIENCE,
  page,
  REPLICATOR,
  until,
} from '../harness.mjs';

export async function movers(url) {
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
    must(/^[\d,]+ records?$/.test(await fact(flowSide(), 'Lag')), `lag is ${await fact(flowSide(), 'Lag')}`);
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
  await check('the catalog filters by every kind', async () => {
    for (const [button, kind, row] of [
      ['Stream jobs', 'stream_job', /^basket-totals Stream job west/],
      [
        'Connectors',
        'connector',
        /^orders-warehouse Sink connector west, by demo-connect .*(?:[≤≥~] ?)?[\d.]+(?: k)?\/s not measurable /,
      ],
      [
        'Connectors',
        'connector',
        /^inventory-cdc Source connector west, by demo-connect .*not measurable (?:[≤≥~] ?)?[\d.]+(?: k)?\/s /,
      ],
      ['Replicators', 'replicator', /^west->east Replicator west to east/],
      ['Datasets', 'dataset', /^warehouse\.sales\.orders Dataset postgres:.* not measurable not measurable/],
    ]) {
      await page.goto(`${url}/catalog`);
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
export async function rareMovers(url) {
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
    await page.getByRole('region', { name: 'Wrong or new' }).waitFor();
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
