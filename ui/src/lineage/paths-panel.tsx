import { Icon, KindIcon } from '../shell/icons';
import { Between, Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { Problem } from '../shell/problem';
import { lineageHref } from '../url/lineage';
import { duration } from '../words/format';
import { nameOfId, nodeName, plural } from '../words/words';
import type { PanelProps } from './types';
import type { PathsAnswer, usePaths, Way } from './use-paths';

interface Props extends Pick<PanelProps, 'state' | 'change'> {
  found: ReturnType<typeof usePaths>;
}

/** Whether what left one node in the window can have reached another in it, and how. */
export function PathsPanel({ found, state, change }: Props) {
  const { paths, error, again, chosen, choose } = found;
  const [from = ''] = state.roots;
  const to = state.path ?? '';
  return (
    <aside tabIndex={-1} className="panel paths" aria-label="Ways">
      <button
        type="button"
        className="quiet icon-button panel-close"
        aria-label="Close the ways"
        title="Close (Esc)"
        onClick={() => change({ path: null })}
      >
        <Icon name="close" />
      </button>
      <header className="panel-head">
        <p className="panel-kind">Can what left the one in this window have reached the other in it?</p>
        <h2 className="panel-ends">
          <bdi>{nameOfId(from)}</bdi>
          <span className="panel-arrow">
            <span aria-hidden="true">↓</span>
            <span className="sr">to</span>
          </span>
          <bdi>{nameOfId(to)}</bdi>
        </h2>
        <p className="panel-links">
          <Link href={lineageHref({ ...state, roots: [to], path: from, selected: null })}>The other way round</Link>
        </p>
      </header>
      <Problem error={error} again={again} />
      {!paths && !error && <p className="empty">Loading</p>}
      {paths && (
        <>
          <Verdict paths={paths} />
          {paths.paths.length > 0 && (
            <ol className="ways-list">
              {paths.paths.map((way, i) => (
                <WayItem
                  // biome-ignore lint/suspicious/noArrayIndexKey: a way has no id of its own, and its place is what is chosen
                  key={i}
                  way={way}
                  number={i + 1}
                  begin={paths.window.start}
                  pressed={chosen === i}
                  onChoose={() => choose(chosen === i ? null : i)}
                  change={change}
                />
              ))}
            </ol>
          )}
          <Doubts paths={paths} change={change} />
        </>
      )}
    </aside>
  );
}

const VERDICT = {
  YES: { icon: 'ok', head: 'Yes, it can.', why: 'By what was seen to move, in the order of time.' },
  NO: {
    icon: 'ok',
    head: 'No way in this window.',
    why: 'All that is observed excludes it: nothing moved from one to the other in the order of time. A longer window may have one.',
  },
  NOT_KNOWN: {
    icon: 'warn',
    head: 'It cannot be told.',
    why: 'Only by what was not observed, or by somebody whom nothing names, can it have got there.',
  },
} as const;

function Verdict({ paths }: { paths: PathsAnswer }) {
  const { icon, head, why } = VERDICT[paths.reached];
  return (
    <div className={`verdict is-${paths.reached.toLowerCase()} panel-part`} role="status">
      <p className="verdict-head">
        <Icon name={icon} />
        <b>{head}</b>
      </p>
      <p>{why}</p>
      {paths.reached !== 'YES' && paths.notBefore && (
        <p className="note">
          If it did, then not before <Instant at={paths.notBefore} />.
        </p>
      )}
    </div>
  );
}

interface WayProps extends Pick<PanelProps, 'change'> {
  way: Way;
  number: number;
  begin: string;
  pressed: boolean;
  onChoose(): void;
}

function WayItem({ way, number, begin, pressed, onChoose, change }: WayProps) {
  const seconds = (Date.parse(way.earliestArrival) - Date.parse(begin)) / 1000;
  return (
    <li className="way">
      <p className="way-head">
        <button type="button" aria-pressed={pressed} onClick={onChoose} title="Light this way alone">
          Way {number}
        </button>
        <span>
          {plural(way.hops.length, 'hop')}, {way.observed ? 'can have arrived' : 'may have arrived'} at{' '}
          <Instant at={way.earliestArrival} />,{' '}
          {seconds > 0 ? `${duration(seconds)} after the window begins` : 'in the first step of the window'}
        </span>
      </p>
      <ol className="way-hops">
        {way.hops.map((h) => (
          <li key={h.flow.id} className={h.observed ? '' : 'in-doubt'}>
            <button type="button" className="row-button" onClick={() => change({ selected: h.flow.id })}>
              <KindIcon kind={h.flow.from.kind} />
              <bdi>{nodeName(h.flow.from)}</bdi>
              <span aria-hidden="true">→</span>
              <span className="sr"> to </span>
              <KindIcon kind={h.flow.to.kind} />
              <bdi>{nodeName(h.flow.to)}</bdi>
            </button>
            <span className="note">
              {h.observed ? 'moved' : 'not known whether it moved'} <Between start={h.at} end={h.until} />
            </span>
          </li>
        ))}
      </ol>
    </li>
  );
}

function Doubts({ paths, change }: { paths: PathsAnswer } & Pick<PanelProps, 'change'>) {
  if (paths.doubts.length === 0) return null;
  return (
    <section className="panel-part">
      <h3>What it hangs on</h3>
      <ul className="doubts">
        {paths.doubts.map((d) => (
          <li key={`${d.flow?.id} ${d.node?.id} ${d.start} ${d.reason}`}>
            {d.flow && (
              <button type="button" className="row-button" onClick={() => change({ selected: d.flow?.id ?? null })}>
                <bdi>{nodeName(d.flow.from)}</bdi> → <bdi>{nodeName(d.flow.to)}</bdi>
              </button>
            )}
            {d.node && <bdi>{nodeName(d.node)}</bdi>}
            <span>{d.reason}</span>
            <span className="note">
              <Between start={d.start} end={d.end} />
            </span>
          </li>
        ))}
      </ul>
      {paths.doubtCount > paths.doubts.length && (
        <p className="note">{plural(paths.doubtCount - paths.doubts.length, 'more reason')}.</p>
      )}
    </section>
  );
}
