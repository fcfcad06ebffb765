import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import { useClock } from '../shell/clock';
import type { WindowChoice } from '../url/window';
import { type Clock, dayOf, instant, minute, percent, rate, spanEnds } from '../words/format';
import type { Said } from '../words/said';
import { EVENT_WORD, stepSign } from '../words/words';
import { eventsIn, Histogram } from './histogram';
import { chosen, iso, marks, moved, type Span, spanOf } from './scale';
import type { Timeline } from './use-timeline';

interface Props {
  timeline: Timeline;
  window: WindowChoice;
  /** The bar ends now: what is drawn to its end goes on with it. */
  endsNow: boolean;
  onChange(w: WindowChoice): void;
  onPoint(words: Said | null): void;
}

type Part = 'start' | 'end' | 'all' | 'new';

/** The bar itself: what happened, and the window on it, to be moved and stretched by pointer and by keys. */
export function Track({ timeline, window, endsNow, onChange, onPoint }: Props) {
  const track = useRef<HTMLDivElement>(null);
  const bar = { start: Date.parse(timeline.window.start), end: Date.parse(timeline.window.end) };
  const width = bucketOf(timeline);
  const clock = useClock();
  const [drag, setDrag] = useState<{ part: Part; from: number; was: Span; is: Span }>();
  const is = drag?.is ?? spanOf(window, bar.end);
  const at = (e: PointerEvent) => {
    const box = track.current?.getBoundingClientRect();
    if (!box) return bar.start;
    return bar.start + ((e.clientX - box.left) / box.width) * (bar.end - bar.start);
  };
  const choose = (next: Span) => onChange(chosen(next, bar, endsNow, width));
  const begin = (part: Part) => (e: PointerEvent) => {
    if (e.button !== 0) return;
    e.preventDefault();
    e.stopPropagation();
    track.current?.setPointerCapture(e.pointerId);
    setDrag({ part, from: at(e), was: is, is });
  };
  const move = (e: PointerEvent) => {
    onPoint(wordsAt(timeline, at(e)));
    if (!drag) return;
    setDrag({ ...drag, is: dragged(drag.part, drag.was, drag.from, at(e), bar) });
  };
  const end = (e: PointerEvent) => {
    if (!drag) return;
    setDrag(undefined);
    const way = Math.abs(at(e) - drag.from) / (bar.end - bar.start);
    if (way > 0.003) choose(drag.is);
    else if (drag.part === 'new') choose(moved(is, at(e) - (is.start + is.end) / 2, bar)); // a click: the window goes there
  };
  const share = (t: number) =>
    `${(Math.min(Math.max((t - bar.start) / (bar.end - bar.start), 0), 1) * 100).toFixed(3)}%`;
  const slide = (part: Part) => (e: KeyboardEvent) => {
    const next = keyed(part, e, is, bar, width);
    if (!next) return;
    e.preventDefault();
    choose(next);
  };
  const slider = (part: 'start' | 'end' | 'all', now: number, name: string, words: string) => ({
    role: 'slider',
    tabIndex: 0,
    'aria-label': name,
    'aria-orientation': 'horizontal' as const,
    'aria-valuemin': Math.round(bar.start / 1000),
    'aria-valuemax': Math.round(bar.end / 1000),
    'aria-valuenow': Math.round(Math.min(Math.max(now, bar.start), bar.end) / 1000),
    'aria-valuetext': words,
    onKeyDown: slide(part),
    onPointerDown: begin(part),
  });
  const seen = is.end >= bar.start && is.start <= bar.end;
  return (
    <div
      ref={track}
      className={`bar-track ${drag ? 'dragging' : ''}`}
      onPointerDown={(e) => begin(at(e) >= is.start && at(e) <= is.end ? 'all' : 'new')(e)}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={() => setDrag(undefined)}
      onPointerLeave={() => onPoint(null)}
    >
      <Histogram timeline={timeline} bar={bar} />
      {seen && (
        <>
          <i className="bar-window" style={{ left: share(is.start), right: `calc(100% - ${share(is.end)})` }} />
          <div
            className="bar-grip"
            style={{ left: share((is.start + is.end) / 2), width: `calc(${share(is.end)} - ${share(is.start)})` }}
            {...slider('all', is.start, 'Window', spanEnds(iso(is.start), iso(is.end), Date.now(), clock).join(' – '))}
          />
          <div
            className="bar-handle bar-handle-start"
            style={{ left: share(is.start) }}
            {...slider('start', is.start, 'Start of the window', instant(iso(is.start), Date.now(), clock))}
          />
          <div
            className="bar-handle bar-handle-end"
            style={{ left: share(is.end) }}
            {...slider('end', is.end, 'End of the window', instant(iso(is.end), Date.now(), clock))}
          />
        </>
      )}
      <Axis bar={bar} share={share} clock={clock} />
    </div>
  );
}

