import { useState } from 'react';
import { mean } from '../chart/gaps';
import { Sparkline } from '../chart/sparkline';
import type { ClusterPartsFragment } from '../gql/graphql';
import { CoverageBadge, CoverageDetail } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Instant } from '../shell/instant';
import { ago, compact, rate } from '../words/format';
import { stepSign } from '../words/words';

interface Props {
  /** None: not told, or not yet, which is not that there are none. */
  clusters: readonly ClusterPartsFragment[] | null | undefined;
}

/** Each cluster with how observing it goes now, and in the window what was written to it and what was seen of it. */
export function Clusters({ clusters }: Props) {
  return (
    <section className="card" aria-labelledby="clusters-title">
      <div className="card-head">
        <h2 id="clusters-title">Clusters</h2>
        {clusters && <span className="note">{clusters.length}</span>}
      </div>
      <div className="scroll" tabIndex={-1}>
        <table className="clusters">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Now</th>
              <th scope="col">Written</th>
              <th scope="col">Observed</th>
              <th scope="col" className="num">
                Topics
              </th>
              <th scope="col" className="num">
                Groups
              </th>
              <th scope="col" className="num">
                Brokers
              </th>
              <th scope="col">Last round</th>
            </tr>
          </thead>
          <tbody>
            {clusters?.map((c) => (
              <ClusterRow key={c.id} cluster={c} />
            ))}
            {clusters?.length === 0 && (
              <tr>
                <td colSpan={8}>No cluster is configured.</td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function ClusterRow({ cluster: c }: { cluster: ClusterPartsFragment }) {
  const [open, setOpen] = useState(false);
  const line = c.timeline;
  const points = (line?.buckets ?? []).map((b) => ({ at: b.start, value: b.recordsPerSecond }));
  const written = mean(points);
  const lacks = line != null && (line.leftOut > 0 || line.buckets.some((b) => b.atLeast));
  return (
    <>
      <tr>
        <th scope="row" className="strong">
          <bdi>{c.name}</bdi>
          {c.environment !== c.name && <span className="tag">{c.environment}</span>}
        </th>
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
        <td>
          <span className="cluster-line">
            <Sparkline points={points} />
            <span className="num">
              {written === null
                ? line && <span className="unknown">not observed</span>
                : stepSign({ atLeast: lacks }, line) + rate(written, 'records')}
            </span>
          </span>
        </td>
        <td>{line && <CoverageBadge coverage={line.coverage} open={open} onToggle={() => setOpen(!open)} />}</td>
        <td className="num">{c.topics == null ? <NotKnown /> : compact(c.topics)}</td>
        <td className="num">{c.groups == null ? <NotKnown /> : compact(c.groups)}</td>
        <td className="num">{c.brokers ?? <NotKnown />}</td>
        <td>{c.lastRound ? <Instant at={c.lastRound} when={ago} /> : 'none yet'}</td>
      </tr>
      {open && line && (
        <tr className="cluster-detail">
          <td colSpan={8}>
            <CoverageDetail coverage={line.coverage} />
          </td>
        </tr>
      )}
    </>
  );
}

const NotKnown = () => <span className="unknown">not known</span>;
