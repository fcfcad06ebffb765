import { expect, test } from 'vitest';
import { CARD_HEIGHT, CARD_WIDTH, type XY } from './geometry';
import { Places, rearranged, steady } from './steady';
import type { LineageAnswer } from './types';

const flow = (from: string, to: string) => ({ from: { id: from }, to: { id: to } });
const place = (node: string, layer: number, y: number) => ({ node, layer, x: layer * 360, y });
const at = (positions: readonly (XY & { node: string })[]) =>
  new Map(positions.map(({ node, x, y }) => [node, { x, y }]));

/** A topic with readers in the next column, as the server has them: the topic at their middle. */
const fan = (topic: string, readers: string[], top = 0) => ({
  positions: [
    place(topic, 0, top + ((readers.length - 1) * 100) / 2),
    ...readers.map((r, i) => place(r, 1, top + i * 100)),
  ],
  flows: readers.map((r) => flow(topic, r)),
});

function overlaps(positions: readonly XY[]): boolean {
  return positions.some((a, i) =>
    positions.some((b, k) => k > i && Math.abs(a.x - b.x) < CARD_WIDTH && Math.abs(a.y - b.y) < CARD_HEIGHT),
  );
}

test('who stays does not move when others come among them, and what is new stands near', () => {
  const old = fan('t', ['b', 'd', 'f']);
  const next = fan('t', ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
  const before = at(old.positions);
  const got = at(steady(before, next.flows, next.positions));
  for (const [id, was] of before) expect(got.get(id)).toEqual(was);
  expect(overlaps([...got.values()])).toBe(false);
  for (const id of ['a', 'c', 'e', 'g', 'h']) {
    expect(got.get(id)?.x).toBe(360);
    expect(Math.abs((got.get(id)?.y ?? 9999) - 100)).toBeLessThanOrEqual(600);
  }
});

test('members come where their stack was, and it where they were', () => {
  const [folded, open] = [fan('t', ['a', 's', 'z']), fan('t', ['a', 'm1', 'm2', 'z'])];
  const stacks = [{ node: 's', memberIds: ['m1', 'm2'] }];
  const got = steady(at(folded.positions), open.flows, open.positions, stacks);
  const y = (id: string) => at(got).get(id)?.y ?? 9999;
  expect(y('m1')).toBe(100);
  expect(Math.abs(y('m2') - 200)).toBeLessThanOrEqual(100);
  expect(at(steady(at(got), folded.flows, folded.positions, stacks)).get('s')?.x).toBe(360);
  expect(overlaps(got)).toBe(false);
});

test('a column that comes at the left leaves all where they were', () => {
  const old = fan('t', ['a', 'b']);
  const next = {
    positions: [place('w', 0, 50), ...old.positions.map((p) => place(p.node, p.layer + 1, p.y))],
    flows: [...old.flows, flow('w', 't')],
  };
  const got = at(steady(at(old.positions), next.flows, next.positions));
  for (const { node, x, y } of old.positions) expect(got.get(node)).toEqual({ x, y });
  expect(got.get('w')).toEqual({ x: -360, y: 50 });
});

test('where there is no room near, those who were there make it, in their order', () => {
  const many = Array.from({ length: 30 }, (_, i) => `r${i + 10}`);
  const old = fan('t', many);
  const next = fan('t', [...many.slice(0, 15), 'new', ...many.slice(15)]);
  const before = at(old.positions);
  const got = steady(before, next.flows, next.positions);
  expect(overlaps(got)).toBe(false);
  const order = got.filter((p) => p.node.startsWith('r')).sort((a, b) => a.y - b.y);
  expect(order.map((p) => p.node)).toEqual(many);
  for (const p of got) {
    const was = before.get(p.node);
    if (was) expect(Math.abs(p.y - was.y)).toBeLessThanOrEqual(100);
  }
});

test('a part that is all new stands below, and where most are gone the server has its way', () => {
  const old = fan('t', ['a', 'b', 'c']);
  const other = fan('u', ['x', 'y']);
  const below = fan('t', ['a', 'b', 'c'], 300);
  const next = { positions: [...other.positions, ...below.positions], flows: [...other.flows, ...below.flows] };
  const got = at(steady(at(old.positions), next.flows, next.positions));
  expect(got.get('a')).toEqual({ x: 360, y: 0 });
  expect(got.get('x')).toEqual({ x: 360, y: 200 + 76 + 48 });
  expect(steady(at(old.positions), other.flows, other.positions)).toBe(other.positions);
  const few = fan('t', ['q', 'r', 's']);
  expect(steady(at(old.positions), few.flows, few.positions)).toBe(few.positions);
});

test('in fifty pictures nobody overlaps, and from one to the next nobody who stays goes further than a card is wide', () => {
  let seed = 7;
  const random = (n: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * n);
  };
  const all = Array.from({ length: 14 }, (_, i) => `r${i + 10}`);
  const places = new Places();
  let last = new Map<string, XY>();
  let compared = 0;
  for (let step = 0; step < 50; step++) {
    const readers = all.filter(() => random(10) < 7);
    const { positions, flows } = fan('t', readers);
    const got = places.settle({ positions, flows } as unknown as LineageAnswer, 'f').positions;
    expect(overlaps(got)).toBe(false);
    for (const { node, x, y } of got) {
      const was = last.get(node);
      if (!was) continue;
      compared++;
      expect(x).toBe(was.x);
      expect(Math.abs(y - was.y), node).toBeLessThanOrEqual(CARD_WIDTH);
    }
    last = at(got);
  }
  expect(compared).toBeGreaterThan(300);
});

test('asked twice it says the same, another frame begins anew, and what stands otherwise is told', () => {
  const [one, two] = [fan('t', ['b', 'd']), fan('t', ['a', 'b', 'c', 'd'])];
  const places = new Places();
  const [a, b] = [one, two].map((x) => x as unknown as LineageAnswer) as [LineageAnswer, LineageAnswer];
  expect(places.settle(a, 'f')).toBe(a);
  const kept = places.settle(b, 'f').positions;
  expect(places.settle(b, 'f').positions).toEqual(kept);
  expect(rearranged(kept, two.positions)).toBe(true);
  expect(places.settle(b, 'g')).toBe(b);
  expect(rearranged(two.positions, two.positions)).toBe(false);
});
