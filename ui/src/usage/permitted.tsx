import type { UsageQuery } from '../gql/graphql';
import { isOpen, OPEN } from '../words/words';

type Permission = NonNullable<NonNullable<UsageQuery['topicUsage']>['permitted']>[number];

const USED = {
  no: 'Permitted, and not used in this window',
  maybe: 'Permitted; whether it was used is not known',
  yes: 'Permitted, and used',
} as const;

/** Who may read or write it by the access control lists. A right is no use: the three are kept apart. */
export function Permitted({ all }: { all: readonly Permission[] | null | undefined }) {
  return (
    <section className="usage-side" aria-label="Permitted">
      <h2>Permitted</h2>
      {all == null && (
        <p className="unknown">
          Not known: the access control lists could not be read, or the cluster has none that can be asked for.
        </p>
      )}
      {all?.length === 0 && <p>No entry of the access control lists is about it.</p>}
      {isOpen(all) && <p>{OPEN}</p>}
      {all &&
        !isOpen(all) &&
        (['no', 'maybe', 'yes'] as const).map((key) => {
          const of = all.filter((p) => (p.usedInWindow == null ? 'maybe' : p.usedInWindow ? 'yes' : 'no') === key);
          return of.length > 0 && <Entries key={key} head={USED[key]} all={of} />;
        })}
    </section>
  );
}

function Entries({ head, all }: { head: string; all: readonly Permission[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="card scroll" tabIndex={0} aria-label={head}>
      <table>
        <caption>
          {head} <span className="note">{all.length}</span>
        </caption>
        <thead>
          <tr>
            <th scope="col">Principal</th>
            <th scope="col">May</th>
            <th scope="col">From host</th>
            <th scope="col">By the entry for</th>
          </tr>
        </thead>
        <tbody>
          {all.map((p) => (
            <tr key={`${p.principal} ${p.host} ${p.operation} ${p.pattern} ${p.allowed}`}>
              <th scope="row">
                <bdi className="mono">{p.principal}</bdi>
              </th>
              <td>
                {p.allowed ? '' : 'not '}
                {p.operation.toLowerCase()}
              </td>
              <td>
                <bdi className="mono">{p.host}</bdi>
              </td>
              <td>
                <bdi className="mono">{p.pattern}</bdi>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
