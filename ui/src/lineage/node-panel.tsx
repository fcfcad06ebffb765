import { useMemo } from 'react';
import { lostBy, type Span } from '../chart/gaps';
import type { NodeDetailQuery } from '../gql/graphql';
import { Icon, KindIcon } from '../shell/icons';
import { Instant, Words } from '../shell/instant';
import { Link } from '../shell/link';
import { Name } from '../shell/name';
import { StateSign } from '../shell/state-sign';
import { allOf, clusterLoss, impactOf, type LineageState, lineageHref, lossOf, waysOf } from '../url/lineage';
import { reportsHref } from '../url/reports';
import { usagePage } from '../url/usage';
import { whenIn } from '../url/window';
import { bytes, compact, count, countAtMost } from '../words/format';
import { going, lagTone, tone } from '../words/going';
import { deserted, isRead, kindOf, lagUnknown, NOBODY, nameOfId, plural } from '../words/words';
import { Candidates, unidentifiedOf } from './candidates';
import { Columns } from './columns/columns';
import { Deletion } from './deletion';
import { flowText, hasSign } from './elements';
import { Inside, MoverFacts, Tasks, Vertices } from './mover-parts';
import { DeclaredUnseen, NodeEvents, NodePermitted } from './panel-parts';
import { Fact, SeriesChart } from './parts';
import { Runs } from './runs';
import { SaidOf } from './said/said';
import type { PanelNode, PanelProps } from './types';

type Props = Omit<PanelProps, 'id'> & { node: PanelNode };
type Told = Pick<NodeDetailQuery, 'events' | 'topicUsage' | 'declarations' | 'schemas'>;

export function NodePanel({ node, answer, state, change, told }: Props & { told: Told }) {
  const unidentified = unidentifiedOf(node, answer.flows);
  const lost = useMemo(() => lostBy(answer.coverage.stretches, toldBy(node)), [node, answer]);
  const inBytes = state.unit === 'bytes' && (node.bytesIn || node.bytesOut);
  return (
    <>
      <header className="panel-head">
        <p className="panel-kind">
          <KindIcon kind={node.kind} /> {kindOf(node)}
          {node.exists === false && <span className="tag">deleted</span>}
          {node.internal && <span className="tag">internal</span>}
          {node.tags.map((t) => (
            <span key={t} className="tag">
              <bdi>{t}</bdi>
            </span>
          ))}
        </p>
        <h2>
          <Name node={node} />
        </h2>
        <p className="panel-links">
          <Link
            className="button"
            href={lineageHref({ ...state, roots: [node.id], selected: null, impact: false, path: null, lose: [] })}
          >
            Open its lineage
          </Link>
          <Link className="button" href={impactOf(state, node.id)}>
            What it starves
          </Link>
          <Link className="button" href={lossOf(state, node.id)}>
            What if it is lost
          </Link>
          {state.lose.length > 0 && !state.lose.includes(node.id) && (
            <button type="button" onClick={() => change({ lose: [...state.lose, node.id], selected: null })}>
              Lose it too
            </button>
          )}
          {node.kind === 'TOPIC' && (
            <Link className="button" href={usagePage(node.id, state.window)}>
              Who used it
            </Link>
          )}
          {node.cluster && <Link href={clusterLoss(state, node.cluster.name)}>What if its cluster is lost</Link>}
          {node.tags.slice(0, 3).map((tag) => (
            <Link key={tag} href={reportsHref({ report: 'usage', scope: 'tag', of: tag, window: state.window })}>
              Who used <bdi>{tag}</bdi>
            </Link>
          ))}
          <Link href={allOf(state, node.id, 'UPSTREAM')}>All upstream</Link>
          <Link href={allOf(state, node.id, 'DOWNSTREAM')}>All downstream</Link>
          {state.roots
            .filter((root) => root !== node.id)
            .slice(0, 1)
            .map((root) => (
              <Link key={root} href={waysOf(state, root, node.id)}>
                Ways from <bdi>{nameOfId(root)}</bdi>
              </Link>
            ))}
        </p>
      </header>
      <Deserted node={node} state={state} />
      <NodeFacts node={node} state={state} />
      {node.kind !== 'GROUP' && <SaidOf key={node.id} id={node.id} window={answer.window} state={state} />}
      <Inside node={node} answer={answer} state={state} change={change} />
      <Vertices node={node} />
      <Tasks node={node} />
      <Runs node={node} state={state} />
      {told.schemas && told.schemas.schemaCount > 0 && (
        <Columns key={node.id} id={node.id} window={answer.window} state={state} change={change} />
      )}
      <section className="panel-part">
        <h3>Throughput</h3>
        <SeriesChart
          title={inBytes ? 'Bytes per second' : 'Records per second'}
          window={answer.window}
          lost={lost}
          change={change}
          lines={[
            { label: 'in', series: inBytes ? node.bytesIn : node.recordsIn, colour: '--chart-1' },
            { label: 'out', series: inBytes ? node.bytesOut : node.recordsOut, colour: '--chart-2' },
          ]}
        />
        {!node.recordsIn && !node.recordsOut && (
          <p className="unknown">
            {node.kind === 'DATASET'
              ? 'Not measurable: nobody counts what passes between a mover and the world outside Kafka.'
              : 'No count of this node.'}
          </p>
        )}
      </section>
      {node.lagSeries && (
        <section className="panel-part">
          <h3>Lag</h3>
          <SeriesChart
            title="Records behind"
            window={answer.window}
            lost={lost}
            change={change}
            lines={[{ label: 'records', series: node.lagSeries, colour: '--chart-3' }]}
          />
          <SeriesChart
            title="Time behind, the furthest"
            window={answer.window}
            lost={lost}
            change={change}
            lines={[{ label: 'time', series: node.lagSecondsSeries, colour: '--chart-4' }]}
          />
          <DeadReaders node={node} answer={answer} state={state} change={change} />
        </section>
      )}
      <Kept node={node} answer={answer} change={change} lost={lost} />
      {unidentified && <Candidates key={unidentified} id={unidentified} window={answer.window} state={state} />}
      <NodeFlows node={node} answer={answer} state={state} change={change} />
      <Groups node={node} />
      <NodeEvents id={node.id} events={told.events} state={state} />
      <NodePermitted id={node.id} usage={told.topicUsage} state={state} />
      <DeclaredUnseen found={told.declarations} />
      {node.kind === 'TOPIC' && node.exists !== false && <Deletion key={node.id} id={node.id} />}
      <Configs node={node} />
    </>
  );
}

