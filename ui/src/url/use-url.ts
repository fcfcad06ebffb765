import { useCallback, useMemo } from 'react';
import { navigate, useSearch } from 'wouter/use-browser-location';

interface Codec<S> {
  path: string;
  parse(search: string): S;
  format(state: S): string;
}

export type Change<S> = (patch: Partial<S>, options?: { replace?: boolean }) => void;

/**
 * State that lives in the URL and nowhere else. A change is a step in the browser's history unless it says replace
 * (typing, for one).
 */
export function useUrlState<S extends object>({ path, parse, format }: Codec<S>): [S, Change<S>] {
  // wouter's own useSearch unescapes the whole query, which breaks ids that hold '%'; this one is raw.
  const search = useSearch();
  const state = useMemo(() => parse(search), [parse, search]);
  const change = useCallback<Change<S>>(
    (patch, options) => {
      // Read where the browser is now: two changes in one event must both hold.
      const next = format({ ...parse(location.search), ...patch });
      if (next !== location.search) navigate(path + next, { replace: options?.replace ?? false });
    },
    [path, parse, format],
  );
  return [state, change];
}
