import { Link } from '../shell/link';
import { usagePage } from '../url/usage';
import type { WindowChoice } from '../url/window';
import { compact, count } from '../words/format';
import type { Bill } from './types';

/** What one record that is written moves, of the topics that moved most. */
export function Amplified({ bill, window }: { bill: Bill; window: WindowChoice }) {
  if (bill.amplification.length === 0) return null;
  const figure = (n: string | null) => (n == null ? <span className="unknown">not known</span> : count(n));
  return (
    <section className="usage-side" aria-label="Amplification">
      <h2>
        What one record moves <span className="note">itself, who reads it, and who copies it</span>
      </h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section className="card scroll" tabIndex={0} aria-label="Topics by what they move">
        <table>
          <thead>
            <tr>
              <th scope="col">Topic</th>
              {['Written', 'Read', 'Replicated elsewhere', 'Copied to replicas', 'Times'].map((head) => (
                <th key={head} scope="col" className="num">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {bill.amplification.map((a) => (
              <tr key={a.topic}>
                <th scope="row">
                  <Link href={usagePage(a.topic, window)}>
                    <bdi>{a.topicName}</bdi>
                  </Link>
                  <span className="note">
                    <bdi>{a.cluster}</bdi>
                  </span>
                </th>
                <td className="num">{figure(a.written)}</td>
                <td className="num">{figure(a.read)}</td>
                <td className="num">{figure(a.mirrored)}</td>
                <td className="num">{figure(a.copied)}</td>
                <td className="num">
                  {a.factor == null ? <span className="unknown">not known</span> : compact(a.factor)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {bill.amplificationCount > bill.amplification.length && (
        <p className="note">{`and ${count(bill.amplificationCount - bill.amplification.length)} topics that moved less`}</p>
      )}
    </section>
  );
}
