import { expect, test } from 'vitest';
import { initialFolding } from '../url/folding';
import { type Stack, shownOf, stackName, stackSentence, stacksWith, withStates } from './stacks';
import type { LineageAnswer } from './types';

const stack: Stack = {
  node: 'group:s/x',
  anchor: 'topic:west/orders',
  direction: 'DOWNSTREAM',
  kind: 'APPLICATION',
  health: 'FINE',
  folded: true,
  count: 10,
  of: 12,
  states: [
    { state: 'CATCHING_UP', count: 1 },
    { state: 'MOVING', count: 9 },
  ],
  memberIds: Array.from({ length: 10 }, (_, i) => `application:shop/r%20${i}`),
};

const ids = ['w', 'topic:west/orders', 'a', 'b', 't', 'c'];
const flow = (from: string, to: string) => ({ id: `${from}->${to}`, from: { id: from }, to: { id: to }, state: null });

/** w -> orders -> a -> t -> c, and orders -> b -> t. */
const world = {
  nodes: ids.map((id) => ({ id })),
  flows: [
    flow('w', 'topic:west/orders'),
    flow('topic:west/orders', 'a'),
    flow('topic:west/orders', 'b'),
    flow('a', 't'),
    flow('b', 't'),
    flow('t', 'c'),
  ],
  stacks: [],
  hidden: [],
  positions: ids.map((node) => ({ node, layer: 0, x: 0, y: 0 })),
} as unknown as LineageAnswer;

const left = (patch: Partial<typeof initialFolding>, roots = ['topic:west/orders']) => {
  const s = shownOf(world, roots, { ...initialFolding, ...patch });
  return { nodes: s.answer.nodes.map((n) => n.id), away: Object.fromEntries(s.away), hidden: s.hidden };
};

test('a stack in words', () => {
  expect(stackName(stack)).toBe('10 readers');
  expect(stackName({ ...stack, direction: 'UPSTREAM' })).toBe('10 writers');
  expect(stackName({ ...stack, kind: 'CONNECTOR' })).toBe('10 connectors');
  expect(stackName({ ...stack, kind: 'UNIDENTIFIED', direction: 'UPSTREAM' })).toBe('10 unidentified writers');
  expect(stackName({ ...stack, anchor: 'application:shop/x', kind: 'TOPIC', count: 1 })).toBe('1 topic');
  expect(stackSentence(stack)).toMatch(
    /^Stack of 10 of 12 readers of orders: 1 catching up, 9 moving\. r 0, .* and 2 more$/,
  );
});

test('the flows of a stack go as most of its members do, of a sick one as the worst', () => {
  const answer = {
    ...world,
    flows: [flow('topic:west/orders', stack.node)],
    stacks: [stack],
  } as unknown as LineageAnswer;
  expect(withStates(answer).flows[0]?.state).toBe('MOVING');
  const sick = {
    ...stack,
    health: 'SICK' as const,
    states: [
      { state: 'STALLED' as const, count: 2 },
      { state: 'STOPPED' as const, count: 8 },
    ],
  };
  expect(withStates({ ...answer, stacks: [sick] }).flows[0]?.state).toBe('STALLED');
  expect(
    withStates({ ...answer, stacks: [{ ...stack, health: 'UNKNOWN', states: [{ state: null, count: 10 }] }] }).flows[0]
      ?.state,
  ).toBeNull();
});

test('what is hidden is counted where it was, and a branch goes with all that only it leads to', () => {
  expect(left({})).toEqual({ nodes: ids, away: {}, hidden: 0 });
  expect(left({ hide: ['a'] })).toEqual({
    nodes: ['w', 'topic:west/orders', 'b', 't', 'c'],
    away: { 'down:topic:west/orders': 1, 'up:t': 1 },
    hidden: 1,
  });
  // t has another way in.
  expect(left({ collapse: [{ side: 'down', node: 'a' }] }).hidden).toBe(0);
  expect(left({ collapse: [{ side: 'down', node: 't' }] })).toMatchObject({ away: { 'down:t': 1 }, hidden: 1 });
  expect(left({ collapse: [{ side: 'down', node: 'topic:west/orders' }] })).toEqual({
    nodes: ['w', 'topic:west/orders'],
    away: { 'down:topic:west/orders': 2 },
    hidden: 4,
  });
  expect(left({ collapse: [{ side: 'down', node: 't' }] }, [])).toMatchObject({ hidden: 1 });
  expect(left({ hide: ['topic:west/orders'] }).hidden).toBe(0); // a root stays
});

test('a stack is on a way where one of its members is, unless it is drawn one by one', () => {
  const has = (id: string) => id === 'application:shop/r%203' || id === 'application:shop/r%205';
  expect(stacksWith([stack], has)).toEqual([[stack.node, 'application:shop/r%203']]);
  expect(stacksWith([{ ...stack, folded: false }], has)).toEqual([]);
  expect(stacksWith([stack], () => false)).toEqual([]);
});
