import { expect, test } from 'vitest';
import { meant, windowOf } from './words';

test.each([
  ['orders', { what: 'nodes', text: 'orders' }],
  ['  readers of orders ', { what: 'readers', text: 'orders' }],
  ['Consumers of a b', { what: 'readers', text: 'a b' }],
  ['writers of orders', { what: 'writers', text: 'orders' }],
  ['path orders to billing', { what: 'path', from: 'orders', to: 'billing' }],
  ['way from orders -> pay to win', { what: 'path', from: 'orders', to: 'pay to win' }],
  ['path', { what: 'nodes', text: 'path' }],
  ['readers of', { what: 'nodes', text: 'readers of' }],
  ['owner: team-web', { what: 'owner', text: 'team-web' }],
  ['tag pii', { what: 'tag', text: 'pii' }],
  ['tags', { what: 'nodes', text: 'tags' }],
])('%s', (typed, want) => expect(meant(typed)).toEqual(want));

const local = (y: number, m: number, d: number, h = 0, min = 0) =>
  new Date(y, m - 1, d, h, min).toISOString().replace('.000Z', 'Z');
const now = new Date(2026, 10, 27, 12, 0).getTime();

test.each([
  ['last 4h', { kind: 'last', last: '4h' }],
  ['4h', { kind: 'last', last: '4h' }],
  ['past 30 min', { kind: 'last', last: '30m' }],
  ['2 days', { kind: 'last', last: '2d' }],
  ['last week', { kind: 'last', last: '1w' }],
  ['yesterday 14:00', { kind: 'at', at: local(2026, 11, 26, 14) }],
  ['today at 9:30', { kind: 'at', at: local(2026, 11, 27, 9, 30) }],
  ['14:00', { kind: 'at', at: local(2026, 11, 26, 14) }],
  ['11:00', { kind: 'at', at: local(2026, 11, 27, 11) }],
  ['yesterday', { kind: 'range', start: local(2026, 11, 26), end: local(2026, 11, 27) }],
  ['2026-11-20', { kind: 'range', start: local(2026, 11, 20), end: local(2026, 11, 21) }],
  [
    '2026-11-20 10:00 to 2026-11-20 11:00',
    { kind: 'range', start: local(2026, 11, 20, 10), end: local(2026, 11, 20, 11) },
  ],
  ['2026-11-22T20:00:00Z', { kind: 'at', at: '2026-11-22T20:00:00Z' }],
  ['2026-11-22T20:00:00+02:00', { kind: 'at', at: '2026-11-22T18:00:00Z' }],
  ['orders', null],
  ['week', null],
  ['0h', null],
  ['25:00', null],
  ['2026-13-40', null],
  ['2031-01-01', null],
  ['2031-01-01T00:00:00Z', null],
  ['11:00 to 10:00', null],
])('%s', (typed, want) => expect(windowOf(typed, now)).toEqual(want));
