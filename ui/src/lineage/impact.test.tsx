import { expect, test } from 'vitest';
import { after } from './impact-panel';
import type { LineageAnswer } from './types';
import { litImpact } from './use-impact';
import { litPaths } from './use-paths';

test('not known is not at once', () => {
  expect(after({ afterSeconds: 0, atLeastSeconds: 0 })).toBe('after 0 s');
  expect(after({ afterSeconds: 75, atLeastSeconds: 75 })).toBe('after 1 min 15 s');
  expect(after({ afterSeconds: null, atLeastSeconds: 20 })).toBe('after 20 s at least');
  expect(after({ afterSeconds: null, atLeastSeconds: 0 })).toBe('after how long is not known');
});

const flow = (text: string) => {
  const [from = '', to = ''] = text.split('>');
  return { id: text, from: { id: from }, to: { id: to } };
};

test('all that is hit is lit with its number, and the flows among it; not what others write into it', () => {
  const flows = ['w>a', 'a>P', 'P>b', 'a>Q', 'Q>b', 'b>R', 'other>b', 'b>a'].map(flow);
  const hit = (id: string) => ({ node: { node: { id } } });
  const lit = litImpact({ flows } as unknown as LineageAnswer, 'a', {
    edges: [hit('P'), hit('Q'), hit('b'), hit('R')],
  });
  expect([...lit.nodes]).toEqual([
    ['a', null],
    ['P', 1],
    ['Q', 2],
    ['b', 3],
    ['R', 4],
  ]);
  expect([...lit.flows]).toEqual(['a>P', 'P>b', 'a>Q', 'Q>b', 'b>R', 'b>a']);
});

test('of ways all hops are lit, and where there is none the two ends', () => {
  const hops = ['a>P', 'P>b'].map((text) => ({ flow: flow(text) }));
  expect([...litPaths([{ hops }], ['a', 'b']).nodes.keys()]).toEqual(['a', 'b', 'P']);
  expect([...litPaths([{ hops }], ['a', 'b']).flows]).toEqual(['a>P', 'P>b']);
  expect([...litPaths([], ['a', 'b']).nodes.keys()]).toEqual(['a', 'b']);
});
