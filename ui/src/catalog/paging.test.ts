import { expect, test } from 'vitest';
import type { CatalogQuery } from '../gql/graphql';
import { type Answered, type Ask, PAGE, Paging } from './paging';
import { visible } from './visible';

const SPAN = { start: '2026-11-27T10:00:00Z', end: '2026-11-27T10:10:00Z' };

/** A list of so many rows, whose cursor is the number of rows before it, and what was asked of it. */
function list(total: number) {
  const asked: string[] = [];
  const nodes = (after: string | null, first: number) => {
    const from = Number(after ?? 0);
    const to = Math.min(from + first, total);
    return {
      totalCount: total,
      unknown: 0,
      coverage: { window: SPAN },
      pageInfo: { endCursor: to > from ? String(to) : null },
      edges: Array.from({ length: to - from }, (_, i) => ({ node: { id: `n${from + i}` } })),
    };
  };
  const ask: Ask = {
    page: async (after, first, window) => {
      asked.push(`page ${after} ${window?.start ?? 'now'}`);
      return { data: { nodes: nodes(after, first) } as unknown as CatalogQuery };
    },
    place: async (after, first, window) => {
      asked.push(`place ${after}+${first} ${window?.start ?? 'now'}`);
      return { data: nodes(after, first).pageInfo.endCursor } satisfies Answered<string | null>;
    },
  };
  return { ask, asked };
}

const settled = (p: Paging) => expect.poll(() => p.ready).toBe(true);

test('no row is dropped or doubled while one scrolls through all, and all pages are of one window', async () => {
  const { ask, asked } = list(5000);
  const p = new Paging(ask, () => {});
  for (let i = 0; i < 5000; i += 60) {
    p.want(i, i + 60);
    await settled(p);
  }
  expect([...Array(5000).keys()].filter((i) => p.rows.get(i)?.id !== `n${i}`)).toEqual([]);
  expect(asked.length).toBe(5000 / PAGE);
  expect(new Set(asked.map((a) => a.split(' ')[2]))).toEqual(new Set(['now', SPAN.start]));
});

test('who jumps to the end waits for no row between', async () => {
  const { ask, asked } = list(5000);
  const p = new Paging(ask, () => {});
  p.want(0, 30);
  await settled(p);
  p.want(4970, 5000);
  await settled(p);
  expect(p.rows.get(4999)?.id).toBe('n4999');
  expect(p.rows.size).toBe(2 * PAGE);
  expect(asked.filter((a) => a.startsWith('page'))).toEqual(['page null now', `page 4900 ${SPAN.start}`]);
});

test('a list that got shorter meanwhile ends where it ends', async () => {
  const { ask } = list(150);
  const p = new Paging(ask, () => {});
  p.want(0, 30);
  await settled(p);
  if (p.head) p.head = { ...p.head, totalCount: 300 };
  p.want(200, 230);
  await settled(p);
  expect(p.head?.totalCount).toBe(200);
});

test('rows are drawn where one looks, and nowhere else', () => {
  expect(visible(0, 400, 40, 5000)).toEqual([0, 22]);
  expect(visible(40_000, 400, 40, 5000)).toEqual([988, 1022]);
  expect(visible(199_600, 400, 40, 5000)).toEqual([4978, 5000]);
  expect(visible(40_000, 400, 40, 10)).toEqual([10, 10]);
});
