// @vitest-environment happy-dom
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { initialLineage } from '../url/lineage';
import { MoverFacts, Vertices } from './mover-parts';
import type { PanelNode } from './types';

/** The facts of a replicator from a watched west to paris, as text. */
function facts(over: Partial<PanelNode>): string {
  const node = {
    id: 'replicator:paris/west-%3Eparis',
    kind: 'REPLICATOR',
    name: 'west->paris',
    tags: [],
    exists: true,
    source: { name: 'west-1' },
    target: null,
    sourceAlias: 'west',
    targetAlias: 'paris',
    ...over,
  } as PanelNode;
  return renderToStaticMarkup(<MoverFacts node={node} state={initialLineage} />).replace(/<[^>]*>/g, ' ');
}

test('a cluster that is not watched is said to be so', () => {
  expect(facts({})).toMatch(/Copies from +west-1 +Copies to +paris, not watched/);
});

test('of a replicator that is gone it is not known what is watched', () => {
  const gone = facts({ exists: false, source: null });
  expect(gone).toMatch(/Copies from +west +Copies to +paris +State +deleted/);
  expect(gone).not.toContain('not watched');
});

test('a job that Flink tells of has its state and what is not told is said', () => {
  const flink = {
    jobId: '06f01e83',
    state: 'FAILED',
    started: null,
    version: '2.3.0',
    restarts: null,
    checkpoints: { mode: 'exactly_once', every: '3s', completed: '11', failed: '1', restored: '0' },
    vertices: [{ id: 'cbc3', name: 'Source: source -> Sink: Writer', state: 'RUNNING', parallelism: 2 }],
    transactionalIdPrefixes: [],
    unseen: null,
  };
  const job = { kind: 'STREAM_JOB', engine: 'Apache Flink', flink } as Partial<PanelNode>;
  const text = facts(job);
  expect(text).toMatch(/Engine +Apache Flink +State +FAILED +Restarts +not told/);
  expect(text).toMatch(/11 completed, 1 failed +, each 3s +exactly once|11 completed, 1 failed, each 3s +exactly once/);
  expect(text).not.toContain('Application id');
  expect(renderToStaticMarkup(<Vertices node={job as PanelNode} />)).toContain('Source: source -&gt; Sink: Writer');
  expect(renderToStaticMarkup(<Vertices node={{ kind: 'STREAM_JOB' } as PanelNode} />)).toBe('');
  const unseen = { since: null, why: 'connection refused' };
  const gone = { ...flink, state: null, unseen, vertices: [{ ...flink.vertices[0], state: null }] };
  expect(facts({ ...job, flink: gone } as Partial<PanelNode>)).toMatch(
    /State +not known +its Flink was not seen in this window: +connection refused/,
  );
  expect(renderToStaticMarkup(<Vertices node={{ ...job, flink: gone } as PanelNode} />)).toContain('not known');
});
