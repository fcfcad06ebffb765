// What the lineage page asks of the server for a state.
import type { AllFlowsQueryVariables, LineageQueryVariables } from '../gql/graphql';
import { LIMIT } from '../url/export';
import { FOLD } from '../url/folding';
import { asked, type LineageState } from '../url/lineage';
import { wholeWindowStep, windowInput } from '../url/window';

const METRICS = {
  records: { metricIn: 'RECORDS_IN_PER_SECOND', metricOut: 'RECORDS_OUT_PER_SECOND' },
  bytes: { metricIn: 'BYTES_IN_PER_SECOND', metricOut: 'BYTES_OUT_PER_SECOND' },
} as const;

/** Of everything that moved. plain: each node by itself, also where a picture would have stacks. */
export const allFlowsVariables = (s: LineageState, plain = false): AllFlowsQueryVariables => ({
  evidence: s.evidence.length > 0 ? s.evidence : null,
  includeInactive: s.inactive,
  includeInternal: s.internal,
  limit: LIMIT,
  // The table has each node by itself, and so has a picture of the ways between two of them.
  fold: plain || s.view === 'table' || s.path ? 0 : FOLD,
  unfold: s.unfold,
  expand: s.expand.map(({ side, node }) => ({ node, direction: side === 'up' ? 'UPSTREAM' : 'DOWNSTREAM' })),
  window: windowInput(s.window),
  step: wholeWindowStep(s.window),
  ...METRICS[s.unit],
});

/** Of what lies around roots. */
export const lineageVariables = (s: LineageState, plain = false): LineageQueryVariables => ({
  ...drawnOf(s),
  ...allFlowsVariables(s, plain),
});

function drawnOf(s: LineageState) {
  const { roots, direction, depth } = asked(s);
  return { roots, direction, depth };
}
