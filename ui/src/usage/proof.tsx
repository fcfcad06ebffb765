import type { UsageQuery } from '../gql/graphql';
import { Instant } from '../shell/instant';
import { bundleHref } from '../url/export';

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
          <p className="note">
            Anybody verifies it without this server: <code>lineaged audit verify FILE</code>. It is signed by the key{' '}
            <span className="mono fingerprint">{ledger.fingerprint}</span>: note that down elsewhere, and compare.
          </p>
        </>
      )}
    </section>
  );
}
