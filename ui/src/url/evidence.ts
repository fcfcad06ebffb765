// Kinds of evidence as a link names them, and as a person chooses among them.
import type { EvidenceKind } from '../gql/graphql';

export const EVIDENCE_GROUPS: readonly { name: string; kinds: readonly EvidenceKind[] }[] = [
  {
    name: "Measured at the broker's own numbers",
    kinds: ['GROUP_OFFSETS', 'SHARE_OFFSETS', 'PRODUCER_STATE', 'TRANSACTION', 'END_OFFSETS', 'GROUP_MEMBERSHIP'],
  },
  { name: 'Told by systems', kinds: ['CONNECT', 'MIRROR', 'STREAMS_TOPOLOGY', 'FLINK', 'OPENLINEAGE'] },
  { name: 'Told by clients and records', kinds: ['TELEMETRY', 'BATCH_HEADER', 'RECORD_HEADER'] },
  { name: 'Told by logs', kinds: ['REQUEST_LOG', 'AUTHORIZER_LOG', 'AUDIT_LOG'] },
  { name: 'Inferred or declared', kinds: ['ELIMINATION', 'DECLARED'] },
];

const ALL: readonly EvidenceKind[] = EVIDENCE_GROUPS.flatMap((g) => g.kinds);

/** The kinds that a query names, in an order of their own; what is none is left out, so that an old link still opens. */
export function parseEvidence(text: string | null): EvidenceKind[] {
  const named = (text ?? '').toUpperCase().split(',');
  return ALL.filter((k) => named.includes(k));
}
