// Columns of a dataset and the ways of one, and what a job tells of its runs: of events that are sent to the demo.
import { axeInBoth, check, must, page, until } from '../harness.mjs';

const PG = 'postgres://warehouse-db.shop.example:5432';
const TABLE = 'warehouse.sales.orders';
const DAILY = 'warehouse.sales.orders_daily';
const PRODUCER = 'https://example.org/dbt';
const FACET = { _producer: PRODUCER, _schemaURL: 'https://openlineage.io/spec/facets/1-0-0/Facet.json' };
const dataset = (name) => `dataset:${encodeURIComponent(PG)}/${name}`;

const schema = (...fields) => ({ ...FACET, fields: fields.map(([name, type]) => ({ name, type })) });
const from = (field, more = {}) => ({
  namespace: PG,
  name: TABLE,
  field,
  transformations: [{ type: 'DIRECT', ...more }],
});

/** What dbt would send of a model that has run. */
const event = (eventType, at, run) => ({
  eventType,
  eventTime: new Date(at).toISOString(),
  producer: PRODUCER,
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
  run: { runId: run, facets: {} },
  job: {
    namespace: 'dbt',
    name: 'shop.orders_daily',
    facets: {
      jobType: { ...FACET, processingType: 'BATCH', integration: 'DBT', jobType: 'MODEL' },
      ownership: { ...FACET, owners: [{ name: 'team:warehouse', type: 'OWNER' }] },
      documentation: { ...FACET, description: 'Orders by day and customer.' },
    },
  },
  inputs: [
    { namespace: PG, name: TABLE, facets: { schema: schema(['id', 'text'], ['email', 'text'], ['total', 'numeric']) } },
  ],
  outputs: [
    {
      namespace: PG,
      name: DAILY,
      facets: {
        schema: schema(['customer', 'text'], ['revenue', 'numeric']),
        columnLineage: {
          ...FACET,
          fields: {
            customer: { inputFields: [from('email', { subtype: 'TRANSFORMATION', masking: true })] },
            revenue: { inputFields: [from('total', { subtype: 'AGGREGATION' })] },
          },
        },
      },
    },
  ],
});

async function send(url) {
  const run = '01936f3e-7a00-7000-8000-000000000014';
  for (const e of [event('START', Date.now() - 4_000, run), event('COMPLETE', Date.now() - 2_000, run)]) {
    const said = await page.request.post(`${url}/api/v1/lineage`, { data: e });
    must(said.ok(), `the event is answered with ${said.status()}: ${await said.text()}`);
  }
}

const ago = (hours) => new Date(Date.now() - hours * 3_600_000).toISOString();

export async function columns(url) {
  const part = () => page.getByRole('region', { name: /^Columns/ });
  const ways = () => page.getByRole('region', { name: /^Ways of/ });
  await check('columns are there where somebody says them, and lead to who is hurt without one', async () => {
    await send(url);
    await page.goto(`${url}/node?id=topic:west/returns&last=10m`);
    await page.getByRole('heading', { name: 'On disk' }).waitFor();
    must((await part().count()) === 0, 'columns of which nobody says any');
    await until('the table has columns', async () => {
      await page.goto(`${url}/node?id=${encodeURIComponent(dataset(TABLE))}&last=10m`);
      await page.getByText(PG).first().waitFor();
      return (await part().count()) > 0;
    });
    const email = part().getByRole('button', { name: 'email', exact: true });
    await email.focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/column=/);
    await ways().getByRole('link', { name: DAILY, exact: true }).waitFor();
    await ways().getByText('masked: it tells nothing of what stood before').first().waitFor();
    await ways().getByRole('link', { name: 'shop.orders_daily', exact: true }).waitFor();
    await axeInBoth('columns');
    await ways().getByRole('button', { name: 'Close' }).focus();
    await page.keyboard.press('Enter');
    await ways().waitFor({ state: 'detached' });
    must(await email.evaluate((e) => e === document.activeElement), 'the focus is lost when the ways close');
    await page.setViewportSize({ width: 320, height: 700 });
    await email.click();
    await ways().getByRole('link', { name: DAILY, exact: true }).waitFor();
    must((await page.evaluate(() => document.documentElement.scrollWidth)) <= 320, 'wider than 320 px');
    await page.setViewportSize({ width: 1440, height: 900 });
    await ways().getByRole('link', { name: DAILY, exact: true }).click();
    await page
      .getByRole('complementary', { name: 'Node' })
      .getByRole('heading', { name: /^Ways of customer/ })
      .waitFor();
  });
  await check('columns of the registry lead through transformations to who is hurt, also in the past', async () => {
    for (const when of ['last=10m', `start=${ago(2)}&end=${ago(1)}`]) {
      await page.goto(`${url}/node?id=topic:west/orders&${when}`);
      await part().getByText('Schema registry demo-registry, subject orders-value, version 1, AVRO').waitFor();
      await part().getByRole('button', { name: 'customer_email', exact: true }).click();
      await ways().getByRole('link', { name: TABLE, exact: true }).waitFor();
      await ways().getByText('by its transformations and its class').first().waitFor();
      await ways().getByRole('link', { name: 'fulfilment-east', exact: true }).waitFor();
    }
    await page.goto(`${url}/node?id=topic:west/orders&last=10m&column=topic:west/orders%23value.notes`);
    await ways().getByText('dropped by the transformation shape').waitFor();
  });
  await check('what if a column is lost: its ways, and nobody starves of it', async () => {
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m&lose=topic:west/orders%23value.customer_email`);
    const panel = page.getByRole('complementary', { name: 'What if it is lost' });
    await panel.getByRole('list', { name: 'Thought away' }).getByText('value.customer_email of orders').waitFor();
    await panel
      .getByRole('region', { name: /^Ways of/ })
      .getByRole('link', { name: 'fulfilment-east' })
      .waitFor();
    must((await panel.getByText(/Starves|Nobody was seen to live/).count()) === 0, 'somebody starves of a column');
    await axeInBoth('what if a column is lost');
    await panel.getByRole('button', { name: 'Close', exact: true }).click();
    await panel.waitFor({ state: 'detached' });
  });
  await check('a job says what it told of its runs', async () => {
    await page.goto(`${url}/node?id=job:dbt/shop.orders_daily&last=10m`);
    const runs = page.getByRole('region', { name: 'Runs' });
    await runs.getByText('completed').waitFor();
    await runs.getByText('team:warehouse').waitFor();
    await runs.getByRole('link', { name: DAILY }).waitFor();
    await axeInBoth('runs of a job');
  });
}
