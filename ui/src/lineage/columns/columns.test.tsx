// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { expect, test, vi } from 'vitest';
import { clientOf } from '../../data/test-client';
import { initialLineage, type LineageState } from '../../url/lineage';
import { Columns } from './columns';

const ID = 'topic:west/orders';
const EMAIL = `${ID}#value.email`;

const schema = {
  origin: 'REGISTRY',
  source: 'reg',
  part: 'VALUE',
  subject: 'orders-value',
  version: 3,
  strategy: 'TOPIC_NAME',
  compatibility: 'BACKWARD',
  format: 'AVRO',
  record: 'shop.Order',
  since: '2026-11-28T01:00:00Z',
  problem: null,
  columnCount: 3,
  moreColumns: 0,
  columns: [
    { field: EMAIL, path: 'email', type: 'string', optional: true },
    { field: `${ID}#value.id`, path: 'id', type: 'long', optional: false },
    { field: `${ID}#value.at`, path: 'at', type: 'long', optional: null },
  ],
};
const broken = { ...schema, part: 'KEY', subject: 'orders-key', problem: 'a reference is missing', columns: null };
const at = (kind: string, name: string, more: object) => ({
  field: `${name}#email`,
  path: 'email',
  hops: 1,
  inSchema: null,
  type: null,
  reads: false,
  assumed: false,
  direction: 'DOWNSTREAM',
  node: { __typename: 'Topic', id: name, kind, name, owner: null },
  ...more,
});
const through = { __typename: 'Application', id: 'billing', kind: 'APPLICATION', name: 'billing' };
const lineage = {
  field: EMAIL,
  columnCount: 3,
  columns: [
    at('TOPIC', 'orders', { field: EMAIL, direction: null, hops: 0 }),
    at('APPLICATION', 'billing', { reads: true, assumed: true, node: { ...through, owner: 'team-pay' } }),
    at('DATASET', 'sales', {}),
  ],
  stepCount: 1,
  steps: [
    {
      from: EMAIL,
      to: 'sales#email',
      through,
      evidence: 'CONNECT',
      how: 'by its class',
      masked: true,
      assumed: false,
      active: null,
    },
  ],
  endCount: 0,
  ends: [],
  unknownCount: 1,
  unknown: [{ field: EMAIL, at: through, why: 'nobody says' }],
  cut: false,
  coverage: {
    heldSince: null,
    complete: false,
    observedFraction: 0.5,
    gapCount: 0,
    stretchCount: 0,
    stretches: [],
    blindSpots: [],
  },
};
const client = clientOf({
  schemas: () => ({ schemaCount: 2, schemas: [schema, broken] }),
  columnLineage: () => lineage,
});
const window = { start: '2026-11-28T01:00:00Z', end: '2026-11-28T02:00:00Z', step: '10s' };

async function shown(state: LineageState, has: string, then: (at: HTMLElement) => void) {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  const host = document.body.appendChild(document.createElement('div'));
  const root = createRoot(host);
  const change = vi.fn();
  await act(async () =>
    root.render(
      <Provider value={client}>
        <Columns id={ID} window={window} state={state} change={change} />
      </Provider>,
    ),
  );
  await act(() => vi.waitFor(() => expect(host.textContent).toContain(has)));
  then(host);
  act(() => root.unmount());
  host.remove();
  return change;
}

test('a schema says who says it and what it does not know', async () => {
  const change = await shown(initialLineage, 'email', (host) => {
    const text = host.textContent ?? '';
    expect(text).toMatch(/Value: shop.Order/);
    expect(text).toMatch(/Schema registry reg, subject orders-value, version 3, AVRO, BACKWARD, first seen/);
    expect(text).toMatch(/not known: a reference is missing/);
    const optional = [...host.querySelectorAll('.columns-table tbody td:last-child')].map((at) => at.textContent);
    expect(optional).toEqual(['yes', 'no', 'not told']);
    host.querySelector<HTMLButtonElement>('.columns-table button')?.click();
  });
  expect(change).toHaveBeenCalledWith({ column: EMAIL });
});

test('of a chosen column what is not known comes first, then who is hurt, then where it leads', async () => {
  await shown({ ...initialLineage, selected: ID, column: EMAIL }, 'Not known', (host) => {
    const text = host.textContent ?? '';
    const order = [
      'Not known',
      'nobody says',
      'Who is hurt',
      'team-pay',
      'assumed',
      'Where it leads',
      'sales',
      'masked',
    ];
    const places = order.map((w) => text.indexOf(w));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(text).toMatch(/known by Kafka Connect/);
    expect(text).toMatch(/not known whether it moved/);
    expect(text).toMatch(/From no other column that is known/);
    expect(text).toMatch(/What was not observed may hold more ways/);
    expect(host.querySelector('[aria-pressed=true]')?.textContent).toBe('email');
    const link = host.querySelector<HTMLAnchorElement>('.column-list a[href*="root=sales"]');
    expect(link?.getAttribute('href')).toContain('column=sales%23email');
  });
});
