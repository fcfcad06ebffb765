import { expect, describe as group, test } from 'vitest';
import {
  type ApiPoint,
  describe,
  lostBy,
  mean,
  merged,
  stats,
  times,
  unobserved,
  unobservedInAll,
  values,
} from './gaps';

/** Points ten seconds apart from the epoch on; null and a missing value are both "not observed". */
const points = (...vs: (number | null | undefined)[]): ApiPoint[] =>
  vs.map((value, i) => ({ at: new Date(i * 10_000).toISOString(), value }));

test('a hole stays a hole and is never a zero', () => {
  expect(values(points(1, null, 0, undefined))).toEqual([1, null, 0, null]);
  expect(times(points(1, 2))).toEqual([0, 10]);
});

group('unobserved', () => {
  test.each([
    [points(1, 2, 3), []],
    [points(0, 0), []],
    [points(1, null, null, 4), [{ start: 10, end: 30 }]],
    [points(null, 2, 3), [{ start: 0, end: 10 }]],
    // The last point lasts one step more.
    [points(1, null), [{ start: 10, end: 20 }]],
    [points(null, null), [{ start: 0, end: 20 }]],
    [
      points(null, 1, null, 1),
      [
        { start: 0, end: 10 },
        { start: 20, end: 30 },
      ],
    ],
    [points(), []],
  ])('%j', (ps, want) => expect(unobserved(ps, 10)).toEqual(want));

  test('of several lines is where none was observed', () => {
    expect(unobservedInAll([points(null, null, 1), points(null, 5, null)], 10)).toEqual([{ start: 0, end: 10 }]);
    expect(unobservedInAll([], 10)).toEqual([]);
  });
});

test('figures are of what was observed', () => {
  expect(stats(points(null, 2, 4, null))).toEqual({ min: 2, max: 4, mean: 3, last: 4 });
  expect(stats(points(null, null))).toBeNull();
  expect(mean(points(0, 0))).toBe(0);
  expect(mean(points(null))).toBeNull();
  expect(mean(undefined)).toBeNull();
});

test('the words say what the picture shows, with what is missing', () => {
  expect(describe('in', points(2, null, null, 4), 10, 'records/s')).toBe(
    'in: from 2 to 4, mean 3, latest 4 records/s. Not observed for 20 s in 1 span.',
  );
  expect(describe('in', points(null), 10, 'records/s')).toBe('in: not observed in this window.');
});

test('what all who tell of a thing did not see is lost, whatever its points say; what one of them saw is not', () => {
  const gap = (kind: string, start: number, sources: string[]) => {
    const at = (s: number) => new Date(s * 1000).toISOString();
    return { kind, start: at(start), end: at(start + 10), sources };
  };
  const stretches = [
    gap('LOST', 100, ['west/groups', 'west/end-offsets', 'east/groups']),
    gap('LOST', 200, ['west/groups']),
    gap('PAUSE', 300, ['west/groups', 'west/end-offsets']),
  ];
  expect(lostBy(stretches, ['west/groups', 'west/end-offsets'])).toEqual([{ start: 100, end: 110 }]);
  expect(lostBy(stretches, ['west/groups'])).toHaveLength(2);
  expect(lostBy(stretches, [])).toEqual([]); // who tells of it is not known: nothing is said
});

test('spans that touch are one', () => {
  const spans = [
    { start: 20, end: 30 },
    { start: 0, end: 10 },
    { start: 10, end: 12 },
    { start: 22, end: 25 },
  ];
  expect(merged(spans)).toEqual([
    { start: 0, end: 12 },
    { start: 20, end: 30 },
  ]);
});
