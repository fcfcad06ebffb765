// The bar of time over each page: what happened, and the window on it, by pointer, by keys and by buttons.
import { axeInBoth, check, must, page, until } from '../harness.mjs';

const query = () => new URL(page.url()).searchParams;
const drawn = () => page.locator('.bar-activity[d^=M]').waitFor();
const slider = (name) => page.getByRole('slider', { name, exact: true });

export async function bar(url) {
  await check('the bar shows what moved, what nobody saw and what happened, on each page', async () => {
    for (const path of ['/?last=10m', '/lineage?root=topic:west/orders&last=10m']) {
      await page.goto(url + path);
      await drawn();
      must((await page.locator('.bar-gap-loud').count()) === 1, `${path}: the night's gap is not one`);
      must((await page.locator('.bar-event-grave').count()) > 0, `${path}: no event that matters`);
      await page.locator('.bar-said', { hasText: /1 gap of 14 min.*Flow stopped/ }).waitFor();
      await page.locator('.bar-window-words', { hasText: /UTC/ }).waitFor();
    }
    await axeInBoth('the bar');
  });
  await check('the window is drawn, moved and stretched on the bar, and all else of the address stays', async () => {
    await page.goto(`${url}/lineage?root=topic:west/orders&last=10m&unit=bytes&view=table`);
    await drawn();
    const box = await page.locator('.bar-track').boundingBox();
    const y = box.y + box.height / 2;
    const pull = async (from, to) => {
      await page.mouse.move(box.x + box.width * from, y);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width * ((from + to) / 2), y);
      await page.mouse.move(box.x + box.width * to, y);
      await page.mouse.up();
    };
    await pull(0.2, 0.4);
    await page.waitForURL(/start=/);
    const length = () => (Date.parse(query().get('end')) - Date.parse(query().get('start'))) / 60_000;
    must(Math.abs(length() - 0.2 * 24 * 60) < 20, `a fifth of a day is ${length()} minutes`);
    must(
      query().get('unit') === 'bytes' && query().get('view') === 'table' && query().get('root') === 'topic:west/orders',
      page.url(),
    );
    const before = [query().get('start'), length()];
    await pull(0.3, 0.5);
    await until('it moved', () => query().get('start') !== before[0]);
    must(Math.abs(length() - before[1]) < 1, `moved, it is ${length()} minutes long and not ${before[1]}`);
    await slider('End of the window').focus();
    await page.keyboard.press('Shift+ArrowLeft');
    await until('it is shorter', () => length() < before[1] - 60);
    const start = query().get('start');
    await slider('Window').focus();
    await page.keyboard.press('ArrowLeft');
    await until('it moved by a key', () => query().get('start') < start);
    await page.keyboard.press('End');
    await page.waitForURL(/last=/);
    must(!query().has('start'), 'what ends now is not a window of before');
  });
  await check('a window back and on by buttons, and to now', async () => {
    await page.goto(`${url}/lineage?root=topic:west/orders&last=1h&live=1`);
    await drawn();
    await page.getByRole('button', { name: 'One window back' }).click();
    await page.waitForURL(/start=/);
    const start = query().get('start');
    await page.getByRole('button', { name: 'One window back' }).click();
    await until('an hour before', () => Date.parse(start) - Date.parse(query().get('start')) === 3_600_000);
    await page.getByRole('button', { name: 'To now' }).click();
    await page.waitForURL(/last=1h&live=1/);
  });
  await check('Space plays and pauses, and not while nobody looks', async () => {
    await page.goto(`${url}/lineage?root=topic:west/orders&start=${ago(6 * 60)}&end=${ago(5 * 60)}`);
    await drawn();
    const first = query().get('start');
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await until('it goes on', () => query().get('start') > first);
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Play' }).waitFor();
    must(Date.parse(query().get('end')) - Date.parse(query().get('start')) === 3_600_000, 'its length changed');
  });
  await check('since the last visit', async () => {
    await page.goto(`${url}/?last=10m`);
    await drawn();
    must((await page.getByRole('button', { name: /Since my last visit/ }).count()) === 0, 'there was no visit before');
    // Not on the hour: to the second it may be a little less, and is told as that.
    const before = 5.1 * 3_600_000;
    await page.evaluate((ms) => localStorage.setItem('lineaged.visit', String(Date.now() - ms)), before);
    await page.reload();
    try {
      await page.getByRole('button', { name: /Since my last visit 5 h/ }).click();
      await page.waitForURL(/start=/);
      const length = Date.parse(query().get('end')) - Date.parse(query().get('start'));
      must(Math.abs(length - before) < 60_000, page.url());
    } finally {
      await page.evaluate(() => sessionStorage.clear());
    }
  });
  await check('events that matter come first, and their links keep the page as it is', async () => {
    await page.goto(`${url}/lineage?last=24h&unit=bytes&view=events`);
    await page.getByRole('heading', { name: /^What matters/ }).waitFor();
    const titles = await page.locator('.event-title').allTextContents();
    must(/^What matters/.test(titles[0]) && /^What else/.test(titles[1]), titles.join());
    await axeInBoth('events');
    const row = page.getByRole('row', { name: /Flow stopped .*billing/ }).first();
    await row.getByRole('link', { name: /billing/ }).click();
    await page.waitForURL(/last=24h&unit=bytes&selected=/);
    await page.getByRole('complementary', { name: 'Flow' }).waitFor();
    await page.goBack();
    await row.getByRole('link').first().click();
    await page.waitForURL(/at=20[^&]*&unit=bytes&selected=/);
  });
  await compared(url, {
    start: ago(4 * 60 + 50),
    end: ago(4 * 60 + 20),
    than: '1h',
    list: 'Came',
    flow: 'refund-writer → refunds',
  });
  await early(url);
  await check('at 320 px the bar and the custom window are whole', async () => {
    const was = page.viewportSize();
    await page.setViewportSize({ width: 320, height: 640 });
    try {
      await narrow(url);
    } finally {
      await page.setViewportSize(was);
    }
  });
}

