// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { expect, test, vi } from 'vitest';
import { clientOf } from '../data/test-client';
import { initialLineage } from '../url/lineage';
import { EventList } from './events';

const WRITERS = 'unidentified:west/orders';
const event = {
  id: '1',
  at: '2026-11-24T12:00:00Z',
  type: 'FLOW_STARTED',
  detail: '',
  flow: {
    id: `${WRITERS}->topic:west/orders`,
    from: { __typename: 'Unidentified', id: WRITERS, kind: 'UNIDENTIFIED', name: 'orders' },
    to: { __typename: 'Topic', id: 'topic:west/orders', kind: 'TOPIC', name: 'orders' },
  },
};
const gone = {
  id: '2',
  at: '2026-11-24T12:30:00Z',
  type: 'TOPIC_DELETED',
  detail: '',
  node: { __typename: 'Topic', id: 'topic:west/gone', kind: 'TOPIC', name: 'gone' },
};
const range = { start: '2026-11-24T11:00:00Z', end: '2026-11-24T13:00:00Z' };
const client = clientOf({
  events: () => ({
    totalCount: 2,
    coverage: { complete: true, observedFraction: 1 },
    pageInfo: { hasNextPage: false },
    edges: [{ node: event }, { node: gone }],
  }),
});

test('a flow of unidentified writers reads as everywhere else', async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  const at = document.body.appendChild(document.createElement('div'));
  const root = createRoot(at);
  await act(async () =>
    root.render(
      <Provider value={client}>
        <EventList
          window={range}
          state={{ ...initialLineage, roots: [WRITERS], window: { kind: 'range', ...range } }}
        />
      </Provider>,
    ),
  );
  await act(() => vi.waitFor(() => expect(at.querySelector('tbody td')).not.toBeNull()));
  expect(at.querySelector('tbody')?.textContent).toContain('writers of orders → orders');
  expect(at.querySelector('h2')?.textContent).toMatch(/^Events of writers of orders/);
  // Whom an event is about is opened as it was then.
  expect(at.querySelector('tbody a')?.getAttribute('href')).toBe(
    `/lineage?root=topic:west/gone&start=${range.start}&end=${range.end}`,
  );
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
});
