import { useCallback, useEffect, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { useLive } from '../data/live';
import { TimelineDocument, type TimelineQuery, type Window } from '../gql/graphql';
import { parseDuration } from '../words/format';

export type Timeline = NonNullable<TimelineQuery['timeline']>;

const BUCKETS = 180;
/** The bar is asked for anew no more often: a bucket is mostly longer. */
const LEAST_SECONDS = 10;

/** What the bar shows. It follows the server where it ends now, a quarter of a bucket at a time; the last answer stays. */
export function useTimeline(window: Window, roots: readonly string[]) {
  const [{ data, error, fetching }, ask] = useQuery({
    query: TimelineDocument,
    variables: { window, roots: roots.length > 0 ? [...roots] : null, buckets: BUCKETS },
  });
  const [kept, setKept] = useState<Timeline>();
  const found = data?.timeline ?? undefined;
  if (found && found !== kept) setKept(found);
  const seconds = Math.max(LEAST_SECONDS, (parseDuration(kept?.width ?? '') ?? 0) / 4);
  const again = useSeldom(ask, seconds);
  useLive({ window, fetching, again, seconds: window.last ? seconds : null });
  return { timeline: found ?? kept, error, fetching };
}

/** Calls at most once in so many seconds, and once more for what came meanwhile. */
export function useSeldom(call: () => void, seconds: number): () => void {
  const latest = useRef(call);
  useEffect(() => {
    latest.current = call;
  }, [call]);
  const last = useRef(Date.now());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(() => {
    clearTimeout(timer.current);
    const run = () => {
      if (document.hidden) return;
      last.current = Date.now();
      latest.current();
    };
    const wait = last.current + seconds * 1000 - Date.now();
    if (wait <= 0) run();
    else timer.current = setTimeout(run, wait);
  }, [seconds]);
}
