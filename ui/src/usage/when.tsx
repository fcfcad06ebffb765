import type { ReactNode } from 'react';
import { lostBy } from '../chart/gaps';
import type { CoveragePartsFragment, UsageFlowFragment, UsageQuery } from '../gql/graphql';
import { useClock } from '../shell/clock';
import { isLoss } from '../shell/coverage';
import { KindIcon } from '../shell/icons';
import { Between, Instant } from '../shell/instant';
import { Axis } from '../time/track';
import { duration, parseDuration } from '../words/format';
import { nodeName } from '../words/words';
import { type Piece, piecesOf, said } from './strips';

type Sealed = NonNullable<UsageQuery['ledger']>['sealed'];
type Stretch = CoveragePartsFragment['stretches'][number];
interface Span {
  start: number;
  end: number;
}

/** Strips that are drawn of a side at most; all are in its table. */
const MOST = 40;

interface Props {
  usage: NonNullable<UsageQuery['topicUsage']>;
  /** What of the window stands in the ledger; undefined: there is none. */
  sealed: Sealed | undefined;
}

/** When it was used, by whom, and what nobody saw: one line of time for all of them. */
export function When({ usage, sealed }: Props) {
  const { coverage } = usage;
  const window = inSeconds(coverage.window);
  const clock = useClock();
  const step = stepOf([...usage.writers, ...usage.readers]);
  const share = (ms: number) => `${(100 * (ms / 1000 - window.start)) / (window.end - window.start)}%`;
  return (
    <figure className="when-strips">
      <Row label={<b>Observed</b>} words={<Seen stretches={coverage.stretches} />}>
        <Observed stretches={coverage.stretches} window={window} />
      </Row>
      {sealed !== undefined && (
        <Row label={<b>In the ledger</b>} words={<InLedger sealed={sealed} />}>
          {sealed && <Strip pieces={[{ use: 'sealed', ...clip(inSeconds(sealed), window) }]} window={window} />}
        </Row>
      )}
      <Side head="Wrote" flows={usage.writers} end="from" stretches={coverage.stretches} window={window} />
      <Side head="Read" flows={usage.readers} end="to" stretches={coverage.stretches} window={window} />
      <div className="when-row when-axis">
        <span />
        <div className="strip-axis">
          <Axis bar={{ start: window.start * 1000, end: window.end * 1000 }} share={share} clock={clock} />
        </div>
      </div>
      <figcaption>
        <Instant at={coverage.window.start} className="from" />
        <Legend step={step} sealed={sealed !== undefined} />
        <Instant at={coverage.window.end} />
      </figcaption>
      <Reasons stretches={coverage.stretches} count={coverage.stretchCount} />
    </figure>
  );
}

function Row({ label, words, children }: { label: ReactNode; words: ReactNode; children: ReactNode }) {
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

interface SideProps {
  head: string;
  flows: readonly UsageFlowFragment[];
  end: 'from' | 'to';
  stretches: readonly Stretch[];
  window: Span;
}

function Side({ head, flows, end, stretches, window }: SideProps) {
  if (flows.length === 0) return null;
  return (
    <>
      <p className="when-head">{head}</p>
      {flows.slice(0, MOST).map((f) => {
        const pieces = piecesOfFlow(f, stretches, window);
        return (
          <Row
            key={f.id}
            label={
              <>
                <KindIcon kind={f[end].kind} />
                <bdi>{nodeName(f[end])}</bdi>
              </>
            }
            words={said(pieces)}
          >
            <Strip pieces={pieces} window={window} />
          </Row>
        );
      })}
      {flows.length > MOST && <p className="note">{`and ${flows.length - MOST} more, in the table below`}</p>}
    </>
  );
}

/** The pieces of a flow: nobody saw it where none of the sources did that tell of it. */
export function piecesOfFlow(f: UsageFlowFragment, stretches: readonly Stretch[], window: Span): Piece[] {
  const sources = [...new Set(f.evidence.filter((e) => e.kind !== 'DECLARED').map((e) => e.source))];
  return piecesOf(f, window, lostBy(stretches, sources), stepOf([f]));
}

const stepOf = (flows: readonly UsageFlowFragment[]): number =>
  parseDuration(flows.find((f) => f.series)?.series?.step ?? '') ?? 0;

const inSeconds = (w: { start: string; end: string }): Span => ({
  start: Date.parse(w.start) / 1000,
  end: Date.parse(w.end) / 1000,
});

const clip = (is: Span, to: Span): Span => ({
  start: Math.min(Math.max(is.start, to.start), to.end),
  end: Math.min(Math.max(is.end, to.start), to.end),
});

interface Drawn extends Span {
  use: string;
}

function Strip({ pieces, window }: { pieces: readonly Drawn[]; window: Span }) {
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
function Observed({ stretches, window }: { stretches: readonly Stretch[]; window: Span }) {
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

function Seen({ stretches }: { stretches: readonly Stretch[] }) {
  const lost = stretches.filter(isLoss).map(inSeconds);
  const seconds = lost.reduce((sum, s) => sum + s.end - s.start, 0);
  if (stretches.length === 0) return <>all of it</>;
  if (lost.length === 0) return <>no gap; a start or short pauses</>;
  return <>{`${lost.length === 1 ? 'a gap' : `${lost.length} gaps`} of ${duration(seconds)}`}</>;
}

function InLedger({ sealed }: { sealed: Sealed }) {
  if (!sealed) return <>nothing of it yet</>;
  return (
    <>
      until <Instant at={sealed.end} />
    </>
  );
}

function Legend({ step, sealed }: { step: number; sealed: boolean }) {
  return (
    <span className="when-legend">
      {(
        [
          ['used', step > 0 ? `used within these ${duration(step)}` : 'used'],
          ['silent', 'silent'],
          ['unseen', 'not observed'],
        ] as const
      ).map(([use, word]) => (
        <span key={use}>
          <span className="strip" aria-hidden="true">
            <i className={`piece piece-${use}`} />
          </span>
          {word}
        </span>
      ))}
      {sealed && (
        <span>
          <span className="strip" aria-hidden="true">
            <i className="piece piece-sealed" />
          </span>
          in the ledger
        </span>
      )}
    </span>
  );
}

const WORD: Record<Stretch['kind'], string> = {
  LOST: 'not observed',
  PAUSE: 'a short pause',
  BEGINNING: 'a start',
  BEFORE_DATA: 'before the data',
  NOT_YET: 'not yet come',
};

/** The gaps in words: what was not observed, and why. */
function Reasons({ stretches, count }: { stretches: readonly Stretch[]; count: number }) {
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
