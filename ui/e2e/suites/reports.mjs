// Reports over many topics: chosen without knowing a name, looked at, and taken away.
import { axeInBoth, check, must, page, until } from '../harness.mjs';

const region = (name) => page.getByRole('region', { name, exact: true });
const kinds = () => page.getByRole('navigation', { name: 'Reports' });

export async function reports(url) {
  await usage(url);
  await check('who comes for a report finds what could be put away, and what speaks for and against it', async () => {
    await page.goto(`${url}/catalog?last=24h`);
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Reports' }).click();
    await page.waitForURL(/\/reports\?last=24h$/);
    await axeInBoth('reports');
    await page.getByRole('main').getByRole('heading', { name: 'To put away' }).getByRole('link').click();
    const rows = region('What could be put away');
    const row = rows.getByRole('row', { name: /promotions-2025/ });
    await row.getByText('something speaks against it').waitFor();
    must(/declared to write it/.test(await row.textContent()), `the row says ${await row.textContent()}`);
    await page.getByRole('button', { name: /^Idle connectors/ }).click();
    await page.waitForURL(/report=retire&days=30&kind=idle_connector/);
    await rows
      .getByRole('row', { name: /refunds-archive/ })
      .getByText('can’t be told')
      .waitFor();
    await axeInBoth('what could be put away');
  });
  await check('the bill says who pays, what is nobody’s, and that nothing has a price; it is taken away', async () => {
    await kinds().getByRole('link', { name: 'Usage bill' }).click();
    const lines = region('Lines of the bill');
    await lines.getByText('team-orders').first().waitFor();
    await lines.getByText('nobody’s').first().waitFor();
    await region('What it does not show')
      .getByText(/no prices are configured/)
      .waitFor();
    await axeInBoth('usage bill');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'FOCUS 1.2' }).click(),
    ]);
    must(/\.csv$/.test(file.suggestedFilename()), `it is called ${file.suggestedFilename()}`);
    await page
      .getByRole('textbox', { name: 'Cluster' })
      .or(page.getByRole('combobox', { name: 'Cluster' }))
      .fill('east');
    await page.keyboard.press('Enter');
    await page.waitForURL(/cluster=east/);
    await until('it is of the cluster alone', async () => !(await region('Totals').textContent()).includes('west'));
  });
  await check('at 320 px no report is wider than the page', async () => {
    await page.setViewportSize({ width: 320, height: 700 });
    for (const report of ['usage&tag=pii', 'register&tag=pii', 'retire', 'bill']) {
      await page.goto(`${url}/reports?report=${report}&last=24h`);
      await region('Observed').waitFor();
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      must(wide <= 320, `${report} is ${wide} px wide`);
    }
    await page.setViewportSize({ width: 1440, height: 900 });
  });
}

/** From a tag to who used what bears it, and to who handles it. */
async function usage(url) {
  await check('who comes for a report chooses one, and of what, without knowing a name', async () => {
    await page.goto(`${url}/catalog?last=24h`);
    await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Reports' }).click();
    await page.waitForURL(/\/reports\?last=24h$/);
    await page.getByRole('main').getByRole('heading', { name: 'Who used what' }).getByRole('link').click();
    await page.getByRole('link', { name: 'pii', exact: true }).click();
    await page.waitForURL(/\/reports\?report=usage&tag=pii&last=24h$/);
    const uses = region('Uses');
    await uses.getByRole('link', { name: 'customers' }).first().waitFor();
    must((await region('Observed').locator('.hole').count()) > 0, 'the gap is no hole in the strip');
    await region('What it does not show').getByText('Remedy:').first().waitFor();
    await axeInBoth('report of a tag');
    await page.getByRole('button', { name: 'by day' }).click();
    await page.waitForURL(/by=day/);
    await region('Summed up, Day (UTC)').waitFor();
  });
  await check('the register of the tag says who handles it, and from where to where', async () => {
    await kinds().getByRole('link', { name: 'Register of processing' }).click();
    await page.waitForURL(/\/reports\?report=register&tag=pii&last=24h$/);
    const row = region('Register').getByRole('row', { name: /^customers.*recipient.*order-enricher/ });
    must(/recipient.*order-enriched/.test(await row.textContent()), `the row is ${await row.textContent()}`);
    await axeInBoth('register of processing');
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'HTML', exact: true }).click(),
    ]);
    must(/^register-pii-.*\.html$/.test(file.suggestedFilename()), `it is called ${file.suggestedFilename()}`);
  });
  await check(
    'a tag leads to its report from the catalog, a topic’s page and the search; an unknown one says so',
    async () => {
      await page.goto(`${url}/catalog?tag=pii&last=24h`);
      await page.getByRole('link', { name: 'Who used what has the tag pii' }).click();
      await page.waitForURL(/report=usage&tag=pii/);
      await page.goto(`${url}/usage?topic=topic:west/customers&last=24h`);
      await page.getByRole('main').getByRole('link', { name: 'pii', exact: true }).click();
      await page.waitForURL(/report=usage&tag=pii/);
      await page.keyboard.press('/');
      await page.keyboard.type('tag pii');
      await page.getByRole('option', { name: /^Who used pii/ }).click();
      await page.waitForURL(/report=usage&tag=pii/);
      await page.goto(`${url}/reports?report=usage&tag=none-such&last=24h`);
      await page.getByText(/nothing of which anything is known in this window bears the tag/).waitFor();
    },
  );
}
