import { useState } from 'react';
import { useQuery } from 'urql';
import { CatalogLink } from '../catalog/link';
import { useLive } from '../data/live';
import { ClustersDocument, type ClustersQuery, OverviewCoverageDocument } from '../gql/graphql';
import { CoverageBadge, CoverageDetail } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Problem } from '../shell/problem';
import { usePageWindow } from '../time/page-bar';
import { windowInput } from '../url/window';
import { ago, instant } from '../words/format';
import { SuggestedJoins } from './joins';
import { Storage } from './storage';

/** How often is asked while the server can't tell that something is new; a tick is 10 s by default. */
const POLL_SECONDS = 10;

export function OverviewPage() {
  const choice = usePageWindow();
  const window = windowInput(choice);
  const [{ data, error }, again] = useQuery({ query: ClustersDocument });
  const [{ data: covered }, coverAgain] = useQuery({ query: OverviewCoverageDocument, variables: { window } });
  const [open, setOpen] = useState(false);
  const refresh = () => {
    again();
    coverAgain();
  };
  useLive({ window, again: refresh, seconds: choice.kind === 'last' ? POLL_SECONDS : null });
  const coverage = covered?.coverage;
  return (
    <main id="main" className="page">
      <div className="page-head">
        <h1>Overview</h1>
        {coverage && <CoverageBadge coverage={coverage} open={open} onToggle={() => setOpen(!open)} />}
        <CatalogLink window={choice} />
      </div>
      <Problem error={error} again={refresh} />
      {open && coverage && (
        <section className="card pad" aria-label="Coverage">
          <CoverageDetail coverage={coverage} />
        </section>
      )}
      <Clusters clusters={data?.clusters} />
      <SuggestedJoins window={window} />
      <Storage />
    </main>
  );
}

function Clusters({ clusters }: { clusters: ClustersQuery['clusters'] | undefined }) {
  return (
    <section className="card" aria-labelledby="clusters-title">
      <h2 id="clusters-title">
        Clusters <span className="note">{clusters?.length ?? ''}</span>
      </h2>
      <div className="scroll" tabIndex={-1}>
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Environment</th>
              <th scope="col" className="num">
                Brokers
              </th>
              <th scope="col" className="num">
                Topics
              </th>
              <th scope="col" className="num">
                Groups
              </th>
              <th scope="col">Last round</th>
              <th scope="col">State</th>
            </tr>
          </thead>
          <tbody>
            {clusters?.map((c) => (
              <tr key={c.id}>
                <th scope="row" className="strong">
                  {c.name}
                </th>
                <td>{c.environment}</td>
                <td className="num">{c.brokers ?? <NotKnown />}</td>
                <td className="num">{c.topics ?? <NotKnown />}</td>
                <td className="num">{c.groups ?? <NotKnown />}</td>
                <td>{c.lastRound ? <time title={instant(c.lastRound)}>{ago(c.lastRound)}</time> : 'none yet'}</td>
                <td>
                  {c.error ? (
                    <span className="state bad">
                      <Icon name="warn" /> {c.error}
                    </span>
                  ) : (
                    <span className="state good">
                      <Icon name="ok" /> observed
                    </span>
                  )}
                </td>
              </tr>
            ))}
            {clusters?.length === 0 && (
              <tr>
                <td colSpan={7}>No cluster is configured.</td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}

const NotKnown = () => <span className="unknown">not known</span>;
