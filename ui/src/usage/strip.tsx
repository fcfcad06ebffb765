import type { ReactNode } from 'react';
import type { CoveragePartsFragment } from '../gql/graphql';
import { useClock } from '../shell/clock';
import { isLoss } from '../shell/coverage';
import { Between } from '../shell/instant';
import { Axis } from '../time/track';
import { duration } from '../words/format';

export type Stretch = CoveragePartsFragment['stretches'][number];
export interface Span {
  start: number;
  end: number;
}

/** One line of time: who or what, the strip, and what it shows in words. */
export function Row({ label, words, children }: { label: ReactNode; words: ReactNode; children: ReactNode }) {
  return (
    <div className="when-row">
      <span className="when-who">{label}</span>
      <div className="strip" aria-hidden="true">
        {children}
      </div>
      <span className="when-words">{words}</span>
    </div>
  );
}

export const inSeconds = (w: { start: string; end: string }): Span => ({
  start: Date.parse(w.start) / 1000,
  end: Date.parse(w.end) / 1000,
});

export const clip = (is: Span, to: Span): Span => ({
  start: Math.min(Math.max(is.start, to.start), to.end),
  end: Math.min(Math.max(is.end, to.start), to.end),
});

interface Drawn extends Span {
  use: string;
}

export function Strip({ pieces, window }: { pieces: readonly Drawn[]; window: Span }) {
  const length = window.end - window.start;
  return pieces.map((p) => (
    <i
      key={p.start}
      className={`piece piece-${p.use}`}
      style={{
        left: `${(100 * (p.start - window.start)) / length}%`,
        width: `max(2px, ${(100 * (p.end - p.start)) / length}%)`,
      }}
    />
  ));
}

/** What was observed: all of the window, less its gaps. */
export function Observed({ stretches, window }: { stretches: readonly Stretch[]; window: Span }) {
  return (
    <>
      <Strip pieces={[{ use: 'seen', ...window }]} window={window} />
      {stretches.map((s) => (
        <Strip
          key={`${s.kind} ${s.start} ${s.reason}`}
          pieces={[{ use: isLoss(s) ? 'unseen hole' : 'calm hole', ...clip(inSeconds(s), window) }]}
          window={window}
        />
      ))}
    </>
  );
}

/** What of a window was observed, in words. */
export function Seen({ stretches }: { stretches: readonly Stretch[] }) {
  const lost = stretches.filter(isLoss).map(inSeconds);
  const seconds = lost.reduce((sum, s) => sum + s.end - s.start, 0);
  if (stretches.length === 0) return <>all of it</>;
  if (lost.length === 0) return <>no gap; a start or short pauses</>;
  return <>{`${lost.length === 1 ? 'a gap' : `${lost.length} gaps`} of ${duration(seconds)}`}</>;
}

/** Round hours under all of the strips. */
export function StripAxis({ window }: { window: Span }) {
  const clock = useClock();
  const share = (ms: number) => `${(100 * (ms / 1000 - window.start)) / (window.end - window.start)}%`;
  return (
    <div className="when-row when-axis">
      <span />
      <div className="strip-axis">
        <Axis bar={{ start: window.start * 1000, end: window.end * 1000 }} share={share} clock={clock} />
      </div>
    </div>
  );
}

/** A sample of a pattern with its word. */
export const Sample = ({ use, word }: { use: string; word: string }) => (
  <span>
    <span className="strip" aria-hidden="true">
      <i className={`piece piece-${use}`} />
    </span>
    {word}
  </span>
);

const WORD: Record<Stretch['kind'], string> = {
  LOST: 'not observed',
  PAUSE: 'a short pause',
  BEGINNING: 'a start',
  BEFORE_DATA: 'before the data',
  NOT_YET: 'not yet come',
};

/** The gaps in words: what was not observed, and why. */
export function Reasons({ stretches, count }: { stretches: readonly Stretch[]; count: number }) {
  if (stretches.length === 0) return null;
  return (
    <ul className="gaps" aria-label="What was not observed">
      {stretches.map((g) => (
        <li key={`${g.kind} ${g.start} ${g.end} ${g.reason}`}>
          <b>
            <Between start={g.start} end={g.end} /> ({duration((Date.parse(g.end) - Date.parse(g.start)) / 1000)})
          </b>{' '}
          {WORD[g.kind]}: {g.reason}
        </li>
      ))}
      {count > stretches.length && <li>{`and ${count - stretches.length} more`}</li>}
    </ul>
  );
}
