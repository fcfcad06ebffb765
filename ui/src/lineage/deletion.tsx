import { useState } from 'react';
import { useQuery } from 'urql';
import { type DeletionVerdict, SafeToDeleteDocument } from '../gql/graphql';
import { FileLinks } from '../shell/file-links';
import { Instant } from '../shell/instant';
import { Problem } from '../shell/problem';
import { deletionHref } from '../url/export';
import { percent } from '../words/format';
import { plural } from '../words/words';

const DAYS = 30;

const VERDICTS: Record<DeletionVerdict, { sign: string; words: string }> = {
  SAFE: { sign: '✓', words: 'Safe to delete: nothing speaks against it, and all of the time was watched' },
  UNSAFE: { sign: '✕', words: 'Not safe to delete' },
  CANNOT_BE_TOLD: { sign: '?', words: 'Cannot be told: nothing is known against it, and not all was seen' },
};

/** Whether a topic may be deleted. A month is looked through, so it is asked only when somebody wants to know. */
export function Deletion({ id }: { id: string }) {
  const [asked, setAsked] = useState(false);
  const [{ data, error }, again] = useQuery({
    query: SafeToDeleteDocument,
    pause: !asked,
    variables: { topic: id, days: DAYS },
  });
  const advice = data?.safeToDelete;
  return (
    <section className="panel-part deletion">
      <h3>May it be deleted?</h3>
      {!asked && (
        <button type="button" onClick={() => setAsked(true)}>
          Look through the last {DAYS} days
        </button>
      )}
      <div role="status">
        <Problem error={error} again={again} />
        {asked && !advice && !error && <p className="empty">Loading</p>}
        {advice && (
          <>
            <p className={`loss-verdict is-${advice.verdict.toLowerCase()}`}>
              <span aria-hidden="true">{VERDICTS[advice.verdict].sign}</span> {VERDICTS[advice.verdict].words}
            </p>
            {advice.againstCount > 0 && (
              <ul className="reasons" aria-label="Against it">
                {advice.against.map((r) => (
                  <li key={`${r.kind} ${r.detail}`}>
                    <bdi>{r.detail}</bdi>
                    {r.lastSeen && (
                      <span className="note">
                        {' '}
                        last seen <Instant at={r.lastSeen} />
                      </span>
                    )}
                  </li>
                ))}
              </ul>
            )}
            <More all={advice.againstCount} shown={advice.against.length} />
            {advice.untoldCount > 0 && (
              <>
                <p className="note">What was not seen:</p>
                <ul className="reasons" aria-label="Not seen">
                  {advice.untold.map((u) => (
                    <li key={`${u.kind} ${u.detail}`}>
                      <bdi>{u.detail}</bdi>
                      {u.since && (
                        <span className="note">
                          {' '}
                          <Instant at={u.since} />
                        </span>
                      )}
                    </li>
                  ))}
                </ul>
              </>
            )}
            <More all={advice.untoldCount} shown={advice.untold.length} />
            <p className="note">
              {advice.days} days up to now, of which {percent(advice.coverage.observedFraction)} was observed.
              {advice.watchedSince && (
                <>
                  {' '}
                  The topic is watched since <Instant at={advice.watchedSince} />.
                </>
              )}
            </p>
            <FileLinks hrefOf={(form) => deletionHref(id, DAYS, form)} />
          </>
        )}
      </div>
    </section>
  );
}

const More = ({ all, shown }: { all: number; shown: number }) =>
  shown < all ? <p className="note">{plural(all - shown, 'more')}</p> : null;
