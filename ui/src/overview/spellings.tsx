import { useQuery } from 'urql';
import { usePolling } from '../data/poll';
import { ClusterSpellingsDocument, type ClusterSpellingsQuery, type SpellingBasis } from '../gql/graphql';
import { Instant } from '../shell/instant';
import { Rule } from '../shell/rule';
import { ago } from '../words/format';
import { plural } from '../words/words';

/** Names do not change from one tick to the next. */
const POLL_SECONDS = 60;

type Spellings = NonNullable<ClusterSpellingsQuery['clusterSpellings']>;
type Spelling = Spellings['items'][number];

const BASES: Record<SpellingBasis, string> = {
  RULE: 'by a rule',
  CLUSTER_ID: 'by its cluster id',
  CONFIGURED: 'by an address that it is configured with',
  ADVERTISED: 'by an address that its brokers advertise',
  NAME: 'by its configured name',
};

/**
 * How others call the watched clusters. What can't be told is first, with the rule that would settle it, since what is
 * said of it is in no topic's lineage; where nobody calls a cluster anything there is nothing to see.
 */
export function ClusterNames() {
  const [{ data }, again] = useQuery({ query: ClusterSpellingsDocument });
  usePolling(again, POLL_SECONDS);
  const s = data?.clusterSpellings;
  if (!s || s.items.length === 0) return null;
  return (
    <section className="card" aria-labelledby="spellings-title">
      <details>
        <summary>
          <h2 id="spellings-title">How others call the clusters</h2>
          <span className="note">
            {s.untoldCount > 0 && (
              <span className="state bad">
                {plural(s.untoldCount, 'name')} of which nobody knows what cluster is meant.
              </span>
            )}{' '}
            {plural(s.items.length, 'name')} since <Instant at={s.since} when={ago} />
            {s.full && '; there are more than are remembered'}
          </span>
        </summary>
        <div className="scroll" tabIndex={-1}>
          <table className="spellings">
            <thead>
              <tr>
                <th scope="col">Name</th>
                <th scope="col">Who says it</th>
                <th scope="col">Cluster</th>
              </tr>
            </thead>
            <tbody>
              {s.items.map((x) => (
                <tr key={`${x.spelling}\n${x.from}`}>
                  <th scope="row" className="strong">
                    <bdi>{x.spelling || 'no name at all'}</bdi>
                  </th>
                  <td>
                    <bdi>{[x.from, ...x.by.filter((by) => by !== x.from)].filter(Boolean).join(', ')}</bdi>
                  </td>
                  <td>
                    <Meaning of={x} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  );
}

function Meaning({ of: x }: { of: Spelling }) {
  if (x.cluster !== null && x.basis !== null)
    return (
      <>
        <bdi>{x.cluster}</bdi>{' '}
        <span className="note">
          {BASES[x.basis]}
          {x.matched !== null && x.matched !== x.cluster && x.matched !== x.spelling && (
            <>
              , <bdi>{x.matched}</bdi>
            </>
          )}
        </span>
      </>
    );
  return (
    <>
      <span className="unknown">can't be told</span>
      <p className="note">{x.why}</p>
      {x.rule && <Rule text={x.rule} name={x.spelling} />}
    </>
  );
}
