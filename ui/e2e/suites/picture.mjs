// What a reader does to a picture: hidden neighbours are shown, branches and nodes taken away, stacks unfolded.
import { axeInBoth, check, lineageUrl, must, page, until } from '../harness.mjs';
import { DEMO } from '../worlds.mjs';

const ORDERS = 'topic:west/orders';
const cardOf = (id) => page.locator(`[data-graph-id="${id}"]`);
const cards = () => page.locator('.node-card').count();
/** Whose cards are in the page: those in sight. */
const ids = () => page.locator('.node-card').evaluateAll((all) => all.map((c) => c.dataset.graphId));
const drawn = async (root = ORDERS) => {
  await cardOf(root).waitFor();
  await page.waitForTimeout(100); // the view is fitted a frame later
};
/** How far something moves on screen while a step is taken. */
async function shift(of, step) {
  const before = await of.boundingBox();
  await step();
  const after = await of.boundingBox();
  return Math.hypot(after.x - before.x, after.y - before.y);
}
const focusOn = (id) => cardOf(id).focus();

/** How many nodes the picture has, in sight or not. */
const inAll = async () => Number(/(\d+) nodes/.exec(await page.locator('.notices').innerText())?.[1]);
const places = () =>
  page.locator('.node-card').evaluateAll((all) =>
    all.map((c) => {
      const { x, y, width } = c.getBoundingClientRect();
      return [c.dataset.graphId, x, y, width];
    }),
  );
const seen = () => page.locator('.node-card').evaluateAll((all) => all.map((c) => c.dataset.graphId));

/** Hidden neighbours are shown one node's at a time. */
export async function stubs(url, world) {
  await check('a stub shows hidden neighbours, who has them stays, and others stay within a card', async () => {
    await page.goto(lineageUrl(url, world.stub.root, '&depth=1'));
    await drawn(world.stub.root);
    const stub = page.locator('button.stub').first();
    await stub.waitFor();
    const before = await inAll();
    const ids = await seen();
    const stood = new Map((await places()).map(([id, ...at]) => [id, at]));
    const id = await stub.locator('xpath=..').locator('.node-card').getAttribute('data-graph-id');
    const by = await shift(cardOf(id), async () => {
      await stub.click();
      await page.waitForURL(/expand=(up|down):/);
      await until('one node more', async () => (await inAll()) > before);
      await until('it is in sight', async () => (await seen()).some((id) => !ids.includes(id)));
      await page.waitForTimeout(100);
    });
    must(by < 2, `${id} moved by ${by} px`);
    for (const [id, x, y, width] of await places()) {
      const [wasX, wasY] = stood.get(id) ?? [x, y];
      must(Math.hypot(x - wasX, y - wasY) <= width, `${id} went from ${wasX},${wasY} to ${x},${y}`);
    }
    await page.getByRole('button', { name: 'As it was drawn first' }).click();
    await until('as before', async () => (await inAll()) === before);
  });
}

export async function picture(url) {
  await stubs(url, DEMO);
  await check('x hides what has the focus, c takes away what lies behind it, e brings it back', async () => {
    await page.goto(lineageUrl(url, ORDERS));
    await drawn();
    const before = await cards();
    await focusOn('application:shop/order-enricher');
    await page.keyboard.press('c');
    await page.waitForURL(/collapse=down:application:shop\/order-enricher/);
    await until('fewer cards', async () => (await cards()) < before);
    await focusOn('application:shop/order-enricher');
    await page.keyboard.press('e');
    await until('all cards again', async () => (await cards()) === before);
    await focusOn('application:shop/order-enricher');
    await page.keyboard.press('x');
    await page.waitForURL(/hide=application:shop\/order-enricher/);
    must((await cardOf('application:shop/order-enricher').count()) === 0, 'it is still there');
    await page.getByRole('button', { name: /^Show hidden \(\d+\)/ }).click();
    await cardOf('application:shop/order-enricher').waitFor();
  });
  await check('a stack is unfolded by Enter and folded by c, and its anchor stays where it is', async () => {
    // The demo has no node with so many neighbours: the server folds earlier.
    await page.route('**/graphql', async (route) => {
      const body = route.request().postDataJSON();
      if (body?.variables?.fold > 0) body.variables.fold = 2;
      await route.continue({ postData: JSON.stringify(body) });
    });
    await page.goto(lineageUrl(url, ORDERS));
    await drawn();
    const stack = page.locator('.stack .node-card').first();
    await stack.waitFor();
    await axeInBoth('a graph with stacks');
    const id = await stack.getAttribute('data-graph-id');
    const before = await cards();
    const known = await ids();
    await stack.focus();
    const out = await shift(cardOf(ORDERS), async () => {
      await page.keyboard.press('Enter');
      await page.waitForURL(/unfold=group:/);
      await until('its members', async () => (await ids()).some((id) => !known.includes(id)));
      await page.waitForTimeout(100);
    });
    must(out < 2, `the anchor moved by ${out} px`);
    await until('the focus is on a member', async () =>
      /^(application|unidentified|connector|streamjob|topic):/.test(
        await page.evaluate(() => document.activeElement?.dataset.graphId ?? ''),
      ),
    );
    await page.keyboard.press('c');
    await cardOf(id).waitFor();
    await until('as before', async () => (await cards()) === before);
    await page.keyboard.press('t');
    await page.getByRole('region', { name: 'Lineage as tables' }).waitFor();
    must((await page.locator('.tables').getByText('group:').count()) === 0, 'a stack is in the table');
    await page.unroute('**/graphql');
  });
  await check('while the window moves on, each card stays within a card of where it was', async () => {
    await page.goto(lineageUrl(url, ORDERS, '&live=1'));
    await drawn();
    const time = () => page.locator('.notices .note').first().textContent();
    const [before, at] = [await places(), await time()];
    await until('another window', async () => (await time()) !== at);
    const after = new Map((await places()).map(([id, x, y]) => [id, { x, y }]));
    for (const [id, x, y, width] of before) {
      const now = after.get(id);
      must(!now || Math.hypot(now.x - x, now.y - y) <= width, `${id} moved from ${x},${y} to ${now?.x},${now?.y}`);
    }
    must(before.filter(([id]) => after.has(id)).length > 4, 'hardly a card is still there');
  });
}
