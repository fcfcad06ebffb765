import { expect, test } from 'vitest';
import {
  CARD_HEIGHT,
  CARD_WIDTH,
  curveBetween,
  LABEL_HEIGHT,
  labelWidth,
  overlap,
  placeLabels,
  type XY,
} from './geometry';

/** A topic and n readers in a column, as the server places them. */
function fan(n: number) {
  const from = { x: 0, y: ((n - 1) * 100) / 2 };
  const to = Array.from({ length: n }, (_, i) => ({ x: 360, y: i * 100 }));
  return { from, to, cards: [from, ...to] };
}

const boxOf = (at: XY, text: string) => ({
  x: at.x - labelWidth(text) / 2,
  y: at.y - LABEL_HEIGHT / 2,
  width: labelWidth(text),
  height: LABEL_HEIGHT,
});

test.each([2, 5, 12])('the label of each of %i readers stands beside its own card and on none', (n) => {
  const { from, to, cards } = fan(n);
  const text = '1.24 k/s';
  const curves = to.map((t) => ({ curve: curveBetween(from, t, cards, 'end'), text, at: 'end' as const }));
  placeLabels(curves, cards).forEach((at, i) => {
    const nearest = to.reduce((best, _, k) => {
      const far = (x: number) => Math.abs((to[x] as XY).y + CARD_HEIGHT / 2 - at.y);
      return far(k) < far(best) ? k : best;
    }, 0);
    expect(nearest).toBe(i);
    for (const c of cards) {
      expect(overlap({ ...c, width: CARD_WIDTH, height: CARD_HEIGHT }, boxOf(at, text))).toBe(false);
    }
  });
});

test('at the start it stands beside the writer, and in the middle where both ends are its own', () => {
  const [from, to] = [
    { x: 0, y: 0 },
    { x: 360, y: 400 },
  ];
  const curve = curveBetween(from, to);
  const x = (at: 'start' | 'middle' | 'end') => placeLabels([{ curve, text: '5/s', at }], [from, to])[0]?.x ?? 0;
  expect(x('start')).toBeLessThan(x('middle'));
  expect(x('end')).toBeGreaterThan(x('middle'));
});
