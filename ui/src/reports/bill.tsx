import { useState } from 'react';
import { useQuery } from 'urql';
import { type BillGrouping, UsageBillDocument } from '../gql/graphql';
import { coverageText, coverageTone } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Between } from '../shell/instant';
import { Problem } from '../shell/problem';
import { billHref } from '../url/export';
import { type ReportsState, usualBy } from '../url/reports';
import type { Change } from '../url/use-url';
import { windowInput } from '../url/window';
import { decimal } from '../words/decimal';
import { count } from '../words/format';
import { plural } from '../words/words';
import { Amplified } from './amplified';
import { BillLines } from './bill-lines';
import { By } from './by';
import { METER, Money } from './money';
import { Doubts, ReportTime } from './parts';
import type { Bill } from './types';
import { useFollowed } from './use-followed';

const FIRST = 200;
const MOST = 1000;

/** What was used, who pays for it, and what it costs. */
export function BillReport({ state, change }: { state: ReportsState; change: Change<ReportsState> }) {
  const [first, setFirst] = useState(FIRST);
  const by = (state.by ?? usualBy(state)) as BillGrouping;
  const [{ data, error, fetching }, again] = useQuery({
    query: UsageBillDocument,
    variables: { window: windowInput(state.window), by, cluster: state.of || null, first },
  });
  useFollowed(state.window, fetching, again);
  const bill = data?.usageBill;
  return (
    <div className="usage" aria-busy={fetching}>
      <Problem error={error} again={again} />
      {fetching && !bill && <p className="empty">Loading</p>}
      {bill && (
        <>
          <p className="note">
            Of whole hours: <Between start={bill.window.start} end={bill.window.end} />
          </p>
          <Files state={state} by={by} />
          <Sum bill={bill} />
          <ReportTime coverage={bill.coverage} />
          <Totals bill={bill} />
          <section className="usage-side" id="lines" aria-label="Lines">
            <h2>
              Who pays <span className="note">{plural(bill.totalCount, 'line')}</span>
            </h2>
            <By state={state} change={change} />
            <BillLines bill={bill} more={first < MOST ? () => setFirst(MOST) : null} />
          </section>
          <Amplified bill={bill} window={state.window} />
          <Doubts doubts={doubtsOf(bill)} coverage={bill.coverage} />
        </>
      )}
      <p className="sr" role="status">
        {bill ? plural(bill.totalCount, 'line') : ''}
      </p>
    </div>
  );
}

const FILES = [
  ['focus-1.2', 'FOCUS 1.2'],
  ['focus-1.3', 'FOCUS 1.3'],
  ['csv', 'CSV'],
  ['json', 'JSON'],
] as const;

function Files({ state, by }: { state: ReportsState; by: BillGrouping }) {
  return (
    <p className="usage-links">
      {FILES.map(([form, word]) => (
        <a key={form} className="button" href={billHref(state.window, state.of, by, form)} download>
          {word}
        </a>
      ))}
      <button type="button" onClick={() => print()}>
        Print
      </button>
    </p>
  );
}

/** What a bill does not say, in sentences. */
export function doubtsOf(bill: Pick<Bill, 'totals' | 'cost'>): string[] {
  const out: string[] = [];
  if (bill.cost == null) out.push('no prices are configured, so that nothing has a cost: see usage.prices');
  const blind = bill.totals.filter((t) => t.observedHours < t.hours);
  if (blind.length > 0)
    out.push('some hours were not observed: what was used in them is in no line, and billed to nobody');
  const lacking = bill.totals.filter((t) => t.untoldHours > 0);
  if (lacking.length > 0)
    out.push('in some hours it is not known what somebody used, who was there: the totals of these are at least');
  for (const t of bill.totals) {
    if (t.unsizedRecords != null && t.unsizedRecords !== '0')
      out.push(
        `of ${count(t.unsizedRecords)} records in ${t.cluster} the size is not known: they are in none of the bytes`,
      );
  }
  return out;
}

function Sum({ bill }: { bill: Bill }) {
  const tone = coverageTone(bill.coverage);
  const unowned = bill.totals.filter((t) => t.unattributed != null && Number(t.unattributed) > 0);
  return (
    <ul className="usage-sum" aria-label="In short">
      <li>
        <a href="#totals">{bill.cost == null ? 'No prices' : <Money amount={bill.cost} currency={bill.currency} />}</a>
        <span className="note">
          {bill.cost == null ? 'quantities alone: none is configured' : 'at the configured prices, not rounded'}
        </span>
      </li>
      <li>
        <a href="#lines">{plural(bill.totalCount, 'line')}</a>
        <span className="note">of {plural(new Set(bill.totals.map((t) => t.cluster)).size, 'cluster')}</span>
      </li>
      <li className={unowned.length > 0 ? 'is-warn' : 'is-good'}>
        <a href="#totals">
          <Icon name={unowned.length > 0 ? 'warn' : 'ok'} />{' '}
          {unowned.length > 0 ? 'Some of it is nobody’s' : 'All of it is somebody’s'}
        </a>
        <span className="note">what no owner has is a line of its own</span>
      </li>
      <li className={tone === 'warn' ? 'is-warn' : 'is-good'}>
        <a href="#observed">
          <Icon name={tone === 'warn' ? 'warn' : 'ok'} /> {tone === 'warn' ? 'With gaps' : 'Observed'}
        </a>
        <span className="note">{coverageText(bill.coverage)}</span>
      </li>
    </ul>
  );
}

function Totals({ bill }: { bill: Bill }) {
  return (
    <section className="usage-side" id="totals" aria-label="Totals">
      <h2>Totals</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section className="card scroll" tabIndex={0} aria-label="Totals of each cluster">
        <table>
          <thead>
            <tr>
              <th scope="col">Cluster</th>
              <th scope="col">Meter</th>
              <th scope="col" className="num">
                Quantity
              </th>
              <th scope="col" className="num">
                Nobody's
              </th>
              <th scope="col" className="num">
                Cost
              </th>
              <th scope="col">Observed</th>
              <th scope="col">Who pays</th>
            </tr>
          </thead>
          <tbody>
            {bill.totals.map((t) => (
              <tr key={`${t.cluster} ${t.meter}`}>
                <th scope="row">
                  <bdi>{t.cluster}</bdi>
                </th>
                <td>{METER[t.meter]}</td>
                <td className="num">
                  {t.quantity == null ? (
                    <span className="unknown">{t.observedHours > 0 ? 'not known' : 'not observed'}</span>
                  ) : (
                    `${decimal(t.quantity)} ${t.unit}`
                  )}
                </td>
                <td className="num">{t.unattributed == null ? '' : decimal(t.unattributed)}</td>
                <td className="num">
                  <Money amount={t.cost} currency={bill.currency} />
                </td>
                <td>
                  {t.observedHours === t.hours ? 'all' : `${count(t.observedHours)} of ${plural(t.hours, 'hour')}`}
                </td>
                <td>{bill.rules.find((r) => r.meter === t.meter)?.payer.replaceAll('-', ' ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
