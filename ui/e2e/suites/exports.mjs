// What a view gives away.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { axeInBoth, binary, check, labels, lineageUrl, must, page, until } from '../harness.mjs';
import { DEMO, exactly, flowId, topicId } from '../worlds.mjs';

/** What the menu's entry of a name saves: its file name and its bytes. */
async function saved(name) {
  const menu = page.getByRole('region', { name: 'Export' });
  const entry = menu.getByRole('link', { name, exact: true }).or(menu.getByRole('button', { name, exact: true }));
  const [file] = await Promise.all([page.waitForEvent('download'), entry.click()]);
  return { name: file.suggestedFilename(), bytes: readFileSync(await file.path()) };
}

const open = async () => {
  await page.getByRole('button', { name: 'Export', exact: true }).click();
  await page.getByRole('region', { name: 'Export' }).waitFor();
};

const unescaped = (text) => text.replaceAll('&gt;', '>').replaceAll('&amp;', '&');
const all = (text, pattern, of = (m) => m[1]) => [...text.matchAll(pattern)].map(of).sort();

/** The flows that a file of each form has, by their ids. Mermaid has numbers for nodes, and says whose. */
const FLOWS = {
  svg: (text) => all(text, /<path [^>]*data-id="([^"]+)"/g, (m) => unescaped(m[1])),
  dot: (text) => all(text, /^\s*"([^"]+)" -> "([^"]+)"/gm, (m) => `${m[1]}->${m[2]}`),
  mermaid(text) {
    const ids = Object.fromEntries([...text.matchAll(/^\s*%% (n\d+) is (.+)$/gm)].map((m) => [m[1], m[2]]));
    return all(text, /^\s*(n\d+) [-.]+>.* (n\d+)$/gm, (m) => `${ids[m[1]]}->${ids[m[2]]}`);
  },
  csv: (text) => all(text, /^flow,([^,]+),/gm),
  json: (text) =>
    JSON.parse(text)
      .flows.map((f) => f.id)
      .sort(),
};

/** The command writes what the page's menu saves: the same flows in each form, the whole way downstream. */
export async function command(url, world) {
  await check('lineaged graph names the same flows as the files of the menu, in each form', async () => {
    await page.goto(lineageUrl(url, topicId(world), '&direction=downstream&depth=10'));
    await until('flows are drawn', async () => (await labels().count()) >= world.readers);
    await open();
    const want = FLOWS.json((await saved('JSON')).bytes.toString());
    must(want.length >= world.downstream, `the page has ${want}`);
    const graph = async (form) => {
      const args = ['graph', topicId(world), '--server', url, '--direction', 'downstream', '--depth', '10'];
      return (await promisify(execFile)(binary(), [...args, '--format', form])).stdout;
    };
    for (const [entry, form] of [
      ['SVG', 'svg'],
      ['DOT (Graphviz)', 'dot'],
      ['Mermaid', 'mermaid'],
      ['CSV', 'csv'],
    ]) {
      const [page, shell] = [(await saved(entry)).bytes.toString(), await graph(form)];
      for (const text of [page, shell]) {
        const flows = FLOWS[form](text);
        must(String(flows) === String(want), `${entry} has ${flows}\n    and not ${want}`);
      }
    }
    must(String(FLOWS.json(await graph('json'))) === String(want), 'the JSON of the command has other flows');
    await page.keyboard.press('Escape');
  });
}

export async function exports(url) {
  await files(url, DEMO);
  await command(url, DEMO);
  await menu(url, DEMO);
}

