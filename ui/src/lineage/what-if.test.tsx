import { expect, test } from 'vitest';
import { formatLineage, lossOf, parseLineage } from '../url/lineage';
import { deletedMark, litLoss, marksOf, starvingMark, type WhatIf } from './use-what-if';

test('when somebody starves is told, and what is not known is not at once', () => {
  expect(starvingMark({ wholly: true, afterSeconds: 0, atLeastSeconds: 0 })).toEqual({
    kind: 'starved',
    words: 'starves, at once',
  });
  expect(starvingMark({ wholly: false, afterSeconds: null, atLeastSeconds: 30 }).words).toBe(
    'gets less, after 30 s at least',
  );
  expect(starvingMark({ wholly: null, afterSeconds: null, atLeastSeconds: 0 })).toEqual({
    kind: 'unknown',
    words: 'may starve, when is not known',
  });
});

test('retention: never, not known, at once and later are four', () => {
  const words = [
    deletedMark({ by: 'NEVER', afterSeconds: null }),
    deletedMark({ by: 'NOT_KNOWN', afterSeconds: null }),
    deletedMark({ by: 'TIME', afterSeconds: 0 }),
    deletedMark({ by: 'SIZE', afterSeconds: 7200 }),
  ].map((m) => `${m.kind} ${m.words}`);
  expect(new Set(words).size).toBe(4);
  expect(words[1]).toContain('cannot be told');
});

const node = (id: string) => ({ id });
const whatIf = {
  lost: [
    { node: node('topic:west/a'), partitions: null },
    { node: node('topic:west/b'), partitions: 2 },
  ],
  starved: [{ node: node('application:west/p'), wholly: true, afterSeconds: 0, atLeastSeconds: 0 }],
  copies: [
    { topic: node('topic:west/a'), only: true },
    { topic: node('topic:west/b'), only: false },
  ],
  retention: [{ flow: { from: node('topic:west/c'), to: node('application:west/q') }, by: 'TIME', afterSeconds: 60 }],
} as unknown as WhatIf;

test('each that is hurt has a mark, and what is lost says so whatever else is true of it', () => {
  const marks = marksOf(whatIf);
  expect(marks.get('topic:west/a')).toEqual({ kind: 'lost', words: 'lost, the only copy' });
  expect(marks.get('topic:west/b')?.words).toBe('2 partitions lost, a copy is left');
  expect(marks.get('application:west/p')?.kind).toBe('starved');
  expect(marks.get('topic:west/c')?.kind).toBe('deleted');
});

test('what lies between those who are hurt is lit', () => {
  const flow = (from: string, to: string) => ({ id: `${from}->${to}`, from: node(from), to: node(to) });
  const flows = [flow('topic:west/a', 'application:west/p'), flow('application:west/p', 'topic:west/z')];
  const lit = litLoss({ flows } as unknown as Parameters<typeof litLoss>[0], whatIf);
  expect([...lit.flows]).toEqual(['topic:west/a->application:west/p']);
});

test('what is thought away is in the address', () => {
  const link = lossOf({}, 'topic:west/a');
  const state = parseLineage(link.slice(link.indexOf('?')));
  expect(state.lose).toEqual(['topic:west/a']);
  expect(formatLineage({ ...state, lose: ['cluster:west', 'broker:west/1'] })).toContain(
    'lose=cluster:west&lose=broker:west/1',
  );
});
