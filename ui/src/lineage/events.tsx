import { useState } from 'react';
import { useQuery } from 'urql';
import { EventsDocument } from '../gql/graphql';
import { Link } from '../shell/link';
import { Problem } from '../shell/problem';
import { type LineageState, lineageHref } from '../url/lineage';
import { instant, percent } from '../words/format';
import { EVENT_WORD, nameOfId, nodeName, plural } from '../words/words';

const PAGE = 200;

/** What changed in the window, at the root or, without one, anywhere. */
export function EventList({ window, state }: { window: { start: string; end: string }; state: LineageState }) {
  const root = state.roots[0] ?? null;
  const [after, setAfter] = useState<string | null>(null);
  const [{ data, error, fetching }, again] = useQuery({
    query: EventsDocument,
    variables: { window: { start: window.start, end: window.end }, node: root, first: PAGE, after },
  });
  const found = data?.events;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="tables" tabIndex={0} aria-label="Events">
      <Problem error={error} again={again} />
      <section className="card">
        <h2>
          Events{root && ` of ${nameOfId(root)}`}{' '}
          <span className="note" role="status">
            {found ? plural(found.totalCount, 'event') : fetching ? 'loading' : ''}
          </span>
        </h2>
        <table>
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Event</th>
              <th scope="col">About</th>
              <th scope="col">Detail</th>
            </tr>
          </thead>
          <tbody>
            {found?.edges.map(({ node: e }) => (
              <tr key={e.id}>
                <th scope="row">
                  <time>{instant(e.at)}</time>
                </th>
                <td>{EVENT_WORD[e.type]}</td>
                <td>
                  {e.flow ? (
                    `${nodeName(e.flow.from)} → ${nodeName(e.flow.to)}`
                  ) : e.node ? (
                    <Link href={lineageHref({ roots: [e.node.id], window: state.window, live: state.live })}>
                      {nodeName(e.node)}
                    </Link>
                  ) : (
                    ''
                  )}
                </td>
                <td>{e.detail}</td>
              </tr>
            ))}
            {found?.edges.length === 0 && (
              <tr>
                <td colSpan={4} className="empty">
                  {found.coverage.complete
                    ? 'Nothing changed in this window.'
                    : found.coverage.observedFraction === 0
                      ? 'Nothing was observed in this window: what happened is not known.'
                      : `No event in the ${percent(found.coverage.observedFraction)} of this window that was observed; of the rest it is not known.`}
                </td>
              </tr>
            )}
          </tbody>
        </table>
        {(after !== null || found?.pageInfo.hasNextPage) && (
          <nav className="pages" aria-label="Pages of events">
            <button type="button" disabled={after === null} onClick={() => setAfter(null)}>
              First page
            </button>
            <button
              type="button"
              disabled={!found?.pageInfo.hasNextPage}
              onClick={() => setAfter(found?.pageInfo.endCursor ?? null)}
            >
              Next page
            </button>
          </nav>
        )}
      </section>
    </section>
  );
}
