// The parts of the node panel that only connectors, replicators, stream jobs, datasets and inner topics have.
import { KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { type LineageState, lineageHref } from '../url/lineage';
import { plural } from '../words/words';
import type { PanelNode } from './node-panel';
import { Fact } from './parts';

type Subtopology = NonNullable<PanelNode['subtopologies']>[number];

/** What a mover is; other nodes have none of it. */
export function MoverFacts({ node, state }: { node: PanelNode; state: LineageState }) {
  switch (node.kind) {
    case 'CONNECTOR':
      return (
        <>
          <Fact name="Connect cluster">{node.connect}</Fact>
          <Fact name="Type">{node.type}</Fact>
          <Fact name="State">{node.exists === false ? 'deleted' : node.state}</Fact>
          <Fact name="Class">
            {node.class && <span title={node.class}>{node.class.slice(node.class.lastIndexOf('.') + 1)}</span>}
          </Fact>
        </>
      );
    case 'REPLICATOR':
      return (
        <>
          <Fact name="Copies from">{end(node.source, node.sourceAlias)}</Fact>
          <Fact name="Copies to">{end(node.target, node.targetAlias)}</Fact>
          <Fact name="State" missing="not told">
            {node.state}
          </Fact>
          <Fact name="Runs on" missing="a process of its own, or not known">
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
          <Fact name="Application id">{node.applicationId}</Fact>
          <Fact name="Group protocol">{node.protocol}</Fact>
        </>
      );
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
            {node.innerOf.name}
          </Link>
        </Fact>
      ) : null;
  }
}

/** A watched cluster by its name, any other by what MirrorMaker 2 calls it. */
const end = (cluster: { name: string } | null | undefined, alias: string | undefined) =>
  cluster ? cluster.name : `${alias}, not watched`;

export function Tasks({ node }: { node: PanelNode }) {
  if (node.kind !== 'CONNECTOR' || !node.tasks) return null;
  return (
    <section className="panel-part">
      <h3>Tasks</h3>
      {node.tasks.length === 0 ? (
        <p className="note">It has none.</p>
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
                <td className={t.state === 'FAILED' ? 'bad-word' : ''}>{t.state}</td>
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
export function Inside({ node, state }: { node: PanelNode; state: LineageState }) {
  if (node.kind !== 'STREAM_JOB') return null;
  const subtopologies = node.subtopologies ?? [];
  const inner = node.innerTopics ?? [];
  return (
    <section className="panel-part" aria-label="Inside">
      <h3>
        Inside <span className="note">{inside(node)}</span>
      </h3>
      {node.subtopologies == null && (
        <p className="note">
          The classic protocol does not tell the topology: what is known is by the names of topics.
        </p>
      )}
      {subtopologies.map((s) => (
        <details key={s.id} className="subtopology" open={subtopologies.length <= 3}>
          <summary>
            Subtopology {s.id}
            <span className="note"> {steps(s)}</span>
          </summary>
          <dl className="client">
            <Names name="reads" names={s.sources} />
            <Names name="from inside" names={s.repartitionSources} />
            <Names name="stores" names={s.stores} />
            <Names name="changelogs" names={s.changelogs} />
            <Names name="to inside" names={s.repartitionSinks} />
            <Names
              name="writes"
              names={s.sinks}
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
                  <span className="name">{t.name}</span>
                </Link>
              </li>
            ))}
          </ul>
          {!state.internal && <Link href={lineageHref({ ...state, internal: true })}>Show them in the graph</Link>}
        </>
      )}
    </section>
  );
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

function Names({ name, names, unknown }: { name: string; names: string[]; unknown?: string | undefined }) {
  if (names.length === 0 && !unknown) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {names.map((n) => (
          <span key={n} className="mono wrap">
            {n}
          </span>
        ))}
        {unknown && <span className="unknown">{unknown}</span>}
      </dd>
    </div>
  );
}
