import { expect, test } from 'vitest';
import type { ReportChoicesQuery } from '../gql/graphql';
import { doubtsOf } from './bill';
import { choicesOf, idOf } from './chooser';
import { sign } from './party';
import { kept } from './register';
import { did } from './uses';

const data = {
  nodes: {
    edges: [
      { node: { id: 'topic:west/orders', kind: 'TOPIC', name: 'orders', owner: 'team-b', tags: ['pii', 'pci'] } },
      { node: { id: 'topic:east/orders', kind: 'TOPIC', name: 'orders', owner: null, tags: ['pii'] } },
      { node: { id: 'topic:west/carts', kind: 'TOPIC', name: 'carts', owner: 'team-a', tags: [] } },
    ],
  },
  clusters: [{ id: 'x', name: 'west' }],
} as unknown as ReportChoicesQuery;

test('what there is to choose from is each once, by name', () => {
  const names = (scope: Parameters<typeof choicesOf>[0]) => choicesOf(scope, data).map((o) => o.value);
  expect(names('tag')).toEqual(['pci', 'pii']);
  expect(names('owner')).toEqual(['team-a', 'team-b']);
  expect(names('cluster')).toEqual(['west']);
  expect(names('topic')).toEqual(['topic:west/carts', 'topic:west/orders', 'topic:east/orders']);
  expect(choicesOf('tag', undefined)).toEqual([]);
});

test('a name that is typed is the id of who alone bears it', () => {
  const topics = choicesOf('topic', data);
  expect(idOf('carts', topics)).toBe('topic:west/carts');
  expect(idOf('orders', topics)).toBe('orders');
  expect(idOf('topic:west/gone', topics)).toBe('topic:west/gone');
});

test('that it is not known whether somebody did is no doing', () => {
  expect(did({ operation: 'WRITE', active: true })).toBe('wrote');
  expect(did({ operation: 'WRITE', active: null })).toBe('may have written');
  expect(did({ operation: 'READ', active: null })).toBe('may have read');
});

test('a figure with a part missing is the least that there was', () => {
  expect(sign({ estimated: true, atLeast: true })).toBe('≥ ');
  expect(sign({ estimated: true, atLeast: false })).toBe('~');
  expect(sign({ estimated: false, atLeast: false })).toBe('');
});

test('how long a topic keeps records', () => {
  expect(kept('-1')).toBe('for ever');
  expect(kept('604800000')).toBe('7 d');
  expect(kept('nonsense')).toBe('nonsense');
});

test('a bill says what it leaves out', () => {
  const total = {
    cluster: 'west',
    meter: 'INGRESS',
    unit: 'GB',
    quantity: '1',
    unattributed: '0',
    cost: null,
    untoldHours: 0,
  } as const;
  const bill = (more: object, cost: string | null = '1') =>
    doubtsOf({ cost, totals: [{ ...total, ...more } as never] });
  expect(bill({ observedHours: 24, hours: 24, unsizedRecords: '0' })).toEqual([]);
  expect(bill({ observedHours: 23, hours: 24, unsizedRecords: null })).toEqual([
    'some hours were not observed: what was used in them is in no line, and billed to nobody',
  ]);
  expect(bill({ observedHours: 24, untoldHours: 2, hours: 24, unsizedRecords: null })).toEqual([
    'in some hours it is not known what somebody used, who was there: the totals of these are at least',
  ]);
  expect(bill({ observedHours: 24, hours: 24, unsizedRecords: '1200' })).toEqual([
    'of 1,200 records in west the size is not known: they are in none of the bytes',
  ]);
  expect(bill({ observedHours: 24, hours: 24, unsizedRecords: null }, null)).toEqual([
    'no prices are configured, so that nothing has a cost: see usage.prices',
  ]);
});
