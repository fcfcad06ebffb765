import { type ApiPoint, unobservedInAll, values } from './gaps';

const WIDTH = 96;
const HEIGHT = 22;

/** The pattern of what was not observed, once for all lines of a page. */
export function Hatch() {
  return (
    <svg className="sr" aria-hidden="true">
      <defs>
        <pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect className="hatch-ground" width="5" height="5" />
          <line className="hatch-line" y2="5" />
        </pattern>
      </defs>
    </svg>
  );
}

/** A small line beside its number; what was not observed is a hole in it. The number says what the line shows. */
export function Sparkline({ points }: { points: readonly ApiPoint[] }) {
  const ys = values(points);
  const max = Math.max(0, ...ys.filter((v) => v !== null));
  const x = (i: number) => (ys.length < 2 ? WIDTH / 2 : 1 + (i * (WIDTH - 2)) / (ys.length - 1));
  const y = (v: number) => (max === 0 ? HEIGHT - 2 : HEIGHT - 2 - (v / max) * (HEIGHT - 5));
  let d = '';
  let area = '';
  let pen = false;
  for (const [i, v] of ys.entries()) {
    if (v === null) {
      pen = false;
      continue;
    }
    // A point between two holes has no line: a short dash keeps it visible.
    const alone = !pen && (i + 1 >= ys.length || ys[i + 1] === null);
    d += alone ? `M${x(i) - 1.5},${y(v)}h3` : `${pen ? 'L' : 'M'}${x(i).toFixed(1)},${y(v).toFixed(1)}`;
    area += pen ? `L${x(i).toFixed(1)},${y(v).toFixed(1)}` : `M${x(i).toFixed(1)},${HEIGHT}V${y(v).toFixed(1)}`;
    if (ys[i + 1] == null) area += `V${HEIGHT}Z`;
    pen = true;
  }
  const first = points[0];
  const step = points.length > 1 && first && points[1] ? (Date.parse(points[1].at) - Date.parse(first.at)) / 1000 : 0;
  const holes = step > 0 && first ? unobservedInAll([points], step) : [];
  const t0 = first ? Date.parse(first.at) / 1000 : 0;
  return (
    <svg className="spark" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
      {holes.map((h) => (
        <rect
          key={h.start}
          className="hole"
          x={Math.max(0, x((h.start - t0) / step) - 1)}
          width={Math.max(2, x((h.end - t0) / step) - x((h.start - t0) / step))}
          y="0"
          height={HEIGHT}
        />
      ))}
      <path className="area" d={area} />
      <path d={d} />
    </svg>
  );
}
