import { useState } from 'react';
import { useQuery } from 'urql';
import { type DeletionVerdict, RetireDocument, type RetireKind, type RetireQuery } from '../gql/graphql';
import { FileLinks } from '../shell/file-links';
import { Icon, KindIcon } from '../shell/icons';
import { Between, Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { Problem } from '../shell/problem';
import { retireHref } from '../url/export';
import { lineageHref } from '../url/lineage';
import { RETIRED, type ReportsState } from '../url/reports';
import { usagePage } from '../url/usage';
import type { Change } from '../url/use-url';
import type { WindowChoice } from '../url/window';
import { count } from '../words/format';
import { kindOf, nodeName, placeOf, plural } from '../words/words';
import { Doubts, ReportTime } from './parts';

type Retired = NonNullable<RetireQuery['retire']>;
type Row = Retired['edges'][number]['node'];

const FIRST = 100;
const MOST = 1000;
const DAYS = [7, 30, 90, 365];

const KIND: Record<RetireKind, { many: string; one: string }> = {
  UNUSED_TOPIC: { many: 'Unused topics', one: 'unused topic' },
  UNOWNED_TOPIC: { many: 'Topics without an owner', one: 'topic without an owner' },
  DEAD_GROUP: { many: 'Dead groups', one: 'dead group' },
  IDLE_CONNECTOR: { many: 'Idle connectors', one: 'idle connector' },
};

const VERDICT: Record<DeletionVerdict, { word: string; icon: 'ok' | 'warn' | 'close'; tone: string }> = {
  SAFE: { word: 'proved', icon: 'ok', tone: 'good' },
  CANNOT_BE_TOLD: { word: 'can’t be told', icon: 'warn', tone: 'warn' },
  UNSAFE: { word: 'something speaks against it', icon: 'close', tone: 'bad' },
};

/** What could be put away, and whether that is proved. */
export function RetireReport({ state, change }: { state: ReportsState; change: Change<ReportsState> }) {
  const [first, setFirst] = useState(FIRST);
  const [{ data, error, fetching }, again] = useQuery({
    query: RetireDocument,
    variables: {
      days: state.days,
      kinds: state.kind && [state.kind],
      cluster: (state.scope === 'cluster' && state.of) || null,
      owner: (state.scope === 'owner' && state.of) || null,
      first,
    },
  });
  const retired = data?.retire;
  return (
    <div className="usage" aria-busy={fetching}>
      <div className="report-form">
        <Days state={state} change={change} />
        <Kinds state={state} change={change} counts={retired?.byKind ?? []} />
      </div>
      <Problem error={error} again={again} />
      {fetching && !retired && <p className="empty">Loading</p>}
      {retired && (
        <>
          <FileLinks
            className="usage-links"
            hrefOf={(form) =>
              retireHref(
                state.days,
                state.kind,
                (state.scope === 'cluster' || state.scope === 'owner') && state.of ? [state.scope, state.of] : null,
                form,
              )
            }
          />
          <p className="note">
            Of the days up to now, whatever window is chosen above:{' '}
            <Between start={retired.coverage.window.start} end={retired.coverage.window.end} />
          </p>
          <Rows retired={retired} window={state.window} more={first < MOST ? () => setFirst(MOST) : null} />
          <ReportTime coverage={retired.coverage} />
          <Doubts doubts={[]} coverage={retired.coverage} />
        </>
      )}
      <p className="sr" role="status">
        {retired ? plural(retired.totalCount, 'row') : ''}
      </p>
    </div>
  );
}

function Days({ state, change }: { state: ReportsState; change: Change<ReportsState> }) {
  const choices = DAYS.includes(state.days) ? DAYS : [...DAYS, state.days].toSorted((a, b) => a - b);
  return (
    <label className="field">
      Not used for
      <select value={state.days} onChange={(e) => change({ days: Number(e.target.value) })}>
        {choices.map((d) => (
          <option key={d} value={d}>
            {plural(d, 'day')}
          </option>
        ))}
      </select>
    </label>
  );
}

interface KindsProps {
  state: ReportsState;
  change: Change<ReportsState>;
  counts: Retired['byKind'];
}

function Kinds({ state, change, counts }: KindsProps) {
  return (
    <fieldset className="segments">
      <legend className="sr">Kinds</legend>
      <button type="button" aria-pressed={state.kind === null} onClick={() => change({ kind: null })}>
        All
      </button>
      {RETIRED.map((k) => {
        const n = counts.find((c) => c.kind === k);
        return (
          <button key={k} type="button" aria-pressed={state.kind === k} onClick={() => change({ kind: k })}>
            {KIND[k].many}
            {n && <span className="note in-line"> {count(n.count)}</span>}
          </button>
        );
      })}
    </fieldset>
  );
}

interface RowsProps {
  retired: Retired;
  window: WindowChoice;
  more: (() => void) | null;
}

function Rows({ retired, window, more }: RowsProps) {
  const rows = retired.edges.map((e) => e.node);
  const left = retired.totalCount - rows.length;
  const safe = retired.byKind.reduce((sum, k) => sum + k.safe, 0);
  return (
    <section className="usage-side" aria-label="To put away">
      <h2>
        What could be put away{' '}
        <span className="note">
          {count(retired.totalCount)}; of all kinds {safe === 0 ? 'none is' : `${count(safe)} are`} proved
        </span>
      </h2>
      {rows.length === 0 && <p className="empty">Nothing is known that could be put away.</p>}
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="card scroll" tabIndex={0} aria-label="What could be put away">
          <table>
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">As</th>
                <th scope="col">Owner</th>
                <th scope="col">Is that so?</th>
                <th scope="col">Moved last</th>
                <th scope="col">Why, and what was not seen</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((r) => (
                <Retirable key={`${r.kind} ${r.node.id} ${r.cluster?.name} ${r.group}`} of={r} window={window} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {left > 0 && (
        <p>
          {more && (
            <button type="button" onClick={more}>
              Show more
            </button>
          )}{' '}
          <span className="note">{count(left)} are not shown</span>
        </p>
      )}
    </section>
  );
}

function Retirable({ of, window }: { of: Row; window: WindowChoice }) {
  const { node } = of;
  const verdict = VERDICT[of.verdict];
  const href = node.kind === 'TOPIC' ? usagePage(node.id, window) : lineageHref({ roots: [node.id], window, depth: 1 });
  return (
    <tr>
      <th scope="row">
        <Link className="node-link" href={href}>
          <KindIcon kind={node.kind} />
          <bdi>{of.group ?? nodeName(node)}</bdi>
        </Link>
        <span className="note">
          {of.group == null ? kindOf(node) : `group of ${nodeName(node)}`}
          {(of.cluster?.name ?? placeOf(node)) && (
            <>
              , <bdi>{of.cluster?.name ?? placeOf(node)}</bdi>
            </>
          )}
        </span>
      </th>
      <td>{KIND[of.kind].one}</td>
      <td>{of.owner ? <bdi>{of.owner}</bdi> : <span className="unknown">nobody known</span>}</td>
      <td>
        <span className={`verdict tone-${verdict.tone}`}>
          <Icon name={verdict.icon} /> {verdict.word}
        </span>
      </td>
      <td>
        {of.since ? <Instant at={of.since} /> : <span className="none">not in the seven days before now</span>}
        {of.watchedSince && (
          <span className="note">
            watched since <Instant at={of.watchedSince} />
          </span>
        )}
      </td>
      <td>
        <ul className="known-by">
          <li>{of.evidence}</li>
          {of.untold.map((u) => (
            <li key={`${u.kind} ${u.detail}`} className="unknown">
              {u.detail}
            </li>
          ))}
          {of.untoldCount > of.untold.length && (
            <li className="note">{`and ${count(of.untoldCount - of.untold.length)} more that were not seen`}</li>
          )}
        </ul>
      </td>
    </tr>
  );
}
