import { useState } from 'react';
import { useQuery } from 'urql';
import { SuggestedJoinsDocument, type Window } from '../gql/graphql';
import { KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { lineageHref } from '../url/lineage';
import { plural } from '../words/words';

/** Applications that look like one. They are offered with the rule that would join them, and never joined unasked; without any there is nothing to see. */
export function SuggestedJoins({ window }: { window: Window }) {
  const [{ data }] = useQuery({ query: SuggestedJoinsDocument, variables: { window } });
  const joins = data?.suggestedJoins ?? [];
  if (joins.length === 0) return null;
  return (
    <section className="card" aria-labelledby="joins-title">
      <details>
        <summary>
          <h2 id="joins-title">
            {plural(joins.length, 'pair')} of applications {joins.length === 1 ? 'looks' : 'look'} alike
          </h2>
          <span className="note">one that only reads, one that only writes: are they the same?</span>
        </summary>
        <ul className="joins">
          {joins.map((j) => (
            <li key={`${j.a.id} ${j.b.id}`}>
              <p>
                {[j.a, j.b].map((n, i) => (
                  <span key={n.id}>
                    {i === 1 && ' and '}
                    <Link href={lineageHref({ roots: [n.id], live: true })} className="node-link">
                      <KindIcon kind={n.kind} />
                      <span>{n.name}</span>
                    </Link>
                  </span>
                ))}
                <span className="note"> {j.reason}.</span>
              </p>
              <Rule text={j.rule} />
            </li>
          ))}
        </ul>
      </details>
    </section>
  );
}

/** What to add to the configuration file to make them one. */
function Rule({ text }: { text: string }) {
  const [copied, setCopied] = useState(false);
  return (
    <div className="rule">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a text that scrolls must be reachable by keyboard */}
      <pre className="mono" tabIndex={0}>
        {text}
      </pre>
      <button type="button" onClick={() => navigator.clipboard.writeText(text).then(() => setCopied(true))}>
        {copied ? 'Copied' : 'Copy the rule'}
      </button>
    </div>
  );
}
