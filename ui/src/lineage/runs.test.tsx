// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { expect, test } from 'vitest';
import { initialLineage } from '../url/lineage';
import { Runs } from './runs';
import type { PanelNode } from './types';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

const run = {
  id: 'r1',
  state: 'FAILED',
  started: '2026-11-28T01:00:00Z',
  startKnown: false,
  ended: null,
  nominalStart: null,
  nominalEnd: null,
  failure: null,
  engine: 'spark',
  engineVersion: '4.0',
  parent: null,
  cut: 0,
  reads: [{ id: 'topic:west/orders', kind: 'TOPIC', name: 'orders' }],
  writes: [],
};

function shown(runs: unknown): string {
  const host = document.createElement('div');
  const root = createRoot(host);
  act(() => root.render(<Runs node={{ id: 'job:ns/j', kind: 'JOB', runs } as PanelNode} state={initialLineage} />));
  const text = [...host.querySelectorAll('h3, p, dt, dd, summary')].map((e) => e.textContent).join(' ');
  act(() => root.unmount());
  return text;
}

const said = {
  totalCount: 3,
  older: true,
  integration: 'SPARK',
  type: null,
  description: null,
  owners: [{ name: 'team:data' }],
  nodes: [run],
};

test('of a run it is said what is known, and what is not', () => {
  const text = shown(said);
  expect(text).toMatch(/failed/);
  expect(text).toMatch(/first heard of/);
  expect(text).toMatch(/error +no class told/);
  expect(text).toMatch(/spark 4.0/);
  expect(text).toMatch(/read +orders/);
  expect(text).not.toMatch(/wrote|ended/);
  expect(text).toMatch(/2 older runs kept and not shown. Those before are not kept./);
  expect(text).toMatch(/Owners it names +team:data/);
});

test('a node that told of no runs has no such part, and one that declared itself says so', () => {
  expect(shown(null)).toBe('');
  expect(shown({ ...said, totalCount: 0, older: false, nodes: [] })).toMatch(/told of no run/);
});