/** The sources whose readings a node's series are: where none of them saw anything, nothing of it was seen. */
function toldBy(node: PanelNode): string[] {
  if (node.kind === 'TOPIC' && node.cluster) return [`${node.cluster.name}/end-offsets`, `${node.cluster.name}/groups`];
  return [...new Set(node.groups?.map((g) => `${g.cluster.name}/groups`))];
}

/** What is on disk, and how long records took to here, where that is measured. */
function Kept({ node, answer, change, lost }: Pick<Props, 'node' | 'answer' | 'change'> & { lost: Span[] }) {
  return (
    <>
      {node.retainedSeries && (
        <section className="panel-part">
          <h3>On disk</h3>
          <SeriesChart
            title="Retained bytes"
            window={answer.window}
            lost={lost}
            change={change}
            lines={[{ label: 'bytes', series: node.retainedSeries, colour: '--chart-2' }]}
          />
        </section>
      )}
      {node.endToEndSeries && (
        <section className="panel-part">
          <h3>End to end</h3>
          <SeriesChart
            title="Mean time of sampled traces"
            window={answer.window}
            lost={lost}
            change={change}
            lines={[{ label: 'time', series: node.endToEndSeries, colour: '--chart-4' }]}
          />
        </section>
      )}
    </>
  );
}

