import { useQuery } from 'urql';
import { usePolling } from '../data/poll';
import { SuggestedJoinsDocument, type Window } from '../gql/graphql';
import { KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { Rule } from '../shell/rule';
import { lineageHref } from '../url/lineage';
import { plural } from '../words/words';

/** Names do not change from one tick to the next. */
const POLL_SECONDS = 60;

/**
 * Applications that look like one. They are offered with the rule that would join them, and never joined unasked;
 * without any there is nothing to see.
 */
export function SuggestedJoins({ window }: { window: Window }) {
  const [{ data }, again] = useQuery({ query: SuggestedJoinsDocument, variables: { window } });
  usePolling(again, POLL_SECONDS);
  const joins = data?.suggestedJoins?.joins ?? [];
  if (joins.length === 0) return null;
  return (
    <section className="card" aria-labelledby="joins-title">
      <details>
        <summary>
          <h2 id="joins-title">
            {plural(joins.length, 'pair')} of applications {joins.length === 1 ? 'looks' : 'look'} alike
          </h2>
          <span className="note">
            One only reads, the other only writes: are they one? If so, a rule in the configuration joins them.
          </span>
        </summary>
        <ul className="joins">
          {joins.map((j) => (
            <li key={`${j.a.id} ${j.b.id}`}>
              <p className="pair">
                {[j.a, j.b].map((n, i) => (
                  <span key={n.id}>
                    {i === 1 && 'and'}
                    <Link href={lineageHref({ roots: [n.id], live: true })} className="node-link">
                      <KindIcon kind={n.kind} />
                      <bdi>{n.name}</bdi>
                    </Link>
                  </span>
                ))}
                <Link href={lineageHref({ roots: [j.a.id, j.b.id], live: true })}>see both in one graph</Link>
              </p>
              <p className="note">{j.reason}</p>
              <Rule text={j.rule} name={`${j.a.name} and ${j.b.name}`} />
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}
