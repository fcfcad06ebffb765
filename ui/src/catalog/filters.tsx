import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { ClustersDocument, type NodeKind, type NodeOrder } from '../gql/graphql';
import { Icon, KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { type CatalogState, STATES } from '../url/catalog';
import { reportsHref } from '../url/reports';
import type { Change } from '../url/use-url';
import { type Going, isSick } from '../words/going';
import { KIND_WORD } from '../words/words';
import { stateOfFlow } from './cells';
import { ORDERS } from './head';

interface Props {
  state: CatalogState;
  change: Change<CatalogState>;
}

const KINDS: NodeKind[] = [
  'TOPIC',
  'APPLICATION',
  'STREAM_JOB',
  'JOB',
  'CONNECTOR',
  'REPLICATOR',
  'DATASET',
  'UNIDENTIFIED',
];

/** What narrows the list, each of it in the URL. On a phone in a drawer, with how many of them are on. */
export function Filters({ state, change }: Props) {
  const [open, setOpen] = useState(false);
  const on =
    state.kinds.length +
    [state.cluster, state.owner, state.tag, state.states.length, state.order, state.internal].filter(Boolean).length;
  return (
    <div className={`catalog-filters ${open ? 'open' : ''}`}>
      <SearchBox text={state.text} change={change} />
      <button type="button" className="drawer-button" aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="filter" />
        Filters{on > 0 && ` (${on})`}
      </button>
      <div className="drawer">
        <Kinds state={state} change={change} />
        <Clusters state={state} change={change} />
        <States states={state.states} change={change} />
        <label className="field phone-only">
          Order
          <select
            value={state.order ?? ''}
            onChange={(e) => change({ order: (e.target.value || null) as NodeOrder | null })}
          >
            {ORDERS.map(([value, word]) => (
              <option key={value} value={value}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <label className="check">
          <input type="checkbox" checked={state.internal} onChange={(e) => change({ internal: e.target.checked })} />
          internal topics
        </label>
        {state.owner && <Chosen what="owner" value={state.owner} drop={() => change({ owner: null })} />}
        {state.tag && <Chosen what="tag" value={state.tag} drop={() => change({ tag: null, derived: false })} />}
        {state.tag && (
          <label className="check">
            <input type="checkbox" checked={state.derived} onChange={(e) => change({ derived: e.target.checked })} />
            also where it comes along flows
          </label>
        )}
        <WhoUsed state={state} />
      </div>
    </div>
  );
}

/** A filter that was chosen in a row or in the search of everything: named, to be given up. */
function Chosen({ what, value, drop }: { what: string; value: string; drop(): void }) {
  return (
    <button type="button" className="chosen" onClick={drop} aria-label={`${what} ${value}: give up this filter`}>
      <span className="note">{what}</span>
      <bdi className="cut">{value}</bdi>
      <Icon name="close" />
    </button>
  );
}

/** From a tag or an owner it is one step to who used what bears it. */
function WhoUsed({ state }: Pick<Props, 'state'>) {
  const { tag, owner, window } = state;
  const of = tag ?? owner;
  if (!of) return null;
  return (
    <Link href={reportsHref({ report: 'usage', scope: tag ? 'tag' : 'owner', of, window })}>
      Who used what {tag ? 'has the tag' : 'is owned by'} <bdi>{of}</bdi>
    </Link>
  );
}

function SearchBox({ text, change }: { text: string; change: Change<CatalogState> }) {
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
      change({ text: typed }, { replace: true });
    }, 150);
    return () => clearTimeout(timer);
  }, [typed, sent, change]);
  return (
    <search className="search">
      <Icon name="search" />
      <input
        type="search"
        aria-label="Filter by name, owner or tag"
        placeholder="Filter by name, owner, tag"
        maxLength={256} // no longer text is searched for
        value={typed}
        onChange={(e) => setTyped(e.target.value)}
        autoComplete="off"
        spellCheck={false}
      />
    </search>
  );
}

function Kinds({ state, change }: Props) {
  return (
    <fieldset className="segments">
      <legend className="sr">Kinds</legend>
      <button type="button" aria-pressed={state.kinds.length === 0} onClick={() => change({ kinds: [] })}>
        All
      </button>
      {KINDS.map((k) => {
        const on = state.kinds.includes(k);
        return (
          <button
            type="button"
            key={k}
            aria-pressed={on}
            onClick={() => change({ kinds: on ? state.kinds.filter((x) => x !== k) : [...state.kinds, k] })}
          >
            <KindIcon kind={k} />
            {k === 'UNIDENTIFIED' ? 'Unidentified' : `${KIND_WORD[k]}s`}
          </button>
        );
      })}
    </fieldset>
  );
}

/** What needs somebody is one choice, and so is each state. */
const CHOICES: Going[][] = [STATES.filter(isSick), ...STATES.map((g) => [g])];

const wordOf = (states: readonly Going[]): string =>
  String(states) === String(CHOICES[0]) ? 'needing somebody' : states.map(stateOfFlow).join(' or ');

function States({ states, change }: { states: Going[] } & Pick<Props, 'change'>) {
  const is = String(states);
  // A link may name any of them together.
  const choices = states.length === 0 || CHOICES.some((c) => String(c) === is) ? CHOICES : [...CHOICES, states];
  return (
    <label className="field" title="Nodes with a flow that goes so at the window's end">
      State
      <select value={is} onChange={(e) => change({ states: choices.find((c) => String(c) === e.target.value) ?? [] })}>
        <option value="">all</option>
        {choices.map((c) => (
          <option key={String(c)} value={String(c)}>
            {wordOf(c)}
          </option>
        ))}
      </select>
    </label>
  );
}

function Clusters({ state, change }: Props) {
  const [{ data }] = useQuery({ query: ClustersDocument });
  const names = [...new Set(data?.clusters?.map((c) => c.name))];
  // A link may name a cluster that is watched no more: the filter is on all the same, and can be given up.
  if (state.cluster && !names.includes(state.cluster)) names.push(state.cluster);
  if (names.length < 2 && !state.cluster) return null;
  return (
    <label className="field">
      Cluster
      <select value={state.cluster ?? ''} onChange={(e) => change({ cluster: e.target.value || null })}>
        <option value="">all</option>
        {names.map((n) => (
          <option key={n} value={n}>
            {n}
          </option>
        ))}
      </select>
    </label>
  );
}
