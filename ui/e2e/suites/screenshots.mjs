// The pictures of the documentation, docs/screenshots/: of each view one in light, one in dark, one of a phone.
import { mkdirSync } from 'node:fs';
import { check, images, page, shot, until } from '../harness.mjs';

const PC = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const side = (name) => page.getByRole('complementary', { name }).waitFor();

/** Each view: its path, and what to wait for. */
const VIEWS = {
  lineage: {
    path: '/lineage?root=topic:west/orders&last=10m&selected=topic:west/orders-%3Eapplication:shop/order-enricher',
    ready: () => page.getByRole('complementary').locator('canvas').first().waitFor(),
  },
  overview: { path: '/', ready: () => page.getByRole('region', { name: 'Wrong or new' }).waitFor() },
  catalog: { path: '/catalog?order=rate', ready: () => page.getByRole('heading', { name: 'Catalog' }).waitFor() },
  starves: {
    path: '/lineage?root=topic:west/orders&direction=downstream&depth=10&last=10m&impact=1',
    ready: () => side('What it starves'),
  },
  ways: {
    path: '/lineage?root=topic:west/orders&path=application:shop/order-analytics&last=10m',
    ready: () => side('Ways'),
  },
  usage: { path: '/usage?topic=topic:west/customers&last=24h', ready: () => page.getByText('CSV').first().waitFor() },
  columns: {
    path: '/node?id=topic:west/orders&last=10m&column=topic:west/orders%23value.customer_email',
    ready: async () => {
      await page
        .getByRole('region', { name: /^Ways of/ })
        .getByText('Who is hurt without it')
        .waitFor();
      await page.getByRole('region', { name: /^Columns/ }).evaluate((e) => {
        e.scrollIntoView();
        window.scrollBy(0, -60); // what stays above
      });
    },
  },
  events: { path: '/lineage?last=24h&view=events', ready: () => page.locator('h1').waitFor() },
  table: {
    path: '/lineage?root=topic:west/orders&last=10m&view=table',
    ready: () => page.locator('h1').waitFor(),
  },
};

export async function screenshots(url) {
  const update = process.env.UPDATE_SCREENSHOTS === '1';
  await check('screenshots', async () => {
    mkdirSync(images, { recursive: true });
    // For the documentation the demo has run as long as the page shows; a test need not wait for that.
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m`);
    if (update) await until('ten minutes observed', () => page.locator('.badge-ok').count(), 15 * 60_000);
    for (const [name, { path, ready }] of Object.entries(update ? VIEWS : { lineage: VIEWS.lineage })) {
      for (const [form, size, scheme] of [
        ['', PC, 'light'],
        ['-dark', PC, 'dark'],
        ['-phone', PHONE, 'light'],
      ]) {
        await page.setViewportSize(size);
        await page.emulateMedia({ colorScheme: scheme });
        await page.goto(url + path);
        await ready();
        await page.waitForLoadState('networkidle');
        if (update) await page.waitForTimeout(1000);
        await page.mouse.move(0, 0);
        await shot(`${name}${form}.png`);
        if (!update) break;
      }
    }
    await page.setViewportSize(PC);
    await page.emulateMedia({ colorScheme: 'light' });
  });
}
