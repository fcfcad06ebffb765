import { expect, test } from 'vitest';
import { plain } from './said';
import {
  about,
  aboutRate,
  type Behind,
  boundSign,
  type Counted,
  deserted,
  EVIDENCE_WORD,
  flowWord,
  halted,
  isOpen,
  KIND_WORD,
  kindOf,
  lagUnknown,
  missed,
  nameOfId,
  nameParts,
  nodeName,
  noRate,
  placeOf,
  placesOf,
  reason,
  stepSign,
} from './words';

const job = { name: 'basket-totals' };

test('a kind is said as exactly as it is known', () => {
  expect(kindOf({ kind: 'CONNECTOR', name: 'c', type: 'sink' })).toBe('Sink connector');
  expect(kindOf({ kind: 'CONNECTOR', name: 'c', type: 'source' })).toBe('Source connector');
  expect(kindOf({ kind: 'CONNECTOR', name: 'c', type: null })).toBe('Connector'); // deleted: its type is not told
  expect(kindOf({ kind: 'TOPIC', name: 'basket-totals-s-changelog', innerOf: job })).toBe('Changelog topic');
  expect(kindOf({ kind: 'TOPIC', name: 'basket-totals-s-repartition', innerOf: job })).toBe('Repartition topic');
  expect(kindOf({ kind: 'TOPIC', name: 'basket-totals-x', innerOf: job })).toBe('Inner topic');
  expect(kindOf({ kind: 'TOPIC', name: 'audit-changelog', innerOf: null })).toBe('Topic');
  expect(kindOf({ kind: 'STREAM_JOB', name: 'basket-totals' })).toBe('Stream job');
});

test('every kind of node and of evidence has words of its own', () => {
  const kinds = Object.values(KIND_WORD);
  expect(new Set(kinds).size).toBe(kinds.length);
  const short = Object.values(EVIDENCE_WORD).map((w) => w.short);
  expect(new Set(short).size).toBe(short.length);
});

test('elimination says that it is an estimate, and its doubt', () => {
  expect(EVIDENCE_WORD.ELIMINATION.long).toMatch(/estimated/i);
  expect(EVIDENCE_WORD.ELIMINATION.long).toMatch(/doubt/);
});

test('an external flow says which way it crosses the border of Kafka', () => {
  const from = (id: string) => ({ kind: 'EXTERNAL' as const, from: { id } });
  expect(flowWord(from('connector:c/sink'))).toBe('leaves Kafka');
  expect(flowWord(from('streamjob:west/job'))).toBe('writes');
  expect(flowWord({ ...from('dataset:file/%2Fdata'), to: { id: 'job:dbt/orders' } })).toBe('reads');
  expect(flowWord(from('dataset:file/%2Fdata'))).toBe('enters Kafka');
  expect(flowWord({ kind: 'REPLICATE', from: { id: 'topic:west/orders' } })).toBe('copies');
});

test("an inner topic's name is told without its stream job's", () => {
  const topic = (name: string, innerOf: { name: string } | null) => nameParts({ kind: 'TOPIC', name, innerOf });
  expect(topic('basket-totals-store-changelog', job)).toEqual(['basket-totals-', 'store-changelog']);
  expect(topic('orders', null)).toEqual(['', 'orders']);
  expect(topic('other-store-changelog', job)).toEqual(['', 'other-store-changelog']);
  expect(topic('basket-totals-', job)).toEqual(['', 'basket-totals-']); // nothing would be left
});

