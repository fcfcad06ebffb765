import { expect, test } from 'vitest';
import { formatLineage, initialLineage, parseLineage } from './lineage';

test('what was done to a picture comes back from its link', () => {
  const state = {
    ...initialLineage,
    roots: ['topic:west/orders'],
    unfold: ['group:stack-downstream-application-fine/topic%3Awest%2Forders'],
    expand: [
      { side: 'down' as const, node: 'application:shop/a%20b&c' },
      { side: 'up' as const, node: 'topic:west/x' },
    ],
    collapse: [{ side: 'up' as const, node: 'topic:west/orders' }],
    hide: ['application:shop/ü%2Fx'],
  };
  expect(parseLineage(formatLineage(state))).toEqual(state);
});

test('what is no branch is left out, and what is beyond the bounds', () => {
  const many = Array.from({ length: 210 }, (_, i) => `unfold=topic:west/${i}`).join('&');
  const got = parseLineage(`?expand=sideways:topic:west/x&expand=up:nothing&expand=up:topic:west/a&hide=&${many}`);
  expect(got.expand).toEqual([{ side: 'up', node: 'topic:west/a' }]);
  expect(got.unfold).toHaveLength(200);
  expect(got.hide).toEqual([]);
});
