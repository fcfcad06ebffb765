import type { CoveragePartsFragment } from '../gql/graphql';
import { duration, percent } from '../words/format';
import { plural } from '../words/words';
import { Icon } from './icons';
import { Between } from './instant';

type Stretch = CoveragePartsFragment['stretches'][number];
type Observed = Pick<
  CoveragePartsFragment,
  'complete' | 'observedFraction' | 'stretches' | 'stretchCount' | 'blindSpots'
>;

/** What somebody who was to look did not see. A start, a late round and what was never watched are none of it. */
export const isLoss = (s: Pick<Stretch, 'kind'>): boolean => s.kind === 'LOST';

/** Short pauses as who reads them counts them: those of one moment are one. */
function pauses(all: readonly Stretch[]): { start: string; end: string }[] {
  const out: { start: string; end: string }[] = [];
  for (const s of all.filter((x) => x.kind === 'PAUSE')) {
    const last = out.at(-1);
    if (last && Date.parse(s.start) <= Date.parse(last.end)) {
      if (Date.parse(s.end) > Date.parse(last.end)) last.end = s.end;
    } else out.push({ start: s.start, end: s.end });
  }
  return out;
}

export function coverageText(c: Observed): string {
  const seen = c.observedFraction === 0 ? 'nothing observed' : `${percent(c.observedFraction)} observed`;
  const parts = [c.complete ? 'all observed' : seen];
  const lost = c.stretches.filter(isLoss).length;
  const short = pauses(c.stretches).length;
  if (lost > 0) parts.push(plural(lost, 'gap'));
  if (c.stretches.some((s) => s.kind === 'BEFORE_DATA')) {
    parts.push(c.observedFraction === 0 ? 'before the data' : 'begins before the data');
  } else if (c.stretches.some((s) => s.kind === 'BEGINNING')) parts.push('a start');
  if (lost === 0 && short > 0) parts.push(plural(short, 'short pause'));
  if (c.blindSpots.length > 0) parts.push(plural(c.blindSpots.length, 'blind spot'));
  return parts.join(', ');
}

type Tone = 'ok' | 'calm' | 'warn';

/** Alarming only where something was lost: what is shown may miss it. */
export function coverageTone(c: Observed): Tone {
  if (c.complete) return 'ok';
  return c.stretches.some(isLoss) || c.observedFraction === 0 ? 'warn' : 'calm';
}

interface BadgeProps {
  coverage: CoveragePartsFragment;
  open: boolean;
  onToggle(): void;
}

export function CoverageBadge({ coverage, open, onToggle }: BadgeProps) {
  const tone = coverageTone(coverage);
  return (
    <button type="button" className={`badge badge-${tone}`} aria-expanded={open} onClick={onToggle}>
      <Icon name={tone === 'warn' ? 'warn' : 'ok'} />
      <span>{coverageText(coverage)}</span>
    </button>
  );
}

const CALM_WORD: Record<Exclude<Stretch['kind'], 'LOST'>, string> = {
  BEFORE_DATA: 'Before the oldest data that is held',
  BEGINNING: 'A start: until each source had looked for the first time',
  PAUSE: 'A short pause, as where a round is late',
  NOT_YET: 'It has not come yet',
};

function Stretched({ start, end }: { start: string; end: string }) {
  return (
    <>
      <Between start={start} end={end} /> ({duration((Date.parse(end) - Date.parse(start)) / 1000)})
    </>
  );
}

const MOST_NAMED = 6;

function Sources({ of }: { of: Stretch }) {
  const named = of.sources.slice(0, MOST_NAMED);
  const more = of.sourceCount - named.length;
  return <span className="mono">{named.join(', ') + (more > 0 ? `, and ${more} more` : '')}</span>;
}

/** What was observed, beneath its badge. It scrolls where it is long, so it is reached by keyboard. */
export function CoveragePopup({ coverage }: { coverage: CoveragePartsFragment }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="card pad popup" tabIndex={0} aria-label="Coverage">
      <CoverageDetail coverage={coverage} />
    </section>
  );
}

/** What was observed of the window, what was not and why, and what could not have been seen at all. */
export function CoverageDetail({ coverage }: { coverage: CoveragePartsFragment }) {
  const { stretches, stretchCount, blindSpots } = coverage;
  const lost = stretches.filter(isLoss);
  const calm = stretches.filter((s) => !isLoss(s) && s.kind !== 'PAUSE');
  const short = pauses(stretches);
  return (
    <div className="coverage">
      <p>
        {coverage.complete
          ? 'Every source observed the whole window.'
          : `${percent(coverage.observedFraction)} of the window was observed. Where nothing was observed, nothing is counted: that is not zero.`}
      </p>
      {lost.length > 0 && (
        <>
          <h4>{plural(lost.length, 'gap')}</h4>
          <ul className="gaps">
            {lost.map((s) => (
              <li key={`${s.start} ${s.reason}`}>
                <span>{s.reason}</span>
                <span>
                  <span className="when">
                    <Stretched {...s} />
                  </span>{' '}
                  <Sources of={s} />
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
      {calm.length + short.length > 0 && (
        <details open={lost.length === 0}>
          <summary>Starts and short pauses: nothing to mend</summary>
          <ul className="gaps">
            {calm.map((s) => (
              <li key={`${s.kind} ${s.start}`}>
                <span>{s.kind === 'LOST' ? s.reason : CALM_WORD[s.kind]}</span>
                <span className="when">
                  <Stretched {...s} />
                </span>
              </li>
            ))}
            {short.length > 0 && (
              <li>
                <span>{CALM_WORD.PAUSE}</span>
                <span className="when">
                  {short.map((s, i) => (
                    <span key={s.start}>
                      {i > 0 && ' · '}
                      <Stretched {...s} />
                    </span>
                  ))}
                </span>
              </li>
            )}
          </ul>
        </details>
      )}
      {stretchCount > stretches.length && <p>{`and ${stretchCount - stretches.length} more`}</p>}
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
