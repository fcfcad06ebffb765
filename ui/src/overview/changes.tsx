import { useState } from 'react';
import { useQuery } from 'urql';
import { usePolling } from '../data/poll';
import { type ChangedFlowFragment, ChangesDocument, type ChangesQuery } from '../gql/graphql';
import { Between, Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { Problem } from '../shell/problem';
import { lastVisit } from '../time/visit';
import { AGAINST, type Against, type EstateState } from '../url/estate';
import { lineageHref } from '../url/lineage';
import { AGAINST_WORD, answerable, beforeData, compared } from '../words/against';
import { count, percent, rate } from '../words/format';
import { nodeName } from '../words/words';

type Diff = NonNullable<ChangesQuery['lineageDiff']>;

/** Two windows of an hour change slowly. */
const POLL_SECONDS = 60;
const SHOWN = 6;

interface Props {
  state: EstateState;
  change(patch: Partial<EstateState>, options?: { replace?: boolean }): void;
  /** Since when data is held; undefined: not known yet. */
  held: string | null | undefined;
}

/** What flows came, went, and have another rate than at another time. */
export function Changes({ state, change, held }: Props) {
  const [visited] = useState(() => lastVisit());
  const [now, setNow] = useState(() => Date.now());
  usePolling(() => setNow(Date.now()), state.window.kind === 'last' ? POLL_SECONDS : null);
  const best = answerable(state.window, held, now);
  const against = state.against ?? best ?? 'day';
  const asked = compared(state.window, against, visited, now);
  const known = state.against !== null || held !== undefined;
  const blank = asked !== null && beforeData(asked.before, held);
  const [{ data, error, fetching }, again] = useQuery({
    query: ChangesDocument,
    pause: asked === null || !known || blank,
    variables: asked ?? { before: {}, after: {} },
  });
  const diff = asked === null || blank ? undefined : data?.lineageDiff;
  return (
    <section className="card" aria-labelledby="changes-title" aria-busy={fetching}>
      <div className="card-head">
        <h2 id="changes-title">What changed</h2>
        <label className="field">
          since
          <select value={against} onChange={(e) => change({ against: e.target.value as Against })}>
            {AGAINST.map((a) => (
              <option key={a} value={a}>
                {AGAINST_WORD[a]}
              </option>
            ))}
          </select>
        </label>
        {diff && <Totals diff={diff} />}
      </div>
      <Problem error={error} again={again} />
      {asked === null && (
        <p className="note empty-line">
          This is the first visit that this browser remembers: there is nothing to compare with yet.
        </p>
      )}
      {blank && held && <BeforeData held={held} against={against} best={best} choose={(a) => change({ against: a })} />}
      {diff && <Compared diff={diff} state={state} />}
    </section>
  );
}

interface BeforeDataProps {
  held: string;
  against: Against;
  /** What can be compared with instead. */
  best: Against | null;
  choose(a: Against): void;
}

/** Why nothing is compared, and with what it could be. */
function BeforeData({ held, against, best, choose }: BeforeDataProps) {
  return (
    <p className="empty-line not-observed-line">
      Nothing was observed then: data is held since <Instant at={held} />. What changed is not known.{' '}
      {best && best !== against && (
        <button type="button" onClick={() => choose(best)}>
          Compare with {AGAINST_WORD[best]}
        </button>
      )}
    </p>
  );
}

function Totals({ diff }: { diff: Diff }) {
  return (
    <span className="note grow-end">
      <Between {...diff.before} /> against <Between {...diff.after} />
    </span>
  );
}

function Compared({ diff, state }: { diff: Diff; state: EstateState }) {
  const blank = diff.coverage.observedFraction === 0 || diff.coverageBefore.observedFraction === 0;
  const none = diff.addedCount + diff.removedCount + diff.changedCount === 0;
  return (
    <>
      {blank && (
        <p className="empty-line not-observed-line">
          Nothing was observed {diff.coverageBefore.observedFraction === 0 ? 'then' : 'now'}: what changed is not known.
        </p>
      )}
      {!blank && none && (
        <p className="note empty-line">
          {diff.coverage.complete && diff.coverageBefore.complete
            ? 'No flow came or went, and no rate doubled or halved.'
            : `No change was seen; of then ${percent(diff.coverageBefore.observedFraction)} was observed, of now ${percent(diff.coverage.observedFraction)}.`}
        </p>
      )}
      {!blank && (
        <div className="changes">
          <Flows
            word="came"
            sign="+"
            total={diff.addedCount}
            state={state}
            flows={diff.added.map((flow) => ({ flow }))}
          />
          <Flows
            word="went"
            sign="−"
            total={diff.removedCount}
            state={state}
            then={diff.before}
            flows={diff.removed.map((flow) => ({ flow }))}
          />
          <Flows
            word="other rate"
            sign="±"
            total={diff.changedCount}
            state={state}
            flows={diff.changed.map((c) => ({
              flow: c.flow,
              note: `${c.estimated ? '~' : ''}${rate(c.before, 'records')} → ${rate(c.after, 'records')}`,
            }))}
          />
        </div>
      )}
      {!blank && diff.unknownCount > 0 && (
        <p className="note empty-line">
          Of {count(diff.unknownCount)} flows it is not known whether they came or went.
        </p>
      )}
    </>
  );
}

interface FlowsProps {
  word: string;
  sign: string;
  total: number;
  state: EstateState;
  flows: { flow: ChangedFlowFragment; note?: string }[];
  /** When they were there, if not now. */
  then?: { start: string; end: string };
}

function Flows({ word, sign, total, flows, state, then }: FlowsProps) {
  if (total === 0) return null;
  const window = then ? ({ kind: 'range', start: then.start, end: then.end } as const) : state.window;
  return (
    <section aria-label={`${count(total)} ${word}`}>
      <h3>
        <span className="change-sign" aria-hidden="true">
          {sign}
        </span>
        {count(total)} {word}
      </h3>
      <ul>
        {flows.slice(0, SHOWN).map(({ flow: f, note }) => (
          <li key={f.id}>
            <Link href={lineageHref({ roots: [f.from.id], selected: f.id, window, live: window.kind === 'last' })}>
              <bdi>{nodeName(f.from)}</bdi> → <bdi>{nodeName(f.to)}</bdi>
            </Link>
            {note && <span className="note num">{note}</span>}
          </li>
        ))}
        {total > SHOWN && <li className="note">and {count(total - SHOWN)} more</li>}
      </ul>
    </section>
  );
}