/** A window beside one before it: a flow that came, or that went. */
export async function compared(url, { start, end, than, list, flow }) {
  await check(`two windows are compared: what ${list.toLowerCase()}, with links that say it`, async () => {
    await page.goto(`${url}/lineage?start=${start}&end=${end}`);
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.waitForURL(/compare=before/);
    const aside = page.getByRole('complementary', { name: 'What changed' });
    await aside.getByLabel('with').selectOption(than);
    await page.waitForURL((u) => u.searchParams.get('compare') === than);
    const part = aside.locator('section').filter({ has: page.getByRole('heading', { name: list }) });
    await part.getByRole('button', { name: flow }).waitFor();
    await axeInBoth('compared');
    await part.getByRole('button', { name: flow }).click();
    await page.getByRole('complementary', { name: 'Flow' }).waitFor();
    await page.keyboard.press('Escape');
    await aside.waitFor();
  });
}

/** Before the data there is nothing, and no page says that nothing moved. */
export async function early(url) {
  await check('a window before the data is said to be that on each page, with a way to the data', async () => {
    for (const path of ['/?', '/catalog?', '/lineage?view=events&', '/lineage?view=table&']) {
      await page.goto(`${url}${path}at=2020-01-01T00:00:00Z`);
      await page
        .locator('.bar-early', { hasText: /This window is before the data, which begins at .*\d\d:\d\d/ })
        .waitFor();
      await page
        .getByRole('button', { name: /^nothing observed, before the data/ })
        .first()
        .waitFor();
    }
    await page.getByRole('button', { name: 'Go where the data begins' }).click();
    await page.waitForURL(/start=20/);
    await page.getByRole('link', { name: 'Catalog', exact: true }).click();
    await page.waitForURL(/\/catalog\?start=20/); // the window goes with who goes to another page
  });
}

async function narrow(url) {
  await page.goto(`${url}/lineage?root=topic:west/orders&view=table&start=${ago(7 * 24 * 60)}&end=${ago(0)}`);
  await drawn();
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  const form = page.getByRole('form', { name: 'Custom window' });
  for (const part of await form.locator('input, button').all()) {
    const box = await part.boundingBox();
    must(box.x >= 0 && box.x + box.width <= 320 && box.y + box.height <= 640, `cut: ${JSON.stringify(box)}`);
  }
  const bar = await page.locator('section.bar').boundingBox();
  must(bar.width <= 320 && bar.height < 210, `the bar takes ${bar.width} × ${bar.height}`);
  await axeInBoth('the bar at 320 px');
}

const ago = (minutes) => `${new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 16)}:00Z`;
