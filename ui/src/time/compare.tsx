import { type ReactNode, useState } from 'react';
import { useQuery } from 'urql';
import { CompareDocument, type ComparedFlowFragment, type CompareQuery } from '../gql/graphql';
import { Icon } from '../shell/icons';
import { Between } from '../shell/instant';
import { Problem } from '../shell/problem';
import { ZoneName } from '../shell/zone';
import { comparedWindow } from '../url/compare';
import type { LineageState } from '../url/lineage';
import { count, fromLocalInput, percent, rate, toLocalInput } from '../words/format';
import { nodeName } from '../words/words';

interface Props {
  state: LineageState;
  /** The window as it is answered. */
  window: { start: string; end: string };
  change(patch: Partial<LineageState>): void;
}

const WITH: [string, string][] = [
  ['before', 'the window before'],
  ['1h', 'an hour before'],
  ['1d', 'a day before'],
  ['1w', 'a week before'],
];
const QUIET: [string, string][] = [
  ['0s', 'none'],
  ['10m', '10 min'],
  ['1h', '1 h'],
  ['1d', '1 d'],
];
const FACTOR = 2;

/** What changed from another window to the one that is shown: a list beside the graph. */
export function Compare({ state, window: shown, change }: Props) {
  const window = useSettled(shown);
  const compare = state.compare ?? 'before';
  const other = comparedWindow(compare, window);
  const [{ data, error, fetching }, again] = useQuery({
    query: CompareDocument,
    variables: {
      roots: state.roots.length > 0 ? state.roots : null,
      before: other,
      after: { start: window.start, end: window.end },
      quiet: state.quiet,
      factor: FACTOR,
      internal: state.internal,
    },
  });
  const diff = data?.lineageDiff;
  const known = WITH.some(([value]) => value === compare);
  return (
    <aside className="panel compare" aria-label="What changed" tabIndex={-1}>
      <button
        type="button"
        className="quiet icon-button panel-close"
        aria-label="Close the comparison"
        onClick={() => change({ compare: null })}
      >
        <Icon name="close" />
      </button>
      <div className="panel-head">
        <h2>What changed</h2>
        <p className="note">
          since <Between {...other} /> <ZoneName at={other.end} />
        </p>
        <div className="compare-choices">
          <label>
            <span className="note">with</span>
            <select
              value={known ? compare : 'custom'}
              onChange={(e) =>
                change({ compare: e.target.value === 'custom' ? `${other.start}/${other.end}` : e.target.value })
              }
            >
              {WITH.map(([value, word]) => (
                <option key={value} value={value}>
                  {word}
                </option>
              ))}
              <option value="custom">another window …</option>
            </select>
          </label>
          <label title="A flow counts as ended only when it was silent for so long at the end of a window, so that a nightly job is no change">
            <span className="note">pauses up to</span>
            <select
              value={QUIET.some(([q]) => q === state.quiet) ? state.quiet : ''}
              onChange={(e) => change({ quiet: e.target.value })}
            >
              {!QUIET.some(([q]) => q === state.quiet) && <option value="">{state.quiet}</option>}
              {QUIET.map(([value, word]) => (
                <option key={value} value={value}>
                  {word}
                </option>
              ))}
            </select>
          </label>
        </div>
        {!known && <OtherWindow key={compare} window={other} onChoose={(text) => change({ compare: text })} />}
      </div>
      <Problem error={error} again={again} />
      {diff && <Lists diff={diff} change={change} />}
      {!diff && !error && <p className="empty">{fetching ? 'Loading' : ''}</p>}
    </aside>
  );
}

/** A window that follows another in steps of a twentieth of its length: two windows are a costly question. */
function useSettled(is: Props['window']): Props['window'] {
  const [kept, setKept] = useState(is);
  const length = (w: Props['window']) => Date.parse(w.end) - Date.parse(w.start);
  const far = Math.abs(Date.parse(is.end) - Date.parse(kept.end)) >= Math.max(10_000, length(is) / 20);
  if (far || Math.abs(length(is) - length(kept)) > 2000) setKept(is);
  return kept;
}

