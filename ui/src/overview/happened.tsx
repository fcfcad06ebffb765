import type { EventType, OverviewQuery } from '../gql/graphql';
import { Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { lineageHref } from '../url/lineage';
import type { WindowChoice } from '../url/window';
import { overWords } from '../words/findings';
import { percent } from '../words/format';
import { EVENT_WORD, nodeName, plural } from '../words/words';

/** Of sources and of single members there are many, and they are told elsewhere. */
export const MATTERING: EventType[] = [
  'TOPIC_CREATED',
  'TOPIC_DELETED',
  'TOPIC_RECREATED',
  'CONFIG_CHANGED',
  'FLOW_STARTED',
  'FLOW_STOPPED',
  'OFFSETS_SET',
  'RECORDS_LOST',
  'CLUSTER_CHANGED',
  'ACCESS_DENIED',
  'ADMINISTERED',
  'SCHEMA_CHANGED',
  'JOB_STARTED',
  'JOB_ENDED',
  'JOB_FAILED',
  'JOB_RESTARTED',
  'CHECKPOINT_FAILED',
  'LEADERS_MOVED',
];

type Happening = NonNullable<OverviewQuery['events']>['edges'][number]['node'];

interface Props {
  events: OverviewQuery['events'] | undefined;
  observed: { complete: boolean; observedFraction: number } | undefined;
  window: WindowChoice;
  when(iso: string): string;
}

/** What happened in the window, the newest first. */
export function Happened({ events, observed, window, when }: Props) {
  const all = events?.edges.map((e) => e.node) ?? [];
  const told = [...Map.groupBy(all, (e) => `${e.type} ${e.flow?.id ?? e.node?.id ?? e.detail}`).values()];
  const view = { window, live: window.kind === 'last' };
  return (
    <section className="card" aria-labelledby="events-title">
      <div className="card-head">
        <h2 id="events-title">What happened</h2>
        {events && (
          <span className="note">
            {plural(events.totalCount, 'event')} in {overWords(window)}
          </span>
        )}
        {events && events.totalCount > all.length && (
          <Link className="grow-end" href={lineageHref({ ...view, view: 'events' })}>
            All events
          </Link>
        )}
      </div>
      <ul className="happened">
        {told.flatMap(([e, ...same]) =>
          e
            ? [
                <li key={e.id}>
                  <Instant at={e.at} when={when} className="when" />
                  <span>
                    {EVENT_WORD[e.type]} <About event={e} view={view} />
                    {same.length > 0 && <span className="note"> {same.length + 1} times</span>}
                  </span>
                </li>,
              ]
            : [],
        )}
      </ul>
      {events && all.length === 0 && <p className="note empty-line">{nothing(observed, overWords(window))}</p>}
    </section>
  );
}

function nothing(o: Props['observed'], over: string): string {
  if (!o || o.observedFraction === 0) return 'Nothing was observed: what happened is not known.';
  if (o.complete) return `Nothing happened in ${over}.`;
  return `Nothing happened in the ${percent(o.observedFraction)} of ${over} that was observed; of the rest it is not known.`;
}

function About({ event: e, view }: { event: Happening; view: { window: WindowChoice; live: boolean } }) {
  if (e.flow) {
    return (
      <Link href={lineageHref({ ...view, roots: [e.flow.from.id], selected: e.flow.id })}>
        <bdi>{nodeName(e.flow.from)}</bdi> → <bdi>{nodeName(e.flow.to)}</bdi>
      </Link>
    );
  }
  if (!e.node) return <span className="note">{e.detail}</span>;
  return (
    <Link href={lineageHref({ ...view, roots: [e.node.id], selected: e.node.id })}>
      <bdi>{nodeName(e.node)}</bdi>
    </Link>
  );
}
