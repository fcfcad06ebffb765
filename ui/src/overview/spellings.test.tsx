// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { expect, test, vi } from 'vitest';
import { clientOf } from '../data/test-client';
import { ClusterNames } from './spellings';

const known = {
  spelling: 'kafka://b1:9092',
  from: null,
  by: ['connect-west'],
  cluster: 'west',
  basis: 'ADVERTISED',
  matched: 'b1:9092',
  problem: null,
  why: null,
  rule: null,
};
const open = {
  spelling: '',
  from: 'inventory',
  by: ['openlineage', 'inventory'],
  cluster: null,
  basis: null,
  matched: null,
  problem: 'NO_ADDRESS',
  why: 'it names no address',
  rule: "cluster_aliases: [{spelling: '', from: inventory, cluster: NAME}]",
};

async function show(items: unknown[], untoldCount: number): Promise<string> {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  let asked = 0;
  const client = clientOf({
    clusterSpellings: () => {
      asked++;
      return { since: '2026-01-01T00:00:00Z', full: false, untoldCount, items };
    },
  });
  const at = document.body.appendChild(document.createElement('div'));
  const root = createRoot(at);
  await act(async () =>
    root.render(
      <Provider value={client}>
        <ClusterNames />
      </Provider>,
    ),
  );
  await act(() => vi.waitFor(() => expect(asked).toBe(1)));
  await act(() => new Promise((r) => setTimeout(r, 20)));
  const text = at.textContent ?? '';
  await act(async () => root.unmount());
  return text;
}

test('what is meant is said with why, and what is not known with the rule that would settle it', async () => {
  const text = await show([open, known], 1);
  expect(text).toContain('1 name of which nobody knows what cluster is meant');
  expect(text).toContain("no name at allinventory, openlineagecan't be toldit names no address");
  expect(text).toContain('cluster: NAME}]');
  expect(text).toContain('kafka://b1:9092connect-westwest by an address that its brokers advertise, b1:9092');
});

test('where all is told nothing is called open, and where nobody calls a cluster anything nothing is shown', async () => {
  expect(await show([known], 0)).not.toContain('nobody knows');
  expect(await show([], 0)).toBe('');
});
