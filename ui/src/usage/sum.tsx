import type { UsageFlowFragment, UsageQuery } from '../gql/graphql';
import { coverageText, coverageTone } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Instant } from '../shell/instant';
import { ago } from '../words/format';
import { nodeName, plural } from '../words/words';
import { anchored, sealed } from './proof';

type Usage = NonNullable<UsageQuery['topicUsage']>;

/** The four answers of the page, each with the way to its section: who wrote, who read, what was seen, what can be proved. */
export function Sum({ usage, ledger }: { usage: Usage; ledger: UsageQuery['ledger'] | undefined }) {
  return (
    <ul className="usage-sum" aria-label="In short">
      <Users verb="wrote" section="writers" flows={usage.writers} end="from" complete={usage.coverage.complete} />
      <Users verb="read" section="readers" flows={usage.readers} end="to" complete={usage.coverage.complete} />
      <Observed coverage={usage.coverage} />
      <ProofState ledger={ledger} window={usage.coverage.window} />
    </ul>
  );
}

const OBSERVED = { ok: 'All observed', calm: 'Observed, no gap', warn: 'With gaps' } as const;

function Observed({ coverage }: { coverage: Usage['coverage'] }) {
  const tone = coverageTone(coverage);
  return (
    <li className={tone === 'warn' ? 'is-warn' : 'is-good'}>
      <a href="#observed">
        <Icon name={tone === 'warn' ? 'warn' : 'ok'} />{' '}
        {coverage.observedFraction === 0 ? 'Not observed' : OBSERVED[tone]}
      </a>
      <span className="note">{coverageText(coverage)}</span>
    </li>
  );
}

interface UsersProps {
  verb: string;
  section: string;
  flows: readonly UsageFlowFragment[];
  end: 'from' | 'to';
  complete: boolean;
}

const NAMED = 3;

function Users({ verb, section, flows, end, complete }: UsersProps) {
  const did = flows.filter((f) => f.active === true);
  const maybe = flows.filter((f) => f.active == null);
  const named = did.slice(0, NAMED);
  return (
    <li>
      <a href={`#${section}`}>
        {did.length === 0 ? 'Nobody' : did.length}{' '}
        {did.length === 0 ? `is seen to have ${verb === 'read' ? 'read' : 'written'}` : verb}
      </a>
      <span className="note">
        {named.map((f, i) => (
          <span key={f.id}>
            {i > 0 && ', '}
            <bdi>{nodeName(f[end])}</bdi>
          </span>
        ))}
        {did.length > NAMED && ` and ${did.length - NAMED} more`}
        {maybe.length > 0 && `${did.length > 0 ? '; ' : ''}of ${maybe.length} it is not known`}
        {did.length + maybe.length === 0 && (complete ? 'all of it was observed' : 'a part was not observed')}
      </span>
    </li>
  );
}

function ProofState({
  ledger,
  window,
}: {
  ledger: UsageQuery['ledger'] | undefined;
  window: Usage['coverage']['window'];
}) {
  const how = sealed(ledger?.closedUntil, window);
  const newest = anchored(ledger);
  const bad = !ledger || ledger.trouble != null || how === 'none';
  return (
    <li className={bad || !newest ? 'is-warn' : 'is-good'}>
      <a href="#proof">
        <Icon name={bad || !newest ? 'warn' : 'ok'} /> {!ledger && 'No ledger'}
        {ledger && how === 'none' && 'Not sealed yet'}
        {ledger && how === 'all' && 'Sealed'}
        {ledger && how === 'part' && (
          <>
            Sealed until <Instant at={ledger.closedUntil ?? ''} />
          </>
        )}
      </a>
      <span className="note">
        {ledger?.trouble && 'the ledger is in trouble; '}
        {ledger?.sealed &&
          (ledger.sealed.amendments > 0 ? `amended ${plural(ledger.sealed.amendments, 'time')}, ` : 'never amended, ')}
        {!ledger && 'this can’t be proved later'}
        {ledger &&
          (newest ? (
            <>
              anchored <Instant at={newest} when={ago} />
            </>
          ) : (
            'anchored nowhere'
          ))}
      </span>
    </li>
  );
}
