import { expect, test } from 'vitest';
import { catalogHref, formatCatalog, initialCatalog, parseCatalog } from './catalog';

test('a link says all that the catalog shows', () => {
  const state = {
    text: 'a&b',
    kinds: ['TOPIC' as const, 'DATASET' as const],
    cluster: 'west',
    owner: 'team/orders',
    tag: 'p&c',
    states: ['falling-behind' as const, 'unknown' as const],
    order: 'RATE' as const,
    internal: true,
    derived: true,
    window: { kind: 'range' as const, start: '2026-11-01T00:00:00Z', end: '2026-11-02T00:00:00Z' },
  };
  expect(parseCatalog(formatCatalog(state))).toEqual(state);
  expect(formatCatalog(state)).toBe(
    '?q=a%26b&kind=topic,dataset&cluster=west&owner=team/orders&tag=p%26c&derived=1&state=falling-behind,unknown&order=rate&internal=1&start=2026-11-01T00:00:00Z&end=2026-11-02T00:00:00Z',
  );
});

test('a mangled link still opens', () => {
  expect(parseCatalog('?kind=nothing&state=tired&order=best&internal=yes&last=soon')).toEqual(initialCatalog);
  expect(catalogHref({})).toBe('/catalog?last=10m');
});
