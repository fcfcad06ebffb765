import { expect, test } from 'vitest';
import { cutWords, left, mayHurtMore, moved, owners, partOf, pathOf, stepsOf, type Ways } from './words';

test('a schema says what it is of, and that this is not told', () => {
  expect(partOf({ part: 'KEY', strategy: 'TOPIC_NAME' }, 'topic:west/a')).toBe('Key');
  expect(partOf({ part: 'VALUE', strategy: 'TOPIC_NAME' }, 'topic:west/a')).toBe('Value');
  expect(partOf({ part: null, strategy: null }, 'dataset:pg/a')).toBe('');
  expect(partOf({ part: null, strategy: null }, 'topic:west/a')).toMatch(/not told/);
  expect(partOf({ part: null, strategy: 'TOPIC_RECORD_NAME' }, 'topic:west/a')).toMatch(/One of its records/);
});

test('what is left out of a schema is said, by why', () => {
  const columns = [{ field: 'topic:west/a#value.b', path: 'b', type: 'int', optional: false }];
  expect(left({ columns, columnCount: 1, moreColumns: 0 })).toBe('');
  expect(left({ columns, columnCount: 3, moreColumns: 4 })).toBe(
    '2 more columns not shown here. 4 columns beyond those are not kept.',
  );
  expect(left({ columns: null, columnCount: null, moreColumns: 0 })).toBe('');
});

test('what is not known of a step is none of its answers', () => {
  expect(new Set([moved(true), moved(false), moved(null)]).size).toBe(3);
  expect(moved(null)).toMatch(/not known/);
});

test('a path is what stands behind its node, whatever is in it', () => {
  expect(pathOf('topic:west/a#value.b#c')).toBe('value.b#c');
});

test('owners of who is hurt: each node once, those of nobody apart', () => {
  const at = (id: string, owner: string | null) => ({ node: { id, kind: 'APPLICATION' as const, name: id, owner } });
  expect(owners([at('a', 'shop'), at('a', 'shop'), at('b', 'crm'), at('c', 'shop'), at('d', null)])).toEqual({
    owned: [
      ['crm', 1],
      ['shop', 2],
    ],
    nobodys: 1,
  });
});

const step = (from: string, to: string) => ({
  from,
  to,
  through: { id: 'x', kind: 'JOB' as const, name: 'x' },
  how: '',
  evidence: null,
  masked: false,
  assumed: false,
  active: null,
});

test('a column has the steps that lead to it, seen from the one that is asked for', () => {
  const ways = { steps: [step('a', 'b'), step('b', 'c')] } as unknown as Ways;
  expect(stepsOf(ways, { field: 'b', direction: 'DOWNSTREAM' }).map((s) => s.from)).toEqual(['a']);
  expect(stepsOf(ways, { field: 'b', direction: 'UPSTREAM' }).map((s) => s.to)).toEqual(['c']);
});

test('what an answer is cut at is said', () => {
  const whole = { cut: false, columnCount: 0, columns: [], stepCount: 0, steps: [] };
  expect(cutWords(whole)).toBe('');
  expect(cutWords({ ...whole, cut: true })).toMatch(/More than 500/);
  expect(cutWords({ ...whole, columnCount: 7, stepCount: 2 })).toMatch(/7 more columns .* Of 2 steps/);
});

test('what is not known hurts only downstream, and in doubt it may', () => {
  const columns = [
    { field: 'self', direction: null },
    { field: 'up', direction: 'UPSTREAM' },
    { field: 'down', direction: 'DOWNSTREAM' },
  ];
  const at = (...fields: string[]) =>
    ({ columns, unknown: fields.map((field) => ({ field })), unknownCount: fields.length }) as unknown as Ways;
  expect(mayHurtMore(at('up'))).toBe(false);
  expect(mayHurtMore(at('up', 'down'))).toBe(true);
  expect(mayHurtMore(at('self'))).toBe(true);
  expect(mayHurtMore({ ...at('up'), unknownCount: 2 })).toBe(true);
});
