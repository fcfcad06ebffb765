import type { FindingKind } from '../gql/graphql';

/** A shape for each kind of finding, those of flows as flows have them, so that colour is never alone. */
const SHAPES: Record<FindingKind, string> = {
  LOST: 'M6 0.5c2.6 3.2 4 5.2 4 7a4 4 0 0 1-8 0c0-1.8 1.4-3.8 4-7z',
  STALLED: 'M6 0l6 6-6 6-6-6z',
  STOPPED: 'M1.5 1.5h9v9h-9z',
  FALLING_BEHIND: 'M6 2l5 7H1z',
  UNOBSERVED: 'M1 5h2v2H1zM5 5h2v2H5zM9 5h2v2H9z',
  GONE: 'M1.6 0 6 4.4 10.4 0 12 1.6 7.6 6l4.4 4.4-1.6 1.6L6 7.6 1.6 12 0 10.4 4.4 6 0 1.6z',
  NEW: 'M4.9 0.5h2.2v4.4h4.4v2.2H7.1v4.4H4.9V7.1H0.5V4.9h4.4z',
};

export const FindingSign = ({ kind }: { kind: FindingKind }) => (
  <svg className="state-sign" viewBox="0 0 12 12" aria-hidden="true">
    <path d={SHAPES[kind]} />
  </svg>
);
