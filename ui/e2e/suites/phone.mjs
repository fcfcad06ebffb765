// A phone: controls in drawers, a lineage one hop at a time, and nothing beside the screen.
import { axeInBoth, check, must, page, until } from '../harness.mjs';

const hops = () => page.getByRole('region', { name: 'Lineage, one hop at a time' });
const here = (name) => hops().locator('.hop-here').getByText(name, { exact: true });
const narrow = async () => {
  const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  must(wide <= width, `the page is ${wide} px wide, the screen ${width}`);
};

export async function phone(url) {
  await page.setViewportSize({ width: 390, height: 844 });
  await check('phone: a lineage is walked one hop at a time, there and back', async () => {
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m`);
    await here('orders').waitFor();
    must((await page.locator('.react-flow').count()) === 0, 'there is a graph too');
    await narrow();
    const down = page.getByRole('region', { name: 'Downstream' });
    await down.getByRole('link', { name: /order-enricher/ }).click();
    await page.waitForURL(/root=application:shop\/order-enricher/);
    await here('order-enricher').waitFor();
    await page
      .getByRole('region', { name: 'Upstream' })
      .getByRole('link', { name: /orders$/ })
      .waitFor();
    await page.goBack();
    await here('orders').waitFor();
  });
  await check('axe: hops', async () => {
    await page.evaluate(() => scrollTo(0, 0)); // where the browser's back had scrolled to, the header covers a button
    await axeInBoth('hops');
  });
  await check('phone: controls are in a drawer, details in a sheet', async () => {
    const upstream = page.getByRole('button', { name: 'Upstream', exact: true });
    must(!(await upstream.isVisible()), 'controls take room unasked');
    await page.getByRole('button', { name: 'View', exact: true }).click();
    await upstream.click();
    await page.getByRole('region', { name: 'Downstream' }).waitFor({ state: 'detached' });
    await axeInBoth('drawer');
    await page.getByRole('button', { name: 'Details', exact: true }).click();
    const side = page.getByRole('complementary', { name: 'Node' });
    await side.getByRole('heading', { name: 'orders' }).waitFor();
    await narrow();
    await axeInBoth('sheet');
    await page.keyboard.press('Escape');
    await side.waitFor({ state: 'detached' });
  });
  await check('phone: everything that moved is a list of ways in', async () => {
    await page.goto(`${url}/lineage?last=10m`);
    const starts = page.getByRole('region', { name: 'Nodes that moved' });
    await starts.getByRole('link', { name: 'clickstream', exact: true }).click();
    await here('clickstream').waitFor();
  });
  await check('phone: the catalog is cards, its filters in a drawer', async () => {
    await page.goto(`${url}/catalog`);
    await page.locator('.catalog-card').first().waitFor();
    await narrow();
    const topics = page.getByRole('button', { name: 'Topics' });
    must(!(await topics.isVisible()), 'filters take room unasked');
    await page.getByRole('button', { name: 'Filters' }).click();
    await topics.click();
    await until('topics only', async () => {
      const kinds = await page.locator('.catalog-card .one-line.note .cut').allTextContents();
      return kinds.length > 0 && kinds.every((k) => k.startsWith('Topic') || k.includes('topic'));
    });
    await page.getByRole('button', { name: 'Filters (1)' }).waitFor();
    await axeInBoth('catalog on a phone');
  });
  await check("phone: the window of one's own is whole", async () => {
    await page.getByRole('combobox', { name: 'Window', exact: true }).selectOption('custom');
    const box = await page.locator('form.custom').boundingBox();
    must(box.x >= 0 && box.x + box.width <= 390 && box.y >= 0 && box.y + box.height <= 844, JSON.stringify(box));
  });
  await page.setViewportSize({ width: 1440, height: 900 });
}
