import { useEffect, useRef, useState } from 'react';
import { Icon } from '../shell/icons';
import { useShortcuts } from '../shell/shortcuts';
import type { WindowChoice } from '../url/window';
import { iso, moved, type Span } from './scale';

interface Props {
  is: Span;
  bar: Span;
  onChange(w: WindowChoice, options?: { replace?: boolean }): void;
  onEnd(): void;
}

/** How far a second of playing goes. */
const SPEEDS: [number, string][] = [
  [10, '10 s'],
  [60, '1 min'],
  [300, '5 min'],
  [900, '15 min'],
  [3600, '1 h'],
  [14_400, '4 h'],
];

/** Steps through the bar: a window back or on, or by itself at a chosen speed, while somebody looks. */
export function Transport({ is, bar, onChange, onEnd }: Props) {
  const length = Math.max(is.end - is.start, 1000);
  const usual = SPEEDS.findLast(([s]) => s * 1000 <= length / 2)?.[0] ?? 10;
  const [chosen, setSpeed] = useState<number | null>(null);
  const speed = chosen ?? usual;
  const [playing, setPlaying] = useState(false);
  const go = (to: Span, replace = false) =>
    onChange({ kind: 'range', start: iso(to.start), end: iso(to.end) }, { replace });
  const step = () => {
    const next = moved(is, speed * 1000, bar);
    if (next.end <= is.end) {
      setPlaying(false);
      onEnd();
    } else go(next, true);
  };
  usePlaying(playing, step);
  const toggle = () => {
    if (!playing) {
      // What ends where the bar does has nowhere to go: it begins again.
      const start =
        is.end >= bar.end ? { start: bar.start, end: bar.start + Math.min(length, bar.end - bar.start) } : is;
      go(start);
    }
    setPlaying(!playing);
  };
  useShortcuts({
    ' ': (e) => {
      if (
        e.target instanceof HTMLElement &&
        e.target.closest('button, a, summary, label, [role], [tabindex]:not(main)')
      )
        return;
      e.preventDefault();
      toggle();
    },
  });
  const atEnd = is.end >= bar.end;
  return (
    <div className={`bar-transport ${playing ? 'playing' : ''}`}>
      <fieldset className="segments">
        <legend className="sr">Move the window</legend>
        <button
          type="button"
          onClick={() => go(moved(is, -length, bar))}
          disabled={is.start <= bar.start}
          aria-label="One window back"
          title="One window back"
        >
          ‹
        </button>
        <button
          type="button"
          onClick={toggle}
          aria-pressed={playing}
          aria-keyshortcuts="Space"
          title={playing ? 'Pause (Space)' : 'Play (Space)'}
        >
          <Icon name={playing ? 'pause' : 'play'} />
          <span className="bar-word">{playing ? 'Pause' : 'Play'}</span>
        </button>
        <button
          type="button"
          onClick={() => (is.end + length >= bar.end ? onEnd() : go(moved(is, length, bar)))}
          disabled={atEnd}
          aria-label="One window on"
          title="One window on"
        >
          ›
        </button>
      </fieldset>
      <label className="bar-speed" title="How far a second of playing goes">
        <span className="sr">Speed of playing</span>
        <select value={speed} onChange={(e) => setSpeed(Number(e.target.value))}>
          {SPEEDS.map(([s, word]) => (
            <option key={s} value={s}>
              {word}/s
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

/** Steps each second, and not while the page is hidden. */
function usePlaying(playing: boolean, step: () => void): void {
  const latest = useRef(step);
  useEffect(() => {
    latest.current = step;
  }, [step]);
  useEffect(() => {
    if (!playing) return;
    const timer = setInterval(() => {
      if (!document.hidden) latest.current();
    }, 1000);
    return () => clearInterval(timer);
  }, [playing]);
}