function OtherWindow({ window, onChoose }: { window: { start: string; end: string }; onChoose(text: string): void }) {
  const [start, setStart] = useState(toLocalInput(window.start));
  const [end, setEnd] = useState(toLocalInput(window.end));
  const [from, to] = [fromLocalInput(start), fromLocalInput(end)];
  const good = from !== null && to !== null && Date.parse(from) < Date.parse(to);
  return (
    <form
      className="compare-other"
      aria-label="Window to compare with"
      onSubmit={(e) => {
        e.preventDefault();
        if (good) onChoose(`${from}/${to}`);
      }}
    >
      <input
        aria-label="Start"
        type="datetime-local"
        step="1"
        value={start}
        onChange={(e) => setStart(e.target.value)}
      />
      <input aria-label="End" type="datetime-local" step="1" value={end} onChange={(e) => setEnd(e.target.value)} />
      <button type="submit" disabled={!good}>
        Compare
      </button>
    </form>
  );
}

type Diff = NonNullable<CompareQuery['lineageDiff']>;

function Lists({ diff, change }: { diff: Diff; change: Props['change'] }) {
  const none = diff.addedCount + diff.removedCount + diff.changedCount + diff.unknownCount === 0;
  const open = (f: ComparedFlowFragment) => () => change({ selected: f.id });
  const row = (f: ComparedFlowFragment, what: ReactNode, why?: string) => (
    <li key={f.id}>
      <button type="button" className="row-button" onClick={open(f)} title={why}>
        <bdi>{nodeName(f.from)}</bdi> → <bdi>{nodeName(f.to)}</bdi>
      </button>
      <span className="compare-what">{what}</span>
      {why && <span className="note compare-why">{why}</span>}
    </li>
  );
  const speed = (f: ComparedFlowFragment) =>
    f.recordsPerSecond == null ? 'not measurable' : `${f.estimated ? '~' : ''}${rate(f.recordsPerSecond, 'records')}`;
  return (
    <div className="compare-lists">
      <Blindness diff={diff} />
      {none && (
        <p className="empty">
          {diff.coverage.complete && diff.coverageBefore.complete
            ? 'Nothing changed: the same flows, at about the same rates.'
            : 'No change is seen in what was observed of the two.'}
        </p>
      )}
      <List title="Came" sign="+" tone="came" total={diff.addedCount} shown={diff.added.length}>
        {diff.added.map((f) => row(f, speed(f)))}
      </List>
      <List title="Went" sign="−" tone="went" total={diff.removedCount} shown={diff.removed.length}>
        {diff.removed.map((f) => row(f, `was ${speed(f)}`))}
      </List>
      <List
        title={`Changed ${FACTOR} times or more`}
        sign="±"
        tone="changed"
        total={diff.changedCount}
        shown={diff.changed.length}
      >
        {diff.changed.map((c) =>
          row(c.flow, `${rate(c.before, 'records')} → ${rate(c.after, 'records')}${c.estimated ? ', about' : ''}`),
        )}
      </List>
      <List title="Not known" sign="?" tone="unknown" total={diff.unknownCount} shown={diff.unknown.length}>
        {diff.unknown.map((u) => row(u.flow, u.inAfter ? 'is there now' : 'was there before', u.reason))}
      </List>
    </div>
  );
}

/** What was not observed of the two windows: of that nothing has come or gone. */
function Blindness({ diff }: { diff: Diff }) {
  const of = (name: string, c: { complete: boolean; observedFraction: number }) =>
    !c.complete && `${percent(c.observedFraction)} of ${name} was observed`;
  const words = [of('the other window', diff.coverageBefore), of('this window', diff.coverage)].filter(
    (w) => w !== false,
  );
  if (words.length === 0) return null;
  return <p className="note compare-blind">{words.join(', ')}. What was not observed has neither come nor gone.</p>;
}

interface ListProps {
  title: string;
  sign: string;
  tone: string;
  total: number;
  shown: number;
  children: ReactNode;
}

function List({ title, sign, tone, total, shown, children }: ListProps) {
  if (total === 0) return null;
  return (
    <section className="panel-part">
      <h3>
        <span className={`compare-sign ${tone}`} aria-hidden="true">
          {sign}
        </span>{' '}
        {title} <span className="note">{shown < total ? `${count(shown)} of ${count(total)}` : count(total)}</span>
      </h3>
      <ul className="compare-list">{children}</ul>
    </section>
  );
}