test('where a node is, in full and in a word', () => {
  const west = { name: 'west' };
  const replicator = {
    kind: 'REPLICATOR' as const,
    source: west,
    target: null,
    sourceAlias: 'w',
    targetAlias: 'paris',
  };
  expect(placesOf(replicator)).toEqual(['west', 'paris']);
  expect(placeOf(replicator)).toBe('west to paris');
  const connector = { kind: 'CONNECTOR' as const, cluster: west, connect: 'demo-connect' };
  expect(placesOf(connector)).toEqual(['west']);
  expect(placeOf(connector)).toBe('west, by demo-connect');
  expect(placeOf({ ...connector, cluster: null })).toBe('demo-connect');
  const dataset = { kind: 'DATASET' as const, namespace: 'postgres://db.example:5432' };
  expect(placesOf(dataset)).toEqual(['postgres']);
  expect(placeOf(dataset)).toBe('postgres://db.example:5432');
  expect(placesOf({ kind: 'DATASET', namespace: 'file' })).toEqual(['file']);
  expect(placesOf({ kind: 'APPLICATION', cluster: null, environment: 'shop' })).toEqual(['shop']);
  expect(placesOf({ kind: 'TOPIC' })).toEqual([]);
});

test('a side without a rate: not countable, not observed, or not there', () => {
  const points = { points: [{ at: '2026-11-24T12:00:00Z', value: null }] };
  type Side = Counted['rateIn'];
  const sides = (kind: Counted['kind'], rateIn: Side, rateOut: Side) => {
    const n = { kind, rateIn, rateOut };
    return [noRate(n, 'in'), noRate(n, 'out')];
  };
  // A sink's Out and a source's In lie outside Kafka, whatever was observed of the other side.
  expect(sides('CONNECTOR', points, null)).toEqual(['not observed', 'not measurable']);
  expect(sides('CONNECTOR', null, points)).toEqual(['not measurable', 'not observed']);
  expect(sides('CONNECTOR', null, null)).toEqual(['not measurable', 'not measurable']);
  expect(sides('REPLICATOR', points, null)).toEqual(['not observed', 'not measurable']);
  expect(sides('DATASET', null, null)).toEqual(['not measurable', 'not measurable']);
  expect(sides('APPLICATION', points, null)).toEqual(['not observed', '–']);
  expect(sides('STREAM_JOB', null, points)).toEqual(['–', 'not observed']);
  expect(sides('APPLICATION', null, null)).toEqual(['not measurable', 'not measurable']); // a member that never commits
  expect(sides('TOPIC', null, null)).toEqual(['not observed', '–']);
  expect(sides('TOPIC', points, points)).toEqual(['not observed', 'not observed']);
});

test('a series whose points are a bound says so', () => {
  const signs = [
    null,
    undefined,
    { detail: null },
    { detail: 'at most: markers may be among it' },
    { detail: 'shared out' },
  ];
  expect(signs.map(boundSign)).toEqual(['', '', '', '≤ ', '~']);
});

test('a step that lacks a part is no less, and the others are as they are', () => {
  const least = { detail: 'at least: of 1 of 2 flows that it sums up it is not known what moved' };
  const of = (atLeast: boolean, ...details: ({ detail: string | null } | null)[]) =>
    details.map((d) => stepSign({ atLeast }, d));
  expect(of(true, null, { detail: null }, least, { detail: 'at most: markers' }, { detail: 'estimated' })).toEqual([
    '≥ ',
    '≥ ',
    '≥ ',
    '~',
    '~',
  ]);
  expect(of(false, null, { detail: null }, least, { detail: 'at most: markers' }, { detail: 'estimated' })).toEqual([
    '',
    '',
    '',
    '≤ ',
    '~',
  ]);
});

test('a rate is of what was observed: what is counted with the next reading makes a count a bound, and no rate', () => {
  const over = (...details: (string | null)[]) => ({
    estimated: true,
    evidence: details.map((detail) => ({ detail })),
  });
  const pending = 'at least: what moved since the last reading is counted with the next';
  const signs = (f: ReturnType<typeof over>) => [about(f), aboutRate(f)];
  expect(signs(over(`has committed offsets; ${pending}`, null))).toEqual(['≥ ', '']);
  expect(signs(over('at least: the end of the window was not observed'))).toEqual(['≥ ', '']);
  expect(signs(over('at least: retention passed it'))).toEqual(['≥ ', '≥ ']);
  expect(signs(over(`at most: markers are among it; ${pending}`))).toEqual(['~', '≤ ']);
  expect(signs(over(`shared out; ${pending}`))).toEqual(['≥ ', '~']);
  expect(signs(over('at most 5'))).toEqual(['≤ ', '≤ ']);
  expect(aboutRate({ ...over(pending), estimated: false })).toBe('');
});

