import { useEffect, useState } from 'react';
import { before, oldest } from '../lineage/held';
import { isLoss } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Between, Instant, Words } from '../shell/instant';
import { useShortcuts } from '../shell/shortcuts';
import { ZoneButton } from '../shell/zone';
import type { WindowChoice } from '../url/window';
import { ago, duration } from '../words/format';
import type { Said } from '../words/said';
import { EVENT_WORD, nameOfId, plural } from '../words/words';
import { eventsIn } from './histogram';
import { barOf, durationText, iso, lengthOf, type Range, spanOf, weightOf } from './scale';
import { Track } from './track';
import { Transport } from './transport';
import { type Timeline, useTimeline } from './use-timeline';
import { lastVisit, visit } from './visit';
import { WindowPicker } from './window-picker';

interface Props {
  window: WindowChoice;
  onChange(w: WindowChoice, options?: { replace?: boolean }): void;
  roots?: readonly string[];
  /** Whether the page follows what is new. */
  live: boolean;
  onLive(live: boolean, window?: WindowChoice): void;
}

const RANGES: [Range, string][] = [
  ['1h', '1 h'],
  ['24h', '24 h'],
  ['7d', '1 week'],
  ['all', 'all held'],
];
const KEY = 'lineaged.bar';

function storedRange(): Range {
  try {
    return RANGES.find(([r]) => r === localStorage.getItem(KEY))?.[0] ?? '24h';
  } catch {
    return '24h';
  }
}

/** The time of a page: its window, on what happened around it. */
export function TimeBar({ window, onChange, roots = [], live, onLive }: Props) {
  const [range, setRange] = useState(storedRange);
  const [now, setNow] = useState(Date.now);
  const [held, setHeld] = useState<string | null>(null);
  const asked = barOf(range, window, held, now);
  const { timeline, error, fetching } = useTimeline(asked, roots);
  const said = timeline?.coverage.heldSince ?? null;
  if (said !== null && said !== held) setHeld(said);
  const [point, setPoint] = useState<Said | null>(null);
  const since = useLastVisit();
  const choose = (r: Range) => {
    setNow(Date.now());
    setRange(r);
    try {
      localStorage.setItem(KEY, r);
    } catch {
      // Storage is refused: the choice holds for as long as the page is there.
    }
  };
  const bar = timeline && { start: Date.parse(timeline.window.start), end: Date.parse(timeline.window.end) };
  const is = spanOf(window, bar?.end ?? now);
  const early = held !== null && before({ start: iso(is.start), end: iso(is.end) }, held) === 'ends' ? held : null;
  const toNow = () =>
    onLive(true, {
      kind: 'last',
      last: window.kind === 'last' ? window.last : window.kind === 'at' ? '10m' : durationText(lengthOf(window)),
    });
  useShortcuts({ l: () => (window.kind === 'last' ? onLive(!live) : toNow()) });
  return (
    <section className="bar" aria-label="Time">
      <div className="bar-controls">
        <WindowPicker window={window} onChange={onChange} resolved={{ start: iso(is.start), end: iso(is.end) }} />
        {window.kind === 'last' ? (
          <button
            type="button"
            className={`live ${live ? 'on' : ''}`}
            aria-pressed={live}
            onClick={() => onLive(!live)}
            title="Follow what is new (l)"
          >
            <i aria-hidden="true" /> Live
          </button>
        ) : (
          <button type="button" className="to-now" onClick={toNow} title="The newest window of this length, live (l)">
            To now <Icon name="arrow" />
          </button>
        )}
        {bar && <Transport is={is} bar={bar} onChange={onChange} onEnd={toNow} />}
        {since !== null && (
          <button type="button" onClick={() => onChange({ kind: 'range', start: iso(since), end: iso(Date.now()) })}>
            Since my last visit <Instant at={iso(since)} when={ago} className="note" />
          </button>
        )}
      </div>
      {timeline ? (
        <Track
          timeline={timeline}
          window={window}
          endsNow={asked.last != null}
          onChange={onChange}
          onPoint={setPoint}
        />
      ) : (
        <div className="bar-track bar-empty" aria-busy={fetching}>
          {error ? 'What happened over time can’t be shown now.' : ''}
        </div>
      )}
      <div className="bar-words">
        <WindowWords window={window} start={iso(is.start)} end={iso(is.end)} />
        {early ? (
          <span className="bar-early">
            This window is before the data, which begins at <Instant at={early} />.{' '}
            <button type="button" onClick={() => onChange(oldest({ window }, early))}>
              Go where the data begins
            </button>
          </span>
        ) : (
          <span className="bar-said">{point ? <Words said={point} /> : timeline && summary(timeline, roots)}</span>
        )}
        <label className="bar-range">
          <span className="note">Bar</span>
          <select aria-label="Time that the bar shows" value={range} onChange={(e) => choose(e.target.value as Range)}>
            {RANGES.map(([r, word]) => (
              <option key={r} value={r}>
                {word}
              </option>
            ))}
          </select>
        </label>
      </div>
    </section>
  );
}

function WindowWords({ window, start, end }: { window: WindowChoice; start: string; end: string }) {
  const length = (Date.parse(end) - Date.parse(start)) / 1000;
  return (
    <span className="bar-window-words">
      <b>{window.kind === 'at' ? <Instant at={start} /> : <Between start={start} end={end} />}</b>{' '}
      <ZoneButton at={end} />
      {length > 0 && <span className="note">, {duration(length)}</span>}
    </span>
  );
}

/** What the bar shows, in a sentence, for who does not see it. */
function summary(t: Timeline, roots: readonly string[]): string {
  const lost = t.coverage.stretches.filter(isLoss);
  const grave = eventsIn(t.buckets).filter(([type]) => weightOf(type) === 'grave');
  const seconds = lost.reduce((sum, s) => sum + (Date.parse(s.end) - Date.parse(s.start)) / 1000, 0);
  const parts = [
    roots.length > 0
      ? `Records that ${roots.length === 1 ? nameOfId(roots[0] ?? '') : `${roots.length} nodes`} moved`
      : 'Records into topics',
    seconds > 0 ? `${plural(lost.length, 'gap')} of ${duration(seconds)}` : 'no gap',
    ...grave.map(([type, n]) => `${n} × ${EVENT_WORD[type]}`),
  ];
  if (t.leftOut > 0) parts.push(`the busiest topics, ${plural(t.leftOut, 'quieter one')} left out`);
  return parts.join(' · ');
}

/** When this browser looked before this visit; notes that it looks now. */
function useLastVisit(): number | null {
  const [since] = useState(() => lastVisit());
  useEffect(() => {
    const note = () => {
      if (!document.hidden) visit();
    };
    note();
    const timer = setInterval(note, 60_000);
    document.addEventListener('visibilitychange', note);
    return () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', note);
    };
  }, []);
  return since;
}