/** Of a topic: readers that nobody is there for. What they left unread is none of the topic's lag, and is said apart. */
function DeadReaders({ node, answer, state, change }: Props) {
  if (node.kind !== 'TOPIC') return null;
  const dead = answer.flows.filter((f) => f.from.id === node.id && isRead(f) && f.live === false);
  if (dead.length === 0) return null;
  const names = new Map(answer.nodes.map((n) => [n.id, n]));
  const when = whenIn(state.window);
  return (
    <div className="dead">
      <p className="note">Of readers that somebody is there for. Not in it, since nobody is:</p>
      <ul className="flow-list">
        {dead.map((f) => {
          const n = names.get(f.to.id);
          return (
            <li key={f.id}>
              <button type="button" className="row-button" onClick={() => change({ selected: f.id })}>
                {n && <KindIcon kind={n.kind} />}
                <span className="name">{n && <Name node={n} />}</span>
                <span className="behind">
                  <Words said={deserted([f]) ?? []} when={when} />
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

/** Who reads with groups that nobody is in. */
function Deserted({ node, state }: { node: PanelNode; state: LineageState }) {
  const words = deserted(node.groups ?? []);
  if (!words) return null;
  return (
    <p className="notice" role="note">
      <Icon name="warn" />
      <b>
        <Words said={words} when={whenIn(state.window)} />
      </b>
    </p>
  );
}

function NodeFacts({ node, state }: { node: PanelNode; state: LineageState }) {
  return (
    <dl className="facts">
      {node.cluster && (
        <Fact name="Cluster">
          <bdi>{node.cluster.name}</bdi>
        </Fact>
      )}
      {node.environment && <Fact name="Environment">{node.environment}</Fact>}
      {node.owner && (
        <Fact name="Owner">
          <bdi>{node.owner}</bdi>
        </Fact>
      )}
      {node.kind === 'TOPIC' && (
        <>
          <Fact name="Partitions">{node.partitions != null && count(node.partitions)}</Fact>
          <Fact name="Replicas">{node.replicationFactor}</Fact>
          {node.lostRecords != null && BigInt(node.lostRecords) > 0n && (
            <Fact name="Lost with a leader">{plural(Number(node.lostRecords), 'record')}</Fact>
          )}
          <Fact name="Retained records" missing="not observed">
            {node.retainedRecords != null && countAtMost(node.retainedRecords)}
          </Fact>
          <Fact name="Retained bytes" missing="not observed">
            {node.retainedBytes != null && bytes(node.retainedBytes)}
          </Fact>
        </>
      )}
      <MoverFacts node={node} state={state} />
      <Fact name="Last moved" missing="not in the seven days before">
        {node.lastMoved && <Instant at={node.lastMoved} />}
      </Fact>
      <Fact name="First seen" missing="never">
        {node.firstSeen && <Instant at={node.firstSeen} />}
      </Fact>
      <Fact name="Last observed" missing="never">
        {node.lastSeen && <Instant at={node.lastSeen} />}
      </Fact>
      {node.namedBy && <Fact name="Named by">{node.namedBy}</Fact>}
      {node.topicId && (
        <Fact name="Topic id">
          <span className="mono">{node.topicId}</span>
        </Fact>
      )}
    </dl>
  );
}

/** The flows that touch the node, as far as this view shows them. */
function NodeFlows({ node, answer, state, change }: Props) {
  const names = new Map(answer.nodes.map((n) => [n.id, n]));
  const hidden = answer.hidden.find((h) => h.node === node.id);
  const parts = [
    { title: 'From', flows: answer.flows.filter((f) => f.to.id === node.id), other: 'from', more: hidden?.upstream },
    { title: 'To', flows: answer.flows.filter((f) => f.from.id === node.id), other: 'to', more: hidden?.downstream },
  ] as const;
  return (
    <section className="panel-part">
      <h3>Flows</h3>
      {parts.map(({ title, flows, other, more }) => (
        <div key={title}>
          {(flows.length > 0 || (more ?? 0) > 0) && <h4>{title}</h4>}
          <ul className="flow-list">
            {flows.map((f) => {
              const n = names.get(f[other].id);
              return (
                <li key={f.id}>
                  <button type="button" className="row-button" onClick={() => change({ selected: f.id })}>
                    {n && <KindIcon kind={n.kind} />}
                    <span className="name">{n && <Name node={n} />}</span>
                    {f.lag != null && BigInt(f.lag) > 0n && (
                      <span className={`behind lag tone-${lagTone(f)}`}>{compact(Number(f.lag))} behind</span>
                    )}
                    {lagUnknown(f) && <span className="unknown">lag not known</span>}
                    {isRead(f) && f.live === false && f.active === true && <span className="behind">{NOBODY}</span>}
                    <span className={`num goes tone-${tone(f)}`}>
                      {hasSign(f) && <StateSign state={going(f)} />}
                      {flowText(f, state.unit)}
                    </span>
                  </button>
                </li>
              );
            })}
          </ul>
          {(more ?? 0) > 0 && <p className="note">{plural(more ?? 0, 'more neighbour')} not shown in this view.</p>}
        </div>
      ))}
    </section>
  );
}

function Groups({ node }: { node: PanelNode }) {
  if (!node.groups || node.groups.length === 0) return null;
  return (
    <section className="panel-part">
      <h3>Groups</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Group</th>
            <th scope="col">Type</th>
            <th scope="col">State</th>
            <th scope="col" className="num">
              Members
            </th>
            <th scope="col" className="num">
              Lag
            </th>
          </tr>
        </thead>
        <tbody>
          {node.groups.map((g) => (
            <tr key={`${g.cluster.name}/${g.name}`}>
              <th scope="row">
                <bdi>{g.name}</bdi>{' '}
                <span className="note">
                  <bdi>{g.cluster.name}</bdi>
                </span>
              </th>
              <td title={g.protocol}>{g.type}</td>
              <td>{g.state}</td>
              <td className="num">{g.members ?? <span className="unknown">not known</span>}</td>
              <td className="num">{g.lag == null ? <span className="unknown">not known</span> : count(g.lag)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Configs({ node }: { node: PanelNode }) {
  if (!node.configs || node.configs.length === 0) return null;
  return (
    <section className="panel-part">
      <h3>
        Configuration <span className="note">set on the topic itself</span>
      </h3>
      <dl className="client">
        {node.configs.map((c) => (
          <div key={c.name}>
            <dt>{c.name}</dt>
            <dd className="mono" dir="auto">
              {c.value}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
