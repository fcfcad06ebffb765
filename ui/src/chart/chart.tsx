import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import { useClock } from '../shell/clock';
import { Instant } from '../shell/instant';
import { type Clock, dayOf, minute } from '../words/format';
import { stepSign } from '../words/words';
import 'uplot/dist/uPlot.min.css';
import { useTheme } from '../shell/theme';
import { type ApiPoint, describe, merged, type Span, times, unobservedInAll, values } from './gaps';

export interface Line {
  label: string;
  points: readonly ApiPoint[];
  /** A CSS custom property. */
  colour: string;
  /** Why the values are a bound. */
  bound?: string | undefined;
}

interface Props {
  title: string;
  lines: readonly Line[];
  stepSeconds: number;
  /** Unix seconds. */
  start: number;
  end: number;
  format(value: number): string;
  unit: string;
  /** What nobody observed, whatever the points say. */
  lost?: readonly Span[];
  /** Charts of one key have one cursor. */
  sync?: string | undefined;
  /** What was dragged over: another window. */
  onZoom?: ((start: string, end: string) => void) | undefined;
}

const HEIGHT = 150;

/** Lines over one window. What was not observed is a hole, hatched and named; the values are also there as a table. */
export function Chart({ title, lines, stepSeconds, start, end, format, unit, lost, sync, onZoom }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const clock = useClock();
  const [hover, setHover] = useState<number | null>(null);
  const data = useMemo<uPlot.AlignedData>(
    () => [times(lines[0]?.points ?? []), ...lines.map((l) => values(l.points))],
    [lines],
  );
  const holes = useMemo(() => {
    const unknown = unobservedInAll(
      lines.map((l) => l.points),
      stepSeconds,
    );
    const within = (lost ?? []).filter((s) => s.end > start && s.start < end);
    return merged([...unknown, ...within]);
  }, [lines, stepSeconds, lost, start, end]);
  const latest = useRef({ holes, start, end, format, onZoom });
  latest.current = { holes, start, end, format, onZoom };
  const plot = useRef<uPlot | null>(null);
  const shape = lines.map((l) => `${l.label}\n${l.colour}`).join('\n');

  // biome-ignore lint/correctness/useExhaustiveDependencies: theme, clock and shape rebuild the canvas; data is set below without a rebuild, so that a live chart does not flicker
  useEffect(() => {
    const at = box.current;
    if (!at) return;
    const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const u = new uPlot(
      {
        width: Math.max(at.clientWidth, 200),
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: {
          y: false,
          points: { size: 7 },
          drag: { x: onZoom !== undefined, y: false, setScale: false },
          ...(sync ? { sync: { key: sync } } : {}),
        },
        scales: {
          x: { time: true, range: () => [latest.current.start, latest.current.end] },
          y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.12 : 1] },
        },
        axes: [axis(colour, clock, undefined, 26), axis(colour, clock, (v) => latest.current.format(v), 66)],
        tzDate: (t) => (clock === 'utc' ? uPlot.tzDate(new Date(t * 1000), 'Etc/UTC') : new Date(t * 1000)),
        series: [
          {},
          ...lines.map((l) => ({
            label: l.label,
            stroke: colour(l.colour),
            width: 1.75,
            spanGaps: false,
            points: { show: true, size: 5, filter: lonely },
          })),
        ],
        hooks: {
          drawClear: [(p) => hatch(p, latest.current.holes, colour)],
          setCursor: [(p) => setHover(p.cursor.idx ?? null)],
          setSelect: [(p) => zoom(p, latest.current.onZoom)],
        },
      },
      data,
      at,
    );
    plot.current = u;
    const observer = new ResizeObserver(() => u.setSize({ width: Math.max(at.clientWidth, 200), height: HEIGHT }));
    observer.observe(at);
    return () => {
      observer.disconnect();
      u.destroy();
      plot.current = null;
    };
  }, [theme, clock, shape, sync]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the window's ends are read through the ref when the scales are set again
  useEffect(() => {
    plot.current?.setData(data);
  }, [data, start, end]);

  const summary = lines.map((l) => describe(l.label, l.points, stepSeconds, unit)).join(' ');
  return (
    <figure className="chart">
      <figcaption>
        <span className="chart-title">{title}</span>
        <Readout lines={lines} at={hover} end={end} stepSeconds={stepSeconds} format={format} />
      </figcaption>
      <div ref={box} className="plot" role="img" aria-label={`${title}. ${summary}`} />
      <Holes holes={holes} stepSeconds={stepSeconds} start={start} end={end} />
      {[...new Set(lines.flatMap((l) => l.bound ?? []))].map((why) => (
        <p key={why} className="bound">
          {why}
        </p>
      ))}
      <ValueTable title={title} lines={lines} format={format} />
    </figure>
  );
}

