import { type By as Grouping, type ReportsState, SHAPES, usualBy } from '../url/reports';
import type { Change } from '../url/use-url';

const WORD: Record<Grouping, string> = {
  TOPIC: 'by topic',
  APPLICATION: 'by who used it',
  OWNER: 'by owner',
  CLUSTER: 'by cluster',
  DAY: 'by day',
  OWNER_AND_TOPIC: 'by owner and topic',
};

/** How a report is put together. */
export function By({ state, change }: { state: ReportsState; change: Change<ReportsState> }) {
  const by = state.by ?? usualBy(state);
  return (
    <fieldset className="segments">
      <legend className="sr">Put together</legend>
      {SHAPES[state.report ?? 'usage'].by.map((g) => (
        <button key={g} type="button" aria-pressed={g === by} onClick={() => change({ by: g })}>
          {WORD[g]}
        </button>
      ))}
    </fieldset>
  );
}
