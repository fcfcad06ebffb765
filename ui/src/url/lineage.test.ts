import { expect, test } from 'vitest';
import { asked, formatLineage, initialLineage, isFlowId, type LineageState, parseLineage } from './lineage';
import { whenIn, wholeWindowStep, windowInput } from './window';

const states: LineageState[] = [
  initialLineage,
  { ...initialLineage, roots: ['topic:west/orders'], live: true },
  {
    ...initialLineage,
    roots: ['topic:west/a%20b&c', 'application:shop/ü%2Fx'],
    selected: 'topic:west/a->application:shop/b',
  },
  { ...initialLineage, direction: 'UPSTREAM', depth: 7, inactive: false, view: 'table', unit: 'bytes' },
  { ...initialLineage, window: { kind: 'range', start: '2026-11-22T20:00:00Z', end: '2026-11-22T22:00:00+01:00' } },
  { ...initialLineage, window: { kind: 'at', at: '2026-11-22T20:00:00.5Z' }, view: 'events' },
  { ...initialLineage, window: { kind: 'last', last: '1h30m' }, internal: true },
  { ...initialLineage, selected: 'topic:west/a', column: 'topic:west/a#value.b\\.c.d e' },
  { ...initialLineage, roots: ['topic:west/orders'], impact: true, evidence: ['GROUP_OFFSETS', 'DECLARED'] },
  { ...initialLineage, roots: ['topic:west/orders'], path: 'application:shop/ü%2Fx' },
  { ...initialLineage, roots: ['topic:west/orders'], lose: ['topic:west/orders', 'cluster:we st', 'broker:west/1'] },
];

test.each(states.map((s) => [formatLineage(s), s] as const))('%s comes back as it was', (search, state) => {
  expect(parseLineage(search)).toEqual(state);
});

test('a link is readable', () => {
  expect(formatLineage({ ...initialLineage, roots: ['topic:west/orders'], live: true })).toBe(
    '?root=topic:west/orders&last=10m&live=1',
  );
});

test('what a link says wrongly is left at its default', () => {
  const got = parseLineage('?depth=99&direction=sideways&last=soon&view=hologram&unit=stones&root=&root=a&root=a');
  expect(got).toEqual({ ...initialLineage, depth: 10, roots: ['a'] });
  expect(parseLineage('?depth=0').depth).toBe(initialLineage.depth);
  expect(parseLineage('?depth=1.5').depth).toBe(initialLineage.depth);
});

test('what a root starves, and ways from it, need a root; ways need another node', () => {
  expect(parseLineage('?impact=1&path=topic:west/b')).toEqual(initialLineage);
  expect(parseLineage('?evidence=GROUP_OFFSETS').evidence).toEqual(['GROUP_OFFSETS']);
  expect(parseLineage('?root=a&path=a').path).toBe(null);
  expect(parseLineage('?root=a&path=b&impact=1')).toMatchObject({ path: 'b', impact: false });
  expect(parseLineage('?root=a&evidence=hearsay,group_offsets').evidence).toEqual(['GROUP_OFFSETS']);
});

test('ways are drawn downstream of the one with the other', () => {
  const state = { ...initialLineage, roots: ['a', 'x'], path: 'b', direction: 'UPSTREAM' as const, depth: 1 };
  expect(asked(state)).toEqual({ roots: ['a', 'b'], direction: 'DOWNSTREAM', depth: 10 });
  expect(asked({ ...state, path: null })).toMatchObject({ roots: ['a', 'x'], direction: 'UPSTREAM', depth: 1 });
});

test('a window must be one: ends in order, with an offset', () => {
  const fallback = initialLineage.window;
  expect(parseLineage('?start=2026-11-22T21:00:00Z&end=2026-11-22T20:00:00Z').window).toEqual(fallback);
  expect(parseLineage('?start=2026-11-22T20:00:00Z').window).toEqual(fallback);
  expect(parseLineage('?at=2026-11-22T20:00:00').window).toEqual(fallback);
});

test('only a window that ends now can be live', () => {
  expect(parseLineage('?at=2026-11-22T20:00:00Z&live=1').live).toBe(false);
  expect(
    formatLineage({ ...initialLineage, window: { kind: 'at', at: '2026-11-22T20:00:00Z' }, live: true }),
  ).not.toContain('live');
});

test('the API is asked exactly what the link says', () => {
  expect(windowInput({ kind: 'last', last: '24h' })).toEqual({ last: '24h' });
  expect(windowInput({ kind: 'at', at: 'x' })).toEqual({ at: 'x' });
  expect(windowInput({ kind: 'range', start: 'a', end: 'b' })).toEqual({ start: 'a', end: 'b' });
});

test('one step spans the whole window, even when its ends are widened', () => {
  expect(wholeWindowStep({ kind: 'last', last: '10m' })).toBe('1d');
  expect(wholeWindowStep({ kind: 'last', last: '24h' })).toBe('2d');
  expect(wholeWindowStep({ kind: 'at', at: '2026-11-22T20:00:00Z' })).toBe('1d');
  expect(wholeWindowStep({ kind: 'range', start: '2026-11-01T00:00:00Z', end: '2026-11-30T12:00:00Z' })).toBe('30d');
});

test('flows and nodes are told apart by their ids', () => {
  expect(isFlowId('topic:west/orders->application:shop/billing')).toBe(true);
  expect(isFlowId('topic:west/orders')).toBe(false);
});

test('only beside a window that ends now an instant is so long ago', () => {
  const minuteAgo = new Date(Date.now() - 60_000).toISOString();
  expect(whenIn({ kind: 'last', last: '1h' })(minuteAgo)).toBe('1 min ago');
  for (const past of [
    { kind: 'at', at: minuteAgo } as const,
    { kind: 'range', start: minuteAgo, end: minuteAgo } as const,
  ]) {
    expect(whenIn(past)(minuteAgo)).toMatch(/\d\d:\d\d:\d\d$/);
  }
});

test('a column goes with its node: where another is selected, the link holds none', () => {
  const column = 'topic:west/a#value.email';
  expect(formatLineage({ ...initialLineage, selected: 'topic:west/a', column })).toContain('column=');
  expect(formatLineage({ ...initialLineage, selected: 'topic:west/ab', column })).not.toContain('column=');
  expect(parseLineage('?selected=topic:west/ab&column=topic:west/a%23value').column).toBe(null);
  expect(parseLineage('?column=topic:west/a%23value').column).toBe(null);
});