interface ReadoutProps {
  lines: readonly Line[];
  at: number | null;
  end: number;
  stepSeconds: number;
  format(v: number): string;
}

/** The values under the cursor, else the latest: where that is not of the window's end, with when it was. */
function Readout({ lines, at, end, stepSeconds, format }: ReadoutProps) {
  const time = at === null ? null : lines[0]?.points[at]?.at;
  return (
    <span className="readout">
      {time && <Instant at={time} className="when" />}
      {lines.map((l) => {
        const point = time && at !== null ? l.points[at] : l.points.findLast((p) => p.value != null);
        const value = point?.value;
        return (
          <span key={l.label} className="legend">
            <i style={{ background: `var(${l.colour})` }} />
            {lines.length > 1 && <span>{l.label}</span>}
            <b title={l.bound}>
              {value == null ? 'not observed' : stepSign(point, { detail: l.bound }) + format(value)}
            </b>
            {!time && point && isPast(point.at, end, stepSeconds) && (
              <span className="note">
                last at <Instant at={point.at} />
              </span>
            )}
          </span>
        );
      })}
    </span>
  );
}

/** Whether a value is older than what is due anyway: of the steps before the window's end some are not there yet. */
const isPast = (at: string, end: number, stepSeconds: number): boolean =>
  end - Date.parse(at) / 1000 > Math.max(30, 3 * stepSeconds);

function Holes({ holes, stepSeconds, start, end }: { holes: Span[]; stepSeconds: number; start: number; end: number }) {
  if (holes.length === 0) return null;
  const clipped = holes.map((h) => ({ start: Math.max(h.start, start), end: Math.min(h.end, end) }));
  const missing = clipped.reduce((sum, h) => sum + Math.max(0, h.end - h.start), 0);
  const all = end - start <= missing + stepSeconds / 2;
  return (
    <p className="holes">
      <i className="hatch" aria-hidden="true" />
      {all
        ? 'Not observed in this window.'
        : `Hatched: not observed (${holes.length === 1 ? 'one span' : `${holes.length} spans`}).`}
    </p>
  );
}

