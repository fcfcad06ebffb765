import { useEffect, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { mean } from '../chart/gaps';
import { Hatch, Sparkline } from '../chart/sparkline';
import { useLive } from '../data/live';
import type { Merged } from '../data/merged';
import { type NodeKind, type NodeOrder, NodesDocument, type NodesQuery, type Window } from '../gql/graphql';
import { Icon, KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { NodeRate } from '../shell/node-rate';
import { Problem } from '../shell/problem';
import { useShortcuts } from '../shell/shortcuts';
import { lineageHref } from '../url/lineage';
import { formatOverview, type OverviewState, parseOverview } from '../url/overview';
import { type Change, useUrlState } from '../url/use-url';
import { ago, compact, instant } from '../words/format';
import { deserted, halted, KIND_WORD, kindOf, nodeName, placeOf, plural } from '../words/words';

type Row = Merged<NonNullable<NodesQuery['nodes']>['edges'][number]['node']>;

const PAGE = 50;
/** Twenty points of ten minutes: what a small line can show. A multiple of the usual intervals. */
const STEP = '30s';
const codec = { path: '/', parse: parseOverview, format: formatOverview };
const KIND_FILTERS: NodeKind[] = [
  'TOPIC',
  'APPLICATION',
  'STREAM_JOB',
  'CONNECTOR',
  'REPLICATOR',
  'DATASET',
  'UNIDENTIFIED',
];
const ORDERS: [NodeOrder | '', string][] = [
  ['', 'best match'],
  ['NAME', 'name'],
  ['RATE', 'rate'],
  ['LAG', 'lag'],
  ['LAST_MOVED', 'last moved'],
];

export function NodeTable({ window, pollSeconds }: { window: Window; pollSeconds: number }) {
  const [state, change] = useUrlState(codec);
  const [step, setStep] = useState<string | null>(STEP);
  const [{ data, error, fetching }, again] = useQuery({
    query: NodesDocument,
    variables: {
      text: state.text || null,
      kinds: state.kinds.length > 0 ? state.kinds : null,
      cluster: state.cluster,
      orderBy: state.order,
      internal: state.internal,
      first: PAGE,
      after: state.after,
      window,
      step,
    },
  });
  // An unusual interval that does not divide the step: let the server choose one.
  if (step !== null && error?.graphQLErrors.some((e) => e.path?.includes('rateIn'))) setStep(null);
  useLive({ window, again, seconds: pollSeconds });
  const found = data?.nodes;
  return (
    <section className="card" aria-labelledby="nodes-title">
      <div className="table-head">
        <h2 id="nodes-title">Nodes</h2>
        <SearchBox text={state.text} change={change} />
        <KindFilter state={state} change={change} />
        <label className="field">
          Order
          <select
            value={state.order ?? ''}
            onChange={(e) => change({ order: (e.target.value || null) as NodeOrder | null, after: null })}
          >
            {ORDERS.map(([value, word]) => (
              <option key={value} value={value}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <label className="check">
          <input
            type="checkbox"
            checked={state.internal}
            onChange={(e) => change({ internal: e.target.checked, after: null })}
          />
          internal topics
        </label>
        <span className="note grow-end" role="status">
          {found ? plural(found.totalCount, 'node') : fetching ? 'loading' : ''}
        </span>
      </div>
      <Problem error={error} again={again} />
      <Hatch />
      <div className="scroll" tabIndex={-1}>
        <table className="nodes">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Kind</th>
              <th scope="col">Where</th>
              <th scope="col" className="num">
                In
              </th>
              <th scope="col" className="num">
                Out
              </th>
              <th scope="col">Last 10 min</th>
              <th scope="col" className="num">
                Lag
              </th>
              <th scope="col">Last seen</th>
              <th scope="col">Owner, tags</th>
            </tr>
          </thead>
          <tbody>
            {found?.edges.map(({ node }) => (
              <NodeRow key={node.id} node={node} />
            ))}
            {found?.edges.length === 0 && (
              <tr>
                <td colSpan={9} className="empty">
                  {state.text || state.kinds.length > 0
                    ? 'Nothing matches. Names, owners and tags are searched.'
                    : 'Nothing has been seen yet: the first round takes one interval.'}
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
      <Pages
        first={state.after === null}
        more={found?.pageInfo.hasNextPage ?? false}
        toFirst={() => change({ after: null })}
        toNext={() => change({ after: found?.pageInfo.endCursor ?? null })}
      />
    </section>
  );
}

function SearchBox({ text, change }: { text: string; change: Change<OverviewState> }) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(text);
  const [sent, setSent] = useState(text);
  // The back button changes the URL under the box: what is asked for wins over what was typed.
  if (text !== sent) {
    setSent(text);
    setTyped(text);
  }
  useEffect(() => {
    if (typed === sent) return;
    // 150 ms: a word's letters become one question.
    const timer = setTimeout(() => {
      setSent(typed);
      change({ text: typed, after: null }, { replace: true });
    }, 150);
    return () => clearTimeout(timer);
  }, [typed, sent, change]);
  const focus = (e: KeyboardEvent) => {
    e.preventDefault();
    input.current?.focus();
    input.current?.select();
  };
  useShortcuts({ '/': focus, 'mod+k': focus });
  return (
    <search className="search">
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        aria-label="Search nodes by name, owner or tag"
        placeholder="Search names, owners, tags"
        value={typed}
        onChange={(e) => setTyped(e.target.value)}
        autoComplete="off"
        spellCheck={false}
      />
      <span className="key" aria-hidden="true">
        <kbd>/</kbd>
      </span>
    </search>
  );
}

function KindFilter({ state, change }: { state: OverviewState; change: Change<OverviewState> }) {
  return (
    <fieldset className="segments">
      <legend className="sr">Kinds</legend>
      <button type="button" aria-pressed={state.kinds.length === 0} onClick={() => change({ kinds: [], after: null })}>
        All
      </button>
      {KIND_FILTERS.map((k) => (
        <button
          type="button"
          key={k}
          aria-pressed={state.kinds.includes(k)}
          onClick={() => change({ kinds: state.kinds.includes(k) ? [] : [k], after: null })}
        >
          <KindIcon kind={k} />
          {k === 'UNIDENTIFIED' ? 'Unidentified' : `${KIND_WORD[k]}s`}
        </button>
      ))}
    </fieldset>
  );
}

function NodeRow({ node }: { node: Row }) {
  const rateIn = mean(node.rateIn?.points);
  // The newest point alone: an older one would hide that it is not known any more.
  const lag = node.lagSeries?.points.at(-1)?.value;
  const alone = deserted(node.groups ?? [], ago);
  // What runs through a topic is what is written to it; of others, whatever they move.
  const line =
    node.kind === 'APPLICATION' && rateIn ? node.rateIn : rateIn === null || rateIn === 0 ? node.rateOut : node.rateIn;
  return (
    <tr>
      <th scope="row">
        <Link href={lineageHref({ roots: [node.id], live: true })} className="node-link">
          <KindIcon kind={node.kind} />
          <span>{nodeName(node)}</span>
        </Link>
        {node.exists === false && <span className="tag">deleted</span>}
        {node.internal && <span className="tag">internal</span>}
        {halted(node) && <span className="tag">{halted(node)}</span>}
        {alone && <span className="alarm">{alone}</span>}
      </th>
      <td className="kind-word">{kindOf(node)}</td>
      <td>{placeOf(node)}</td>
      <td className="num">
        <NodeRate node={node} side="in" unit="records" />
      </td>
      <td className="num">
        <NodeRate node={node} side="out" unit="records" />
      </td>
      <td>
        <Sparkline points={line?.points ?? []} />
      </td>
      <td className="num">{lag == null ? <NoLag known={node.lagSeries != null} /> : compact(lag)}</td>
      <td>{node.lastSeen ? <time title={instant(node.lastSeen)}>{ago(node.lastSeen)}</time> : 'never'}</td>
      <td>
        {node.owner}
        {node.tags.map((t) => (
          <span key={t} className="tag">
            {t}
          </span>
        ))}
      </td>
    </tr>
  );
}

/** Nothing to be behind of, or a lag that can't be told, or of readers that nobody is there for. */
function NoLag({ known }: { known: boolean }) {
  return known ? (
    <span className="unknown">not known</span>
  ) : (
    <span className="none" title="no lag is known">
      –
    </span>
  );
}

function Pages(p: { first: boolean; more: boolean; toFirst(): void; toNext(): void }) {
  if (p.first && !p.more) return null;
  return (
    <nav className="pages" aria-label="Pages of nodes">
      <button type="button" disabled={p.first} onClick={p.toFirst}>
        First page
      </button>
      <button type="button" disabled={!p.more} onClick={p.toNext}>
        Next page
      </button>
    </nav>
  );
}
