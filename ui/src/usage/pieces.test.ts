import { describe, expect, test } from 'vitest';
import { ends, piecesOf, said } from './pieces';

const at = (minute: number) => Date.parse('2026-11-27T12:00:00Z') / 1000 + minute * 60;
const window = { start: at(0), end: at(60) };
const points = (...values: (number | null)[]) => ({
  step: '10m',
  points: values.map((value, i) => ({ at: new Date(at(i * 10) * 1000).toISOString(), value })),
});
const short = (flow: Parameters<typeof piecesOf>[0], lost: { start: number; end: number }[] = []) =>
  piecesOf(flow, window, lost, 600).map((p) => `${p.use} ${(p.start - at(0)) / 60}-${(p.end - at(0)) / 60}`);

describe('when something was used', () => {
  test('use, silence and what was not observed are three', () => {
    expect(short({ active: true, series: points(2, 0.1, 0, 0, null, 3) })).toEqual([
      'used 0-20',
      'silent 20-40',
      'unseen 40-50',
      'used 50-60',
    ]);
  });
  test('a gap shorter than a piece is cut out of it', () => {
    expect(short({ active: true, series: points(2, 2, 2, 0, 0, 0) }, [{ start: at(12), end: at(17) }])).toEqual([
      'used 0-12',
      'unseen 12-17',
      'used 17-30',
      'silent 30-60',
    ]);
  });
  test('a gap over the border of two pieces, and one that is longer than the window', () => {
    expect(short({ active: true, series: points(2, 0, 2, 2, 2, 2) }, [{ start: at(8), end: at(21) }])).toEqual([
      'used 0-8',
      'unseen 8-21',
      'used 21-60',
    ]);
    expect(short({ active: true, series: points(2, 2, 2, 2, 2, 2) }, [{ start: at(-9), end: at(99) }])).toEqual([
      'unseen 0-60',
    ]);
  });
  test('points reach beyond a window that begins within one', () => {
    const flow = { active: true, series: points(2, 2, 2, 2, 2, 2) };
    expect(piecesOf(flow, { start: at(5), end: at(52) }, [], 600)).toEqual([
      { use: 'used', start: at(5), end: at(52) },
    ]);
  });
  test('without a figure there is one answer for all of the window, and none is made up', () => {
    expect(short({ active: true, series: null })).toEqual(['untold 0-60']);
    expect(short({ active: true, series: points(null, null, null, null, null, null) })).toEqual(['untold 0-60']);
    expect(short({ active: null, series: null })).toEqual(['unseen 0-60']);
    expect(short({ active: null, series: points(0, 2, 0, 0, 0, 0) })).toEqual([
      'silent 0-10',
      'maybe 10-20',
      'silent 20-60',
    ]);
    expect(short({ active: false })).toEqual(['silent 0-60']);
    expect(short({ active: false }, [{ start: at(10), end: at(20) }])).toEqual([
      'silent 0-10',
      'unseen 10-20',
      'silent 20-60',
    ]);
  });
});

test('a strip in words', () => {
  const words = (flow: Parameters<typeof piecesOf>[0]) => said(piecesOf(flow, window, [], 600));
  expect(words({ active: true, series: points(2, 0.1, 0, 0, null, 3) })).toBe(
    'used 30 min, silent 20 min, not observed 10 min',
  );
  expect(words({ active: true, series: points(1, 1, 1, 1, 1, 1) })).toBe('used all along');
  expect(words({ active: true })).toBe('used, when is not told');
  expect(words({ active: null })).toBe('not observed all along');
});

test('the first and the last use', () => {
  const pieces = piecesOf({ active: true, series: points(0, 1, 0, 0, 3, 0) }, window, [], 600);
  expect(ends(pieces)).toEqual({
    first: { use: 'used', start: at(10), end: at(20) },
    last: { use: 'used', start: at(40), end: at(50) },
  });
  expect(ends(piecesOf({ active: false }, window, [], 600))).toBeNull();
});
