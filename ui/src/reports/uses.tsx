import type { UsageReportQuery, UseRowFragment } from '../gql/graphql';
import { Instant } from '../shell/instant';
import type { ReportsState } from '../url/reports';
import { bytes, count } from '../words/format';
import { EVIDENCE_WORD } from '../words/words';
import { PartyLink, sign } from './party';

type Report = NonNullable<UsageReportQuery['usageReport']>;

interface Props {
  report: Report;
  state: ReportsState;
  /** null: no more are asked for. */
  more: (() => void) | null;
}

/** Each who wrote or read a topic, a row. */
export function Uses({ report, state, more }: Props) {
  const all = report.uses.edges.map((e) => e.node);
  const left = report.uses.totalCount - all.length;
  return (
    <section className="usage-side" id="uses" aria-label="Who used what">
      <h2>
        Who used what <span className="note">{count(report.uses.totalCount)}</span>
      </h2>
      {all.length === 0 && (
        <p className="empty">
          {report.coverage.complete
            ? 'Nobody was seen to use any of it in this window, which was observed as a whole.'
            : 'Nobody was seen to use any of it; a part of this window was not observed, so that somebody may have.'}
        </p>
      )}
      {all.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="card scroll" tabIndex={0} aria-label="Uses">
          <table>
            <thead>
              <tr>
                <th scope="col">Topic</th>
                <th scope="col">Who</th>
                <th scope="col">Did</th>
                <th scope="col" className="num">
                  Records
                </th>
                <th scope="col">First use</th>
                <th scope="col">Last use</th>
                <th scope="col">Known by</th>
                <th scope="col">Said by</th>
              </tr>
            </thead>
            <tbody>
              {all.map((u) => (
                <Use key={`${u.topic.id} ${u.node.id} ${u.operation}`} of={u} state={state} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {left > 0 && more && (
        <p>
          <button type="button" onClick={more}>
            Show more
          </button>{' '}
          <span className="note">{count(left)} are not shown</span>
        </p>
      )}
      {left > 0 && !more && <p className="note">{count(left)} more are not shown: a narrower report has them.</p>}
    </section>
  );
}

/** What somebody did; that it is not known is an answer of its own. */
export const did = (u: Pick<UseRowFragment, 'operation' | 'active'>): string =>
  u.operation === 'WRITE'
    ? u.active === true
      ? 'wrote'
      : 'may have written'
    : u.active === true
      ? 'read'
      : 'may have read';

function Use({ of, state }: { of: UseRowFragment; state: ReportsState }) {
  return (
    <tr>
      <th scope="row">
        <PartyLink party={of.topic} window={state.window} />
      </th>
      <td>
        <PartyLink party={of.node} window={state.window} />
        <Principals of={of} />
      </td>
      <td>{of.active === true ? did(of) : <span className="unknown">{did(of)}</span>}</td>
      <td className="num">
        <Amount of={of} />
      </td>
      <td>{of.firstUse ? <Instant at={of.firstUse} /> : <span className="unknown">not told</span>}</td>
      <td>{of.lastUse ? <Instant at={of.lastUse} /> : <span className="unknown">not told</span>}</td>
      <td>
        <ul className="known-by">
          {of.evidence.map((e) => (
            <li key={`${e.kind} ${e.detail ?? ''}`}>
              <span title={EVIDENCE_WORD[e.kind].long}>{EVIDENCE_WORD[e.kind].short}</span>
              {e.detail && <span className="note">{e.detail}</span>}
            </li>
          ))}
        </ul>
      </td>
      <td>{[of.held && 'the store', of.sealed && 'the ledger'].filter(Boolean).join(' and ')}</td>
    </tr>
  );
}

export function Amount({ of }: { of: UseRowFragment }) {
  if (of.records == null) return <span className="unknown">{of.active === true ? 'not measurable' : 'not known'}</span>;
  return (
    <>
      {sign(of) + count(of.records)}
      {of.bytes != null && <span className="note">~{bytes(of.bytes)}</span>}
    </>
  );
}

const FEW = 3;

export function Principals({ of }: { of: UseRowFragment }) {
  const all = [...new Set(of.clients.flatMap((c) => (c.principal ? [c.principal] : [])))];
  if (all.length === 0) return null;
  return (
    <span className="note">
      as <bdi className="mono">{all.slice(0, FEW).join(', ')}</bdi>
      {all.length > FEW && ` and ${count(all.length - FEW)} more`}
    </span>
  );
}
