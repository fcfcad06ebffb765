import { lostBy } from '../chart/gaps';
import type { UsageFlowFragment, UsageQuery } from '../gql/graphql';
import { KindIcon } from '../shell/icons';
import { Instant } from '../shell/instant';
import { duration, parseDuration } from '../words/format';
import { nodeName } from '../words/words';
import { type Piece, piecesOf, said } from './pieces';
import {
  clip,
  inSeconds,
  Observed,
  Reasons,
  Row,
  Sample,
  Seen,
  type Span,
  type Stretch,
  Strip,
  StripAxis,
} from './strip';

type Sealed = NonNullable<UsageQuery['ledger']>['sealed'];
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
  const step = stepOf([...usage.writers, ...usage.readers]);
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
      <StripAxis window={window} />
      <figcaption>
        <Instant at={coverage.window.start} className="from" />
        <Legend step={step} sealed={sealed !== undefined} />
        <Instant at={coverage.window.end} />
      </figcaption>
      <Reasons stretches={coverage.stretches} count={coverage.stretchCount} />
    </figure>
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
      <Sample use="used" word={step > 0 ? `used within these ${duration(step)}` : 'used'} />
      <Sample use="silent" word="silent" />
      <Sample use="unseen" word="not observed" />
      {sealed && <Sample use="sealed" word="in the ledger" />}
    </span>
  );
}
