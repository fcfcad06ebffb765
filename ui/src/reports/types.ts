import type { CoveragePartsFragment, UsageBillQuery } from '../gql/graphql';

/** What was observed of a report's window. */
export type CoverageOf = CoveragePartsFragment & { window: { start: string; end: string } };

/** A part of the window and who speaks of it: the store, the ledger, or nobody, which is no zero. */
export interface Part {
  source: 'HELD' | 'SEALED' | 'NOBODY';
  start: string;
  end: string;
  periods: number;
  amendable: boolean;
}

export type Bill = NonNullable<UsageBillQuery['usageBill']>;
