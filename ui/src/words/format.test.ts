import { describe, expect, test, vi } from 'vitest';
import {
  ago,
  bytes,
  compact,
  count,
  countAtMost,
  duration,
  fromLocalInput,
  instant,
  parseDuration,
  percent,
  rate,
  span,
  spanEnds,
  toLocalInput,
  utc,
  zone,
} from './format';

test.each([
  [0, '0'],
  [0.004, '<0.01'],
  [0.05, '0.05'],
  [7.2, '7.2'],
  [9.996, '10'],
  [99.96, '100'],
  [943.4, '943'],
  [999.4, '999'],
  [999.6, '1 k'], // not "1000"
  [1_240, '1.24 k'],
  [18_300_000, '18.3 M'],
  [-1_500, '−1.5 k'],
])('compact(%d) is %s', (n, want) => expect(compact(n)).toBe(want));

test('rates name their unit', () => {
  expect(rate(31.25, 'records')).toBe('31.3/s');
  expect(rate(1_250, 'records')).toBe('1.25 k/s');
  expect(rate(512, 'bytes')).toBe('512 B/s');
  expect(rate(3_400_000, 'bytes')).toBe('3.4 MB/s');
});

test('Int64 stays exact beyond what a number holds', () => {
  expect(count('9223372036854775807')).toBe('9,223,372,036,854,775,807');
  expect(count('-1234')).toBe('−1,234');
  expect(countAtMost('37500')).toBe('≤ 37,500');
  expect(countAtMost('0')).toBe('0');
  expect(count(1234567)).toBe('1,234,567');
  expect(bytes('1540000')).toBe('1.54 MB');
});

test.each([
  [0, '0 s'],
  [0.45, '450 ms'],
  [1.25, '1.3 s'],
  [12, '12 s'],
  [59.6, '1 min'],
  [200, '3 min 20 s'],
  [7200, '2 h'],
  [7205, '2 h'], // seconds beside hours would only be noise
  [7_500, '2 h 5 min'],
  [273_600, '3 d 4 h'],
])('duration(%d) is %s', (s, want) => expect(duration(s)).toBe(want));

test.each([
  ['30s', 30],
  ['10m', 600],
  ['1h30m', 5400],
  ['7d', 604_800],
  ['500ms', 0.5],
  ['', null],
  ['10', null],
  ['10 m', null],
  ['0s', null],
  ['-5m', null],
])('parseDuration(%j) is %j', (text, want) => expect(parseDuration(text)).toBe(want));

describe('percent', () => {
  test('is never all when something is missing', () => expect(percent(0.99999)).toBe('99 %'));
  test('is never nothing when there is something', () => expect(percent(0.0004)).toBe('<1 %'));
  test('has its ends', () => {
    expect(percent(1)).toBe('100 %');
    expect(percent(0)).toBe('0 %');
    expect(percent(0.87)).toBe('87 %');
  });
});

test('a day is named only when it is another', () => {
  const now = new Date(2026, 10, 22, 20, 0, 0).getTime();
  expect(instant(new Date(2026, 10, 22, 9, 5, 7).toISOString(), now)).toBe('09:05:07');
  expect(instant(new Date(2026, 10, 21, 9, 5, 7).toISOString(), now)).toBe('21 Nov, 09:05:07');
  expect(instant(new Date(2025, 10, 21, 9, 5, 7).toISOString(), now)).toBe('21 Nov 2025, 09:05:07');
  expect(instant('soon')).toBe('soon');
});

test('by the clock of logs a day is that of UTC, and a time says whose it is', () => {
  const now = Date.parse('2026-11-22T20:00:00Z');
  expect(instant('2026-11-22T00:05:07Z', now, 'utc')).toBe('00:05:07Z');
  expect(instant('2026-11-21T23:05:07Z', now, 'utc')).toBe('21 Nov, 23:05:07Z');
  expect(spanEnds('2026-11-21T23:05:07Z', '2026-11-22T00:05:07Z', now, 'utc')).toEqual([
    '21 Nov, 23:05:07Z',
    '22 Nov, 00:05:07Z',
  ]);
  expect(spanEnds('2026-11-22T23:05:07+02:00', '2026-11-22T22:05:07Z', now, 'utc')).toEqual(['21:05:07Z', '22:05:07Z']);
});

test('ago', () => {
  const now = Date.parse('2026-11-22T20:00:00Z');
  expect(ago('2026-11-22T20:00:00Z', now)).toBe('just now');
  expect(ago('2026-11-22T19:56:40Z', now)).toBe('3 min 20 s ago');
});

test('what a date field shows is read back as the same instant', () => {
  const iso = '2026-11-22T20:00:05Z';
  expect(fromLocalInput(toLocalInput(iso))).toBe(iso);
  expect(fromLocalInput('')).toBeNull();
  expect(toLocalInput('never')).toBe('');
});

test('from one instant to another, with the day where it is not the same', () => {
  const now = new Date(2026, 10, 27, 14, 0, 0).getTime();
  const local = (day: number, hour: number, year = 2026) => new Date(year, 10, day, hour, 6, 11).toISOString();
  expect(span(local(27, 5), local(27, 6), now)).toBe('05:06:11 – 06:06:11');
  expect(span(local(19, 5), local(19, 6), now)).toBe('19 Nov, 05:06:11 – 06:06:11');
  expect(span(local(19, 5), local(26, 5), now)).toBe('19 Nov, 05:06:11 – 26 Nov, 05:06:11');
  expect(span(local(26, 5), local(27, 5), now)).toBe('26 Nov, 05:06:11 – 27 Nov, 05:06:11');
  expect(span(local(26, 5, 2025), local(27, 5), now)).toBe('26 Nov 2025, 05:06:11 – 27 Nov 2026, 05:06:11');
  expect(span('soon', 'late')).toBe('soon – late');
});

test('the zone is named with its offset, and an instant is told in UTC', () => {
  const ahead = -new Date('2026-11-27T12:00:00Z').getTimezoneOffset();
  const named = zone('2026-11-27T12:00:00Z');
  expect(named).toMatch(ahead === 0 ? /^UTC$/ : /^([A-Z]{2,5}, )?UTC[+−]\d{1,2}(:\d\d)?$/);
  expect(zone('soon')).toBe('');
  expect(utc('2026-11-27T13:41:00.5+01:00')).toBe('2026-11-27 12:41:00 UTC');
});

test('numbers are in the language of who reads them', () => {
  vi.resetModules();
  const Plain = Intl.NumberFormat;
  vi.stubGlobal('Intl', {
    ...Intl,
    DateTimeFormat: Intl.DateTimeFormat,
    NumberFormat: class extends Plain {
      constructor(_: unknown, options?: Intl.NumberFormatOptions) {
        super('de-DE', options);
      }
    },
  });
  return import('./format').then((de) => {
    vi.unstubAllGlobals();
    expect(de.count('-1234567')).toBe('−1.234.567');
    expect(de.compact(1240)).toBe('1,24 k');
    expect(de.duration(1.5)).toBe('1,5 s');
  });
});
