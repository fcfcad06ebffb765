import { expect, test } from 'vitest';
import { lifeHead, lifeWhy } from './life';
import { plain } from './said';

const life = {
  end: 'GONE' as const,
  firstSeen: '2026-11-20T10:00:00Z',
  lastSeen: '2026-11-24T12:00:00Z',
  since: '2026-11-20T10:00:00Z',
  goneAt: '2026-11-24T12:00:10Z',
  coverage: { complete: true, observedFraction: 1 },
};
const told = (x: Parameters<typeof lifeHead>[0]) =>
  plain([...lifeHead(x), ' ', ...lifeWhy(x)], (iso) => iso)
    .replaceAll(/\d+ \w{3}, /g, '')
    .replaceAll(/(\d\d):\d\d:\d\d/g, '$1');

test('gone, silent and not observed are three answers', () => {
  expect(told(life)).toMatch(/^First seen 1\d, last seen 1\d, and seen to be gone 1\d\. It was deleted\.$/);
  expect(told({ ...life, end: 'SILENT', goneAt: null })).toContain('All of the time since was observed');
  expect(
    told({ ...life, end: 'SILENT', goneAt: null, coverage: { complete: false, observedFraction: 0.4 } }),
  ).toContain('Of the time since, 40 % was observed');
  const dark = told({ ...life, end: 'NOT_OBSERVED', goneAt: null, coverage: { complete: false, observedFraction: 0 } });
  expect(dark).toContain('Nobody has looked since');
  expect(dark).not.toMatch(/gone|deleted/);
});

test('how long nobody looked before it was seen to be gone is told', () => {
  expect(told({ ...life, goneAt: '2026-11-24T15:00:00Z' })).toContain('When, within 3 h, is not known');
});

test('what began again, or before the data, says so', () => {
  expect(told({ ...life, since: '2026-11-23T10:00:00Z' })).toContain('this last time it was there since');
  expect(told({ ...life, firstSeen: null, since: null })).toMatch(/^It was there before the data begins\. Last seen/);
  expect(told({ ...life, end: 'LATER' })).toMatch(/^It was first seen .*, after this window\. $/);
});
