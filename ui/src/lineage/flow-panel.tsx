import { useMemo } from 'react';
import { lostBy } from '../chart/gaps';
import type { FlowDetailQuery } from '../gql/graphql';
import { useClock } from '../shell/clock';
import { Icon, KindIcon } from '../shell/icons';
import { Instant, Words } from '../shell/instant';
import { Link } from '../shell/link';
import { Name } from '../shell/name';
import { StateBadge } from '../shell/state-sign';
import { lineageHref } from '../url/lineage';
import { whenIn } from '../url/window';
import { bytes, compact, count, rate } from '../words/format';
import { goingNotice, lagTone } from '../words/going';
import type { Said } from '../words/said';
import {
  about,
  aboutRate,
  activity,
  CLIENT_WORD,
  deserted,
  EVIDENCE_WORD,
  estimatedWord,
  flowWord,
  isRead,
  kindOf,
  LAG_UNKNOWN,
  lagUnknown,
  noCount,
  plural,
  still,
  UNMEASURED,
} from '../words/words';
import { lagTime } from './elements';
import { Fact, SeriesChart } from './parts';
import type { PanelProps } from './types';

type Flow = NonNullable<FlowDetailQuery['flow']>;
type Client = NonNullable<Flow['clients']>[number];

/** A flow, and how instants are told beside it. */
interface Told {
  flow: Flow;
  when(iso: string): string;
}

export function FlowPanel({ flow, answer, state, change }: Omit<PanelProps, 'id'> & { flow: Flow }) {
  const inBytes = state.unit === 'bytes';
  const countable = isCountable(flow);
  const when = whenIn(state.window);
  const clock = useClock();
  const lost = useMemo(() => lostBy(answer.coverage.stretches, toldBy(flow)), [flow, answer]);
  return (
    <>
      <header className="panel-head">
        <p className="panel-kind">
          Flow, {flowWord(flow)} <State flow={flow} />
        </p>
        <h2 className="panel-ends">
          {[flow.from, flow.to].map((end, i) => (
            <span key={end.id} className="panel-end">
              {i === 1 && (
                <span className="panel-arrow">
                  <span aria-hidden="true">↓</span>
                  <span className="sr">to</span>
                </span>
              )}
              <button
                type="button"
                className="row-button"
                title={kindOf(end)}
                onClick={() => change({ selected: end.id })}
              >
                <KindIcon kind={end.kind} />
                <span>
                  <Name node={end} />
                </span>
              </button>
            </span>
          ))}
        </h2>
        <p className="panel-links">
          <Link href={lineageHref({ ...state, roots: [flow.from.id], selected: null, impact: false, path: null })}>
            Lineage of <Name node={flow.from} />
          </Link>
          <Link href={lineageHref({ ...state, roots: [flow.to.id], selected: null, impact: false, path: null })}>
            Lineage of <Name node={flow.to} />
          </Link>
        </p>
      </header>
      <Notice flow={flow} when={when} ago={state.window.kind === 'last' && clock === 'local'} />
      <Numbers flow={flow} when={when} />
      <section className="panel-part">
        <h3>Throughput</h3>
        {countable && inBytes && flow.byteRate && (
          <SeriesChart
            title="Bytes per second"
            window={answer.window}
            lost={lost}
            change={change}
            lines={[{ label: 'bytes', series: flow.byteRate, colour: '--chart-1' }]}
          />
        )}
        {countable && !(inBytes && flow.byteRate) && (
          <SeriesChart
            title="Records per second"
            window={answer.window}
            lost={lost}
            change={change}
            lines={[{ label: 'records', series: flow.recordRate, colour: '--chart-1' }]}
          />
        )}
        {countable &&
          flow.kind === 'CONSUME' &&
          flow.state === 'STALLED' &&
          flow.stateSince &&
          about(flow) !== aboutRate(flow) && (
            <p className="note">
              Since <Instant at={flow.stateSince} /> it has committed nothing: what it has read since then is not known,
              and is no part of the mean rate.
            </p>
          )}
        {countable && inBytes && !flow.byteRate && (
          <p className="unknown">Bytes are not measurable from this evidence.</p>
        )}
        {!(countable && flow.recordRate) && (
          <p className="unknown">
            {flow.kind === 'EXTERNAL'
              ? 'Not measurable: nobody counts what passes between a mover and the world outside Kafka.'
              : 'Records are not measurable from this evidence.'}
          </p>
        )}
      </section>
      {isRead(flow) && flow.lagSeries && (
        <section className="panel-part">
          <h3>Lag</h3>
          <SeriesChart
            title="Records behind"
            window={answer.window}
            lost={lost}
            change={change}
            lines={[{ label: 'records', series: flow.lagSeries, colour: '--chart-3' }]}
          />
          <SeriesChart
            title="Time behind"
            window={answer.window}
            lost={lost}
            change={change}
            lines={[{ label: 'time', series: flow.lagSecondsSeries, colour: '--chart-4' }]}
          />
        </section>
      )}
      {(flow.clientCount > 0 || flow.kind === 'PRODUCE' || flow.kind === 'CONSUME') && (
        <Clients flow={flow} when={when} />
      )}
      <EvidenceList flow={flow} />
    </>
  );
}

