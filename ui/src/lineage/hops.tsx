import { Icon, KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { Name } from '../shell/name';
import { NodeRate } from '../shell/node-rate';
import { StateBadge } from '../shell/state-sign';
import { type LineageState, lineageHref } from '../url/lineage';
import { compact } from '../words/format';
import { GOING_WORD, going, lagTone } from '../words/going';
import { flowWord, kindOf, lagUnknown, nodeName, placeOf, plural } from '../words/words';
import { flowText } from './elements';
import type { LineageAnswer, LineageFlow, LineageNode } from './types';

interface Props {
  answer: LineageAnswer;
  state: LineageState;
  change(patch: Partial<LineageState>): void;
}

/**
 * A lineage where there is no room for a graph: a node, what is upstream of it and what is downstream, one hop at a
 * time. A tap walks on to the next node; the browser's back walks back.
 */
export function Hops({ answer, state, change }: Props) {
  const byId = new Map(answer.nodes.map((n) => [n.id, n]));
  const roots = state.roots.flatMap((r) => byId.get(r) ?? []);
  if (roots.length === 0) return <Starts answer={answer} state={state} />;
  return (
    <section className="hops" aria-label="Lineage, one hop at a time">
      {roots.map((n) => (
        <Around key={n.id} node={n} byId={byId} answer={answer} state={state} change={change} />
      ))}
    </section>
  );
}

type Nodes = ReadonlyMap<string, LineageNode>;

function Around({ node, byId, answer, state, change }: Props & { node: LineageNode; byId: Nodes }) {
  const hidden = answer.hidden.find((h) => h.node === node.id);
  const side = (way: 'up' | 'down') =>
    answer.flows.flatMap((f) => {
      const [here, there] = way === 'up' ? [f.to.id, f.from.id] : [f.from.id, f.to.id];
      const far = byId.get(there);
      return here === node.id && far ? [{ flow: f, far }] : [];
    });
  const props = { byId, state, change };
  return (
    <>
      {state.direction !== 'DOWNSTREAM' && (
        <Side
          title="Upstream"
          none="nobody is known to write to it"
          ends={side('up')}
          more={hidden?.upstream ?? 0}
          {...props}
        />
      )}
      <article className="hop-here">
        <h2>
          <KindIcon kind={node.kind} />
          <span className="name">
            <Name node={node} />
          </span>
        </h2>
        <p className="note">
          {kindOf(node)}
          {placeOf(node) && (
            <>
              , <bdi>{placeOf(node)}</bdi>
            </>
          )}
        </p>
        <p>
          in <NodeRate node={node} side="in" unit={state.unit} />, out{' '}
          <NodeRate node={node} side="out" unit={state.unit} />
        </p>
        <button type="button" onClick={() => change({ selected: node.id })}>
          Details
        </button>
      </article>
      {state.direction !== 'UPSTREAM' && (
        <Side
          title="Downstream"
          none="nobody is known to take from it"
          ends={side('down')}
          more={hidden?.downstream ?? 0}
          {...props}
        />
      )}
    </>
  );
}

interface End {
  flow: LineageFlow;
  far: LineageNode;
}

interface SideProps {
  title: 'Upstream' | 'Downstream';
  none: string;
  ends: End[];
  /** How many the limit hides. */
  more: number;
  state: LineageState;
  change(patch: Partial<LineageState>): void;
}

function Side({ title, none, ends, more, state, change }: SideProps) {
  return (
    <section className={`hop-side ${title.toLowerCase()}`} aria-label={title}>
      <h2>
        {title} <span className="note">{ends.length + more}</span>
      </h2>
      {ends.length === 0 && more === 0 && <p className="note">{none}</p>}
      <ul>
        {ends.map((e) => (
          <li key={e.flow.id}>
            <Hop {...e} state={state} change={change} up={title === 'Upstream'} />
          </li>
        ))}
      </ul>
      {more > 0 && (
        <p className="note">{plural(more, 'more node')}, which the limit hides: see the table of one direction</p>
      )}
    </section>
  );
}

function Hop({ flow, far, state, change, up }: End & { up: boolean } & Pick<SideProps, 'state' | 'change'>) {
  // A state stands in its badge already.
  const moves = flowText(flow, state.unit);
  const behind = flow.lag != null && BigInt(flow.lag) > 0n;
  return (
    <div className="hop">
      <Link
        className="hop-link"
        href={lineageHref({ ...state, roots: [far.id], selected: null })}
        title={nodeName(far)}
      >
        <span aria-hidden="true" className="hop-arrow">
          {up ? '←' : '→'}
        </span>
        <KindIcon kind={far.kind} />
        <span className="name">
          <Name node={far} />
        </span>
      </Link>
      <span className="hop-facts">
        <span className="note">{flowWord(flow)}</span>
        {moves !== GOING_WORD[going(flow) as 'moving'] && <span>{moves}</span>}
        <StateBadge flow={flow} />
        {behind && <span className={`lag tone-${lagTone(flow)}`}>{compact(Number(flow.lag))} behind</span>}
        {lagUnknown(flow) && <span className="unknown">lag not known</span>}
      </span>
      <button
        type="button"
        className="quiet icon-button"
        aria-label={`Details of the flow ${nodeName(far)}`}
        onClick={() => change({ selected: flow.id })}
      >
        <Icon name="list" />
      </button>
    </div>
  );
}

/** Where no node is asked for: all that moved, as ways in. */
function Starts({ answer, state }: Pick<Props, 'answer' | 'state'>) {
  const touching = (n: LineageNode): number =>
    answer.flows.filter((f) => f.from.id === n.id || f.to.id === n.id).length;
  const nodes = answer.nodes.map((n) => ({ n, flows: touching(n) }));
  nodes.sort((a, b) => Number(b.n.kind === 'TOPIC') - Number(a.n.kind === 'TOPIC') || b.flows - a.flows);
  return (
    <section className="hops" aria-label="Nodes that moved">
      <p className="note">Choose a node: from there it goes on one hop at a time.</p>
      <ul>
        {nodes.map(({ n, flows }) => (
          <li key={n.id} className="hop">
            <Link
              className="hop-link"
              href={lineageHref({ ...state, roots: [n.id], selected: null })}
              title={nodeName(n)}
            >
              <KindIcon kind={n.kind} />
              <span className="name">
                <Name node={n} />
              </span>
            </Link>
            <span className="hop-facts note">
              <span>{kindOf(n)}</span>
              {placeOf(n) && <bdi>{placeOf(n)}</bdi>}
              <span>{plural(flows, 'flow')}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
