import { useEffect } from 'react';
import { useQuery } from 'urql';
import { useLive } from '../data/live';
import { UsageDocument, type UsageFlowFragment } from '../gql/graphql';
import { isNotFound, Missing } from '../lineage/missing';
import { coverageText } from '../shell/coverage';
import { Between } from '../shell/instant';
import { Link } from '../shell/link';
import { Misread } from '../shell/misread';
import { Name } from '../shell/name';
import { Problem } from '../shell/problem';
import { ZoneName } from '../shell/zone';
import { reportHref, usageHref } from '../url/export';
import { initialLineage, lineageHref } from '../url/lineage';
import { reportsHref } from '../url/reports';
import { formatUsage, parseUsage, type UsageState } from '../url/usage';
import { useUrlState } from '../url/use-url';
import { windowInput } from '../url/window';
import { nameOfId, placeOf, plural } from '../words/words';
import { Permitted } from './permitted';
import { Proof } from './proof';
import { Sum } from './sum';
import { Users } from './users';
import { When } from './when';

/** How often is asked while the server can't tell that something is new. */
const POLL_SECONDS = 10;
const codec = { path: '/usage', parse: parseUsage, format: formatUsage };

/** Who wrote and who read a topic in a window, as a report: to be read, taken away and printed. */
export function UsagePage() {
  const [{ topic, window }] = useUrlState<UsageState>(codec);
  const name = nameOfId(topic);
  const isTopic = topic.startsWith('topic:');
  useEffect(() => {
    document.title = `Who used ${name} · lineaged`;
  }, [name]);
  const [{ data, error, fetching }, again] = useQuery({
    query: UsageDocument,
    pause: !isTopic,
    variables: { topic, window: windowInput(window) },
  });
  const seconds = isTopic && window.kind === 'last' ? POLL_SECONDS : null;
  useLive({ window: windowInput(window), fetching, again, seconds });
  const usage = data?.topicUsage;
  const missing = isNotFound(error);
  return (
    <main id="main" className="page usage" aria-busy={fetching}>
      <header className="usage-head">
        <h1>
          Who used <bdi>{name || 'a topic'}</bdi>
        </h1>
        {usage && (
          <p className="note">
            Topic <Name node={usage.topic} />
            {placeOf(usage.topic) && ` in ${placeOf(usage.topic)}`},{' '}
            {usage.topic.owner ? (
              <>
                owned by <Scoped scope="owner" of={usage.topic.owner} window={window} />
              </>
            ) : (
              'no owner known'
            )}
            {usage.topic.tags.map((tag) => (
              <span key={tag}>
                , <Scoped scope="tag" of={tag} window={window} />
              </span>
            ))}
            .{' '}
            <b>
              <Between start={usage.coverage.window.start} end={usage.coverage.window.end} />
            </b>{' '}
            (<ZoneName at={usage.coverage.window.end} />
            ), step {usage.coverage.window.step}
          </p>
        )}
        {usage && (
          <p className="usage-links">
            <a className="button" href={usageHref(topic, window, 'csv')} download>
              CSV
            </a>
            <a className="button" href={usageHref(topic, window, 'json')} download>
              JSON
            </a>
            <a className="button" href={reportHref('report', ['topic', topic], window, 'html')} download>
              HTML
            </a>
            <button type="button" onClick={() => print()}>
              Print
            </button>
            <Link className="button" href={lineageHref({ roots: [topic], window })}>
              Its lineage
            </Link>
          </p>
        )}
      </header>
      <p className="sr" role="status">
        {usage ? `${plural(usage.writers.length, 'writer')}, ${plural(usage.readers.length, 'reader')}` : ''}
      </p>
      {topic === '' && <NoTopic />}
      {topic !== '' && !isTopic && <OtherNode id={topic} window={window} />}
      <Misread />
      <Problem error={missing ? undefined : error} again={again} />
      {missing && <Missing state={{ ...initialLineage, roots: [topic], window }} error={error} again={again} />}
      {fetching && !usage && <p className="empty">Loading</p>}
      {usage && (
        <>
          <Sum usage={usage} ledger={data?.ledger} />
          <section className="usage-side" id="observed" aria-label="Observed">
            <h2>
              When <span className="note">{coverageText(usage.coverage)}</span>
            </h2>
            <When usage={usage} sealed={data?.ledger ? data.ledger.sealed : undefined} />
          </section>
          <NoPrincipals flows={[...usage.writers, ...usage.readers]} />
          <Users side="writers" flows={usage.writers} topic={topic} window={window} coverage={usage.coverage} />
          <Users side="readers" flows={usage.readers} topic={topic} window={window} coverage={usage.coverage} />
          <Permitted all={usage.permitted} />
          <BlindSpots spots={usage.coverage.blindSpots} />
          <Proof ledger={data?.ledger} topic={topic} window={usage.coverage.window} />
        </>
      )}
    </main>
  );
}

/** An owner or tag, with the way to who used all that has it. */
function Scoped({ scope, of, window }: { scope: 'owner' | 'tag'; of: string; window: UsageState['window'] }) {
  return (
    <Link href={reportsHref({ report: 'usage', scope, of, window })} title={`Who used all of the ${scope}`}>
      <bdi>{of}</bdi>
    </Link>
  );
}

function OtherNode({ id, window }: { id: string; window: UsageState['window'] }) {
  return (
    <p className="empty">
      <bdi>{nameOfId(id)}</bdi> is not a topic, and who used it is told of topics alone. What it wrote and read is in{' '}
      <Link href={lineageHref({ roots: [id], window })}>its lineage</Link>.
    </p>
  );
}

function NoTopic() {
  return (
    <p className="empty">
      This link names no topic. Find one in the <Link href="/catalog?kind=topic">catalog</Link>: its panel and its menu
      lead here.
    </p>
  );
}

/** Where nobody tells a principal of anybody, that no row has one is no sign that there was none. */
function NoPrincipals({ flows }: { flows: readonly UsageFlowFragment[] }) {
  if (flows.length === 0 || flows.some((f) => f.clients.some((c) => c.principal))) return null;
  return (
    <p className="note">
      By which principals it was used is not told: an audit log, the brokers' request log or client telemetry would
      tell.
    </p>
  );
}

/** What nobody could have seen even so: without it a report reads as if nobody else can have been there. */
function BlindSpots({ spots }: { spots: readonly { what: string; remedy: string }[] }) {
  return (
    <section className="usage-side" aria-label="Blind spots">
      <h2>
        What could not have been seen <span className="note">{spots.length}</span>
      </h2>
      {spots.length === 0 && <p>Nothing that is known of: all that lineaged can look at was looked at.</p>}
      <ul className="blind">
        {[...Map.groupBy(spots, (b) => `${b.what}\n${b.remedy}`)].map(([key, of]) => (
          <li key={key}>
            <span>{of[0]?.what}</span>
            <span className="remedy">
              <b>Remedy:</b> {of[0]?.remedy}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
