// What people say of a node: looked at, edited by keys alone, in conflict with somebody else, and what comes to others by it.
import { axeInBoth, check, must, page, until } from '../harness.mjs';

const TOPIC = 'topic:west/orders';
const part = () => page.getByRole('region', { name: /^What is said of it/ });

const set = (url, expected, changes) =>
  page.request.post(`${url}/graphql`, {
    data: {
      query:
        'mutation($e: Int!, $c: [MetadataChange!]!) { setMetadata(node: "topic:west/orders", expected: $e, changes: $c) { version } }',
      variables: { e: expected, c: changes },
    },
  });

export async function said(url) {
  await check('what is said of a node is edited by keys, and says who said it', async () => {
    await page.goto(`${url}/node?id=${TOPIC}&last=10m`);
    await part().getByRole('button', { name: 'Edit' }).focus();
    await page.keyboard.press('Enter');
    const owner = part().getByLabel('Owner');
    must(await owner.evaluate((e) => e === document.activeElement), 'the form is not where one goes on');
    await owner.fill('team-edited');
    await part()
      .getByLabel(/^Tags with/)
      .fill('pii; checked');
    await part()
      .getByLabel(/a new one/)
      .fill('cost-center');
    await part().getByRole('button', { name: 'Add' }).click();
    await part().getByLabel('cost-center').fill('4711');
    await page.keyboard.press('Enter');
    await part().getByText('team-edited', { exact: true }).waitFor();
    await part().getByText('pii; checked', { exact: true }).waitFor();
    await part().getByText('4711', { exact: true }).waitFor();
    await part()
      .getByText(/edited by somebody who is not known/)
      .first()
      .waitFor();
    const edit = part().getByRole('button', { name: 'Edit' });
    must(await edit.evaluate((e) => e === document.activeElement), 'the focus is lost when the form closes');
  });
  await check('who has edited it meanwhile is not overwritten unseen', async () => {
    await part().getByRole('button', { name: 'Edit' }).click();
    const was = await (
      await page.request.post(`${url}/graphql`, {
        data: { query: `{ node(id: "${TOPIC}") { metadata { version } } }` },
      })
    ).json();
    const version = was.data.node.metadata.version;
    must(
      (await set(url, version, [{ field: 'CONTACT', values: ['other@example.org'] }])).ok(),
      'the other can not edit',
    );
    await part().getByLabel('Contact').fill('me@example.org');
    await part().getByRole('button', { name: 'Save' }).click();
    await part()
      .getByRole('alert')
      .getByText(/was edited at/)
      .waitFor();
    await part().getByRole('alert').getByText('other@example.org').waitFor();
    await part().getByRole('button', { name: 'I have seen it' }).click();
    await part().getByRole('button', { name: 'Save' }).click();
    await part().getByText('me@example.org', { exact: true }).waitFor();
    await axeInBoth('what is said of a node');
  });
  await check('a tag comes to who reads it as derived, by its way', async () => {
    await page.goto(`${url}/node?id=application:shop/billing&last=10m`);
    const tag = part().getByRole('listitem').filter({ hasText: 'checked' }).first();
    await tag.getByText('derived', { exact: true }).waitFor();
    await tag.locator('summary').click();
    await tag.getByRole('link', { name: /orders → billing/ }).waitFor();
    await part()
      .getByText(/^There may be more:/)
      .waitFor();
  });
  await check('a window of the past shows what stood then, and is not edited', async () => {
    const ago = (m) => new Date(Date.now() - m * 60_000).toISOString();
    await page.goto(`${url}/node?id=${TOPIC}&start=${ago(60)}&end=${ago(30)}`);
    await part()
      .getByText(/As it stood then/)
      .waitFor();
    await until('what was said later is not there', async () => !(await part().getByText('team-edited').count()));
    must((await part().getByRole('button', { name: 'Edit' }).count()) === 0, 'the past can be edited');
  });
  await check('what was edited is taken back', async () => {
    const response = await page.request.post(`${url}/graphql`, {
      data: { query: `{ node(id: "${TOPIC}") { metadata { version entries { field key source } } } }` },
    });
    const { version, entries } = (await response.json()).data.node.metadata;
    const edits = entries.filter((e) => e.source === 'EDIT').map(({ field, key }) => ({ field, key, values: null }));
    must(
      (await (await set(url, version, edits)).json()).data.setMetadata.version > version,
      'it can not be taken back',
    );
  });
}
