import { expect, test } from 'vitest';
import { beginning, captionsOf } from './captions';
import type { Drawn } from './elements';
import { overlap } from './geometry';

const card = (name: string, column: number, y: number, over: object = {}, going: string | null = 'moving') =>
  ({
    id: `${column} ${name}`,
    type: 'card',
    position: { x: column * 360, y },
    data: { node: { id: name, kind: column % 2 ? 'APPLICATION' : 'TOPIC', name, owner: null, ...over }, going },
  }) as unknown as Drawn;

const column = (n: number, at: number, top = 0) =>
  Array.from({ length: n }, (_, i) => card(`shop.orders.v${i}`, at, top + i * 100));

/** As it is on screen: as wide and high as its box there. */
const onScreen = (zoom: number, nodes: Drawn[]) =>
  captionsOf(nodes, zoom).map((c) => ({
    ...c,
    screen: { x: c.box.x * zoom, y: c.box.y * zoom, width: c.box.width * zoom, height: c.box.height * zoom },
  }));

test.each([0.34, 0.2, 0.1, 0.05, 0.03])(
  'at %d each card has one caption, large enough, and none is on another',
  (zoom) => {
    const nodes = [...column(40, 0), ...column(7, 1, 900), ...column(3, 2), ...column(1, 3, 5000), ...column(12, 9)];
    const all = onScreen(zoom, nodes);
    for (const [i, c] of all.entries()) {
      expect(c.screen.height).toBeGreaterThanOrEqual(73.9);
      for (const other of all.slice(0, i)) expect(overlap(c.screen, other.screen)).toBe(false);
    }
    const told = all.reduce(
      (sum, c) =>
        sum + (c.counts.length === 0 ? 1 : (c.counts.join(' ').match(/\d+/g) ?? []).reduce((a, n) => a + Number(n), 0)),
      0,
    );
    expect(told).toBe(nodes.length);
  },
);

test('it says what they share: the beginning of their names, else their owner, else nothing', () => {
  expect(captionsOf(column(3, 0), 0.2)).toMatchObject([{ name: 'shop.orders.*', counts: ['3 topics'], sick: null }]);
  expect(captionsOf([card('a', 0, 0, { owner: 'ops' }), card('b', 0, 100, { owner: 'ops' })], 0.2)[0]?.name).toBe(
    'ops',
  );
  expect(captionsOf([card('a', 0, 0), card('b', 0, 100, { owner: 'ops' })], 0.2)[0]).toMatchObject({
    name: null,
    counts: ['2 topics'],
  });
  expect(captionsOf([card('a', 0, 0)], 0.2)[0]).toMatchObject({ name: 'a', counts: [] });
});

test('who needs somebody is said', () => {
  const [c] = captionsOf([card('a', 1, 0, {}, 'stopped'), card('b', 1, 100, {}, 'stalled'), card('c', 1, 200)], 0.2);
  expect(c?.sick).toEqual({ state: 'stalled', words: '1 stalled' });
});

test('a beginning ends where a part of the name does', () => {
  expect(beginning(['shop.orders.v1', 'shop.orders.v12'])).toBe('shop.orders.*');
  expect(beginning(['shop.orders', 'shop.other'])).toBe('shop.*');
  expect(beginning(['orders', 'others'])).toBeNull();
  expect(beginning(['-a', '-b'])).toBeNull();
});
