import { expect, test } from 'vitest';
import { comparedWindow, parseCompare } from './compare';
import { formatLineage, parseLineage } from './lineage';

const is = { start: '2026-11-27T13:00:00Z', end: '2026-11-27T13:30:00Z' };

test.each([
  ['before', '2026-11-27T12:30:00Z', '2026-11-27T13:00:00Z'],
  ['1d', '2026-11-26T13:00:00Z', '2026-11-26T13:30:00Z'],
  ['2026-11-20T00:00:00Z/2026-11-21T00:00:00Z', '2026-11-20T00:00:00Z', '2026-11-21T00:00:00Z'],
])('compared with %s', (compare, start, end) => {
  expect(parseCompare(compare)).toBe(compare);
  expect(comparedWindow(compare, is)).toEqual({ start, end });
});

test.each([null, '', 'yesterday', '2026-11-21T00:00:00Z/2026-11-20T00:00:00Z', '2026-11-21/2026-11-22'])(
  '%s is no window to compare with',
  (text) => expect(parseCompare(text)).toBeNull(),
);

test('a link says what is compared', () => {
  const link = '?root=topic:west/orders&last=1h&compare=1d&quiet=10m';
  expect(formatLineage(parseLineage(link))).toBe(link);
  expect(parseLineage('?last=1h&compare=never&quiet=long')).toMatchObject({ compare: null, quiet: '0s' });
});
