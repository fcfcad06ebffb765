import { useId, useState } from 'react';
import { useQuery } from 'urql';
import { type NodeKind, ReportChoicesDocument, type ReportChoicesQuery } from '../gql/graphql';
import { Link } from '../shell/link';
import { Problem } from '../shell/problem';
import { type ReportsState, reportsHref, type Scope, SHAPES } from '../url/reports';
import type { Change } from '../url/use-url';
import { windowInput } from '../url/window';
import { nodeName } from '../words/words';

interface Props {
  state: ReportsState;
  change: Change<ReportsState>;
}

/** What a scope is called, and what of it can be typed. */
const SCOPE: Record<Scope, { word: string; name: string; kinds: NodeKind[] | null }> = {
  tag: { word: 'a tag', name: 'Tag', kinds: null },
  owner: { word: 'an owner', name: 'Owner', kinds: null },
  topic: { word: 'a topic', name: 'Topic', kinds: ['TOPIC'] },
  application: {
    word: 'an application',
    name: 'Application',
    kinds: ['APPLICATION', 'STREAM_JOB', 'JOB', 'CONNECTOR', 'REPLICATOR'],
  },
  cluster: { word: 'a cluster', name: 'Cluster', kinds: null },
};

/** How many are offered to be chosen with one key. */
const OFFERED = 24;

/** Of what a report is. What is typed counts once it is sent, so that no report is made of half a word. */
export function Chooser({ state, change }: Props) {
  const id = useId();
  const [typed, setTyped] = useState(state.of);
  const [touched, setTouched] = useState(false);
  const { kinds, name } = SCOPE[state.scope];
  const { scopes, all } = SHAPES[state.report ?? 'usage'];
  const none = state.of === '' && !all;
  const [{ data, error, fetching }, again] = useQuery({
    query: ReportChoicesDocument,
    // What there is to choose from is asked for only by who is choosing.
    pause: !none && !touched,
    variables: { text: null, kinds, window: windowInput(state.window) },
  });
  const offered = choicesOf(state.scope, data);
  return (
    <>
      <form
        className="report-form"
        aria-label="What it is of"
        onSubmit={(e) => {
          e.preventDefault();
          change({ of: idOf(typed.trim(), offered) });
        }}
      >
        {scopes.length > 1 && (
          <label className="field">
            Of
            <select value={state.scope} onChange={(e) => change({ scope: e.target.value as Scope, of: '', by: null })}>
              {scopes.map((s) => (
                <option key={s} value={s}>
                  {SCOPE[s].word}
                </option>
              ))}
            </select>
          </label>
        )}
        <label className="field">
          {name}
          <input
            list={`${id}-list`}
            value={typed}
            placeholder={all ? 'all' : undefined}
            maxLength={512}
            autoComplete="off"
            spellCheck={false}
            onFocus={() => setTouched(true)}
            onChange={(e) => setTyped(e.target.value)}
          />
        </label>
        <datalist id={`${id}-list`}>
          {offered.map((c) => (
            <option key={c.value} value={c.value}>
              {c.name}
            </option>
          ))}
        </datalist>
        <button type="submit" disabled={typed.trim() === '' && !all}>
          Show
        </button>
      </form>
      {none && <Problem error={error} again={again} />}
      {none && !error && <Offered state={state} offered={offered} coming={fetching && !data} />}
    </>
  );
}

export interface Offer {
  value: string;
  name: string;
}

/** What there is to choose from, by name. */
export function choicesOf(scope: Scope, data: ReportChoicesQuery | undefined): Offer[] {
  const nodes = data?.nodes?.edges.map((e) => e.node) ?? [];
  const plain = (all: readonly string[]): Offer[] =>
    [...new Set(all)].filter((v) => v !== '').map((value) => ({ value, name: value }));
  const all: Record<Scope, () => Offer[]> = {
    tag: () => plain(nodes.flatMap((n) => n.tags)),
    owner: () => plain(nodes.map((n) => n.owner ?? '')),
    cluster: () => plain(data?.clusters?.map((c) => c.name) ?? []),
    topic: () => nodes.map((n) => ({ value: n.id, name: nodeName(n) })),
    application: () => nodes.map((n) => ({ value: n.id, name: nodeName(n) })),
  };
  return all[scope]().toSorted((a, b) => a.name.localeCompare(b.name));
}

/** What was typed as a link names it: of a node its id, where one alone bears the name. */
export function idOf(typed: string, offered: readonly Offer[]): string {
  const named = offered.filter((o) => o.name === typed);
  return named.length === 1 && named[0] ? named[0].value : typed;
}

function Offered({ state, offered, coming }: { state: ReportsState; offered: readonly Offer[]; coming: boolean }) {
  const { word, name } = SCOPE[state.scope];
  if (coming) return <p className="empty">Loading</p>;
  if (offered.length === 0)
    return (
      <p className="empty">
        {state.scope === 'tag' || state.scope === 'owner'
          ? `No ${state.scope} is known in this window. Rules in the configuration give tags and owners; the catalog shows who has none.`
          : `No ${name.toLowerCase()} is known in this window; a longer one may have some.`}
      </p>
    );
  return (
    <section aria-label={`${name}s`}>
      <p>Choose {word}:</p>
      <ul className="report-offered">
        {offered.slice(0, OFFERED).map((o) => (
          <li key={o.value}>
            <Link className="button" href={reportsHref({ ...state, of: o.value })}>
              <bdi>{o.name}</bdi>
            </Link>
          </li>
        ))}
      </ul>
      {offered.length > OFFERED && (
        <p className="note">{`and ${offered.length - OFFERED} more: type the beginning of a name`}</p>
      )}
    </section>
  );
}
