import type { CoveragePartsFragment } from '../gql/graphql';
import { duration, instant, percent } from '../words/format';
import { plural } from '../words/words';
import { Icon } from './icons';

export function coverageText(c: CoveragePartsFragment): string {
  const parts = [c.complete ? 'all observed' : `${percent(c.observedFraction)} observed`];
  if (c.gapCount > 0) parts.push(plural(c.gapCount, 'gap'));
  if (c.blindSpots.length > 0) parts.push(plural(c.blindSpots.length, 'blind spot'));
  return parts.join(', ');
}

export function CoverageBadge({
  coverage,
  open,
  onToggle,
}: {
  coverage: CoveragePartsFragment;
  open: boolean;
  onToggle(): void;
}) {
  return (
    <button
      type="button"
      className={`badge ${coverage.complete ? 'badge-ok' : 'badge-warn'}`}
      aria-expanded={open}
      onClick={onToggle}
    >
      <Icon name={coverage.complete ? 'ok' : 'warn'} />
      <span>{coverageText(coverage)}</span>
    </button>
  );
}

type Gap = CoveragePartsFragment['gaps'][number];

// One lost broker is a gap of several sources: said once, with all of them.
const byReason = (gaps: readonly Gap[]) => [...Map.groupBy(gaps, (g) => g.reason)];
const bySpan = (gaps: readonly Gap[]): [string, string[]][] =>
  [...Map.groupBy(gaps, spanText)].map(([span, of]) => [span, of.map((g) => g.source)]);

function spanText(g: Gap): string {
  return `${instant(g.start)} – ${instant(g.end)} (${duration((Date.parse(g.end) - Date.parse(g.start)) / 1000)})`;
}

/** What was observed of the window, what was not and why, and what could not have been seen at all. */
export function CoverageDetail({ coverage }: { coverage: CoveragePartsFragment }) {
  const { gaps, gapCount, blindSpots } = coverage;
  return (
    <div className="coverage">
      <p>
        {coverage.complete
          ? 'Every source observed the whole window.'
          : `${percent(coverage.observedFraction)} of the window was observed. Where nothing was observed, nothing is counted: that is not zero.`}
      </p>
      {gaps.length > 0 && (
        <>
          <h4>{plural(gapCount, 'gap')}</h4>
          <ul className="gaps">
            {byReason(gaps).map(([reason, of]) => (
              <li key={reason}>
                <span>{reason}</span>
                {bySpan(of).map(([span, sources]) => (
                  <span key={span}>
                    <span className="when">{span}</span> <span className="mono">{sources.join(', ')}</span>
                  </span>
                ))}
              </li>
            ))}
          </ul>
          {gapCount > gaps.length && <p>{`and ${gapCount - gaps.length} more`}</p>}
        </>
      )}
      {blindSpots.length > 0 && (
        <>
          <h4>{plural(blindSpots.length, 'blind spot')}</h4>
          <ul className="blind">
            {[...Map.groupBy(blindSpots, (b) => `${b.what}\n${b.remedy}`)].map(([key, of]) => (
              <li key={key}>
                <span>{of[0]?.what}</span>
                <span className="remedy">
                  <b>Remedy:</b> {of[0]?.remedy}
                </span>
                <span className="mono">{of.map((b) => b.source).join(', ')}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
