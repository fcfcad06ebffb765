// The compliance page of a topic: who and when at one sight, what nobody saw, and what of it can be proved.
import { axeInBoth, check, must, page } from '../harness.mjs';

export async function compliance(url) {
  await check('what an auditor asks first is said first, and each answer leads to its section', async () => {
    await page.goto(`${url}/usage?topic=topic:west/payments&last=24h`);
    const short = page.getByRole('list', { name: 'In short' });
    await short.getByRole('link', { name: /^\d+ read$/ }).waitFor();
    for (const [name, section] of [
      [/^\d+ wrote$/, 'Writers'],
      [/^\d+ read$/, 'Readers'],
      [/^With gaps$/, 'Observed'],
      [/^Sealed until /, 'Proof'],
    ]) {
      await short.getByRole('link', { name }).focus();
      await page.keyboard.press('Enter');
      const top = await page.getByRole('region', { name: section, exact: true }).evaluate((e) => {
        const { top, bottom } = e.getBoundingClientRect();
        return bottom > 0 && top < innerHeight;
      });
      must(top, `${section} is not in sight`);
    }
    must(/topic=topic:west\/payments/.test(page.url()), `its address is ${page.url()}`);
  });
  await check('use, silence and what was not observed are told apart by pattern and word', async () => {
    const seen = page.getByRole('region', { name: 'Observed' });
    const row = seen.locator('.when-row', { hasText: 'billing' });
    must(/used .*not observed 1\d min$/.test(await row.textContent()), `billing: ${await row.textContent()}`);
    const look = (use) =>
      row
        .locator(`.piece-${use}`)
        .first()
        .evaluate((e) => getComputedStyle(e).backgroundImage);
    must((await look('used')) === 'none' && /gradient/.test(await look('unseen')), 'they differ in colour alone');
    // The gap stands in one place on all strips: what nobody saw of the topic, nobody saw of who reads it.
    const lefts = await seen
      .locator('.piece-unseen')
      .evaluateAll((all) =>
        all.filter((e) => e.closest('.when-row')).map((e) => Math.round(e.getBoundingClientRect().left / 8)),
      );
    must(lefts.length >= 4 && new Set(lefts.slice(0, 4)).size <= 2, `the gap is at ${lefts}`);
    await axeInBoth('compliance of a topic');
  });
  await check(
    'the proof says until when, whether it was amended, what could be rewritten, and how to verify it',
    async () => {
      const proof = page.getByRole('region', { name: 'Proof' });
      for (const says of [
        /in whole periods of 1h/,
        /never amended|was amended \d/,
        /who holds the key could rewrite/,
      ]) {
        await proof.getByText(says).first().waitFor();
      }
      const text = await proof.locator('pre').first().textContent();
      must(/^lineaged audit verify FILE --key lineaged\.dev\/ledger\/\S+$/.test(text.trim()), `the command is ${text}`);
      await proof.getByRole('button', { name: 'Copy the command that verifies it' }).click();
      await proof.getByText(/^(Copied|Selected)/).waitFor();
    },
  );
}
