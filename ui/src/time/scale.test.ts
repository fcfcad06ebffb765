import { describe, expect, test } from 'vitest';
import { coverageText, coverageTone } from '../shell/coverage';
import { withWindow } from './page-bar';
import { barOf, chosen, durationText, marks, moved, spanOf } from './scale';

const at = (time: string) => Date.parse(`2026-11-27T${time}Z`);
const now = at('14:00:00');

describe('the time that the bar shows', () => {
  test('ends now while the window lies in it', () => {
    expect(barOf('24h', { kind: 'last', last: '10m' }, null, now)).toEqual({ last: '86400s' });
    const past = { kind: 'range', start: '2026-11-27T04:00:00Z', end: '2026-11-27T05:00:00Z' } as const;
    expect(barOf('24h', past, null, now)).toEqual({ last: '86400s' });
    expect(barOf('1h', { kind: 'last', last: '3d' }, null, now)).toEqual({ last: '259200s' });
  });
  test('lies around a window of before, and stays while that moves a little', () => {
    const bar = (start: string, end: string) => barOf('1h', { kind: 'range', start, end }, null, now);
    const is = bar('2026-11-27T04:00:00Z', '2026-11-27T04:10:00Z');
    expect(Date.parse(is.start ?? '')).toBeLessThan(at('04:00:00'));
    expect(Date.parse(is.end ?? '')).toBeGreaterThan(at('04:10:00'));
    expect(bar('2026-11-27T04:05:00Z', '2026-11-27T04:15:00Z')).toEqual(is);
    const long = bar('2026-11-20T00:00:00Z', '2026-11-22T00:00:00Z');
    expect(Date.parse(long.start ?? '')).toBeLessThan(Date.parse('2026-11-20T00:00:00Z'));
    expect(Date.parse(long.end ?? '')).toBeGreaterThan(Date.parse('2026-11-22T00:00:00Z'));
  });
  test('is all that is held', () => {
    const all = barOf('all', { kind: 'last', last: '10m' }, '2026-11-17T13:30:00Z', now);
    expect(all).toEqual({ last: `${241 * 3600}s` });
  });
});

test('a window that is drawn to the end goes on with now, another stays', () => {
  const bar = { start: at('13:00:00'), end: now };
  expect(chosen({ start: at('13:30:00'), end: now - 5000 }, bar, true, 30_000)).toEqual({
    kind: 'last',
    last: '1795s',
  });
  expect(chosen({ start: at('13:30:00'), end: now }, bar, true, 30_000)).toEqual({ kind: 'last', last: '30m' });
  const stays = { kind: 'range', start: '2026-11-27T13:30:00Z', end: '2026-11-27T14:00:00Z' };
  expect(chosen({ start: at('13:30:00'), end: now }, bar, false, 30_000)).toEqual(stays);
  expect(chosen({ start: at('12:00:00'), end: at('13:10:00') }, bar, true, 30_000)).toEqual({
    kind: 'range',
    start: '2026-11-27T13:00:00Z',
    end: '2026-11-27T13:10:00Z',
  });
});

test('a window moves within the bar and keeps its length', () => {
  const bar = { start: 0, end: 100 };
  expect(moved({ start: 40, end: 60 }, 30, bar)).toEqual({ start: 70, end: 90 });
  expect(moved({ start: 40, end: 60 }, 90, bar)).toEqual({ start: 80, end: 100 });
  expect(moved({ start: 40, end: 60 }, -90, bar)).toEqual({ start: 0, end: 20 });
});

test('where a window lies', () => {
  expect(spanOf({ kind: 'last', last: '1h' }, now)).toEqual({ start: at('13:00:00'), end: now });
  expect(spanOf({ kind: 'at', at: '2026-11-27T09:00:00Z' }, now)).toEqual({
    start: at('09:00:00'),
    end: at('09:00:00'),
  });
});

test.each([
  [1000, '1s'],
  [90_000, '90s'],
  [5_400_000, '90m'],
  [7_200_000, '2h'],
  [172_800_000, '2d'],
  [604_800_000, '1w'],
])('a length of %d ms is %s', (ms, want) => expect(durationText(ms)).toBe(want));

test.each([600, 3600, 86_400, 604_800, 40_000_000])('%d s have few round marks within', (seconds) => {
  const bar = { start: now - seconds * 1000, end: now };
  const all = marks(bar, 9);
  expect(all.length).toBeGreaterThan(0);
  expect(all.length).toBeLessThanOrEqual(10);
  for (const t of all) {
    expect(t).toBeGreaterThanOrEqual(bar.start);
    expect(t).toBeLessThan(bar.end);
    expect(new Date(t).getSeconds()).toBe(0);
  }
});

test('another window leaves all else of an address as it is', () => {
  const range = { kind: 'range', start: '2026-11-27T13:00:00Z', end: '2026-11-27T14:00:00Z' } as const;
  expect(withWindow('?root=topic:a/b%252F&unit=bytes&last=10m&live=1&view=events', range, null)).toBe(
    '?root=topic:a/b%252F&unit=bytes&view=events&start=2026-11-27T13:00:00Z&end=2026-11-27T14:00:00Z',
  );
  const last = { kind: 'last', last: '1h' } as const;
  expect(withWindow('?unit=bytes&at=2026-11-27T13:00:00Z', last, true)).toBe('?unit=bytes&last=1h&live=1');
  expect(withWindow('?last=10m&live=1', last, null)).toBe('?last=1h&live=1');
  expect(withWindow('?last=10m&live=1', last, false)).toBe('?last=1h');
});

describe('what was observed, in words', () => {
  const gap = (kind: 'LOST' | 'PAUSE' | 'BEGINNING' | 'BEFORE_DATA', start: string, end: string) => ({
    kind,
    start: `2026-11-27T${start}Z`,
    end: `2026-11-27T${end}Z`,
    reason: 'x',
    sources: ['west/ends'],
    sourceCount: 1,
  });
  const of = (stretches: ReturnType<typeof gap>[], observedFraction = 0.995) => ({
    complete: stretches.length === 0,
    observedFraction,
    stretches,
    stretchCount: stretches.length,
    blindSpots: [],
  });
  test('starts and short pauses are calm, and those of one moment are one', () => {
    const c = of([
      gap('BEGINNING', '13:00:00', '13:01:00'),
      gap('PAUSE', '13:10:00', '13:10:04'),
      gap('PAUSE', '13:10:02', '13:10:06'),
      gap('PAUSE', '13:20:00', '13:20:01'),
    ]);
    expect(coverageText(c)).toBe('99 % observed, a start, 2 short pauses');
    expect(coverageTone(c)).toBe('calm');
  });
  test('what was lost alarms', () => {
    const c = of([gap('PAUSE', '13:10:00', '13:10:04'), gap('LOST', '13:30:00', '13:44:00')], 0.9);
    expect(coverageText(c)).toBe('90 % observed, 1 gap');
    expect(coverageTone(c)).toBe('warn');
  });
  test('that nothing was to be seen is said, and all observed is good', () => {
    expect(coverageText(of([gap('BEFORE_DATA', '12:00:00', '13:00:00')], 0.5))).toBe(
      '50 % observed, begins before the data',
    );
    expect(coverageTone(of([]))).toBe('ok');
    const before = of([gap('BEFORE_DATA', '12:00:00', '13:00:00')], 0);
    expect(coverageText(before)).toBe('nothing observed, before the data');
    expect(coverageTone(before)).toBe('warn');
    // A cluster that nobody watches has neither gaps nor an observation.
    expect(coverageTone({ ...of([], 0), complete: false })).toBe('warn');
  });
});
