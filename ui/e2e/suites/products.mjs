// Data products, as they are declared, beside what is observed of them.
import { axeInBoth, check, must, PATIENCE, page, until } from '../harness.mjs';

export async function products(url) {
  await check(
    'the catalog has data products with owner, ports, contracts and what was observed, by the keyboard',
    async () => {
      await page.goto(`${url}/catalog?last=10m`);
      const summary = page.locator('.products > summary');
      await summary.waitFor({ timeout: PATIENCE });
      must(/^1 data product\b/.test(await summary.innerText()), `it says ${await summary.innerText()}`);
      await summary.focus();
      await page.keyboard.press('Enter');
      const card = page.locator('.product', { hasText: 'Baskets' });
      await card.waitFor();
      const text = async () => (await card.innerText()).replace(/\s+/g, ' ');
      must(/Owner: team-web/.test(await text()), `its owner is not told: ${await text()}`);
      must(/takes orders contract orders 1\.0\.0/.test(await text()), await text());
      must(/no file holds the contract "orders"/.test(await text()), 'what can’t be told of its input is not said');
      await until('its output is seen to be written', async () =>
        /gives totals .*written in this window/.test(await text()),
      );
    },
  );
  await check('axe: data products', () => axeInBoth('data products'));
  await check('a port leads to the lineage of its topic in the same window', async () => {
    await page.locator('.ports a', { hasText: 'customer-baskets' }).click();
    await page.waitForURL(/\/lineage\?root=topic(:|%3A)west(\/|%2F)customer-baskets.*last=10m/);
  });
  await check('the map groups by data product, where any is declared', async () => {
    await page.goto(url);
    await page.getByRole('button', { name: 'Data product', exact: true }).click();
    await page.waitForURL(/by=product/);
    await page.locator('#map .map', { hasText: 'Baskets' }).waitFor({ timeout: PATIENCE });
    await page.locator('#map .map', { hasText: '(no product)' }).waitFor();
  });
}
