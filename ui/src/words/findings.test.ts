import { expect, test } from 'vitest';
import { calm, causeOf, causeWindow, type Found, overWords, type Part, sentence, starving } from './findings';

const text = (parts: Part[] | null): string | null =>
  parts === null ? null : parts.map((p) => (typeof p === 'string' ? p : `‹${p.name}›`)).join('');

const topic = { id: 'topic:west/orders', kind: 'TOPIC', name: 'orders', lostRecords: null } as const;
const billing = { id: 'application:shop/billing', kind: 'APPLICATION', name: 'billing' } as const;
const nobody = { id: 'unidentified:west/orders', kind: 'UNIDENTIFIED', name: 'orders' } as const;
const reading = {
  id: `${topic.id}->${billing.id}`,
  kind: 'CONSUME',
  from: topic,
  to: billing,
  lag: '56700',
  lagSeconds: null,
  lagAtLeastSeconds: 240,
  live: null,
  lost: '7',
} as const;
const none = {
  id: 'x',
  severity: 'HARM',
  since: null,
  owner: null,
  reason: null,
  sources: null,
  cluster: null,
  node: null,
  with: null,
  withCount: 0,
  flow: null,
  starves: null,
} as const;
const found = (f: Partial<Found> & Pick<Found, 'kind'>): Found => ({ ...none, ...f }) as Found;

test.each<[Found, string]>([
  [
    found({ kind: 'STALLED', flow: reading }),
    '‹billing› does not read ‹orders›: 56,700 records wait, at least 4 min behind',
  ],
  [
    found({ kind: 'STOPPED', flow: { ...reading, live: false, lagAtLeastSeconds: null } }),
    'Nobody reads ‹orders› for ‹billing› any more: 56,700 records wait',
  ],
  [
    found({ kind: 'STOPPED', flow: { ...reading, from: nobody, to: topic, lag: null } }),
    '‹writers of orders› stopped writing ‹orders›',
  ],
  [
    found({ kind: 'FALLING_BEHIND', flow: { ...reading, lagSeconds: 90 } }),
    '‹billing› falls ever more behind on ‹orders›: 56,700 records wait, 1 min 30 s behind',
  ],
  [found({ kind: 'LOST', flow: reading }), '7 records of ‹orders› were gone before ‹billing› had read them'],
  [found({ kind: 'LOST', node: topic }), 'Records of ‹orders› went with a leader'],
  [found({ kind: 'NEW', flow: reading }), '‹billing› reads ‹orders›, which it was not seen to do before'],
  [
    found({ kind: 'NEW', node: billing, withCount: 3, with: [reading] }),
    'Application ‹billing› was first seen: reads ‹orders› and 2 more',
  ],
  [found({ kind: 'NEW', node: topic }), 'Topic ‹orders› was created'],
  [found({ kind: 'GONE', node: topic }), 'Topic ‹orders› was deleted'],
  [found({ kind: 'GONE', node: billing }), 'Application ‹billing› is there no more: its groups were deleted'],
  [
    found({ kind: 'UNOBSERVED', cluster: { id: 'x', name: 'west' }, reason: 'no broker answers' }),
    '‹west› is not observed: no broker answers',
  ],
])('%j reads well', (f, want) => expect(text(sentence(f))).toBe(want));

test('whom it starves is named, the nearest first, and never more than there are', () => {
  const nearest = ['a', 'b', 'c', 'd'].map((name) => ({ ...billing, name }));
  const of = (count: number, atLeast = false) =>
    text(starving(found({ kind: 'STALLED', starves: { count, atLeast, nearest: nearest.slice(0, count) } })));
  expect(of(0)).toBe(null);
  expect(of(2)).toBe('starves 2: ‹a›, ‹b›');
  expect(of(4)).toBe('starves 4: ‹a›, ‹b›, ‹c› and 1 more');
  expect(of(1000, true)).toBe('starves at least 1,000: ‹a›, ‹b›, ‹c› and 997 more');
  expect(starving(found({ kind: 'NEW' }))).toBe(null);
});

test('a link holds the time at which it began', () => {
  const now = Date.parse('2026-11-27T12:00:00Z');
  const ago = (min: number) => new Date(now - min * 60_000).toISOString();
  const last = (w: string) => ({ kind: 'last', last: w }) as const;
  expect(causeWindow(last('10m'), ago(5), now)).toEqual(last('10m'));
  expect(causeWindow(last('10m'), ago(40), now)).toEqual(last('1h'));
  expect(causeWindow(last('10m'), ago(60 * 24 * 30), now)).toEqual(last('7d'));
  expect(causeWindow(last('10m'), null, now)).toEqual(last('10m'));
  const range = { kind: 'range', start: ago(60), end: ago(0) } as const;
  expect(causeWindow(range, ago(30), now)).toEqual(range);
  const wide = causeWindow(range, ago(120), now);
  expect(wide.kind === 'range' && Date.parse(wide.start) < Date.parse(ago(120)) && wide.end === ago(0)).toBe(true);
  expect(causeOf(found({ kind: 'STALLED', flow: reading, since: ago(40) }), last('10m'), now)).toEqual({
    window: last('1h'),
    live: true,
    roots: [billing.id],
    selected: reading.id,
  });
  expect(causeOf(found({ kind: 'UNOBSERVED' }), last('10m'), now)).toBe(null);
});

test('nothing wrong is good news only where all was observed, and how all goes is known', () => {
  const of = (complete: boolean, observedFraction: number, unknown = 0) =>
    calm({ complete, observedFraction }, unknown, overWords({ kind: 'last', last: '10m' }), '87 %');
  expect(of(true, 1)).toEqual({
    good: true,
    whole: true,
    head: 'Nothing is wrong: all of the last 10 minutes was observed.',
    more: '',
  });
  expect(of(true, 1, 2)).toEqual({
    good: false,
    whole: true,
    head: 'Nothing wrong was seen in the last 10 minutes, which was all observed.',
    more: 'Of 2 flows it is not known how they go: the last reading is missing, or still to come.',
  });
  expect(of(true, 1, 1).more).toMatch(/^Of 1 flow it is not known how it goes/);
  expect(of(false, 0.87)).toMatchObject({
    good: false,
    head: 'Nothing wrong was seen in the 87 % of the last 10 minutes that was observed.',
  });
  expect(of(false, 0)).toMatchObject({ good: false, head: 'Nothing was observed.' });
});

test.each([
  ['10m', 'the last 10 minutes'],
  ['1h', 'the last hour'],
  ['4h', 'the last 4 hours'],
  ['1h30m', 'the last 1 hour 30 minutes'],
])('%s is %s', (last, want) => expect(overWords({ kind: 'last', last })).toBe(want));
