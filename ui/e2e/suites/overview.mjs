// The first page, and the search of nodes.
import { axeInBoth, check, must, page, until } from '../harness.mjs';

export async function overview(url) {
  await check('the overview lists clusters and nodes', async () => {
    await page.goto(url);
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    for (const cluster of ['west', 'east']) await page.getByRole('rowheader', { name: cluster, exact: true }).waitFor();
    await until('orders is observed with a rate', async () => {
      const row = page.getByRole('row', { name: /^orders Topic west/ });
      return /\d\/s/.test(await row.locator('td').nth(2).textContent());
    });
    must((await page.locator('.badge').textContent()).includes('observed'), 'no coverage on the overview');
  });
  await check('axe: overview', () => axeInBoth('overview'));
  await check('/ leads to the search, which finds orders', async () => {
    await page.keyboard.press('/');
    await page.keyboard.type('orders');
    await page.waitForURL(/q=orders/);
    await until('only what matches is listed', async () => {
      const names = await page.locator('.nodes tbody tr').allInnerTexts(); // owner and tags are searched too
      return names.length >= 2 && names.length < 20 && names.every((n) => n.includes('orders'));
    });
  });
  await check('the kind filter and the order are in the URL', async () => {
    await page.getByRole('button', { name: 'Topics' }).click();
    await page.getByLabel('Order').selectOption('RATE');
    await page.waitForURL(/q=orders&kind=topic&order=rate/);
    await until('topics only', async () => {
      const kinds = await page.locator('.nodes tbody td:nth-of-type(1)').allInnerTexts();
      return kinds.length > 0 && kinds.every((k) => k === 'Topic');
    });
  });
}
