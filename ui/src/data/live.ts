import { createContext, useContext, useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { LineageVersionDocument, type Window } from '../gql/graphql';
import { usePolling } from './poll';
import { type Listen, listen } from './socket';

export const Listening = createContext<Listen>(listen);

interface Follow {
  /** What is shown; a change of its answer is asked for. */
  window: Window;
  /** The version of what is shown; undefined: not known. */
  shown?: string | undefined;
  /** Whether the answer is under way: to ask again would be to throw it away, and where all take long, all of them. */
  fetching: boolean;
  /** Asks for the answer. */
  again(): void;
  /** How often to ask whether there is another answer while nobody tells; null: do not follow at all. */
  seconds: number | null;
}

/** Whether the server tells of changes: not yet, it does, or it does not and is asked instead. */
export type Link = 'opening' | 'open' | 'lost';

/**
 * Follows the answer of a window while the tab can be seen: the server says that there is another one, and then alone
 * it is asked for. While the server can't say so, it is asked every so many seconds which answer there is.
 */
export function useLive({ window, shown, fetching, again, seconds }: Follow): Link {
  const listening = useContext(Listening);
  const client = useClient();
  const [link, setLink] = useState<Link>('opening');
  const on = seconds !== null;
  const latest = useRef({ again, shown, fetching });
  // The version that was asked for last: what is told twice is asked for once.
  const asked = useRef<string | undefined>(undefined);
  // What was told while an answer was under way.
  const owed = useRef<string | undefined>(undefined);
  const fresh = useRef(true);
  const take = useRef((version: string) => {
    const first = fresh.current;
    fresh.current = false;
    if (version === asked.current) return;
    asked.current = version;
    // At first the page asks anyhow, and this is what it is about to hear.
    if (version === latest.current.shown || (first && latest.current.shown === undefined)) return;
    if (latest.current.fetching) owed.current = version;
    else latest.current.again();
  });
  useEffect(() => {
    latest.current = { again, shown, fetching };
    if (fetching || owed.current === undefined) return;
    const another = owed.current !== shown;
    owed.current = undefined;
    if (another) again();
  }, [again, shown, fetching]);
  const key = JSON.stringify(window);
  useEffect(() => {
    if (!on) return;
    fresh.current = true;
    let end: (() => void) | undefined;
    const connected = (is: boolean) => {
      setLink(is ? 'open' : 'lost');
      if (!is) asked.current = undefined;
    };
    const start = () => {
      end ??= listening(JSON.parse(key) as Window, { version: take.current, connected });
    };
    const stop = () => {
      end?.();
      end = undefined;
      owed.current = undefined;
      setLink('opening');
    };
    const onVisibility = () => (document.hidden ? stop() : start());
    onVisibility();
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      document.removeEventListener('visibilitychange', onVisibility);
      stop();
    };
  }, [listening, on, key]);
  const poll = async () => {
    const { data } = await client.query(LineageVersionDocument, { window }).toPromise();
    // Where even that is not answered, the question itself says why.
    if (data?.lineageVersion) take.current(data.lineageVersion.version);
    else if (!latest.current.fetching) latest.current.again();
  };
  usePolling(() => void poll(), link === 'open' ? null : seconds);
  return link;
}
