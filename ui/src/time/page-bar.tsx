import { navigate, useSearch } from 'wouter/use-browser-location';
import { formatQuery } from '../url/query';
import { parseWindow, type WindowChoice, windowPairs } from '../url/window';
import { iso, lengthOf } from './scale';
import { TimeBar } from './time-bar';

/** The window that the address of any page names. */
export function usePageWindow(): WindowChoice {
  return parseWindow(new URLSearchParams(useSearch()));
}

const OF_WINDOW = ['last', 'start', 'end', 'at'];

/** The address with another window, and all else as it is. */
export function withWindow(search: string, w: WindowChoice, live: boolean | null): string {
  const q = [...new URLSearchParams(search)].filter(([k]) => !OF_WINDOW.includes(k));
  const was = q.some(([k, v]) => k === 'live' && v === '1');
  const rest = q.filter(([k]) => k !== 'live');
  const follows = (live ?? was) && w.kind === 'last';
  return formatQuery([...rest, ...windowPairs(w), ...(follows ? ([['live', '1']] as const) : [])]);
}

/** The bar of time of the page that is open: what it says is in the address, and in nothing else. */
export function PageBar({ path }: { path: string }) {
  const search = useSearch();
  const q = new URLSearchParams(search);
  const window = parseWindow(q);
  // A page that has no mode of its own follows whatever ends now.
  const own = path === '/lineage';
  const change = (w: WindowChoice, live: boolean | null = null, replace = false) => {
    const next = withWindow(location.search, w, own ? live : false);
    if (next !== location.search) navigate(path + next, { replace });
  };
  return (
    <TimeBar
      window={window}
      roots={own ? q.getAll('root').filter((r) => r !== '') : []}
      live={own ? q.get('live') === '1' : window.kind === 'last'}
      onChange={(w, o) => change(w, null, o?.replace)}
      onLive={(live, w) => {
        if (own || live) return change(w ?? window, live);
        change(frozen(window, Date.now()));
      }}
    />
  );
}

/** The window as it is now, to stay. */
function frozen(w: WindowChoice, now: number): WindowChoice {
  return w.kind === 'last' ? { kind: 'range', start: iso(now - lengthOf(w)), end: iso(now) } : w;
}
