import { useState } from 'react';
import { useQuery } from 'urql';
import { type UsageGroupBy, UsageReportDocument, type UsageReportQuery, type UsageScope } from '../gql/graphql';
import { coverageText, coverageTone } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Problem } from '../shell/problem';
import { type ReportsState, usualBy } from '../url/reports';
import type { Change } from '../url/use-url';
import { windowInput } from '../url/window';
import { count } from '../words/format';
import { plural } from '../words/words';
import { Administered } from './administered';
import { By } from './by';
import { Follow } from './derived';
import { Files } from './files';
import { Groups } from './groups';
import { Doubts, ReportTime } from './parts';
import { Unused } from './unused';
import { useFollowed } from './use-followed';
import { Uses } from './uses';

/** Rows that are asked for at once, and at most. */
const FIRST = 100;
const MOST = 1000;

type Report = NonNullable<UsageReportQuery['usageReport']>;

/** Who used what a scope has. */
export function UsageReport({ state, change }: { state: ReportsState; change: Change<ReportsState> }) {
  const [first, setFirst] = useState(FIRST);
  const by = (state.by ?? usualBy(state)) as UsageGroupBy;
  const window = windowInput(state.window);
  const scope: UsageScope = { [state.scope]: state.of };
  const [{ data, error, fetching }, again] = useQuery({
    query: UsageReportDocument,
    variables: { scope, window, by, first, derived: state.derived },
  });
  useFollowed(state.window, fetching, again);
  const report = data?.usageReport;
  return (
    <div className="usage" aria-busy={fetching}>
      <Problem error={error} again={again} />
      {fetching && !report && <p className="empty">Loading</p>}
      {report && (
        <>
          <Files of="report" state={state} by={by} />
          <Sum report={report} />
          <ReportTime coverage={report.coverage} parts={report.parts} />
          <section className="usage-side" aria-label="Summed up">
            <h2>Summed up</h2>
            <By state={state} change={change} />
            <Follow state={state} change={change} />
            <Groups by={by} report={report} state={state} />
          </section>
          <Uses report={report} state={state} more={first < MOST ? () => setFirst(Math.min(MOST, first * 5)) : null} />
          <Unused report={report} />
          <Administered report={report} state={state} />
          <Doubts doubts={report.doubts} coverage={report.coverage} />
        </>
      )}
      <p className="sr" role="status">
        {report ? plural(report.uses.totalCount, 'use') : ''}
      </p>
    </div>
  );
}

/** What is asked first, each with the way to its section. */
function Sum({ report }: { report: Report }) {
  const { total, coverage } = report;
  const tone = coverageTone(coverage);
  return (
    <ul className="usage-sum" aria-label="In short">
      <li>
        <a href="#uses">{plural(total.writers, 'writer')}</a>
        <span className="note">of {plural(report.topicCount, 'topic')} that somebody used</span>
      </li>
      <li>
        <a href="#uses">{plural(total.readers, 'reader')}</a>
        <span className="note">
          {report.resting > 0 ? `${count(report.resting)} more known, and at rest` : 'nobody else is known'}
        </span>
      </li>
      {report.derivedTotal && report.derivedTotal.topics > 0 && (
        <li>
          <a href="#uses">{plural(report.derivedTotal.topics, 'derived topic')}</a>
          <span className="note">
            to which the tag only comes: {plural(report.derivedTotal.writers, 'writer')} and{' '}
            {plural(report.derivedTotal.readers, 'reader')}, counted apart
          </span>
        </li>
      )}
      <li className={tone === 'warn' ? 'is-warn' : 'is-good'}>
        <a href="#observed">
          <Icon name={tone === 'warn' ? 'warn' : 'ok'} />{' '}
          {coverage.observedFraction === 0 ? 'Not observed' : tone === 'warn' ? 'With gaps' : 'Observed'}
        </a>
        <span className="note">{coverageText(coverage)}</span>
      </li>
      <li className={report.unusedCount == null || report.doubts.length > 0 ? 'is-warn' : 'is-good'}>
        <a href="#doubts">{plural(report.doubts.length, 'doubt')}</a>
        <span className="note">
          {report.unusedCount == null
            ? 'who is permitted is not known'
            : `${plural(report.unusedCount, 'permission')} not seen to be used`}
        </span>
      </li>
    </ul>
  );
}
