import { expect, test } from 'vitest';
import { formatOverview, type OverviewState, parseOverview } from './overview';

const none: OverviewState = { text: '', kinds: [], cluster: null, order: null, internal: false, after: null };

test.each<OverviewState>([
  none,
  { ...none, text: 'orders & more' },
  { ...none, kinds: ['TOPIC', 'UNIDENTIFIED'], order: 'LAST_MOVED', internal: true },
  { ...none, cluster: 'demo-west', after: 'b3JkZXJz==' },
])('%j comes back as it was', (state) => expect(parseOverview(formatOverview(state))).toEqual(state));

test('what a link says wrongly is left out', () => {
  expect(parseOverview('?kind=topic,unicorn&order=beauty')).toEqual({ ...none, kinds: ['TOPIC'] });
});
