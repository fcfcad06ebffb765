import type { UsageFlowFragment, UsageQuery } from '../gql/graphql';
import { KindIcon } from '../shell/icons';
import { Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { StateBadge } from '../shell/state-sign';
import { lineageHref } from '../url/lineage';
import type { WindowChoice } from '../url/window';
import { bytes, count } from '../words/format';
import {
  about,
  activity,
  EVIDENCE_WORD,
  estimatedWord,
  isAllowed,
  kindOf,
  noCount,
  nodeName,
  placeOf,
  plural,
} from '../words/words';
import { ends } from './pieces';
import { piecesOfFlow } from './when';

type Flow = UsageFlowFragment;

interface Props {
  side: 'writers' | 'readers';
  flows: readonly Flow[];
  topic: string;
  window: WindowChoice;
  coverage: NonNullable<UsageQuery['topicUsage']>['coverage'];
}

const WORDS = {
  writers: { yes: 'Wrote', maybe: 'May have written', no: 'Wrote nothing in this window, and is known', verb: 'write' },
  readers: { yes: 'Read', maybe: 'May have read', no: 'Read nothing in this window, and is known', verb: 'read' },
} as const;

/** Who wrote or read: who did, of whom it is not known, and who is known and did not. Three answers, and never one table. */
export function Users({ side, flows, topic, window, coverage }: Props) {
  // Of a window that was observed as a whole, that nobody is listed says that there was nobody who could be seen.
  const { complete } = coverage;
  const words = WORDS[side];
  const parts = [
    { key: 'yes', head: words.yes, flows: flows.filter((f) => f.active === true) },
    { key: 'maybe', head: words.maybe, flows: flows.filter((f) => f.active == null) },
    { key: 'no', head: words.no, flows: flows.filter((f) => f.active === false) },
  ] as const;
  return (
    <section className="usage-side" id={side} aria-label={side === 'writers' ? 'Writers' : 'Readers'}>
      <h2>
        {side === 'writers' ? 'Writers' : 'Readers'} <span className="note">{summary(parts)}</span>
      </h2>
      {flows.length === 0 && (
        <p className="empty">
          {complete
            ? `Nobody was seen to ${words.verb} it in this window, which was observed as a whole.`
            : `Nobody was seen to ${words.verb} it; a part of this window was not observed, so that somebody may have.`}
        </p>
      )}
      {parts.map(
        (p) =>
          p.flows.length > 0 && (
            <Part
              key={p.key}
              kind={p.key}
              head={p.head}
              side={side}
              flows={p.flows}
              topic={topic}
              window={window}
              coverage={coverage}
            />
          ),
      )}
    </section>
  );
}

/** How many there are of each answer, those alone that there are. */
function summary(parts: readonly { head: string; flows: readonly unknown[] }[]): string {
  const some = parts.filter((p) => p.flows.length > 0);
  if (some.length === 0) return '';
  const rest = some.length < parts.length ? '; nobody else is known' : '';
  return some.map((p) => `${p.flows.length} ${p.head.toLowerCase()}`).join(', ') + rest;
}

function Part(props: Props & { kind: string; head: string }) {
  const { side, flows, topic, window, coverage, kind, head } = props;
  const box = `card scroll used-${kind}`;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={box} tabIndex={0} aria-label={head}>
      <table>
        <caption>
          {head} <span className="note">{flows.length}</span>
        </caption>
        <thead>
          <tr>
            <th scope="col">Who</th>
            <th scope="col">Owner</th>
            <th scope="col" className="num">
              Records
            </th>
            <th scope="col" className="num">
              Bytes
            </th>
            <th scope="col">First use</th>
            <th scope="col">Last use</th>
            <th scope="col">At the window's end</th>
            <th scope="col">Known by</th>
          </tr>
        </thead>
        <tbody>
          {flows.map((f) => (
            <User
              key={f.id}
              flow={f}
              who={side === 'writers' ? f.from : f.to}
              topic={topic}
              window={window}
              coverage={coverage}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface UserProps extends Pick<Props, 'topic' | 'window' | 'coverage'> {
  flow: Flow;
  who: Flow['from'];
}

function User({ flow, who, topic, window, coverage }: UserProps) {
  const sign = about(flow);
  const title = estimatedWord(flow) || undefined;
  return (
    <tr className={`is-${activity(flow)}`}>
      <th scope="row">
        <Link
          className="node-link"
          href={lineageHref({ roots: [topic], window, depth: 1, selected: flow.id })}
          title="Open the flow in its lineage"
        >
          <KindIcon kind={who.kind} />
          <bdi>{nodeName(who)}</bdi>
        </Link>
        <span className="note">
          {kindOf(who)}
          {placeOf(who) && `, ${placeOf(who)}`}
          {flow.clientCount > 0 && `, ${plural(flow.clientCount, 'client')}`}
          {flow.firstSeen && (
            <>
              , known since <Instant at={flow.firstSeen} />
            </>
          )}
        </span>
        <Principals flow={flow} />
      </th>
      <td>{who.owner ? <bdi>{who.owner}</bdi> : <span className="unknown">not known</span>}</td>
      <td className="num" title={title}>
        {flow.records == null ? <span className="unknown">{noCount(flow)}</span> : sign + count(flow.records)}
      </td>
      <td className="num">
        {flow.bytes == null ? <span className="unknown">{noCount(flow)}</span> : sign + bytes(flow.bytes)}
      </td>
      <Uses flow={flow} coverage={coverage} />
      <td>{isAllowed(flow) ? 'allowed, not seen to move' : <StateBadge flow={flow} />}</td>
      <td>
        <ul className="known-by">
          {flow.evidence.map((e) => (
            <li key={`${e.kind} ${e.source}`}>
              <span title={EVIDENCE_WORD[e.kind].long}>{EVIDENCE_WORD[e.kind].short}</span>
              {e.detail && <span className="note">{e.detail}</span>}
            </li>
          ))}
          {flow.evidence.length === 0 && <li className="unknown">nothing in this window</li>}
        </ul>
      </td>
    </tr>
  );
}

/** When it was used first and last within the window. A first use is as exact as the pieces of the strip are long. */
function Uses({ flow, coverage }: { flow: Flow; coverage: Props['coverage'] }) {
  const { start, end } = coverage.window;
  const window = { start: Date.parse(start) / 1000, end: Date.parse(end) / 1000 };
  const found = ends(piecesOfFlow(flow, coverage.stretches, window));
  const moved = flow.lastMoved && Date.parse(flow.lastMoved) >= Date.parse(start) ? flow.lastMoved : null;
  if (!found && !moved) {
    const none = flow.active === false ? <span className="none">none</span> : <span className="unknown">not told</span>;
    return (
      <>
        <td>{none}</td>
        <td>{none}</td>
      </>
    );
  }
  const last = moved ?? instantOf(found?.last.end);
  return (
    <>
      <td>
        {found ? (
          <First flow={flow} from={found.first.start} begins={window.start} />
        ) : (
          <span className="unknown">not told</span>
        )}
      </td>
      <td>{last && <Instant at={last} />}</td>
    </>
  );
}

const instantOf = (seconds: number | undefined): string | null =>
  seconds === undefined ? null : new Date(seconds * 1000).toISOString();

function First({ flow, from, begins }: { flow: Flow; from: number; begins: number }) {
  // Who was seen for the first time within that piece used it no earlier.
  const seen = flow.firstSeen ? Date.parse(flow.firstSeen) / 1000 : 0;
  if (from <= begins && seen <= begins) return <>from its start</>;
  return (
    <>
      {seen > from ? '' : 'from '}
      <Instant at={instantOf(Math.max(from, seen)) ?? ''} />
    </>
  );
}

/** By which principals, and from which hosts, where somebody tells that. */
function Principals({ flow }: { flow: Flow }) {
  const all = [...new Set(flow.clients.flatMap((c) => (c.principal ? [c.principal] : [])))];
  const hosts = [...new Set(flow.clients.flatMap((c) => (c.host ? [c.host] : [])))];
  if (all.length + hosts.length === 0) return null;
  return (
    <span className="note">
      {all.length > 0 && 'as '}
      <Few all={all} />
      {hosts.length > 0 && (all.length > 0 ? ' from ' : 'from ')}
      <Few all={hosts} />
    </span>
  );
}

const FEW = 4;

function Few({ all }: { all: readonly string[] }) {
  return (
    <>
      {all.slice(0, FEW).map((name, i) => (
        <span key={name}>
          {i > 0 && ', '}
          <bdi className="mono">{name}</bdi>
        </span>
      ))}
      {all.length > FEW && ` and ${all.length - FEW} more`}
    </>
  );
}
