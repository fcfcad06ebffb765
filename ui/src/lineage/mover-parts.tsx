// The parts of the node panel that only connectors, replicators, stream jobs, datasets and inner topics have.
import { KindIcon } from '../shell/icons';
import { Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { type LineageState, lineageHref } from '../url/lineage';
import { plural } from '../words/words';
import { Fact } from './parts';
import type { LineageAnswer, PanelNode, PanelProps } from './types';

type InsideProps = Pick<PanelProps, 'answer' | 'state' | 'change'> & { node: PanelNode };
type Subtopology = NonNullable<PanelNode['subtopologies']>[number];

/** What a mover is; other nodes have none of it. */
export function MoverFacts({ node, state }: { node: PanelNode; state: LineageState }) {
  switch (node.kind) {
    case 'CONNECTOR':
      return (
        <>
          <Fact name="Connect cluster">{node.connect}</Fact>
          <Fact name="Type" missing="not told">
            {node.type}
          </Fact>
          <Fact name="State" missing="not told">
            {node.exists === false ? 'deleted' : node.state && <State word={node.state} />}
          </Fact>
          <Fact name="Class" missing="not told">
            {node.class && <span title={node.class}>{node.class.slice(node.class.lastIndexOf('.') + 1)}</span>}
          </Fact>
        </>
      );
    case 'REPLICATOR':
      return (
        <>
          <Fact name="Copies from">{end(node, node.source, node.sourceAlias)}</Fact>
          <Fact name="Copies to">{end(node, node.target, node.targetAlias)}</Fact>
          <Fact name="State" missing="not told">
            {node.exists === false ? 'deleted' : node.state && <State word={node.state} />}
          </Fact>
          <Fact name="Runs on" missing={node.exists === false ? 'not known' : 'its own process, or not known'}>
            {node.connect}
          </Fact>
          <Fact name="Policy" missing="not told">
            {node.policy && <span title={node.policy}>{node.policy.slice(node.policy.lastIndexOf('.') + 1)}</span>}
          </Fact>
        </>
      );
    case 'STREAM_JOB':
      return (
        <>
          <Fact name="Engine" missing="not told">
            {node.engine}
          </Fact>
          {node.flink ? (
            <FlinkFacts job={node.flink} />
          ) : (
            <>
              <Fact name="Application id" missing="none: it told of itself">
                {node.applicationId}
              </Fact>
              <Fact name="Group protocol" missing="none">
                {node.protocol}
              </Fact>
            </>
          )}
        </>
      );
    case 'JOB':
    case 'DATASET':
      return (
        <Fact name="Namespace">
          <span className="mono">{node.namespace}</span>
        </Fact>
      );
    default:
      return node.innerOf ? (
        <Fact name="Inner topic of">
          <Link href={lineageHref({ ...state, roots: [node.innerOf.id], internal: true, selected: null })}>
            <bdi>{node.innerOf.name}</bdi>
          </Link>
        </Fact>
      ) : null;
  }
}

type FlinkJob = NonNullable<PanelNode['flink']>;

/** What Flink tells of a job. Checkpoints are as they were within five minutes. */
function FlinkFacts({ job }: { job: FlinkJob }) {
  const c = job.checkpoints;
  return (
    <>
      <Fact name="State" missing="not told">
        {job.unseen ? (
          <>
            not known{' '}
            <span className="note">
              its Flink was not seen{' '}
              {job.unseen.since ? (
                <>
                  since <Instant at={job.unseen.since} />
                </>
              ) : (
                'in this window'
              )}
              : {job.unseen.why}
            </span>
          </>
        ) : (
          job.state && <State word={job.state} />
        )}
      </Fact>
      <Fact name="Restarts" missing="not told">
        {job.restarts == null ? null : job.restarts}
      </Fact>
      <Fact name="Checkpoints" missing="none, or not told">
        {c && (
          <>
            {c.completed} completed, {c.failed} failed{c.every && `, each ${c.every}`}
            {c.mode && <span className="note"> {c.mode.replaceAll('_', ' ')}</span>}
          </>
        )}
      </Fact>
      <Fact name="Job id">
        <span className="mono wrap">{job.jobId}</span>
      </Fact>
    </>
  );
}

/** The inside of a Flink job: its vertices, each a chain of operators that run as one. */
export function Vertices({ node }: { node: PanelNode }) {
  const vertices = node.flink?.vertices ?? [];
  if (vertices.length === 0) return null;
  return (
    <section className="panel-part" aria-label="Inside">
      <h3>
        Inside <span className="note">{plural(vertices.length, 'vertex', 'vertices')}</span>
      </h3>
      <table>
        <thead>
          <tr>
            <th scope="col">Operators</th>
            <th scope="col">State</th>
            <th scope="col">Parallel</th>
          </tr>
        </thead>
        <tbody>
          {vertices.map((v) => (
            <tr key={v.id}>
              <th scope="row" className="wrap">
                <bdi>{v.name}</bdi>
              </th>
              <td>{v.state == null ? <span className="unknown">not known</span> : <State word={v.state} />}</td>
              <td>{v.parallelism}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** A watched cluster by its name, any other by what MirrorMaker 2 calls it. Of one that is gone only that is known. */
function end(node: PanelNode, cluster: { name: string } | null | undefined, alias: string | undefined) {
  if (cluster) return cluster.name;
  return node.exists === false ? alias : `${alias}, not watched`;
}

/** A state in Connect's or Flink's own word; a failure must be seen. */
const State = ({ word }: { word: string }) => <span className={word === 'FAILED' ? 'bad-word' : ''}>{word}</span>;

export function Tasks({ node }: { node: PanelNode }) {
  if (node.kind !== 'CONNECTOR' || !node.tasks) return null;
  return (
    <section className="panel-part">
      <h3>Tasks</h3>
      {node.tasks.length === 0 ? (
        <p className="note">{node.exists === false ? 'Not known: it is deleted.' : 'It has none.'}</p>
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col">State</th>
              <th scope="col">Worker</th>
            </tr>
          </thead>
          <tbody>
            {node.tasks.map((t) => (
              <tr key={t.id}>
                <th scope="row">{t.id}</th>
                <td>
                  <State word={t.state} />
                </td>
                <td className="mono">{t.worker}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** The inside of a stream job: its subtopologies where the group tells them, its stores, its inner topics. */
export function Inside({ node, answer, state, change }: InsideProps) {
  if (node.kind !== 'STREAM_JOB' || node.applicationId == null) return null; // a job that told of itself told no inside
  const subtopologies = node.subtopologies ?? [];
  const inner = node.innerTopics ?? [];
  const links = topicLinks(node, answer);
  return (
    <section className="panel-part" aria-label="Inside">
      <h3>
        Inside <span className="note">{inside(node)}</span>
      </h3>
      {node.subtopologies == null && (
        <p className="note">
          {node.protocol === 'classic'
            ? 'The classic protocol does not tell the topology: what is known is by the names of topics.'
            : 'The group did not tell its topology: what is known is by the names of topics.'}
        </p>
      )}
      {subtopologies.map((s) => (
        <details key={s.id} className="subtopology" open={subtopologies.length <= 3}>
          <summary>
            Subtopology {s.id}
            <span className="note"> {steps(s)}</span>
          </summary>
          <dl className="client">
            <Names name="reads" names={s.sources} links={links} change={change} />
            <Names name="from inside" names={s.repartitionSources} links={links} change={change} />
            <Names name="stores" names={s.stores} />
            <Names name="changelogs" names={s.changelogs} links={links} change={change} />
            <Names name="to inside" names={s.repartitionSinks} links={links} change={change} />
            <Names
              name="writes"
              names={s.sinks}
              links={links}
              change={change}
              unknown={s.sinksKnown ? undefined : 'not told by the broker: see the flows'}
            />
          </dl>
        </details>
      ))}
      {subtopologies.length === 0 && node.stores && node.stores.length > 0 && (
        <dl className="client">
          <Names name="stores" names={node.stores} />
        </dl>
      )}
      {inner.length > 0 && (
        <>
          <h4>Inner topics</h4>
          <ul className="flow-list">
            {inner.map((t) => (
              <li key={t.id}>
                <Link
                  className="node-link"
                  href={lineageHref({ ...state, roots: [t.id], internal: true, selected: null })}
                  title="Open its lineage"
                >
                  <KindIcon kind={t.kind} />
                  <bdi>{t.name}</bdi>
                </Link>
              </li>
            ))}
          </ul>
          <p>
            <button
              type="button"
              aria-pressed={state.internal}
              onClick={() => change({ internal: !state.internal })}
              title="Also in the toolbar: inner topics"
            >
              {state.internal ? 'Hide them in the graph' : 'Show them in the graph'}
            </button>
          </p>
        </>
      )}
    </section>
  );
}

/** The topics of the job's cluster that this view can open by id. */
function topicLinks(node: PanelNode, answer: LineageAnswer): Map<string, string> {
  const shown = answer.nodes.filter((n) => n.kind === 'TOPIC' && n.cluster?.name === node.cluster?.name);
  return new Map([...shown, ...(node.innerTopics ?? [])].map((t) => [t.name, t.id]));
}

function inside(node: PanelNode): string {
  const parts: string[] = [];
  if (node.subtopologies) parts.push(plural(node.subtopologies.length, 'subtopology', 'subtopologies'));
  if (node.stores) parts.push(plural(node.stores.length, 'store'));
  if (node.innerTopics) parts.push(plural(node.innerTopics.length, 'inner topic'));
  return parts.join(', ');
}

/** A subtopology in a few words, for when it is folded. */
function steps(s: Subtopology): string {
  const parts: string[] = [];
  const sources = s.sources.length + s.repartitionSources.length;
  if (sources > 0) parts.push(`${plural(sources, 'topic')} in`);
  if (s.stores.length > 0) parts.push(plural(s.stores.length, 'store'));
  return parts.join(', ');
}

interface NamesProps {
  name: string;
  names: string[];
  links?: Map<string, string>;
  change?: PanelProps['change'];
  unknown?: string | undefined;
}

function Names({ name, names, links, change, unknown }: NamesProps) {
  if (names.length === 0 && !unknown) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {names.map((n) => {
          const id = links?.get(n);
          return id && change ? (
            <button key={n} type="button" className="row-button mono wrap" onClick={() => change({ selected: id })}>
              {n}
            </button>
          ) : (
            <span key={n} className="mono wrap">
              {n}
            </span>
          );
        })}
        {unknown && <span className="unknown">{unknown}</span>}
      </dd>
    </div>
  );
}
