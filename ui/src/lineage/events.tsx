import { useState } from 'react';
import { useQuery } from 'urql';
import { type EventRowsFragment, EventsDocument, type EventsQuery, type EventType } from '../gql/graphql';
import { Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { Name } from '../shell/name';
import { Problem } from '../shell/problem';
import { GRAVE, OF_SOURCES } from '../time/scale';
import { type LineageState, lineageHref } from '../url/lineage';
import { count, percent } from '../words/format';
import { EVENT_WORD, nameOfId, plural } from '../words/words';

const PAGE = 100;
const MOST = 1000;
const OTHER = (Object.keys(EVENT_WORD) as EventType[]).filter((t) => !GRAVE.includes(t) && !OF_SOURCES.includes(t));

type Rows = EventRowsFragment;
type Event = Rows['edges'][number]['node'];

/** What changed in the window, at any of the roots or, without one, anywhere: what matters first, what sources say of themselves folded. */
export function EventList({ window, state }: { window: { start: string; end: string }; state: LineageState }) {
  const [first, setFirst] = useState(PAGE);
  const [open, setOpen] = useState(false);
  const [{ data, error, fetching }, again] = useQuery({
    query: EventsDocument,
    variables: {
      window: { start: window.start, end: window.end },
      nodes: state.roots.length > 0 ? state.roots : null,
      grave: [...GRAVE],
      other: OTHER,
      sources: [...OF_SOURCES],
      first,
      sourcesFirst: open ? PAGE : 0,
    },
  });
  const total = data && (data.grave?.totalCount ?? 0) + (data.other?.totalCount ?? 0);
  const more = [data?.grave, data?.other].some((x) => x && x.totalCount > x.edges.length) && first < MOST;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="tables" tabIndex={0} aria-label="Events">
      <Problem error={error} again={again} />
      <section className="card">
        <h2>
          Events
          {state.roots.map((root, i) => (
            <span key={root}>
              {i === 0 ? ' of ' : ', '}
              <bdi>{nameOfId(root)}</bdi>
            </span>
          ))}{' '}
          <span className="note" role="status">
            {total !== undefined ? plural(total, 'event') : fetching ? 'loading' : ''}
          </span>
        </h2>
        {data && total === 0 && <p className="empty">{nothing(data)}</p>}
        <EventTable title="What matters" rows={data?.grave} state={state} grave />
        <EventTable title="What else changed" rows={data?.other} state={state} />
        {more && (
          <nav className="pages" aria-label="More events">
            <button type="button" onClick={() => setFirst(Math.min(first * 3, MOST))}>
              Show more
            </button>
          </nav>
        )}
        {data?.sources && data.sources.totalCount > 0 && (
          <details className="event-sources" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
            <summary>
              {plural(data.sources.totalCount, 'time')} a source stopped or went on observing; what was not seen is in
              the coverage
            </summary>
            {open && <EventTable title="Sources" rows={data.sources} state={state} />}
          </details>
        )}
      </section>
    </section>
  );
}

function nothing({ grave }: EventsQuery): string {
  if (!grave || grave.coverage.complete) return 'Nothing changed in this window.';
  if (grave.coverage.observedFraction === 0) return 'Nothing was observed in this window: what happened is not known.';
  return `No event in the ${percent(grave.coverage.observedFraction)} of this window that was observed; of the rest it is not known.`;
}

interface TableProps {
  title: string;
  rows: Rows | null | undefined;
  state: LineageState;
  grave?: boolean;
}

function EventTable({ title, rows, state, grave }: TableProps) {
  if (!rows || rows.edges.length === 0) return null;
  const left = rows.totalCount - rows.edges.length;
  return (
    <>
      <h3 className={grave ? 'event-title grave' : 'event-title'}>
        {grave && <i className="bar-event-grave" aria-hidden="true" />}
        {title}{' '}
        <span className="note">
          {left > 0 ? `the newest ${count(rows.edges.length)} of ${count(rows.totalCount)}` : count(rows.totalCount)}
        </span>
      </h3>
      <div className="scroll">
        <table className="events">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Event</th>
              <th scope="col">About</th>
              <th scope="col">Detail</th>
            </tr>
          </thead>
          <tbody>
            {rows.edges.map(({ node: e }) => (
              <tr key={e.id}>
                <th scope="row">
                  <Link
                    href={lineageHref({ ...about(e, state), window: { kind: 'at', at: e.at }, live: false })}
                    title="Everything at that instant"
                  >
                    <Instant at={e.at} />
                  </Link>
                </th>
                <td>{EVENT_WORD[e.type]}</td>
                <td>
                  <About event={e} state={state} />
                </td>
                <td>
                  <bdi>{e.detail}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function About({ event: e, state }: { event: Event; state: LineageState }) {
  if (!e.flow && !e.node) return null;
  return (
    <Link href={lineageHref(about(e, state))}>
      {e.flow ? (
        <>
          <Name node={e.flow.from} /> → <Name node={e.flow.to} />
        </>
      ) : (
        e.node && <Name node={e.node} />
      )}
    </Link>
  );
}

/** The page as it is, with what an event is about opened in the graph; a node that is no root is made one. */
function about(e: Event, state: LineageState): LineageState {
  const id = e.flow?.id ?? e.node?.id ?? null;
  const elsewhere = e.node && !state.roots.includes(e.node.id);
  return { ...state, view: 'graph', selected: id, roots: elsewhere && e.node ? [e.node.id] : state.roots };
}
