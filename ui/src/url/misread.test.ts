import { expect, test } from 'vitest';
import { formatLineage, initialLineage } from './lineage';
import { misread } from './misread';

test('a link that is understood has nothing to be said of', () => {
  for (const s of [
    initialLineage,
    { ...initialLineage, roots: ['a'], depth: 7, direction: 'UPSTREAM' as const, evidence: ['CONNECT' as const] },
    { ...initialLineage, roots: ['a'], path: 'b', view: 'table' as const, unit: 'bytes' as const },
    { ...initialLineage, window: { kind: 'at' as const, at: '2026-11-22T20:00:00Z' } },
    {
      ...initialLineage,
      window: { kind: 'range' as const, start: '2026-11-22T20:00:00Z', end: '2026-11-22T21:00:00Z' },
    },
  ]) {
    expect(misread(formatLineage(s))).toEqual([]);
  }
  expect(misread('')).toEqual([]);
});

test('what is none is named as it is written', () => {
  expect(misread('?root=a&last=soon&depth=99')).toEqual(['last=soon', 'depth=99']);
  expect(misread('?root=a&direction=sideways&view=hologram&unit=stones')).toEqual([
    'direction=sideways',
    'view=hologram',
    'unit=stones',
  ]);
  expect(misread('?at=yesterday')).toEqual(['at=yesterday']);
  expect(misread('?start=2026-11-22T21:00:00Z&end=2026-11-22T20:00:00Z')).toEqual([
    'start=2026-11-22T21:00:00Z',
    'end=2026-11-22T20:00:00Z',
  ]);
  expect(misread('?root=a&evidence=CONNECT,hearsay&path=a')).toEqual(['evidence=CONNECT,hearsay', 'path=a']);
});
