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
const lost = { id: '3', at: '2026-11-24T12:40:00Z', type: 'SOURCE_LOST', detail: 'west/groups' };
const range = { start: '2026-11-24T11:00:00Z', end: '2026-11-24T13:00:00Z' };
const asked = new Set<string>();
const client = clientOf({
  events: ({ types, first, nodes }: { types: string[]; first: number; nodes: string[] | null }) => {
    asked.add((nodes ?? ['all']).join(' '));
    const all = [event, gone, lost, lost].filter((e) => types.includes(e.type));
    return {
      totalCount: all.length,
      coverage: { complete: true, observedFraction: 1 },
      edges: all.slice(0, first).map((node) => ({ node })),
    };
  },
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
          state={{
            ...initialLineage,
            roots: [WRITERS, 'topic:west/other'],
            unit: 'bytes',
            view: 'events',
            window: { kind: 'range', ...range },
          }}
        />
      </Provider>,
    ),
  );
  await act(() => vi.waitFor(() => expect(at.querySelector('tbody td')).not.toBeNull()));
  const tables = [...at.querySelectorAll('tbody')].map((t) => t.textContent);
  expect(tables).toHaveLength(2);
  expect(tables[0]).toContain('gone'); // what matters is first, though it is not the newest
  expect(tables[1]).toContain('writers of orders → orders');
  expect(at.querySelector('h2')?.textContent).toMatch(/^Events of writers of orders, other.*2 events/);
  // What sources say of themselves is one line.
  expect(at.querySelector('details summary')?.textContent).toContain('2 times');
  expect(at.textContent).not.toContain('west/groups');
  const links = [...at.querySelectorAll('tbody a')].map((a) => a.getAttribute('href'));
  const window = `start=${range.start}&end=${range.end}`;
  const flow = `${WRITERS}-%3Etopic:west/orders`;
  expect(links).toEqual([
    '/lineage?root=topic:west/gone&at=2026-11-24T12:30:00Z&unit=bytes&selected=topic:west/gone',
    `/lineage?root=topic:west/gone&${window}&unit=bytes&selected=topic:west/gone`,
    `/lineage?root=${WRITERS}&root=topic:west/other&at=2026-11-24T12:00:00Z&unit=bytes&selected=${flow}`,
    `/lineage?root=${WRITERS}&root=topic:west/other&${window}&unit=bytes&selected=${flow}`,
  ]);
  expect([...asked]).toEqual([`${WRITERS} topic:west/other`]);
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
});
