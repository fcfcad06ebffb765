// How a long catalog scrolls: the page's own work, since what the server says of so many is made up here.

import { page } from '../e2e/harness.mjs';
import { manyTopics } from '../e2e/many-topics.mjs';

/** As many as a mid-sized estate has topics and groups. */
const NODES = 5_840;
const ROW = 44;

/** Frames a second while it is scrolled for three seconds by 40 rows a second, as a wheel does, by turns from its top; and how many rows are drawn in a walk through all of it. */
export async function scrolled(url, rounds) {
  await manyTopics(NODES);
  const rates = [];
  for (let round = 0; round < rounds; round++) {
    await page.goto(`${url}/catalog?order=name`);
    await page.locator('[data-row="0"]').waitFor();
    rates.push(
      await page.evaluate(
        (speed) =>
          new Promise((done) => {
            const box = document.querySelector('.catalog-rows');
            let frames = 0;
            const began = performance.now();
            const step = (now) => {
              frames++;
              box.scrollTop = ((now - began) / 1000) * speed;
              if (now - began < 3_000) requestAnimationFrame(step);
              else done((1000 * frames) / (now - began));
            };
            requestAnimationFrame(step);
          }),
        40 * ROW,
      ),
    );
  }
  const seen = await page.evaluate(
    async ([total, row]) => {
      const box = document.querySelector('.catalog-rows');
      const all = new Set();
      for (let y = 0; y < box.scrollHeight; y += box.clientHeight - 2 * row) {
        box.scrollTop = y;
        const last = Math.min(total - 1, Math.floor((box.scrollTop + box.clientHeight - row) / row));
        do await new Promise(requestAnimationFrame);
        while (!box.querySelector(`[data-row="${last}"]`) || box.querySelector('.coming'));
        for (const r of box.querySelectorAll('[data-row]'))
          if (r.querySelector('.node-link').textContent === `t${r.dataset.row}`) all.add(r.dataset.row);
      }
      return all.size;
    },
    [NODES, ROW],
  );
  await page.unrouteAll({ behavior: 'wait' });
  return { nodes: NODES, rates, seen };
}
