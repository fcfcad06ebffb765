// The page that the binary serves is the module's: made where Node is, and carried in one file to where it is not.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { check, must, page, root } from '../harness.mjs';

/** The files of a ZIP by their names, as its directory at the end lists them. */
function unzipped(zip) {
  const files = new Map();
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  let at = zip.readUInt32LE(end + 16);
  for (let n = zip.readUInt16LE(end + 10); n > 0; n--) {
    const [method, size, name] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28)];
    const local = zip.readUInt32LE(at + 42);
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const packed = zip.subarray(from, from + size);
    files.set(zip.toString('utf8', at + 46, at + 46 + name), method === 0 ? packed : inflateRawSync(packed));
    at += 46 + name + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}

export async function archive(url) {
  await check('all that the browser gets of the page is in the archive of the module, byte for byte', async () => {
    const files = unzipped(readFileSync(join(root, 'ui', 'page.zip')));
    const got = []; // each with its body, which must be asked for before the page is left
    const onResponse = (r) => {
      if (!r.url().endsWith('/graphql') && r.status() === 200)
        got.push([new URL(r.url()).pathname, r.body().catch((e) => e)]);
    };
    await page.goto('about:blank');
    page.on('response', onResponse);
    for (const path of ['/', '/graphiql']) {
      await page.goto(url + path);
      await page
        .locator(path === '/' ? 'h1' : '.graphiql-query-editor .view-line')
        .first()
        .waitFor();
      await page.waitForLoadState('networkidle');
      await Promise.all(got.map(([, body]) => body));
    }
    page.off('response', onResponse);
    const seen = new Set();
    for (const [path, body] of got) {
      const name = { '/': 'index.html', '/graphiql': 'graphiql.html' }[path] ?? path.slice(1);
      must(files.has(name), `${name} is not in ui/page.zip`);
      const bytes = await body;
      must(Buffer.isBuffer(bytes), `${name}: ${bytes.message}`);
      must(files.get(name).equals(bytes), `${name} is another in ui/page.zip`);
      seen.add(name);
    }
    must(seen.size > 6, `the page is ${[...seen]}`);
  });
}
