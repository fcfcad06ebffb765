import type { CoveragePartsFragment } from '../gql/graphql';
import { Between, Instant } from '../shell/instant';
import { duration } from '../words/format';

type Window = { start: string; end: string };
type Stretch = CoveragePartsFragment['stretches'][number];

const WORD: Record<Stretch['kind'], string> = {
  LOST: 'not observed',
  PAUSE: 'a short pause',
  BEGINNING: 'a start',
  BEFORE_DATA: 'before the data',
  NOT_YET: 'not yet come',
};

/** The window as a bar in which what was not observed is a hatched hole. The list below it says the same in words. */
export function GapStrip({ stretches, window }: { stretches: readonly Stretch[]; window: Window }) {
  const [start, end] = [Date.parse(window.start), Date.parse(window.end)];
  const percentOf = (iso: string) => (100 * (Math.min(Math.max(Date.parse(iso), start), end) - start)) / (end - start);
  return (
    <figure className="gap-strip">
      <div className="strip" aria-hidden="true">
        {stretches.map((g, i) => {
          const left = percentOf(g.start);
          return (
            <i
              // biome-ignore lint/suspicious/noArrayIndexKey: several sources may have a gap of one span and reason
              key={i}
              className="hole"
              style={{ left: `${left}%`, width: `max(2px, ${percentOf(g.end) - left}%)` }}
            />
          );
        })}
      </div>
      <figcaption>
        <Instant at={window.start} />
        <span>{stretches.length === 0 ? 'all of it was observed' : 'hatched: not observed'}</span>
        <Instant at={window.end} />
      </figcaption>
      {stretches.length > 0 && (
        <ul className="gaps">
          {stretches.map((g, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            <li key={i}>
              <b>
                <Between start={g.start} end={g.end} /> ({duration((Date.parse(g.end) - Date.parse(g.start)) / 1000)})
              </b>{' '}
              {WORD[g.kind]}: {g.reason}
            </li>
          ))}
        </ul>
      )}
    </figure>
  );
}