/** Who tell of a flow: where all of them saw nothing, nothing of it was seen. */
const toldBy = (flow: Flow): string[] => [
  ...new Set(flow.evidence.filter((e) => e.kind !== 'DECLARED').map((e) => e.source)),
];

/** What moved and yet has no count never had one: a chart of it would look like something that was missed. */
const isCountable = (flow: Flow): boolean =>
  flow.records != null || (flow.kind !== 'EXTERNAL' && activity(flow) !== 'active');

function State({ flow }: { flow: Flow }) {
  return (
    <>
      <StateBadge flow={flow} />
      {flow.estimated && <EstimatedTag flow={flow} />}
    </>
  );
}

function EstimatedTag({ flow }: { flow: Flow }) {
  const sign = about(flow).trim();
  return (
    <span className="tag">
      <span aria-hidden="true">{sign} </span>
      {estimatedWord(flow)}
    </span>
  );
}

/** What must not be overlooked: that nobody reads any more, that a lag can't be told, that records were passed or gone. Each with its reason. */
function Notice({ flow, when, ago }: Told & { ago: boolean }) {
  const halt = flow.active === true ? null : still(flow);
  if (halt) return <NoticeOf said={['not moving']} why={halt} when={when} />;
  const sick = goingNotice(flow, ago);
  if (!isRead(flow)) return sick && <NoticeOf said={sick} why={null} when={when} />;
  const alone = deserted([flow]) ?? sick;
  const unknown = !alone && lagUnknown(flow);
  // Why a count is a bound is said beside its evidence: it is no reason for nobody to be there.
  const why = flow.evidence.find((e) => e.detail && !(alone && flow.estimated))?.detail;
  if (!alone && !unknown) return null;
  return <NoticeOf said={alone ?? [LAG_UNKNOWN]} why={why} when={when} />;
}

interface NoticeProps {
  said: Said;
  why: string | null | undefined;
  when(iso: string): string;
}

function NoticeOf({ said, why, when }: NoticeProps) {
  return (
    <p className="notice" role="note">
      <Icon name="warn" />
      <span>
        <b>
          <Words said={said} when={when} />
        </b>
        {why && <span className="why">{why}</span>}
      </span>
    </p>
  );
}

function Numbers({ flow, when }: Told) {
  const [sign, ofRate] = [about(flow), aboutRate(flow)];
  return (
    <dl className="facts">
      <Fact name="Mean rate" missing={noCount(flow)}>
        {flow.recordsPerSecond != null && ofRate + rate(flow.recordsPerSecond, 'records')}
      </Fact>
      <Fact name="Records" missing={noCount(flow)}>
        {flow.records != null && sign + count(flow.records)}
      </Fact>
      <Fact name="Mean bytes" missing={noCount(flow)}>
        {flow.bytesPerSecond != null && ofRate + rate(flow.bytesPerSecond, 'bytes')}
      </Fact>
      <Fact name="Bytes" missing={noCount(flow)}>
        {flow.bytes != null && sign + bytes(flow.bytes)}
      </Fact>
      {isRead(flow) && (
        <>
          <Fact name="Lag" missing={lagUnknown(flow) ? 'not known' : 'not observed'}>
            {flow.lag != null && (
              <span className={`lag tone-${lagTone(flow)}`}>{plural(Number(flow.lag), 'record')}</span>
            )}
          </Fact>
          <Fact
            name="Behind by"
            missing={lagUnknown(flow) ? 'not known' : flow.lag == null ? 'not observed' : UNMEASURED}
          >
            {lagTime(flow)}
          </Fact>
          {isMissed(flow.skipped) && <Fact name="Skipped, not read">≤ {plural(Number(flow.skipped), 'record')}</Fact>}
          {isMissed(flow.lost) && <Fact name="Lost before read">{plural(Number(flow.lost), 'record')}</Fact>}
          {flow.lastMoved && (
            <Fact name={flow.kind === 'CONSUME' ? 'Last read' : 'Last moved'}>
              <Instant at={flow.lastMoved} when={when} />
            </Fact>
          )}
        </>
      )}
      <Fact name="First seen" missing="never">
        {flow.firstSeen && <Instant at={flow.firstSeen} />}
      </Fact>
      <Fact name="Last seen" missing="never">
        {flow.lastSeen && <Instant at={flow.lastSeen} />}
      </Fact>
    </dl>
  );
}

