import type { UsageReportQuery } from '../gql/graphql';
import { Instant } from '../shell/instant';
import { Link } from '../shell/link';
import type { ReportsState } from '../url/reports';
import { usagePage } from '../url/usage';
import { count } from '../words/format';

type Report = NonNullable<UsageReportQuery['usageReport']>;
type One = NonNullable<Report['administered']>[number];

/** Who was let in to change what the report is of; that nobody was, and that nothing tells it, are two answers. */
export function Administered({ report, state }: { report: Report; state: ReportsState }) {
  const { administered: all, administeredCount } = report;
  if (state.scope === 'application') return null; // programs are not administered
  return (
    <section className="usage-side" id="administered" aria-label="Administered">
      <h2>
        Allowed to administer it{' '}
        <span className="note">{administeredCount == null ? '' : count(administeredCount)}</span>
      </h2>
      {all == null && (
        <p className="unknown">Not known: no log of an authorizer and no audit topic was read in all of this time.</p>
      )}
      {all?.length === 0 && <p>Nobody, as far as it was told.</p>}
      {all != null && all.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="card scroll" tabIndex={0} aria-label="Administrations">
          <table>
            <thead>
              <tr>
                <th scope="col">Principal</th>
                <th scope="col">May</th>
                <th scope="col">What</th>
                <th scope="col">From host</th>
                <th scope="col">In</th>
                <th scope="col">Told</th>
                <th scope="col" className="num">
                  Times
                </th>
                <th scope="col">Said by</th>
              </tr>
            </thead>
            <tbody>
              {all.map((x, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: two may say the same, and rows keep their order
                <Row key={`${x.at} ${i}`} of={x} state={state} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {all != null && administeredCount != null && administeredCount > all.length && (
        <p className="note">{`and ${count(administeredCount - all.length)} more, in the file`}</p>
      )}
    </section>
  );
}

function Row({ of: x, state }: { of: One; state: ReportsState }) {
  const what = <bdi className="mono">{x.name}</bdi>;
  return (
    <tr>
      <th scope="row">
        {x.principal == null ? <span className="unknown">not told</span> : <bdi className="mono">{x.principal}</bdi>}
      </th>
      <td>
        {x.operation == null ? <span className="unknown">not told</span> : x.operation.toLowerCase().replace('_', ' ')}
        {x.request && <span className="note">{`for ${x.request}`}</span>}
      </td>
      <td>
        {x.topic ? <Link href={usagePage(x.topic.id, state.window)}>{what}</Link> : what}
        {x.resource && <span className="note">{x.resource.toLowerCase()}</span>}
      </td>
      <td>{x.host == null ? <span className="unknown">not told</span> : <bdi className="mono">{x.host}</bdi>}</td>
      <td>
        <bdi>{x.cluster}</bdi>
      </td>
      <td>
        <Instant at={x.at} />
        {x.loggedAt && (
          <span className="note">
            logged <Instant at={x.loggedAt} />
          </span>
        )}
      </td>
      <td className="num">{count(x.times)}</td>
      <td>{x.sealed ? 'the ledger' : 'the store'}</td>
    </tr>
  );
}
