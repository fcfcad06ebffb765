// @vitest-environment happy-dom
import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { initialLineage } from '../url/lineage';
import { MoverFacts } from './mover-parts';
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
