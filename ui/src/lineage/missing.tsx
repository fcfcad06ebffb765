import type { CombinedError } from 'urql';
import type { LifeFragment } from '../gql/graphql';
import { openPalette } from '../palette/open';
import { Icon } from '../shell/icons';
import { Words } from '../shell/instant';
import { Link } from '../shell/link';
import { initialLineage, type LineageState, lineageHref } from '../url/lineage';
import type { Said } from '../words/said';
import { before, coverageIn, oldest } from './held';
import { LastLife, windowOf } from './last-life';

const has = (error: CombinedError | undefined, code: string): boolean =>
  error?.graphQLErrors.some((e) => e.extensions.code === code) ?? false;

/** Whether what is wrong is only that nothing was observed where the roots would be. */
export const isUnobserved = (error: CombinedError | undefined): boolean => has(error, 'NOT_OBSERVED');

/** Whether what is wrong is only that a root is not known. */
export const isNotFound = (error: CombinedError | undefined): boolean => has(error, 'NOT_FOUND') || isUnobserved(error);

interface Props {
  state: LineageState;
  error?: CombinedError | undefined;
  /** What was observed of the window; nothing: whether anything was there is not known. */
  answer?: {
    window: { start: string; end: string };
    coverage: { complete: boolean; observedFraction: number; heldSince?: string | null };
  };
  /** When those were there who are not; nothing: that is not known yet. */
  lives?: LifeFragment[] | undefined;
  again(): void;
}

/** There is nothing to draw: why, and where to go from here. That nothing moved and that nothing was observed look and read differently. */
export function Missing({ state, error, answer, lives, again }: Props) {
  const rooted = state.roots.length > 0;
  const said = coverageIn(error);
  const held = answer?.coverage.heldSince ?? said.heldSince ?? null;
  const early = before(answer?.window ?? said.window, held) === 'ends';
  const filtered = state.evidence.length > 0;
  const never = lives?.every((l) => l.end === 'NEVER') && held;
  const unobserved = early || isUnobserved(error) || answer?.coverage.observedFraction === 0;
  return (
    <div className={`empty ${unobserved ? 'not-observed' : 'observed'}`}>
      <p className="empty-head">
        <Icon name={unobserved ? 'warn' : 'ok'} />
        <b>{head({ early, unobserved, rooted: rooted && isNotFound(error), filtered })}</b>
      </p>
      {isNotFound(error) && <p className="mono">{error?.graphQLErrors.map((e) => e.message).join(', ')}</p>}
      {!never && (
        <p>
          <Words said={why({ early, held, unobserved, rooted: rooted && isNotFound(error), filtered, answer })} />
        </p>
      )}
      {never && (
        <p>
          <Words
            said={[
              'It was not seen at any time since ',
              { at: held, exact: true },
              ', of which data is held: it was gone before, is not observed yet, or has another name.',
            ]}
          />
        </p>
      )}
      {lives?.map((life) => (
        <LastLife key={life.id} life={life}>
          {windowOf(life) && (
            <Link
              className="button"
              href={lineageHref({ ...state, roots: [life.id], window: windowOf(life) ?? state.window, live: false })}
            >
              Show its last life
            </Link>
          )}
        </LastLife>
      ))}
      <nav className="ways" aria-label="From here">
        {held && unobserved && (
          <Link
            className="button"
            href={lineageHref({ ...state, window: oldest(state, held), live: false, selected: null })}
          >
            The oldest data
          </Link>
        )}
        <button type="button" onClick={openPalette}>
          Find a node
        </button>
        {state.window.kind !== 'last' && (
          <Link className="button" href={lineageHref({ ...state, window: initialLineage.window, selected: null })}>
            The newest instant
          </Link>
        )}
        {rooted && (
          <Link className="button" href={lineageHref({ window: state.window, live: state.live })}>
            Everything in this window
          </Link>
        )}
        <Link className="button" href="/">
          Overview
        </Link>
        {filtered && (
          <Link className="button" href={lineageHref({ ...state, evidence: [] })}>
            All evidence
          </Link>
        )}
        <button type="button" onClick={again}>
          Try again
        </button>
      </nav>
    </div>
  );
}

function head({ early, unobserved, rooted, filtered }: Omit<Why, 'held' | 'answer'>): string {
  if (early) return 'This window is before the data.';
  if (unobserved) return 'Nothing was observed.';
  if (rooted) return 'It is not there.';
  return filtered ? 'No flow is known by this evidence.' : 'Nothing moved.';
}

const BEFORE = 'Of what was before nothing is known: nobody looked, or it is kept no longer.';

interface Why {
  early: boolean;
  held: string | null;
  unobserved: boolean;
  rooted: boolean;
  /** Only some kinds of evidence are asked for. */
  filtered: boolean;
  answer: Props['answer'];
}

function why({ early, held, unobserved, rooted, filtered, answer }: Why): Said {
  if (early && held) {
    return ['Data is held since ', { at: held }, `. ${BEFORE}`];
  }
  if (unobserved) return ['Nothing was observed in this window: whether it was there is not known.'];
  if (rooted) {
    return [
      'It was seen neither in this window nor in the seven days before its end: it was deleted before, is not observed yet, or has another name.',
    ];
  }
  if (filtered) return ['Others may have moved: the filter leaves out what is known otherwise.'];
  return [
    answer?.coverage.complete
      ? 'All of this window was observed, and no flow moved in it.'
      : 'No flow moved in the part of this window that was observed; of the rest it is not known.',
  ];
}
