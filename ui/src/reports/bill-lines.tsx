import { Between } from '../shell/instant';
import { decimal } from '../words/decimal';
import { count } from '../words/format';
import { EVIDENCE_WORD, plural } from '../words/words';
import { METER, Money } from './money';
import type { Bill } from './types';

type Line = Bill['edges'][number]['node'];

const BASIS = {
  MEASURED: 'measured',
  ESTIMATED: 'estimated',
  ELIMINATED: 'by elimination',
} as const;

/** The lines of a bill, of each who pays together. */
export function BillLines({ bill, more }: { bill: Bill; more: (() => void) | null }) {
  const lines = bill.edges.map((e) => e.node);
  const left = bill.totalCount - lines.length;
  if (lines.length === 0) return <p className="empty">Nothing was seen to be used in this time.</p>;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section className="card scroll" tabIndex={0} aria-label="Lines of the bill">
        <table>
          <thead>
            <tr>
              <th scope="col">Meter</th>
              <th scope="col" className="num">
                Quantity
              </th>
              <th scope="col">Known</th>
              <th scope="col" className="num">
                Price
              </th>
              <th scope="col" className="num">
                Cost
              </th>
              <th scope="col">Observed</th>
            </tr>
          </thead>
          {[...Map.groupBy(lines, payer)].map(([key, of]) => (
            <tbody key={key}>
              <tr className="bill-payer">
                <th scope="rowgroup" colSpan={6}>
                  <Payer of={of[0]} />
                </th>
              </tr>
              {of.map((l) => (
                <Metered key={`${l.meter} ${l.start} ${l.basis}`} of={l} bill={bill} />
              ))}
            </tbody>
          ))}
        </table>
      </section>
      {left > 0 && (
        <p>
          {more && (
            <button type="button" onClick={more}>
              Show more
            </button>
          )}{' '}
          <span className="note">{count(left)} are not shown</span>
        </p>
      )}
    </>
  );
}

const payer = (l: Line): string => JSON.stringify([l.cluster, l.owner, l.unattributed, l.topic]);

function Payer({ of }: { of: Line | undefined }) {
  if (!of) return null;
  return (
    <>
      {of.topicName != null && <bdi>{of.topicName}</bdi>}
      {of.topicName != null && (of.owner != null || of.unattributed) && ', '}
      {of.owner != null && <bdi>{of.owner}</bdi>}
      {of.unattributed && <span className="unknown">nobody’s</span>}{' '}
      <span className="note in-line">in {of.cluster}</span>
    </>
  );
}

function Metered({ of, bill }: { of: Line; bill: Bill }) {
  const part = of.start !== bill.window.start || of.end !== bill.window.end;
  return (
    <tr>
      <th scope="row">
        {METER[of.meter]}
        {part && (
          <span className="note">
            <Between start={of.start} end={of.end} />
          </span>
        )}
      </th>
      <td className="num">
        <span title={of.quantity}>{decimal(of.quantity)}</span> {of.unit}
      </td>
      <td title={of.basis === 'ELIMINATED' ? EVIDENCE_WORD.ELIMINATION.long : undefined}>{BASIS[of.basis]}</td>
      <td className="num">
        <Money amount={of.price} currency={bill.currency} />
      </td>
      <td className="num">
        <Money amount={of.cost} currency={bill.currency} />
      </td>
      <td>{of.observedHours === of.hours ? 'all' : `${count(of.observedHours)} of ${plural(of.hours, 'hour')}`}</td>
    </tr>
  );
}
