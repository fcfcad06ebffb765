// The pictures of the documentation.
import { mkdirSync } from 'node:fs';
import { check, images, page, shot, until } from '../harness.mjs';

export async function screenshots(url) {
  const update = process.env.UPDATE_SCREENSHOTS === '1';
  await check('screenshots', async () => {
    mkdirSync(images, { recursive: true });
    await page.goto(`${url}/catalog?order=rate`);
    await until('rates', async () =>
      (await page.locator('.catalog-rows td.num').allTextContents()).some((t) => /\d\/s/.test(t)),
    );
    // For the README the demo has run as long as the page shows; a test need not wait for that.
    if (update) await until('ten minutes observed', () => page.locator('.badge-ok').count(), 15 * 60_000);
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m`);
    await page.getByRole('button', { name: /^orders to order-enricher, reads/ }).click();
    await page.getByRole('complementary').locator('canvas').first().waitFor();
    await page.locator('h1').hover();
    await shot('lineage.png');
  });
}