test('a cluster without an authorizer has no entries, and everybody may', () => {
  expect([null, undefined, [], [{ pattern: 'LITERAL:orders' }], [{ pattern: 'no authorizer' }]].map(isOpen)).toEqual([
    false,
    false,
    false,
    false,
    true,
  ]);
});

test('unidentified writers are never called by the name of their topic', () => {
  expect(nodeName({ kind: 'UNIDENTIFIED', name: 'orders' })).toBe('writers of orders');
  expect(nameOfId('unidentified:west/orders')).toBe('writers of orders');
  expect(nameOfId('topic:west/orders')).toBe('orders');
  expect(nameOfId('replicator:east/west-%3Eeast')).toBe('west->east');
  expect(nameOfId('topic:west/100%')).toBe('100%');
});

test('readers that nobody is there for are told with what they left', () => {
  const said = (readers: Behind[]) => plain(deserted(readers) ?? [], (iso) => `at ${iso}`);
  const dead = { live: false, lag: '12300', lastMoved: '09:00' };
  expect(said([dead])).toBe('nobody reading, 12,300 behind, last read at 09:00');
  expect(said([dead, { live: false, lag: '7', lastMoved: '10:00' }])).toBe(
    'nobody reading, 12,307 behind, last read at 10:00',
  );
  expect(said([{ live: false, lag: null, lastMoved: null }])).toBe(
    'nobody reading, lag not known, when it last read was not seen',
  );
  expect(deserted([dead, { live: true, lag: '0' }])).toBeNull();
  expect(deserted([dead, { live: null }])).toBeNull(); // not known: somebody may be there
  expect(deserted([])).toBeNull();
});

test('a mover that does not run says so, one of which it is not told does not', () => {
  expect(halted({ state: 'FAILED', exists: true })).toBe('failed');
  expect(halted({ state: 'RUNNING', exists: true })).toBe('');
  expect(halted({ state: null })).toBe('');
  expect(halted({ state: 'RUNNING', tasks: [{ state: 'FAILED' }] })).toBe('failed');
  expect(halted({ state: 'FAILED', tasks: [{ state: 'FAILED' }, { state: 'RUNNING' }] })).toBe('');
  expect(halted({ state: 'PAUSED', tasks: [] })).toBe('paused');
  expect(halted({ state: 'FAILED', exists: false })).toBe('');
});

test('what was missed is told, none of it is not', () => {
  expect(missed({ skipped: '900', lost: '1500' })).toBe('≤ 900 skipped, 1,500 lost');
  expect(missed({ skipped: '0', lost: '0' })).toBeNull();
  expect(missed({ skipped: null, lost: null })).toBeNull();
});

test('a lag is unknown only of who can have one', () => {
  const read = { kind: 'CONSUME' as const, to: { id: 'application:e/a' } };
  expect(lagUnknown({ ...read, live: true, lag: null })).toBe(true);
  expect(lagUnknown({ ...read, live: true, lag: '0' })).toBe(false);
  expect(lagUnknown({ ...read, live: null, lag: null })).toBe(false);
  expect(lagUnknown({ kind: 'PRODUCE', to: { id: 'topic:w/t' }, live: true, lag: null })).toBe(false);
});

test('a reason is given where something is not plain, and only there', () => {
  const f = {
    kind: 'CONSUME' as const,
    to: { id: 'application:e/a' },
    evidence: [{ detail: null }, { detail: 'at most 5' }],
  };
  expect(reason({ ...f, active: true, estimated: true })).toBe('at most 5');
  expect(reason({ ...f, active: false, estimated: false })).toBe('at most 5');
  expect(reason({ ...f, active: true, estimated: false })).toBeNull();
  expect(about({ ...f, estimated: true })).toBe('≤ ');
  expect(about({ ...f, estimated: false })).toBe('');
});
