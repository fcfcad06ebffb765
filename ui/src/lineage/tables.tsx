import { KindIcon } from '../shell/icons';
import { Instant, Words } from '../shell/instant';
import { Link } from '../shell/link';
import { Name } from '../shell/name';
import { NodeRate } from '../shell/node-rate';
import { StateBadge } from '../shell/state-sign';
import { type LineageState, lineageHref } from '../url/lineage';
import { whenIn } from '../url/window';
import { count } from '../words/format';
import { lagTone } from '../words/going';
import type { Said } from '../words/said';
import {
  about,
  activity,
  deserted,
  EVIDENCE_WORD,
  flowWord,
  isRead,
  kindOf,
  lagUnknown,
  missed,
  noCount,
  placeOf,
  reason,
  UNMEASURED,
} from '../words/words';
import { flowBytes, flowRate, hops, hopsText, lagTime } from './elements';
import type { LineageAnswer, LineageFlow, LineageNode } from './types';

interface Props {
  answer: LineageAnswer;
  state: LineageState;
  change(patch: Partial<LineageState>): void;
}

/** The same answer as the graph, as tables: for the keyboard, for screen readers, for small screens and for many nodes. */
export function LineageTables({ answer, state, change }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="tables" tabIndex={0} aria-label="Lineage as tables">
      <Flows answer={answer} state={state} change={change} />
      <Nodes answer={answer} state={state} />
    </section>
  );
}

function Flows({ answer, state, change }: Props) {
  const names = new Map(answer.nodes.map((n) => [n.id, n]));
  const when = whenIn(state.window);
  const layer = new Map(answer.positions.map((p) => [p.node, p.layer]));
  const order = (f: LineageFlow) => layer.get(f.from.id) ?? 0;
  const flows = answer.flows.toSorted(
    (a, b) => order(a) - order(b) || (b.recordsPerSecond ?? -1) - (a.recordsPerSecond ?? -1) || (a.id < b.id ? -1 : 1),
  );
  return (
    <section className="card">
      <h2>
        Flows <span className="note">{count(flows.length)}, from left to right</span>
      </h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Flow</th>
            <th scope="col">Kind</th>
            <th scope="col">State</th>
            <th scope="col" className="num">
              Rate
            </th>
            <th scope="col" className="num">
              Records
            </th>
            <th scope="col" className="num">
              Bytes
            </th>
            <th scope="col" className="num">
              Lag
            </th>
            <th scope="col" className="num">
              Behind by
            </th>
            <th scope="col">Known by</th>
            <th scope="col">Last seen</th>
          </tr>
        </thead>
        <tbody>
          {flows.map((f) => {
            const from = names.get(f.from.id);
            const to = names.get(f.to.id);
            const state_ = activity(f);
            return (
              <tr key={f.id} className={`is-${state_} ${state.selected === f.id ? 'selected' : ''}`}>
                <th scope="row">
                  <button
                    type="button"
                    className="row-button"
                    aria-pressed={state.selected === f.id}
                    onClick={() => change({ selected: f.id })}
                  >
                    {from && <KindIcon kind={from.kind} />}
                    <span>{from ? <Name node={from} /> : <bdi>{f.from.id}</bdi>}</span>
                    <span aria-hidden="true">→</span>
                    <span className="sr"> to </span>
                    {to && <KindIcon kind={to.kind} />}
                    <span>{to ? <Name node={to} /> : <bdi>{f.to.id}</bdi>}</span>
                  </button>
                </th>
                <td className="kind-word">{flowWord(f)}</td>
                <td>
                  <StateBadge flow={f} />
                  <Alarm said={isRead(f) ? deserted([f]) : null} when={when} />
                  {missed(f) && <span className="alarm">{missed(f)}</span>}
                </td>
                <td className="num">
                  {flowRate(f, state.unit) === UNMEASURED ? <NoCount flow={f} /> : flowRate(f, state.unit)}
                </td>
                <td className="num">{f.records == null ? <NoCount flow={f} /> : about(f) + count(f.records)}</td>
                <td className="num">{flowBytes(f) ?? <NoCount flow={f} />}</td>
                <td className="num">
                  {lagUnknown(f) ? (
                    <NotKnown />
                  ) : f.lag == null ? (
                    '–'
                  ) : (
                    <span className={`lag tone-${lagTone(f)}`}>{count(f.lag)}</span>
                  )}
                </td>
                <td className="num">{lagUnknown(f) ? <NotKnown /> : (lagTime(f) ?? '–')}</td>
                <td>
                  {[...new Set(f.evidence.map((e) => EVIDENCE_WORD[e.kind].short))].join(', ')}
                  {reason(f) && <span className="note why">{reason(f)}</span>}
                </td>
                <td>{f.lastSeen ? <Instant at={f.lastSeen} when={when} /> : 'never'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Nodes({ answer, state }: { answer: LineageAnswer; state: LineageState }) {
  const distance = hops(answer, state.roots);
  const when = whenIn(state.window);
  const hidden = new Map(answer.hidden.map((h) => [h.node, h]));
  return (
    <section className="card">
      <h2>
        Nodes <span className="note">{count(answer.nodes.length)}</span>
      </h2>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Kind</th>
            <th scope="col">Where</th>
            <th scope="col">Hops from root</th>
            <th scope="col" className="num">
              In
            </th>
            <th scope="col" className="num">
              Out
            </th>
            <th scope="col">Not shown</th>
            <th scope="col">Last seen</th>
          </tr>
        </thead>
        <tbody>
          {answer.nodes.map((n: LineageNode) => {
            const h = hidden.get(n.id);
            const more = [
              h && h.upstream > 0 ? `${count(h.upstream)} upstream` : '',
              h && h.downstream > 0 ? `${count(h.downstream)} downstream` : '',
            ].filter(Boolean);
            return (
              <tr key={n.id}>
                <th scope="row">
                  <Link
                    className="node-link"
                    href={lineageHref({ ...state, roots: [n.id], selected: null, impact: false, path: null })}
                    title="Open its lineage"
                  >
                    <KindIcon kind={n.kind} />
                    <span>
                      <Name node={n} />
                    </span>
                  </Link>
                  {n.exists === false && <span className="tag">deleted</span>}
                </th>
                <td className="kind-word">{kindOf(n)}</td>
                <td>
                  <bdi>{placeOf(n)}</bdi>
                </td>
                <td>{hopsText(distance.get(n.id))}</td>
                <td className="num">
                  <NodeRate node={n} side="in" unit={state.unit} />
                </td>
                <td className="num">
                  <NodeRate node={n} side="out" unit={state.unit} />
                </td>
                <td>{more.join(', ') || '–'}</td>
                <td>{n.lastSeen ? <Instant at={n.lastSeen} when={when} /> : 'never'}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

/** Under a state: what must not be overlooked about it. */
const Alarm = ({ said, when }: { said: Said | null; when(iso: string): string }) =>
  said && (
    <span className="alarm">
      <Words said={said} when={when} />
    </span>
  );

const NotKnown = () => <span className="unknown">not known</span>;

const NoCount = ({ flow }: { flow: LineageFlow }) => <span className="unknown">{noCount(flow)}</span>;
