import { useEffect } from 'react';
import { useQuery } from 'urql';
import { navigate } from 'wouter/use-browser-location';
import { LineageDocument } from '../gql/graphql';
import { Link } from '../shell/link';
import { Misread } from '../shell/misread';
import { Problem } from '../shell/problem';
import { initialLineage, isFlowId, type LineageState, lineageHref } from '../url/lineage';
import { endsOf, formatNode, type NodeState, nodePage, parseNode } from '../url/node';
import { useUrlState } from '../url/use-url';
import { nameOfId } from '../words/words';
import { departed } from './departed';
import { LastLife, useLastLives, windowOf } from './last-life';
import { isNotFound, Missing } from './missing';
import { PanelContent } from './panel';
import { lineageVariables } from './question';
import type { LineageAnswer } from './types';

const codec = { path: '/node', parse: parseNode, format: formatNode };

/** The panel of a node or flow as a page of its own, for a link and for a wide screen. */
export function NodePage() {
  const [{ id, window, column }] = useUrlState<NodeState>(codec);
  const state: LineageState = { ...initialLineage, roots: endsOf(id), depth: 1, window, selected: id, column };
  const [{ data, error, fetching }, again] = useQuery({
    query: LineageDocument,
    pause: id === '',
    variables: lineageVariables(state),
  });
  const missing = isNotFound(error);
  const lives = useLastLives(askedFor(id, data?.lineage, missing), window);
  const then = windowOf(lives?.[0]);
  const past: LineageState | null = then && { ...state, window: then };
  const [was] = useQuery({ query: LineageDocument, pause: !past, variables: lineageVariables(past ?? state) });
  const title = endsOf(id).map(nameOfId).join(' to ');
  useEffect(() => {
    document.title = `${title || 'Node'} · lineaged`;
  }, [title]);
  const answer = past ? was.data?.lineage : data?.lineage;
  // What a panel changes of a graph is here another page, or the graph.
  const change = (patch: Partial<LineageState>) => {
    if (patch.selected) return navigate(nodePage(patch.selected, window));
    if (patch.window) return navigate(nodePage(id, patch.window, column));
    if (patch.column !== undefined) return navigate(nodePage(id, window, patch.column));
    navigate(lineageHref({ ...state, ...patch }));
  };
  return (
    <main id="main" className="page node-page" aria-busy={fetching}>
      {id === '' && (
        <>
          <h1>No node</h1>
          <p className="empty">
            This link names none. Find one in the <Link href="/catalog">catalog</Link>.
          </p>
        </>
      )}
      <Misread />
      <Problem error={missing ? undefined : error} again={again} />
      {missing && !past && <Missing state={{ ...state, selected: null }} error={error} lives={lives} again={again} />}
      {past && lives?.[0] && (
        <LastLife life={lives[0]} shown>
          <Link className="button" href={nodePage(id, past.window)}>
            Go to that time
          </Link>
        </LastLife>
      )}
      <Problem error={past ? was.error : undefined} again={again} />
      {fetching && !answer && <p className="empty">Loading</p>}
      {answer && (
        <article
          className={past ? 'card panel-page past' : 'card panel-page'}
          aria-label={isFlowId(id) ? 'Flow' : 'Node'}
        >
          <PanelContent id={id} answer={answer} state={past ?? state} change={change} page />
        </article>
      )}
    </main>
  );
}

/** Whose last life is asked for: a flow that the window does not have, or a node that is missing or gone. */
function askedFor(id: string, answer: LineageAnswer | null | undefined, missing: boolean): string[] {
  if (!isFlowId(id)) return departed(endsOf(id), answer ?? undefined, missing);
  const known = !answer || answer.flows.some((f) => f.id === id);
  return missing || !known ? [id] : [];
}
