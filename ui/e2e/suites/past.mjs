// Who is not in a window: when they were there, told and shown.
import { axeInBoth, check, must, page } from '../harness.mjs';

const iso = (hoursAgo) => new Date(Date.now() - hoursAgo * 3_600_000).toISOString().replace(/\.\d+/, '');

export async function past(url) {
  // The demo's refunds began five hours ago.
  const early = `start=${iso(20)}&end=${iso(19)}`;
  await check('a link to who is not there in its window shows when it was, marked as another time', async () => {
    await page.goto(`${url}/lineage?root=topic:west/refunds&${early}`);
    const life = page.getByRole('region', { name: 'Its last life' });
    await life.getByText('Not seen yet').waitFor();
    await life.getByText(/It was first seen .*, after this window/).waitFor();
    await page
      .getByRole('button', { name: /refund-writer/ })
      .first()
      .waitFor();
    must(page.url().endsWith(early), 'the link is another');
    await axeInBoth('the life of who is not there');
    await life.getByRole('link', { name: 'Go to that time' }).focus();
    await page.keyboard.press('Enter');
    await page.waitForURL((u) => u.searchParams.get('start') > iso(6));
    await life.waitFor({ state: 'detached' });
    await page
      .getByRole('button', { name: /refund-writer/ })
      .first()
      .waitFor();
  });
  await check('so do the page of a node and of a flow; who was never seen is said to be that', async () => {
    const flow = 'application:shop/refund-writer->topic:west/refunds';
    for (const id of ['topic:west/refunds', flow]) {
      await page.goto(`${url}/node?id=${encodeURIComponent(id)}&${early}`);
      await page.getByText('Not seen yet').waitFor();
      await page.locator('.panel-page.past h2', { hasText: 'refund' }).first().waitFor();
    }
    await page.goto(`${url}/node?id=topic:west/nothing&last=10m`);
    await page.getByText(/It was not seen at any time since/).waitFor();
    await page.goto(
      `${url}/lineage?root=topic:west/orders&last=10m&selected=${encodeURIComponent('topic:west/orders->application:shop/nobody')}`,
    );
    await page.getByText('It was not seen at any time of which data is held.').waitFor();
    must((await page.getByRole('alert').count()) === 0, 'what is not there is no failure');
  });
}
