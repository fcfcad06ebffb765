import { expect, test } from 'vitest';
import type { EvidenceKind, NodeKind } from '../gql/graphql';
import { litClass, litWays, neighbours, waysOf } from './lit';
import type { LineageAnswer } from './types';

/** A picture of flows such as "orders>billing"; a node's kind is by its first letter: topics are small. */
function picture(flows: string, evidence: EvidenceKind = 'GROUP_OFFSETS') {
  const ids = new Set<string>();
  const all = flows.split(' ').map((text) => {
    const [from = '', to = ''] = text.split('>');
    ids.add(from).add(to);
    return { id: text, from: { id: from }, to: { id: to }, evidence: [{ kind: evidence, detail: null }] };
  });
  const kindOf = (id: string): NodeKind =>
    id.startsWith('R') ? 'REPLICATOR' : id.startsWith('A') ? 'APPLICATION' : 'TOPIC';
  return {
    nodes: [...ids].map((id) => ({ id, kind: kindOf(id) })),
    flows: all as unknown as LineageAnswer['flows'],
  };
}

const lit = (p: ReturnType<typeof picture>, id: string, known: { up: string[]; down: string[] } | null = null) => {
  const l = litWays(p, id, waysOf(p, id), known && { up: new Set(known.up), down: new Set(known.down) });
  return [[...l.nodes.keys()].sort().join(' '), [...l.flows].sort().join(' ')];
};

test('the whole way up and down is lit, also round a cycle, and nothing that only shares a reader or a writer', () => {
  const p = picture('Ain>a a>Amid Amid>b b>Aout a>Aside Aelse>b b>Aback Aback>a');
  expect(lit(p, 'Amid')).toEqual([
    'Aback Aelse Ain Amid Aout Aside a b',
    'Aback>a Aelse>b Ain>a Amid>b a>Amid a>Aside b>Aback b>Aout',
  ]);
  const straight = picture('Ain>a a>Amid Amid>b b>Aout a>Aside Aelse>b');
  expect(lit(straight, 'Amid')).toEqual(['Ain Amid Aout a b', 'Ain>a Amid>b a>Amid b>Aout']);
});

test('of a flow its two ends are lit, what comes to the one and what leaves the other', () => {
  const p = picture('Ain>a a>Amid Amid>b a>Aside');
  expect(lit(p, 'a>Amid')).toEqual(['Ain Amid a b', 'Ain>a Amid>b a>Amid']);
});

test('through a replicator only what the server knows to lie on the way is lit', () => {
  const p = picture('a>R b>R R>copy-a R>copy-b copy-a>Areads');
  expect(waysOf(p, 'a').unsure).toBe(true);
  expect(lit(p, 'a', { up: ['a'], down: ['a', 'R', 'copy-a', 'Areads'] })).toEqual([
    'Areads R a copy-a',
    'R>copy-a a>R copy-a>Areads',
  ]);
  // One way through it leads nowhere else, and from the replicator itself all ways do.
  expect(waysOf(picture('a>R R>copy-a'), 'a').unsure).toBe(false);
  expect(waysOf(p, 'R').unsure).toBe(false);
  expect(waysOf(p, 'a>R').unsure).toBe(true);
  // Who was only let in, under a principal, may be two programs.
  expect(waysOf(picture('a>A A>b', 'AUDIT_LOG'), 'a').unsure).toBe(true);
  expect(waysOf(picture('a>A A>b'), 'a').unsure).toBe(false);
});

test('neighbours are one flow away', () => {
  const p = picture('Ain>a a>Amid Amid>b');
  expect([...neighbours(p, 'a').nodes.keys()].sort()).toEqual(['Ain', 'Amid', 'a']);
  expect([...neighbours(p, 'a>Amid').flows]).toEqual(['a>Amid']);
});

test('what is not lit is so only while something is; a stack is lit where one of its members is', () => {
  const l = { nodes: new Map([['a', null]]), flows: new Set(['a>b']) };
  expect(litClass(null, null, ['a'])).toBe('');
  expect([litClass(l, null, ['a']), litClass(l, null, ['b']), litClass(l, null, ['a>b'])]).toEqual([
    'lit',
    'unlit',
    'lit',
  ]);
  expect(litClass(l, null, ['x', 'a'])).toBe('lit');
  expect(litClass(l, { nodes: new Map([['b', null]]), flows: new Set() }, ['b'])).toBe('unlit near');
});
