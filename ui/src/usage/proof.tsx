import type { UsageQuery } from '../gql/graphql';
import { Instant } from '../shell/instant';
import { Copied } from '../shell/rule';
import { bundleHref } from '../url/export';
import { ago, count } from '../words/format';
import { plural } from '../words/words';

type Ledger = NonNullable<UsageQuery['ledger']>;
type Window = { start: string; end: string };

/** How much of a window stands in the ledger. */
export function sealed(closedUntil: string | null | undefined, w: Window): 'none' | 'part' | 'all' {
  if (!closedUntil || Date.parse(closedUntil) <= Date.parse(w.start)) return 'none';
  return Date.parse(closedUntil) < Date.parse(w.end) ? 'part' : 'all';
}

/** The part of a window that can be proved; null: none can. */
export function provable(
  is: Pick<NonNullable<Ledger['sealed']>, 'provableFrom'> | null | undefined,
  w: Window,
): Window | null {
  if (!is) return null;
  if (!is.provableFrom || Date.parse(is.provableFrom) <= Date.parse(w.start)) return w;
  return Date.parse(is.provableFrom) < Date.parse(w.end) ? { start: is.provableFrom, end: w.end } : null;
}

/** When the newest checkpoint that somebody else holds was told; null: nobody holds one. */
export function anchored(ledger: Pick<Ledger, 'anchors'> | null | undefined): string | null {
  const all = ledger?.anchors.flatMap((a) => (a.at ? [a.at] : [])) ?? [];
  return all.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(-1) ?? null;
}

/** Entries that no anchor holds: who has the key could still rewrite them; null: that is not known. */
export function unanchored(ledger: Pick<Ledger, 'anchors' | 'entries'>): bigint | null {
  if (ledger.entries == null) return null;
  const held = ledger.anchors.map((a) => BigInt(a.entries ?? 0));
  const most = held.reduce((a, b) => (b > a ? b : a), 0n);
  const left = BigInt(ledger.entries) - most;
  return left < 0n ? 0n : left;
}

/** What of this report can be proved later, and to whom: the bundle is what others verify. */
export function Proof({ ledger, topic, window }: { ledger: Ledger | null | undefined; topic: string; window: Window }) {
  const how = sealed(ledger?.closedUntil, window);
  const kept = provable(ledger?.sealed, window);
  return (
    <section className="usage-side proof" id="proof" aria-label="Proof">
      <h2>Proof</h2>
      {!ledger && <p>The ledger is switched off: this report can't be proved later.</p>}
      {ledger?.trouble && <p className="unknown">{ledger.trouble}</p>}
      {ledger && how === 'none' && <NothingYet ledger={ledger} />}
      {ledger && how !== 'none' && !ledger.sealed && (
        <p>The ledger holds no period of this window: it began later, or has kept them for as long as it keeps any.</p>
      )}
      {ledger?.sealed && how !== 'none' && (
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
            since. <Amended sealed={ledger.sealed} />
          </p>
          <Anchors ledger={ledger} />
          {ledger.sealed.provableFrom && (
            <p className="unknown">
              What is before <Instant at={ledger.sealed.provableFrom} /> is not held any more: only what is after can be
              proved.
            </p>
          )}
          {kept && (
            <>
              <p>
                <a className="button" href={bundleHref(topic, kept.start, kept.end)} download>
                  Take the proof away
                </a>
              </p>
              <Verify ledger={ledger} topic={topic} window={kept} />
            </>
          )}
        </>
      )}
    </section>
  );
}

function NothingYet({ ledger }: { ledger: Ledger }) {
  return (
    <p>
      Nothing of this window stands in the ledger yet: each period of {ledger.period} is closed two minutes after its
      end
      {ledger.closedUntil && (
        <>
          , and the newest ends at <Instant at={ledger.closedUntil} />
        </>
      )}
      .
    </p>
  );
}

function Amended({ sealed }: { sealed: Ledger['sealed'] }) {
  if (!sealed) return null;
  return (
    <>
      {sealed.amendments === 0 ? (
        'It was never amended'
      ) : (
        <>
          It was amended {plural(sealed.amendments, 'time')}
          {sealed.amendedAt && (
            <>
              , last at <Instant at={sealed.amendedAt} />
            </>
          )}
        </>
      )}
      {sealed.settled ? (
        ', and nothing of it can change any more.'
      ) : (
        <>
          ; what comes late can amend what is closed until <Instant at={sealed.final} />.
        </>
      )}
    </>
  );
}

/** Who else holds checkpoints: what none of them holds the key's holder could rewrite. */
function Anchors({ ledger }: { ledger: Ledger }) {
  const left = unanchored(ledger);
  if (ledger.anchors.length === 0)
    return (
      <p className="caution">
        Nobody else is told of it: who holds the key could rewrite what came after the last checkpoint that somebody
        took away. Anchors are configured under <code>ledger.anchors</code>.
      </p>
    );
  return (
    <>
      <ul className="anchors">
        {ledger.anchors.map((a) => (
          <li key={a.name}>
            <bdi className="mono">{a.name}</bdi>:{' '}
            {a.at ? (
              <>
                holds {count(a.entries ?? 0)} of {count(ledger.entries ?? 0)} entries since <Instant at={a.at} />,{' '}
                <Instant at={a.at} when={ago} />
              </>
            ) : (
              <span className="unknown">has acknowledged nothing yet</span>
            )}
          </li>
        ))}
      </ul>
      <p className={left === 0n ? 'note' : 'caution'}>
        Who holds the key could rewrite what came after the last anchor, and no earlier
        {left !== null &&
          (left === 0n ? ': there is nothing after it now' : `: ${plural(Number(left), 'entry', 'entries')} now`)}
        .
      </p>
    </>
  );
}

/** The commands with which anybody verifies what was taken away, without this server. */
function Verify({ ledger, topic, window }: { ledger: Ledger; topic: string; window: Window }) {
  const verify = `lineaged audit verify FILE${ledger.key ? ` --key ${quoted(ledger.key)}` : ''}`;
  const take = `lineaged audit export --server ${location.origin} --topic ${quoted(topic)} --start ${window.start} --end ${window.end} --format html -o FILE.html`;
  return (
    <>
      <p>Anybody verifies it without this server, in the place of FILE what was taken away:</p>
      <Copied text={verify} what="command" label="Copy the command that verifies it" />
      <p className="note">
        The key's fingerprint is <span className="mono fingerprint">{ledger.fingerprint}</span>: note it down elsewhere,
        and compare. A key that came with what it signs proves nothing of who signed.
      </p>
      <details>
        <summary>As CSV, JSON or a printable page of what is proved</summary>
        <p className="note">On your own machine, which verifies it first. Other forms are csv, json and bundle.</p>
        <Copied text={take} what="command" label="Copy the command that takes it away" />
      </details>
    </>
  );
}

/** As a shell takes it for one word. */
export const quoted = (s: string): string => (/^[\w@%+=:,./-]+$/.test(s) ? s : `'${s.replaceAll("'", `'\\''`)}'`);
