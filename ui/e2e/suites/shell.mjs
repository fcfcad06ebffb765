// What stands around every page.
import { axeInBoth, check, must, PATIENCE, page, until } from '../harness.mjs';

export async function theme(url) {
  await check('the theme follows the system until it is chosen, and the choice stays', async () => {
    await page.goto(url);
    const now = () => page.evaluate(() => document.documentElement.dataset.theme);
    await page.emulateMedia({ colorScheme: 'dark' });
    await until('dark as the system', async () => (await now()) === 'dark');
    await page.getByRole('button', { name: /^Colours/ }).click();
    await until('light by choice', async () => (await now()) === 'light');
    await page.reload();
    must((await now()) === 'light', 'the choice was lost');
    await page.getByRole('button', { name: /^Colours/ }).click();
    await page.getByRole('button', { name: /^Colours/ }).click();
    await page.emulateMedia({ colorScheme: 'light' });
    await until('the system again', async () => (await now()) === 'light');
  });
  await check('? lists the keys', async () => {
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await axeInBoth('keys');
    await page.keyboard.press('Escape');
  });
}

export async function graphiql(url) {
  await check('GraphiQL works offline', async () => {
    await page.goto(`${url}/graphiql`);
    await page.locator('.graphiql-query-editor .view-line').first().waitFor({ timeout: PATIENCE });
    await page.getByRole('button', { name: /execute query/i }).click();
    await until('the answer is shown', async () =>
      (await page.locator('.result-window').textContent()).includes('"recordsPerSecond"'),
    );
  });
}
