import { expect, test } from 'vitest';
import {
  EVIDENCE_WORD,
  flowWord,
  KIND_WORD,
  kindOf,
  nameOfId,
  nameParts,
  nodeName,
  noRate,
  placeOf,
  placesOf,
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
  expect(flowWord(from('streamjob:west/job'))).toBe('leaves Kafka');
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
  const sides = (kind: Parameters<typeof noRate>[0]['kind'], rateIn: object | null, rateOut: object | null) => {
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

test('unidentified writers are never called by the name of their topic', () => {
  expect(nodeName({ kind: 'UNIDENTIFIED', name: 'orders' })).toBe('writers of orders');
  expect(nameOfId('unidentified:west/orders')).toBe('writers of orders');
  expect(nameOfId('topic:west/orders')).toBe('orders');
  expect(nameOfId('replicator:east/west-%3Eeast')).toBe('west->east');
  expect(nameOfId('topic:west/100%')).toBe('100%');
});
