import { useState } from 'react';
import { useQuery } from 'urql';
import { CatalogLink } from '../catalog/link';
import { Hatch } from '../chart/sparkline';
import { useLive } from '../data/live';
import { OverviewDocument } from '../gql/graphql';
import { CoverageBadge, CoverageDetail } from '../shell/coverage';
import { Problem } from '../shell/problem';
import { type EstateState, formatEstate, parseEstate } from '../url/estate';
import { useUrlState } from '../url/use-url';
import { whenIn, windowInput } from '../url/window';
import { plural } from '../words/words';
import { Changes } from './changes';
import { Clusters } from './clusters';
import { Findings } from './findings';
import { Happened, MATTERING } from './happened';
import { SuggestedJoins } from './joins';
import { GroupedMap } from './map';
import { ClusterNames } from './spellings';
import { Storage } from './storage';
import { Tops } from './tops';

/** How often is asked while the server can't tell that something is new; a tick is 10 s by default. */
const POLL_SECONDS = 10;
/** Findings that are asked for at once. */
const FIRST = 40;
const MOST = 1000;
const codec = { path: '/', parse: parseEstate, format: formatEstate };

export function OverviewPage() {
  const [state, change] = useUrlState<EstateState>(codec);
  const [first, setFirst] = useState(FIRST);
  const [open, setOpen] = useState(false);
  const window = windowInput(state.window);
  const [{ data, error, fetching }, again] = useQuery({
    query: OverviewDocument,
    variables: { window, first, types: MATTERING },
  });
  const found = data?.findings;
  const isNow = state.window.kind === 'last';
  useLive({ window, shown: found?.version, fetching, again, seconds: isNow ? POLL_SECONDS : null });
  const when = whenIn(state.window);
  // A window that is not answered, as one in the future, is told once and not by every part.
  const refused = error !== undefined && !error.networkError && !data?.findings;
  return (
    <main id="main" className="page" aria-busy={fetching && !data}>
      <div className="page-head">
        <h1>Overview</h1>
        {found && <CoverageBadge coverage={found.coverage} open={open} onToggle={() => setOpen(!open)} />}
        <CatalogLink window={state.window} />
      </div>
      <Problem error={error} again={again} />
      {refused ? null : (
        <>
          {open && found && (
            <section className="card pad" aria-label="Coverage">
              <CoverageDetail coverage={found.coverage} />
            </section>
          )}
          <Hatch />
          {found && (
            <Findings
              found={found}
              window={state.window}
              when={when}
              more={() => setFirst(Math.min(MOST, first * 5))}
            />
          )}
          <Clusters clusters={data?.clusters} />
          <Tops data={data} window={state.window} />
          <div className="halves">
            <Happened events={data?.events} observed={found?.coverage} window={state.window} when={when} />
            <Changes state={state} change={change} held={data && (found?.coverage.heldSince ?? null)} />
          </div>
          <GroupedMap state={state} change={change} />
          <SuggestedJoins window={window} />
          <ClusterNames />
          <Storage />
        </>
      )}
      <p className="sr" role="status">
        {found ? plural(found.totalCount, 'finding') : ''}
      </p>
    </main>
  );
}
