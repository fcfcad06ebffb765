// The first page.
import { axeInBoth, check, must, page, until } from '../harness.mjs';

export async function overview(url) {
  await check('the overview lists clusters, and leads to all nodes', async () => {
    await page.goto(url);
    await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    for (const cluster of ['west', 'east']) await page.getByRole('rowheader', { name: cluster, exact: true }).waitFor();
    await until('all nodes are one click away, and counted', async () =>
      /^All \d+ nodes$/.test(await page.getByRole('link', { name: /^All/ }).textContent()),
    );
    must((await page.locator('.badge').textContent()).includes('observed'), 'no coverage on the overview');
  });
  await check('axe: overview', () => axeInBoth('overview'));
}
