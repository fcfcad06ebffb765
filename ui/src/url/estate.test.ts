import { expect, test } from 'vitest';
import { type EstateState, formatEstate, initialEstate, mapHref, parseEstate } from './estate';

test.each<EstateState>([
  initialEstate,
  { ...initialEstate, window: { kind: 'last', last: '4h' }, against: 'visit' },
  { ...initialEstate, window: { kind: 'at', at: '2026-11-22T20:00:00Z' }, by: 'prefix' },
])('%j comes back as it was', (state) => expect(parseEstate(formatEstate(state, ''))).toEqual(state));

test('what is default is not in the link, and what is somebody else’s stays', () => {
  expect(formatEstate(initialEstate, '')).toBe('');
  expect(formatEstate({ ...initialEstate, by: 'cluster' }, '?q=orders&by=owner&last=1h')).toBe('?q=orders&by=cluster');
});

test('what a link says wrongly is left at its default', () => {
  expect(parseEstate('?against=christmas&by=colour&last=soon')).toEqual(initialEstate);
});

test('the map keeps the window', () => {
  expect(mapHref({ kind: 'last', last: '4h' })).toBe('/?last=4h#map');
});
