import { GOING_LONG, type Goes, type Going, going, goingSaid, tone } from '../words/going';
import { Words } from './instant';

/** A shape for each state, so that colour is never alone. */
const SHAPES: Record<Going, string> = {
  moving: 'M2 1 9 6 2 11z',
  'catching-up': 'M1 3h10L6 10z',
  'falling-behind': 'M6 2l5 7H1z',
  paused: 'M2 1h3v10H2zM7 1h3v10H7z',
  idle: 'M6 1a5 5 0 1 1 0 10A5 5 0 0 1 6 1m0 1.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8',
  stalled: 'M6 0l6 6-6 6-6-6z',
  stopped: 'M1.5 1.5h9v9h-9z',
  unknown: 'M1 5h2v2H1zM5 5h2v2H5zM9 5h2v2H9z',
};

export const StateSign = ({ state }: { state: Going }) => (
  <svg className="state-sign" viewBox="0 0 12 12" aria-hidden="true">
    <path d={SHAPES[state]} />
  </svg>
);

/** How a flow goes, by shape, word and colour. */
export function StateBadge({ flow }: { flow: Goes }) {
  const state = going(flow);
  return (
    <span className={`goes tone-${tone(flow)}`} title={GOING_LONG[state]}>
      <StateSign state={state} />
      <Words said={goingSaid(flow)} />
    </span>
  );
}
