import type { CombinedError } from 'urql';
import { Link } from '../shell/link';
import { initialLineage, type LineageState, lineageHref } from '../url/lineage';
import { FIND } from './find';

const has = (error: CombinedError | undefined, code: string): boolean =>
  error?.graphQLErrors.some((e) => e.extensions.code === code) ?? false;

/** Whether what is wrong is only that nothing was observed where the roots would be. */
export const isUnobserved = (error: CombinedError | undefined): boolean => has(error, 'NOT_OBSERVED');

/** Whether what is wrong is only that a root is not known. */
export const isNotFound = (error: CombinedError | undefined): boolean => has(error, 'NOT_FOUND') || isUnobserved(error);

/** There is nothing to draw: why, and where to go from here. */
export function Missing({
  state,
  error,
  unobserved = false,
  again,
}: {
  state: LineageState;
  error?: CombinedError | undefined;
  /** Nothing was observed in the window: whether anything was there is not known. */
  unobserved?: boolean;
  again(): void;
}) {
  const rooted = state.roots.length > 0;
  return (
    <div className="empty">
      <p>
        <b>Nothing to show.</b>
      </p>
      {isNotFound(error) && <p className="mono">{error?.graphQLErrors.map((e) => e.message).join(', ')}</p>}
      <p>
        {unobserved
          ? 'Nothing was observed in this window: whether it was there is not known.'
          : rooted
            ? 'It was seen neither in this window nor in the seven days before its end: it was deleted before, is not observed yet, or has another name.'
            : 'No flow was observed in this window.'}
      </p>
      <nav className="ways" aria-label="From here">
        <button type="button" onClick={() => document.getElementById(FIND)?.focus()}>
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
