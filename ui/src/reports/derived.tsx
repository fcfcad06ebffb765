import { follows, type ReportsState } from '../url/reports';
import type { Change } from '../url/use-url';
import { nameOfId } from '../words/words';

/** Whether topics are in a tag's report that do not bear it, and to which it comes along flows. */
export function Follow({ state, change }: { state: ReportsState; change: Change<ReportsState> }) {
  if (!follows(state)) return null;
  return (
    <label className="check">
      <input type="checkbox" checked={state.derived} onChange={(e) => change({ derived: e.target.checked })} />
      also topics to which the tag comes
    </label>
  );
}

/** By which nodes a tag comes to a topic that does not bear it. */
export function DerivedWay({ way }: { way: readonly string[] | null }) {
  if (!way) return null;
  return (
    <span className="note">
      <span className="tag derived-tag">derived</span> by <bdi>{way.slice(0, -1).map(nameOfId).join(' › ')}</bdi>
    </span>
  );
}