const isMissed = (n: string | null | undefined): boolean => n != null && BigInt(n) > 0n;

function Clients({ flow, when }: Told) {
  const clients = flow.clients ?? [];
  const withLag = clients.some((c) => c.lag != null);
  return (
    <section className="panel-part">
      <h3>
        Clients <span className="note">{plural(flow.clientCount, 'client')} as seen, busiest first</span>
      </h3>
      {clients.length === 0 ? (
        <p className="unknown">No client was seen.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="scroll" tabIndex={0} aria-label="Clients">
          <table>
            <thead>
              <tr>
                <th scope="col">Client</th>
                <th scope="col" className="num">
                  Rate
                </th>
                {withLag && (
                  <th scope="col" className="num">
                    Lag
                  </th>
                )}
                <th scope="col">Last seen</th>
              </tr>
            </thead>
            <tbody>
              {clients.map((c, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a client has no id of its own, and rows hold no state
                <tr key={`${i} ${c.clientId} ${c.member} ${c.producerId}`}>
                  <th scope="row">
                    <ClientName client={c} />
                  </th>
                  <td className="num">
                    {c.recordsPerSecond == null ? (
                      <span className="unknown">{UNMEASURED}</span>
                    ) : (
                      rate(c.recordsPerSecond, 'records')
                    )}
                  </td>
                  {withLag && <td className="num">{c.lag == null ? '–' : compact(Number(c.lag))}</td>}
                  <td>
                    <Instant at={c.lastSeen} when={when} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {flow.clientCount > clients.length && (
        <p className="note">{plural(flow.clientCount - clients.length, 'more client')} not listed here.</p>
      )}
    </section>
  );
}

/** What was seen of a client, raw; what was not seen is left out. */
function ClientName({ client }: { client: Client }) {
  if (client.kind !== 'CONNECTION') return <span className="client-kind">{CLIENT_WORD[client.kind]}</span>;
  const facts: [string, string | null | undefined][] = [
    ['client id', client.clientId],
    ['group', client.group],
    ['transactional id', client.transactionalId],
    ['producer id', client.producerId],
    ['principal', client.principal],
    ['host', client.host],
    ['member', client.member],
    ['software', client.software],
    ['telemetry instance', client.instance],
    ['joined by', client.joinedBy],
  ];
  const seen = facts.filter(([, value]) => value);
  return (
    <dl className="client">
      {seen.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd className="mono" dir="auto">
            {value}
          </dd>
        </div>
      ))}
      {seen.length === 0 && (
        <div>
          <dt>no identity seen</dt>
        </div>
      )}
    </dl>
  );
}

function EvidenceList({ flow }: { flow: Flow }) {
  return (
    <section className="panel-part">
      <h3>
        Evidence <span className="note">how this flow is known</span>
      </h3>
      <ul className="evidence">
        {flow.evidence.map((e) => (
          <li key={`${e.kind} ${e.source}`} className={e.kind === 'ELIMINATION' ? 'in-doubt' : ''}>
            <p className="evidence-kind">
              <span>
                {EVIDENCE_WORD[e.kind].short}
                {e.kind === 'ELIMINATION' && <span className="tag">~ estimated</span>}
              </span>
              <span className="mono">{e.source}</span>
            </p>
            <p>{EVIDENCE_WORD[e.kind].long}</p>
            {e.detail && <p className="evidence-detail">{e.detail}</p>}
            <p className="when">
              seen from <Instant at={e.firstSeen} /> to <Instant at={e.lastSeen} />
            </p>
          </li>
        ))}
      </ul>
      {flow.evidence.length === 0 && <p className="unknown">No evidence in this window: it was seen before.</p>}
    </section>
  );
}
