import type { UsageReportQuery } from '../gql/graphql';
import { count } from '../words/format';

type Report = NonNullable<UsageReportQuery['usageReport']>;

/** Who may, and was not seen to: a right is no use. */
export function Unused({ report }: { report: Report }) {
  const { unused: all, unusedCount } = report;
  return (
    <section className="usage-side" id="permitted" aria-label="Permitted">
      <h2>
        Permitted, and not seen to be used <span className="note">{unusedCount == null ? '' : count(unusedCount)}</span>
      </h2>
      {(all == null || unusedCount == null) && (
        <p className="unknown">
          Not known: the access control lists could not be read, or the cluster has none that can be asked for.
        </p>
      )}
      {all != null && unusedCount === 0 && <p>No entry of the access control lists that was not seen to be used.</p>}
      {all != null && all.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="card scroll" tabIndex={0} aria-label="Permissions">
          <table>
            <thead>
              <tr>
                <th scope="col">Principal</th>
                <th scope="col">May</th>
                <th scope="col">From host</th>
                <th scope="col">By the entry for</th>
                <th scope="col">In</th>
                <th scope="col" className="num">
                  Topics
                </th>
                <th scope="col">Used</th>
              </tr>
            </thead>
            <tbody>
              {all.map((p) => (
                <tr key={`${p.cluster} ${p.principal} ${p.host} ${p.operation} ${p.pattern}`}>
                  <th scope="row">
                    <bdi className="mono">{p.principal}</bdi>
                  </th>
                  <td>{p.operation.toLowerCase()}</td>
                  <td>
                    <bdi className="mono">{p.host}</bdi>
                  </td>
                  <td>
                    <bdi className="mono">{p.pattern}</bdi>
                  </td>
                  <td>
                    <bdi>{p.cluster}</bdi>
                  </td>
                  <td className="num">
                    {count(p.topics)}
                    {p.derivedTopics > 0 && <span className="note">{count(p.derivedTopics)} derived</span>}
                  </td>
                  <td>
                    {p.used === false ? 'no' : <span className="unknown">not seen, which does not prove it</span>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {all != null && unusedCount != null && unusedCount > all.length && (
        <p className="note">{`and ${count(unusedCount - all.length)} more`}</p>
      )}
    </section>
  );
}
