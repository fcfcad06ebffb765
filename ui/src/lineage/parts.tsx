import { lazy, type ReactNode, Suspense } from 'react';
import type { Line } from '../chart/chart';
import type { Span } from '../chart/gaps';
import type { SeriesPartsFragment } from '../gql/graphql';
import { bytes, compact, duration, parseDuration, rate } from '../words/format';
import { stepSign } from '../words/words';
import type { LineageAnswer, PanelProps } from './types';

// Who only looks at a graph needs no charts.
const Chart = lazy(() => import('../chart/chart').then((m) => ({ default: m.Chart })));

/** A number with its name. null: the reader is told which kind of nothing it is. */
export function Fact({ name, children, missing }: { name: string; children?: ReactNode; missing?: string }) {
  const known = children !== null && children !== undefined && children !== '' && children !== false;
  return (
    <div className="fact">
      <dt>{name}</dt>
      <dd>{known ? children : <span className="unknown">{missing ?? 'not known'}</span>}</dd>
    </div>
  );
}

interface SeriesChartProps {
  title: string;
  lines: { label: string; series: SeriesPartsFragment | null | undefined; colour: string }[];
  window: LineageAnswer['window'];
  /** What nobody observed of it. */
  lost?: readonly Span[];
  /** What is dragged over becomes the window. */
  change?: PanelProps['change'] | undefined;
}

/** A chart of the series that exist; none exists: nothing is drawn, since the node or flow has no such measure. */
export function SeriesChart({ title, lines, window, lost, change }: SeriesChartProps) {
  const have = lines.filter((l) => l.series);
  const first = have[0]?.series;
  if (!first) return null;
  // A single instant: a point makes no line.
  if (first.points.length < 2) {
    return (
      <dl className="facts at-once">
        {have.map((l) => {
          const point = l.series?.points[0];
          return (
            <Fact key={l.label} name={have.length > 1 ? `${title}, ${l.label}` : title} missing="not observed">
              {point?.value != null && stepSign(point, l.series) + formatOf(first.unit)(point.value)}
            </Fact>
          );
        })}
      </dl>
    );
  }
  const drawn: Line[] = have.map((l) => ({
    label: l.label,
    colour: l.colour,
    points: l.series?.points ?? [],
    bound: l.series?.detail ?? undefined,
  }));
  return (
    <Suspense fallback={<div className="chart-place" aria-busy="true" />}>
      <Chart
        title={title}
        lines={drawn}
        stepSeconds={parseDuration(first.step) ?? parseDuration(window.step) ?? 10}
        start={Date.parse(window.start) / 1000}
        end={Date.parse(window.end) / 1000}
        unit={first.unit}
        lost={lost ?? []}
        format={formatOf(first.unit)}
        sync="panel"
        onZoom={change && ((start, end) => change({ window: { kind: 'range', start, end }, live: false }))}
      />
    </Suspense>
  );
}

function formatOf(unit: string): (v: number) => string {
  switch (unit) {
    case 'records/s':
      return (v) => rate(v, 'records');
    case 'bytes/s':
      return (v) => rate(v, 'bytes');
    case 'seconds':
      return duration;
    case 'bytes':
      return bytes;
    default:
      return compact;
  }
}
