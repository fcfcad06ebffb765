// What is hurt if something is lost, drawn on the lineage, and whether a topic may be deleted.
import { axeInBoth, check, must, page, until } from '../harness.mjs';
import { exactly, topicId } from '../worlds.mjs';

const side = () => page.getByRole('complementary', { name: 'What if it is lost' });

export async function whatIf(url, world) {
  const [id, reader] = [topicId(world), new RegExp(`${exactly(world.reader.name)}$`)];
  await check('a loss is drawn on the cards, with a list beside it, and is a link', async () => {
    await page.goto(`${url}/lineage?root=${id}&last=10m&selected=${id}`);
    await page.getByRole('complementary', { name: 'Node' }).getByRole('link', { name: 'What if it is lost' }).click();
    await page.waitForURL(/lose=/);
    await side().getByRole('button', { name: reader }).waitFor();
    const mark = page.locator(`.node:has([data-graph-id="${world.reader.id}"]) .loss-mark`);
    await until('the reader says what becomes of it', async () => /starve|less/.test((await mark.textContent()) ?? ''));
    const own = await page.locator(`.node:has([data-graph-id="${id}"]) .loss-mark`).textContent();
    must(/lost/.test(own), `the topic says ${own}`);
    const row = await side().locator('.hit', { hasText: world.reader.name }).first().textContent();
    must(/at once|after|not known/.test(row), `when is not told: ${row}`);
    await axeInBoth('what if it is lost');
  });
  await check('by keyboard alone: a row opens its node, Escape leads back to the list and then out of it', async () => {
    await side().getByRole('button', { name: reader }).first().focus();
    await page.keyboard.press('Enter');
    await page.getByRole('complementary', { name: 'Node' }).waitFor();
    await page.keyboard.press('Escape');
    await side().waitFor();
    await page.keyboard.press('Escape');
    await side().waitFor({ state: 'detached' });
    must((await page.locator('.loss-mark').count()) === 0, 'marks are left');
  });
  await check('whether a topic may be deleted is told with what speaks against it', async () => {
    await page.goto(`${url}/lineage?root=${id}&last=10m&selected=${id}`);
    await page.getByRole('button', { name: /Look through the last 30 days/ }).click();
    await page.locator('.loss-verdict.is-unsafe').waitFor();
    const text = await page.locator('.deletion').textContent();
    must(/read it|wrote it/.test(text) && /observed/.test(text), text);
    await axeInBoth('may it be deleted');
  });
}
