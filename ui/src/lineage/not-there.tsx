import type { CombinedError } from 'urql';
import { Problem } from '../shell/problem';
import { LastLife, useLastLives, windowOf } from './last-life';
import { isNotFound } from './missing';
import type { PanelProps } from './types';

interface Props extends Pick<PanelProps, 'id' | 'state' | 'change'> {
  error: CombinedError | undefined;
  again(): void;
}

/** What a panel says of a node or flow that it could not load: why, and of one that is not there when it was. */
export function NotThere({ id, state, change, error, again }: Props) {
  const missing = isNotFound(error);
  const life = useLastLives(missing ? [id] : [], state.window)?.[0];
  const window = windowOf(life);
  if (!missing) return <Problem error={error} again={again} />;
  return (
    <>
      <p className="empty mono">{error?.graphQLErrors.map((e) => e.message).join(', ')}</p>
      {life && (
        <LastLife life={life}>
          {window && (
            <button type="button" onClick={() => change({ window, live: false })}>
              Go to that time
            </button>
          )}
        </LastLife>
      )}
      {life?.end === 'NEVER' && <p className="empty">It was not seen at any time of which data is held.</p>}
    </>
  );
}
