import type { UsageGroupBy, UsageReportQuery } from '../gql/graphql';
import { Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { lineageHref } from '../url/lineage';
import { type ReportsState, reportsHref } from '../url/reports';
import { usagePage } from '../url/usage';
import { count, percent } from '../words/format';
import { nameOfId } from '../words/words';
import { Volume } from './party';

type Report = NonNullable<UsageReportQuery['usageReport']>;
type Group = Report['groups'][number];

interface Props {
  by: UsageGroupBy;
  report: Report;
  state: ReportsState;
}

const HEAD: Record<UsageGroupBy, string> = {
  NONE: 'All',
  TOPIC: 'Topic',
  APPLICATION: 'Who',
  OWNER: 'Owner',
  CLUSTER: 'Cluster',
  DAY: 'Day (UTC)',
};

/** The uses put together, and all of them. */
export function Groups({ by, report, state }: Props) {
  const { groups, groupCount, total, derivedTotal } = report;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="card scroll" tabIndex={0} aria-label={`Summed up, ${HEAD[by]}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">{HEAD[by]}</th>
            {by !== 'TOPIC' && (
              <th scope="col" className="num">
                Topics
              </th>
            )}
            {by !== 'APPLICATION' && (
              <>
                <th scope="col" className="num">
                  Writers
                </th>
                <th scope="col" className="num">
                  Readers
                </th>
              </>
            )}
            <th scope="col" className="num">
              Written
            </th>
            <th scope="col" className="num">
              Read
            </th>
            <th scope="col">First use</th>
            <th scope="col">Last use</th>
            {by === 'DAY' && <th scope="col">Observed</th>}
          </tr>
        </thead>
        <tbody>
          {groups.map((g) => (
            <Summed key={`${g.key ?? ''} ${g.derived}`} by={by} of={g} head={<Key by={by} of={g} state={state} />} />
          ))}
          {groups.length === 0 && (
            <tr>
              <td colSpan={8}>
                {report.coverage.complete
                  ? 'Nobody used it.'
                  : 'Nobody was seen to use it; a part of the window was not observed.'}
              </td>
            </tr>
          )}
        </tbody>
        {groups.length > 1 && (
          <tfoot>
            <Summed by={by} of={total} head={derivedTotal ? 'All that bear the tag' : 'All of them'} />
            {derivedTotal && derivedTotal.topics > 0 && (
              <Summed by={by} of={derivedTotal} head="All to which it comes" />
            )}
          </tfoot>
        )}
      </table>
      {groupCount > groups.length && <p className="note pad">{`and ${count(groupCount - groups.length)} more`}</p>}
    </section>
  );
}

function Summed({ by, of, head }: { by: UsageGroupBy; of: Group; head: React.ReactNode }) {
  return (
    <tr>
      <th scope="row">
        {head}
        {of.derived && (
          <>
            {' '}
            <span className="tag derived-tag">derived</span>
          </>
        )}
      </th>
      {by !== 'TOPIC' && <td className="num">{count(of.topics)}</td>}
      {by !== 'APPLICATION' && (
        <>
          <td className="num">{count(of.writers)}</td>
          <td className="num">{count(of.readers)}</td>
        </>
      )}
      <td className="num">{of.writers === 0 ? <span className="none">–</span> : <Volume of={of.written} />}</td>
      <td className="num">{of.readers === 0 ? <span className="none">–</span> : <Volume of={of.read} />}</td>
      <td>{of.firstUse ? <Instant at={of.firstUse} /> : <span className="unknown">not told</span>}</td>
      <td>{of.lastUse ? <Instant at={of.lastUse} /> : <span className="unknown">not told</span>}</td>
      {by === 'DAY' && (
        <td>
          {of.observedFraction == null ? <span className="unknown">not known</span> : percent(of.observedFraction)}
        </td>
      )}
    </tr>
  );
}

/** What a row is of, with the way on. */
function Key({ by, of, state }: { by: UsageGroupBy; of: Group; state: ReportsState }) {
  const { key } = of;
  if (key == null) return <span className="unknown">{by === 'OWNER' ? 'no owner known' : 'not known'}</span>;
  const name = <bdi>{by === 'TOPIC' || by === 'APPLICATION' ? nameOfId(key) : key}</bdi>;
  const on = { ...state, report: 'usage', of: key, by: null } as const;
  switch (by) {
    case 'TOPIC':
      return <Link href={usagePage(key, state.window)}>{name}</Link>;
    case 'APPLICATION':
      return <Link href={lineageHref({ roots: [key], window: state.window, depth: 1 })}>{name}</Link>;
    case 'OWNER':
      return <Link href={reportsHref({ ...on, scope: 'owner' })}>{name}</Link>;
    case 'CLUSTER':
      return <Link href={reportsHref({ ...on, scope: 'cluster' })}>{name}</Link>;
    default:
      return name;
  }
}
