import { useQuery } from 'urql';
import { usePolling } from '../data/poll';
import { StorageDocument, type StorageQuery } from '../gql/graphql';
import { bytes, compact, duration, parseDuration } from '../words/format';

/** A block is sealed once an hour. */
const POLL_SECONDS = 300;

type Stored = NonNullable<StorageQuery['storage']>;

/** What lineaged itself keeps, and what a year of it would take; without anybody who tells there is nothing to see. */
export function Storage() {
  const [{ data }, again] = useQuery({ query: StorageDocument });
  usePolling(again, POLL_SECONDS);
  const s = data?.storage;
  if (!s) return null;
  return (
    <section className="card" aria-labelledby="storage-title">
      <details>
        <summary>
          <h2 id="storage-title">What lineaged keeps</h2>
          <span className="note">
            {held(s)} {yearText(s)}
          </span>
        </summary>
        <div className="scroll" tabIndex={-1}>
          <table>
            <thead>
              <tr>
                <th scope="col">One value each</th>
                <th scope="col">Kept for</th>
                <th scope="col" className="num">
                  Holds
                </th>
                <th scope="col" className="num">
                  A series takes a day
                </th>
              </tr>
            </thead>
            <tbody>
              {s.tiers.map((t) => (
                <tr key={t.step}>
                  <th scope="row" className="strong">
                    {span(t.step)}
                  </th>
                  <td>{span(t.retention)}</td>
                  <td className="num">{bytes(t.bytes)}</td>
                  <td className="num">{t.bytesPerSeriesDay === null ? <NotKnown /> : bytes(t.bytesPerSeriesDay)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        <p className="note pad">{per10000Text(s)}</p>
      </details>
    </section>
  );
}

const NotKnown = () => <span className="unknown">not known yet</span>;

const span = (text: string) => duration(parseDuration(text) ?? 0);

function held(s: Stored): string {
  if (s.bytes === null) return 'In memory only.';
  const free = s.freeBytes === null ? '' : `, ${bytes(s.freeBytes)} are free`;
  return `${bytes(s.bytes)} on disk${free}.`;
}

function yearText({ year }: Stored): string {
  if (!year) return 'What a year takes is not known before an hour of it is sealed.';
  return `A year of the present load takes ${year.atMost ? 'at most' : 'about'} ${bytes(year.bytes)}.`;
}

function per10000Text(s: Stored): string {
  if (!s.year || s.series === null || s.measured === null) return 'Nothing is concluded from less than an hour.';
  const bound = s.year.atMost ? 'at most ' : '';
  const why = s.year.atMost ? ' Less, once minutes and hours are sealed too.' : '';
  return `${bound}${bytes(s.year.bytesPer10000Series)} a year for 10 000 series; there are ${compact(s.series)}, measured over ${span(s.measured)}.${why}`;
}