/** A view as a file of each form, as a picture and as a query. */
export async function files(url, world) {
  const [id, name] = [topicId(world), exactly(world.topic)];
  await check('a view is taken away as a file of each form, the whole of it', async () => {
    await page.goto(lineageUrl(url, id, '&direction=downstream&depth=1'));
    await until('flows are drawn', async () => (await labels().count()) >= world.readers);
    const drawn = (await page.locator('.node-card').evaluateAll((all) => all.map((c) => c.dataset.graphId))).sort();
    await open();
    await axeInBoth('export menu');
    const svg = await saved('SVG');
    must(new RegExp(`^lineage-${name}-\\d{8}T\\d{6}Z\\.svg$`).test(svg.name), `it is called ${svg.name}`);
    const shown = await page.evaluate((text) => {
      const d = new DOMParser().parseFromString(text, 'image/svg+xml');
      const ids = (s) => [...d.querySelectorAll(s)].map((e) => e.getAttribute('data-id')).sort();
      return { wrong: d.querySelector('parsererror')?.textContent, cards: ids('.card'), paths: ids('path') };
    }, svg.bytes.toString());
    must(!shown.wrong, shown.wrong);
    must(String(shown.cards) === String(drawn), `the file has ${shown.cards}, the page ${drawn}`);
    must(
      shown.paths.length >= world.readers && shown.paths.every((id) => id.includes('->')),
      `its flows are ${shown.paths}`,
    );
    for (const [entry, ending, start] of [
      ['DOT (Graphviz)', 'dot', '// lineaged-lineage, version 1\n'],
      ['Mermaid', 'mmd', '%% lineaged-lineage, version 1\n'],
      ['CSV', 'csv', '# lineaged-lineage, version 1\r\n'],
      ['Who wrote and read it, CSV', 'csv', `# lineaged-usage, version 1\r\n# topic: ${id}\r\n`],
    ]) {
      const file = await saved(entry);
      must(file.name.endsWith(`.${ending}`) && file.bytes.toString().startsWith(start), `${entry}: ${file.name}`);
    }
    const json = JSON.parse((await saved('JSON')).bytes.toString());
    must(String(json.nodes.map((n) => n.id).sort()) === String(drawn), 'the JSON has other nodes than the page');
    must(json.coverage.blindSpots.length > 0 && json.window.end, 'the JSON has neither window nor coverage');
    const usage = JSON.parse((await saved('Who wrote and read it, JSON')).bytes.toString());
    must(
      usage.readers.some((r) => r.id === flowId(world)),
      `${world.reader.name} is no reader`,
    );
  });
  await check('a PNG is the picture, in the theme of the page', async () => {
    for (const [theme, ground] of [
      ['light', [244, 246, 249]],
      ['dark', [13, 18, 24]],
    ]) {
      await page.emulateMedia({ colorScheme: theme });
      await page.waitForFunction((t) => document.documentElement.dataset.theme === t, theme);
      const png = await saved('PNG');
      must(png.name.endsWith('.png'), `it is called ${png.name}`);
      const seen = await page.evaluate(
        async (data) => {
          const image = new Image();
          image.src = data;
          await image.decode();
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [image.width, image.height];
          const context = canvas.getContext('2d');
          context.drawImage(image, 0, 0);
          const { data: all } = context.getImageData(0, 0, image.width, image.height);
          const colours = new Set();
          for (let i = 0; i < all.length; i += 4) colours.add((all[i] << 16) | (all[i + 1] << 8) | all[i + 2]);
          return { width: image.width, corner: [...all.slice(0, 3)], colours: colours.size };
        },
        `data:image/png;base64,${png.bytes.toString('base64')}`,
      );
      must(seen.width > 1000 && seen.colours > 50, `the picture is empty: ${JSON.stringify(seen)}`);
      must(String(seen.corner) === String(ground), `its ground is ${seen.corner} in ${theme}`);
    }
    await page.emulateMedia({ colorScheme: 'light' });
  });
  await check('the query of the view is copied, and answers alone', async () => {
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
    await page.getByRole('button', { name: 'Copy as query' }).click();
    await page.getByRole('region', { name: 'Export' }).getByText('Copied').waitFor();
    const answer = await page.evaluate(async () => {
      const query = await navigator.clipboard.readText();
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) });
      return response.json();
    });
    must(
      !answer.errors && answer.data.lineage.flows.length >= world.readers,
      `it answers ${JSON.stringify(answer).slice(0, 300)}`,
    );
  });
}

/** The menu by keys. */
export async function menu(url, world) {
  await check('the menu opens and closes by keyboard alone', async () => {
    await page.goto(lineageUrl(url, topicId(world), '&direction=downstream&depth=1'));
    await open();
    await page.keyboard.press('Escape');
    const button = page.getByRole('button', { name: 'Export', exact: true });
    must((await button.getAttribute('aria-expanded')) === 'false', 'Escape leaves it open');
    must(await button.evaluate((b) => b === document.activeElement), 'the focus is not where it came from');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    must((await page.evaluate(() => document.activeElement.textContent)) === 'SVG', 'Tab does not lead into it');
    await page.keyboard.press('Escape');
    await page.goto(`${url}/lineage?last=10m`);
    await page.getByRole('heading', { name: 'Everything that moved' }).waitFor();
    await until('it is drawn', async () => (await page.locator('.node-card').count()) > world.nodes);
    await open();
    const json = JSON.parse((await saved('JSON')).bytes.toString());
    must(json.scope.roots.length === 0 && json.nodes.length > world.nodes, 'everything that moved is not in it');
    await page.keyboard.press('Escape');
  });
}
