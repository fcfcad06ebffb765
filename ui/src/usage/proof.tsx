import type { UsageQuery } from '../gql/graphql';
import { Instant } from '../shell/instant';
import { bundleHref } from '../url/export';
import { count } from '../words/format';

type Ledger = NonNullable<UsageQuery['ledger']>;
type Window = { start: string; end: string };

/** How much of a window stands in the ledger. */
export function sealed(closedUntil: string | null | undefined, w: Window): 'none' | 'part' | 'all' {
  if (!closedUntil || Date.parse(closedUntil) <= Date.parse(w.start)) return 'none';
  return Date.parse(closedUntil) < Date.parse(w.end) ? 'part' : 'all';
}

/** What of this report can be proved later, and to whom: the bundle is what others verify. */
export function Proof({ ledger, topic, window }: { ledger: Ledger | null | undefined; topic: string; window: Window }) {
  const how = sealed(ledger?.closedUntil, window);
  return (
    <section className="usage-side proof" aria-label="Proof">
      <h2>Proof</h2>
      {!ledger && <p>The ledger is switched off: this report can't be proved later.</p>}
      {ledger?.trouble && <p className="unknown">{ledger.trouble}</p>}
      {ledger && how === 'none' && (
        <p>
          Nothing of this window stands in the ledger yet: each period of {ledger.period} is closed two minutes after
          its end
          {ledger.closedUntil && (
            <>
              , and the newest ends at <Instant at={ledger.closedUntil} />
            </>
          )}
          .
        </p>
      )}
      {ledger && how !== 'none' && (
        <>
          <p>
            {how === 'all' ? (
              'All of this window stands'
            ) : (
              <>
                Until <Instant at={ledger.closedUntil ?? ''} /> this window stands
              </>
            )}{' '}
            in the ledger, in whole periods of {ledger.period}, as it was known when they were closed and as amended
            since.
          </p>
          <p>
            <a className="button" href={bundleHref(topic, window.start, window.end)} download>
              Take the proof away
            </a>
          </p>
          <Anchors ledger={ledger} />
          <p className="note">
            Anybody verifies it without this server: <code>lineaged audit verify FILE</code>. It is signed by the key{' '}
            <span className="mono fingerprint">{ledger.fingerprint}</span>: note that down elsewhere, and compare.
          </p>
        </>
      )}
    </section>
  );
}

/** Who else holds checkpoints: without one the key's holder could have rewritten all of it. */
function Anchors({ ledger }: { ledger: Ledger }) {
  if (ledger.anchors.length === 0)
    return (
      <p>
        Nobody else is told of it: who holds the key could rewrite what came after the last checkpoint that somebody
        took away. Anchors are configured under <code>ledger.anchors</code>.
      </p>
    );
  return (
    <ul className="anchors">
      {ledger.anchors.map((a) => (
        <li key={a.name}>
          <bdi className="mono">{a.name}</bdi>:{' '}
          {a.at ? (
            <>
              holds {count(a.entries ?? 0)} of {count(ledger.entries ?? 0)} entries since <Instant at={a.at} />
            </>
          ) : (
            <span className="unknown">has acknowledged nothing yet</span>
          )}
        </li>
      ))}
    </ul>
  );
}
