import { useEffect } from 'react';
import { Link } from '../shell/link';
import { Misread } from '../shell/misread';
import { asReport, formatReports, parseReports, type Report, type ReportsState, reportsHref } from '../url/reports';
import { useUrlState } from '../url/use-url';
import type { WindowChoice } from '../url/window';
import { BillReport } from './bill';
import { Chooser } from './chooser';
import { RegisterReport } from './register';
import { RetireReport } from './retire';
import { UsageReport } from './usage-report';

const codec = { path: '/reports', parse: parseReports, format: formatReports };

/** What each report answers, for who asks for one for the first time. */
const REPORTS: Record<Report, { name: string; asks: string }> = {
  usage: {
    name: 'Who used what',
    asks: 'Of a tag, an owner, a topic, an application or a cluster: who wrote and who read, how much, from when to when, who may and was not seen to, and what was not observed.',
  },
  register: {
    name: 'Register of processing',
    asks: 'Who handles data of a tag, from where to where, and what of it leaves its cluster or environment.',
  },
  retire: {
    name: 'To put away',
    asks: 'Topics that nobody was seen to use or that nobody owns, groups that nobody is in, connectors that move nothing; and whether that is proved.',
  },
  bill: {
    name: 'Usage bill',
    asks: 'What was written, read, copied to replicas and kept, by owner and topic, what nobody owns apart, and what it costs at the configured prices.',
  },
};

/** Reports over many topics: chosen, looked at, and taken away. All that is chosen is in the address. */
export function ReportsPage() {
  const [state, change] = useUrlState<ReportsState>(codec);
  const name = state.report ? REPORTS[state.report].name : 'Reports';
  useEffect(() => {
    document.title = `${[state.of, name].filter(Boolean).join(', ')} · lineaged`;
  }, [state.of, name]);
  return (
    <main id="main" className="page reports">
      <nav className="report-kinds" aria-label="Reports">
        {(Object.keys(REPORTS) as Report[]).map((r) => (
          <Link key={r} href={reportsHref(asReport(state, r))} aria-current={state.report === r ? 'page' : undefined}>
            {REPORTS[r].name}
          </Link>
        ))}
      </nav>
      <h1>
        {name}
        {state.of !== '' && (
          <>
            : <span className="note">{state.scope}</span> <bdi>{state.of}</bdi>
          </>
        )}
      </h1>
      <Misread />
      {state.report === null && <Begin window={state.window} />}
      {state.report !== null && (
        <Chooser key={`${state.report} ${state.scope} ${state.of}`} state={state} change={change} />
      )}
      {state.report === 'usage' && state.of !== '' && <UsageReport state={state} change={change} />}
      {state.report === 'retire' && <RetireReport state={state} change={change} />}
      {state.report === 'bill' && <BillReport state={state} change={change} />}
      {state.report === 'register' && state.of !== '' && <RegisterReport state={state} change={change} />}
    </main>
  );
}

function Begin({ window }: { window: WindowChoice }) {
  return (
    <ul className="report-begin">
      {(Object.keys(REPORTS) as Report[]).map((r) => (
        <li key={r} className="card pad">
          <h2>
            <Link href={reportsHref({ report: r, window })}>{REPORTS[r].name}</Link>
          </h2>
          <p>{REPORTS[r].asks}</p>
        </li>
      ))}
      <li className="card pad">
        <h2>
          <Link href="/catalog?kind=topic">Who used one topic</Link>
        </h2>
        <p>
          With a strip of time for each who wrote or read, and the proof: its page is reached from the topic in the
          catalog, in its lineage, or from a report.
        </p>
      </li>
    </ul>
  );
}
