import type { CombinedError } from 'urql';
import { openPalette } from '../palette/open';
import { Icon } from '../shell/icons';
import { Words } from '../shell/instant';
import { Link } from '../shell/link';
import { initialLineage, type LineageState, lineageHref } from '../url/lineage';
import type { Said } from '../words/said';
import { before, coverageIn, oldest } from './held';

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
  again(): void;
}

/** There is nothing to draw: why, and where to go from here. That nothing moved and that nothing was observed look and read differently. */
export function Missing({ state, error, answer, again }: Props) {
  const rooted = state.roots.length > 0;
  const said = coverageIn(error);
  const held = answer?.coverage.heldSince ?? said.heldSince ?? null;
  const early = before(answer?.window ?? said.window, held) === 'ends';
  const unobserved = early || isUnobserved(error) || answer?.coverage.observedFraction === 0;
  return (
    <div className={`empty ${unobserved ? 'not-observed' : 'observed'}`}>
      <p className="empty-head">
        <Icon name={unobserved ? 'warn' : 'ok'} />
        <b>{head({ early, unobserved, rooted: rooted && isNotFound(error) })}</b>
      </p>
      {isNotFound(error) && <p className="mono">{error?.graphQLErrors.map((e) => e.message).join(', ')}</p>}
      <p>
        <Words said={why({ early, held, unobserved, rooted: rooted && isNotFound(error), answer })} />
      </p>
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
        <button type="button" onClick={again}>
          Try again
        </button>
      </nav>
    </div>
  );
}

function head({ early, unobserved, rooted }: { early: boolean; unobserved: boolean; rooted: boolean }): string {
  if (early) return 'This window is before the data.';
  if (unobserved) return 'Nothing was observed.';
  return rooted ? 'It is not there.' : 'Nothing moved.';
}

const BEFORE = 'Of what was before nothing is known: nobody looked, or it is kept no longer.';

interface Why {
  early: boolean;
  held: string | null;
  unobserved: boolean;
  rooted: boolean;
  answer: Props['answer'];
}

function why({ early, held, unobserved, rooted, answer }: Why): Said {
  if (early && held) {
    return ['Data is held since ', { at: held }, `. ${BEFORE}`];
  }
  if (unobserved) return ['Nothing was observed in this window: whether it was there is not known.'];
  if (rooted) {
    return [
      'It was seen neither in this window nor in the seven days before its end: it was deleted before, is not observed yet, or has another name.',
    ];
  }
  return [
    answer?.coverage.complete
      ? 'All of this window was observed, and no flow moved in it.'
      : 'No flow moved in the part of this window that was observed; of the rest it is not known.',
  ];
}
