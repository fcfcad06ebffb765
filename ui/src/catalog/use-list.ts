import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from 'react';
import { type Client, useClient } from 'urql';
import { CatalogDocument, CatalogPlaceDocument } from '../gql/graphql';
import { asked, type CatalogState } from '../url/catalog';
import { lineStep, wholeWindowStep, windowInput } from '../url/window';
import { type Ask, PAGE, Paging } from './paging';

/** What the server is asked, but for the page. */
function question(state: CatalogState) {
  return {
    text: state.text || null,
    kinds: state.kinds.length > 0 ? state.kinds : null,
    cluster: state.cluster,
    owner: state.owner,
    tag: state.tag,
    derived: state.derived,
    states: state.states.length > 0 ? state.states.map(asked) : null,
    orderBy: state.order,
    internal: state.internal,
  };
}

function asking(client: Client, state: CatalogState): Ask {
  const of = question(state);
  let step = lineStep(state.window);
  const within = (window: { start: string; end: string } | undefined) =>
    window ? { start: window.start, end: window.end } : windowInput(state.window);
  return {
    async page(after, first, window) {
      const ask = () =>
        client.query(CatalogDocument, { ...of, after, first, window: within(window), step }).toPromise();
      const answer = await ask();
      // A step that the window's tier does not divide: one point of the whole of it is no line, but its mean.
      if (!answer.error?.graphQLErrors.some((e) => e.path?.includes('rateIn'))) return answer;
      step = wholeWindowStep(state.window);
      return ask();
    },
    async place(after, first, window) {
      const { data, error } = await client
        .query(CatalogPlaceDocument, { ...of, after, first, window: within(window) })
        .toPromise();
      return { data: data?.nodes?.pageInfo.endCursor ?? null, error };
    },
  };
}

/**
 * The list that a state asks for. Another one takes its place when it has what is looked at, so that nothing flickers;
 * an error takes it at once, where the list was another one: it would look like the answer.
 */
export function useList(state: CatalogState) {
  const client = useClient();
  const key = useMemo(() => JSON.stringify([question(state), state.window]), [state]);
  const [, changed] = useReducer((n: number) => n + 1, 0);
  const [shown, setShown] = useState<{ list: Paging; key: string }>();
  const looked = useRef<[number, number]>([0, PAGE]);
  const next = useRef<Paging | undefined>(undefined);
  const latest = useRef(state);
  useEffect(() => {
    latest.current = state;
  }, [state]);
  const load = useCallback(
    (of: string) => {
      next.current?.close();
      const list = new Paging(asking(client, latest.current), () => {
        changed();
        if (next.current !== list || !(list.ready || list.error)) return;
        next.current = undefined;
        setShown((was) => {
          if (list.error && was?.key === of) {
            was.list.error = list.error;
            return { ...was };
          }
          was?.list.close();
          return { list, key: of };
        });
      });
      next.current = list;
      list.want(...looked.current);
    },
    [client],
  );
  const before = useRef('');
  useEffect(() => {
    if (before.current !== key) looked.current = [0, PAGE];
    before.current = key;
    load(key);
    return () => next.current?.close();
  }, [key, load]);
  const list = shown?.list;
  const want = useCallback(
    (from: number, to: number) => {
      looked.current = [from, to];
      list?.want(from, to);
    },
    [list],
  );
  return {
    list,
    of: shown?.key ?? '',
    fetching: shown?.key !== key,
    want,
    refresh: useCallback(() => load(before.current), [load]),
  };
}