/** The same values for those who cannot see or read a chart. Built only when opened: it may be hundreds of rows. */
function ValueTable({ title, lines, format }: { title: string; lines: readonly Line[]; format(v: number): string }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="values" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>Values</summary>
      {open && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="scroll values-scroll" tabIndex={0} aria-label={`${title}: values`}>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {lines.map((l) => (
                  <th key={l.label} scope="col" className="num">
                    {l.label}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {lines[0]?.points.map((p, i) => (
                <tr key={p.at}>
                  <th scope="row">
                    <Instant at={p.at} />
                  </th>
                  {lines.map((l) => {
                    const v = l.points[i]?.value;
                    return (
                      <td key={l.label} className="num">
                        {v == null ? (
                          <span className="unknown">not observed</span>
                        ) : (
                          stepSign(l.points[i], { detail: l.bound }) + format(v)
                        )}
                      </td>
                    );
                  })}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </details>
  );
}

type Colour = (name: string) => string;

function axis(colour: Colour, clock: Clock, format: ((v: number) => string) | undefined, size: number): uPlot.Axis {
  return {
    stroke: colour('--muted'),
    font: '11px system-ui, sans-serif',
    size,
    gap: 4,
    grid: { stroke: colour('--line-soft'), width: 1 },
    ticks: { show: false },
    space: format ? 32 : 60,
    values: format ? (_u: uPlot, ticks: number[]) => ticks.map(format) : timeTicks(clock),
  };
}

/** Fewer pixels than this are a click, and no stretch of time. */
const DRAGGED = 6;

/** Asks for what was dragged over, in whole seconds; the other charts of the key are told of it too, and have no mouse. */
function zoom(p: uPlot, onZoom: Props['onZoom']): void {
  const { left, width } = p.select;
  if (width < DRAGGED || !onZoom || !p.over.matches(':hover')) return;
  const at = (x: number, round: (n: number) => number) =>
    new Date(round(p.posToVal(x, 'x')) * 1000).toISOString().replace('.000Z', 'Z');
  const [start, end] = [at(left, Math.floor), at(left + width, Math.ceil)];
  p.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (start < end) onZoom(start, end);
}

const pad = (n: number) => String(n).padStart(2, '0');

/** 24-hour clock; the date at midnight; seconds only where ticks are less than a minute apart. */
const timeTicks =
  (clock: Clock) =>
  (_u: uPlot, ticks: number[], _axis: number, _space: number, increment: number): string[] =>
    ticks.map((t) => {
      const hm = minute(t * 1000, clock);
      if (increment < 60) return `${hm}:${pad(new Date(t * 1000).getSeconds())}`;
      return increment >= 86_400 || (hm === '00:00' && increment >= 3600) ? dayOf(t * 1000, clock) : hm;
    });

/** Points between two holes, which no line would show. */
function lonely(u: uPlot, series: number): number[] {
  const ys = u.data[series] ?? [];
  const out: number[] = [];
  for (let i = 0; i < ys.length; i++) if (ys[i] != null && ys[i - 1] == null && ys[i + 1] == null) out.push(i);
  return out;
}

function hatch(u: uPlot, holes: readonly Span[], colour: (name: string) => string): void {
  const { ctx, bbox } = u;
  for (const h of holes) {
    const left = Math.max(bbox.left, u.valToPos(h.start, 'x', true));
    const right = Math.min(bbox.left + bbox.width, u.valToPos(h.end, 'x', true));
    if (right <= left) continue;
    const width = Math.max(right - left, 3);
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, bbox.top, width, bbox.height);
    ctx.clip();
    ctx.fillStyle = colour('--hole');
    ctx.fillRect(left, bbox.top, width, bbox.height);
    ctx.strokeStyle = colour('--hole-line');
    ctx.lineWidth = 1 * devicePixelRatio;
    ctx.beginPath();
    const gap = 7 * devicePixelRatio;
    for (let x = left - bbox.height; x < left + width; x += gap) {
      ctx.moveTo(x, bbox.top + bbox.height);
      ctx.lineTo(x + bbox.height, bbox.top);
    }
    ctx.stroke();
    const text = 'not observed';
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    const textWidth = ctx.measureText(text).width;
    if (textWidth + 12 * devicePixelRatio < width) {
      const x = left + (width - textWidth) / 2;
      const y = bbox.top + bbox.height / 2;
      ctx.fillStyle = colour('--surface');
      ctx.fillRect(
        x - 5 * devicePixelRatio,
        y - 9 * devicePixelRatio,
        textWidth + 10 * devicePixelRatio,
        18 * devicePixelRatio,
      );
      ctx.fillStyle = colour('--muted');
      ctx.textBaseline = 'middle';
      ctx.textAlign = 'left';
      ctx.fillText(text, x, y);
    }
    ctx.restore();
  }
}
