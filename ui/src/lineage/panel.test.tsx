// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { expect, test, vi } from 'vitest';
import { clientOf } from '../data/test-client';
import { initialLineage } from '../url/lineage';
import { Panel } from './panel';
import type { LineageAnswer } from './types';

const ID = 'connector:c/warehouse';
const DELETED = '2026-11-24T12:00:00Z';

/** A server whose one connector is deleted at noon: what it is depends on the window that it is asked in. */
const client = clientOf({
  node: ({ window }: { window?: { end: string } }) => {
    const exists = window !== undefined && window.end <= DELETED;
    const told = exists ? { type: 'sink', state: 'RUNNING' } : {};
    const id = { __typename: 'Connector', id: ID, kind: 'CONNECTOR', name: 'warehouse' };
    return { ...id, ...told, exists, tags: [], tasks: [], groups: [] };
  },
});

function answerOf(start: string, end: string): LineageAnswer {
  return {
    nodes: [],
    flows: [],
    window: { start, end, step: '10s' },
    version: '1',
    coverage: {
      heldSince: null,
      complete: true,
      observedFraction: 1,
      gapCount: 0,
      stretchCount: 0,
      stretches: [],
      blindSpots: [],
    },
    truncated: false,
    totalNodes: 1,
    hidden: [],
    stacks: [],
    positions: [],
  };
}

test('the panel tells of the window that is shown, not of now', async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  const at = document.body.appendChild(document.createElement('div'));
  const root = createRoot(at);
  const show = (start: string, end: string) =>
    act(async () =>
      root.render(
        <Provider value={client}>
          <Panel id={ID} answer={answerOf(start, end)} state={initialLineage} change={() => {}} />
        </Provider>,
      ),
    );
  await show('2026-11-24T10:00:00Z', '2026-11-24T11:00:00Z');
  await act(() => vi.waitFor(() => expect(at.textContent).toContain('RUNNING')));
  expect(at.textContent).not.toContain('deleted');
  await show('2026-11-24T12:00:00Z', '2026-11-24T13:00:00Z');
  await act(() => vi.waitFor(() => expect(at.textContent).toContain('deleted')));
  await act(async () => root.unmount());
  vi.unstubAllGlobals();
});
