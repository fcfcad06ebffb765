import type { EventType } from '../gql/graphql';
import { isLoss } from '../shell/coverage';
import { type Span, weightOf } from './scale';
import type { Timeline } from './use-timeline';

const HEIGHT = 40;

/** What moved, bucket by bucket; hatched where nobody looked; above it, what happened. The picture is told in words beside it. */
export function Histogram({ timeline, bar }: { timeline: Timeline; bar: Span }) {
  const { buckets, coverage } = timeline;
  const length = bar.end - bar.start;
  const x = (iso: string) => Math.min(Math.max(((Date.parse(iso) - bar.start) / length) * 1000, 0), 1000);
  const most = Math.max(...buckets.map((b) => b.recordsPerSecond ?? 0), 0);
  return (
    <>
      <svg className="bar-picture" viewBox={`0 0 1000 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        <path className="bar-activity" d={outline(buckets, x, most)} />
        <path className="bar-line" d={line(buckets, x, most)} />
      </svg>
      {coverage.stretches.map((s) => {
        const [from, to] = [x(s.start), x(s.end)];
        return (
          <i
            key={`${s.kind} ${s.start} ${s.reason}`}
            className={`bar-gap bar-gap-${isLoss(s) ? 'loud' : 'calm'}`}
            style={{ left: `${from / 10}%`, width: `max(2px, ${(to - from) / 10}%)` }}
          />
        );
      })}
      {buckets.map((b, i) => {
        const grave = b.events.filter((e) => weightOf(e.type) === 'grave');
        const other = b.events.filter((e) => weightOf(e.type) === 'other');
        if (grave.length + other.length === 0) return null;
        const end = buckets[i + 1]?.start ?? timeline.window.end;
        return (
          <i
            key={b.start}
            className={`bar-event bar-event-${grave.length > 0 ? 'grave' : 'other'}`}
            style={{ left: `${(x(b.start) + x(end)) / 20}%` }}
          />
        );
      })}
    </>
  );
}

type Buckets = Timeline['buckets'];

const rise = (rate: number, most: number) => (most === 0 ? 0 : (rate / most) * (HEIGHT - 8));

/** The area under the rates, open where none is known. What rests has a line at the bottom, and what is not known has none. */
function outline(buckets: Buckets, x: (iso: string) => number, most: number): string {
  return steps(buckets, x, (from, to, rate) => {
    const top = HEIGHT - rise(rate, most);
    return `M${from} ${HEIGHT}V${top.toFixed(1)}H${to}V${HEIGHT}z`;
  });
}

function line(buckets: Buckets, x: (iso: string) => number, most: number): string {
  return steps(buckets, x, (from, to, rate) => {
    const top = Math.min(HEIGHT - rise(rate, most), HEIGHT - 0.5);
    return `M${from} ${top.toFixed(1)}H${to}`;
  });
}

function steps(
  buckets: Buckets,
  x: (iso: string) => number,
  draw: (from: number, to: number, rate: number) => string,
): string {
  let d = '';
  for (const [i, b] of buckets.entries()) {
    if (b.recordsPerSecond == null) continue;
    const next = buckets[i + 1];
    d += draw(Math.round(x(b.start) * 10) / 10, next ? Math.round(x(next.start) * 10) / 10 : 1000, b.recordsPerSecond);
  }
  return d;
}

/** How many events of types there are in all of some buckets, the gravest first. */
export function eventsIn(buckets: Buckets): [EventType, number][] {
  const all = new Map<EventType, number>();
  for (const e of buckets.flatMap((b) => b.events)) all.set(e.type, (all.get(e.type) ?? 0) + e.count);
  const order = { grave: 0, other: 1, source: 2 };
  return [...all].sort(([a], [b]) => order[weightOf(a)] - order[weightOf(b)]);
}
