import type { Meter } from '../gql/graphql';
import { decimal } from '../words/decimal';

/** What is metered, in words. */
export const METER: Record<Meter, string> = {
  INGRESS: 'written, bytes',
  INGRESS_RECORDS: 'written, records',
  EGRESS: 'read, bytes',
  EGRESS_RECORDS: 'read, records',
  REPLICATION: 'copied to replicas',
  STORAGE: 'kept on disk',
  PARTITIONS: 'partitions',
};

/** An amount as it is read, with all of it for who hovers; without a price there is none, which is not zero. */
export function Money({ amount, currency }: { amount: string | null; currency: string | null }) {
  if (amount == null) return <span className="none">no price</span>;
  return (
    <span title={`${amount} ${currency ?? ''}`.trim()}>
      {decimal(amount)}
      {currency && ` ${currency}`}
    </span>
  );
}