function bucketOf(t: Timeline): number {
  const [a, b] = t.buckets;
  return a && b ? Date.parse(b.start) - Date.parse(a.start) : 60_000;
}

function dragged(part: Part, was: Span, from: number, to: number, bar: Span): Span {
  switch (part) {
    case 'all':
      return moved(was, to - from, bar);
    case 'start':
      return { start: Math.max(bar.start, Math.min(to, was.end - 1000)), end: was.end };
    case 'end':
      return { start: was.start, end: Math.min(bar.end, Math.max(to, was.start + 1000)) };
    case 'new':
      return { start: Math.max(Math.min(from, to), bar.start), end: Math.min(Math.max(from, to), bar.end) };
  }
}

/** Where a key moves the window, or an end of it: arrows by a bucket, with shift by ten, and to the ends of the bar. */
function keyed(part: Part, e: KeyboardEvent, is: Span, bar: Span, width: number): Span | null {
  const step = width * (e.shiftKey || e.key.startsWith('Page') ? 10 : 1);
  const by = { ArrowLeft: -step, ArrowDown: -step, PageDown: -step, ArrowRight: step, ArrowUp: step, PageUp: step }[
    e.key
  ];
  const to = by ?? { Home: bar.start - bar.end, End: bar.end - bar.start }[e.key];
  if (to === undefined) return null;
  if (part === 'all') return moved(is, to, bar);
  const from = part === 'start' ? is.start : is.end;
  return dragged(part, is, from, from + to, bar);
}

/** Round hours under a line of time. */
export function Axis({ bar, share, clock }: { bar: Span; share(t: number): string; clock: Clock }) {
  // A label at the very end would be cut, and on a phone there is room for few.
  const places = marks(bar, innerWidth < 640 ? 4 : 9, clock).filter(
    (t) => (bar.end - t) / (bar.end - bar.start) > (innerWidth < 640 ? 0.1 : 0.03),
  );
  return (
    <div className="bar-axis" aria-hidden="true">
      {places.map((t) => {
        const hm = minute(t, clock);
        const midnight = hm === '00:00';
        return (
          <span key={t} className={midnight ? 'strong' : ''} style={{ left: share(t) }}>
            {midnight ? dayOf(t, clock) : hm}
          </span>
        );
      })}
    </div>
  );
}

/** What the bar shows at an instant, in words. */
function wordsAt(t: Timeline, at: number): Said | null {
  const i = t.buckets.findLastIndex((b) => Date.parse(b.start) <= at);
  const b = t.buckets[i];
  if (!b) return null;
  const moves =
    b.recordsPerSecond == null
      ? 'not observed'
      : b.recordsPerSecond === 0
        ? 'nothing moved'
        : stepSign(b, t) + rate(b.recordsPerSecond, 'records');
  const seen = b.observedFraction > 0 && b.observedFraction < 1 ? `, ${percent(b.observedFraction)} observed` : '';
  const events = eventsIn([b]).map(([type, n]) => `${n} × ${EVENT_WORD[type]}`);
  const said = [`: ${moves}${seen}`, ...events].join(', ');
  return [{ at: b.start }, ' – ', { at: t.buckets[i + 1]?.start ?? t.window.end }, said];
}
