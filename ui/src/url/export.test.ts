import { expect, test } from 'vitest';
import { fileName, scaleOf } from '../data/png';
import { initialCatalog } from './catalog';
import {
  billHref,
  deletionHref,
  exportHref,
  impactHref,
  listHref,
  reportHref,
  retireHref,
  usageHref,
  whatIfHref,
} from './export';
import { initialLineage } from './lineage';

const params = (href: string) => [...new URL(href, 'http://x').searchParams];

test('a file is of what the view shows', () => {
  const state = { ...initialLineage, roots: ['topic:west/a%2Bb', 'application:shop/x'], depth: 2, inactive: false };
  expect(params(exportHref(state, 'svg', 'dark'))).toEqual([
    ['format', 'svg'],
    ['root', 'topic:west/a%2Bb'],
    ['root', 'application:shop/x'],
    ['direction', 'BOTH'],
    ['depth', '2'],
    ['includeInactive', 'false'],
    ['includeInternal', 'false'],
    ['limit', '300'],
    ['last', '10m'],
    ['theme', 'dark'],
  ]);
  const all = { ...initialLineage, window: { kind: 'at', at: '2026-11-22T20:00:00+01:00' } as const };
  expect(params(exportHref(all, 'csv'))).toEqual([
    ['format', 'csv'],
    ['includeInactive', 'true'],
    ['includeInternal', 'false'],
    ['limit', '300'],
    ['at', '2026-11-22T20:00:00+01:00'],
  ]);
  const range = { kind: 'range', start: '2026-11-22T20:00:00Z', end: '2026-11-22T21:00:00Z' } as const;
  expect(params(usageHref('topic:west/orders', range, 'json'))).toEqual([
    ['format', 'json'],
    ['topic', 'topic:west/orders'],
    ['start', '2026-11-22T20:00:00Z'],
    ['end', '2026-11-22T21:00:00Z'],
  ]);
});

test('a PNG is as fine as a browser can draw it, and bears the name of its picture', () => {
  expect(scaleOf(1000, 800)).toBe(2);
  expect(scaleOf(40_000, 1000)).toBe(0.4);
  expect(30_000 * 20_000 * scaleOf(30_000, 20_000) ** 2).toBeLessThan(100_000_001);
  expect(fileName('attachment; filename="lineage-orders-20261127T091000Z.svg"', 'png')).toBe(
    'lineage-orders-20261127T091000Z.png',
  );
  expect(fileName(null, 'png')).toBe('lineage.png');
});

test('a file of what a node starves is of the same filters', () => {
  expect(
    impactHref({ ...initialLineage, roots: ['topic:west/orders'], evidence: ['CONNECT'], inactive: false }, 'csv'),
  ).toBe(
    '/export/impact?format=csv&root=topic:west/orders&evidence=CONNECT&includeInactive=false&includeInternal=false&last=10m',
  );
});

test('the file of ways is of what they are drawn in, and the filter of evidence holds', () => {
  const state = {
    ...initialLineage,
    roots: ['topic:west/orders'],
    path: 'topic:east/orders',
    evidence: ['CONNECT' as const],
  };
  expect(exportHref(state, 'csv')).toContain(
    'root=topic:west/orders&root=topic:east/orders&direction=DOWNSTREAM&depth=10&evidence=CONNECT',
  );
});

test('a bill is of a cluster, or of all; FOCUS has lines of its own', () => {
  const window = { kind: 'last', last: '30d' } as const;
  expect(billHref(window, '', 'OWNER', 'focus-1.3')).toBe('/export/bill?format=focus&version=1.3&last=30d');
  expect(billHref(window, 'west', 'OWNER_AND_TOPIC', 'csv')).toBe(
    '/export/bill?format=csv&groupBy=OWNER_AND_TOPIC&cluster=west&last=30d',
  );
});

test('a report is of one scope', () => {
  const window = { kind: 'last', last: '30d' } as const;
  expect(reportHref('report', ['owner', 'team a'], window, 'html', 'TOPIC')).toBe(
    '/export/report?format=html&owner=team%20a&groupBy=TOPIC&last=30d',
  );
  expect(reportHref('register', ['tag', 'pii'], window, 'csv')).toBe('/export/register?format=csv&tag=pii&last=30d');
});

test('answers to questions of change are of what was asked', () => {
  const window = { kind: 'last', last: '30d' } as const;
  expect(deletionHref('topic:west/orders', 30, 'csv')).toBe(
    '/export/deletion?format=csv&topic=topic:west/orders&days=30',
  );
  expect(whatIfHref(['cluster:west', 'topic:east/a b'], window, 'json')).toBe(
    '/export/what-if?format=json&lose=cluster:west&lose=topic:east/a%20b&last=30d',
  );
  expect(retireHref(90, null, null, 'csv')).toBe('/export/retire?format=csv&days=90');
  expect(retireHref(7, 'DEAD_GROUP', ['owner', 'team a'], 'csv')).toBe(
    '/export/retire?format=csv&days=7&kinds=DEAD_GROUP&owner=team%20a',
  );
});

test("the catalog's list is a file with all of its filters", () => {
  expect(params(listHref(initialCatalog, 'csv'))).toEqual([
    ['format', 'csv'],
    ['includeInternal', 'false'],
    ['last', '10m'],
  ]);
  const state = {
    ...initialCatalog,
    text: 'a&b',
    kinds: ['TOPIC', 'STREAM_JOB'] as const,
    cluster: 'west',
    owner: 'team-a',
    tag: 'pii',
    derived: true,
    states: ['stalled', 'unknown'] as const,
    internal: true,
    window: { kind: 'at', at: '2026-11-22T20:00:00Z' } as const,
  };
  expect(params(listHref({ ...state, kinds: [...state.kinds], states: [...state.states] }, 'yaml'))).toEqual([
    ['format', 'yaml'],
    ['text', 'a&b'],
    ['kind', 'TOPIC,STREAM_JOB'],
    ['cluster', 'west'],
    ['owner', 'team-a'],
    ['tag', 'pii'],
    ['derived', 'true'],
    ['state', 'STALLED,NOT_KNOWN'],
    ['includeInternal', 'true'],
    ['at', '2026-11-22T20:00:00Z'],
  ]);
});
