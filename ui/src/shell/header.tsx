import { useRef } from 'react';
import { openPalette } from '../palette/open';
import { usePageWindow, withWindow } from '../time/page-bar';
import { chooseClock, useClock } from './clock';
import { Icon } from './icons';
import { Link } from './link';
import { enableShortcuts, useShortcuts, useShortcutsEnabled } from './shortcuts';
import { type Choice, choose, useChoice } from './theme';

const NEXT: Record<Choice, Choice> = { system: 'light', light: 'dark', dark: 'system' };
const THEME = {
  system: { icon: 'system', word: 'as the system' },
  light: { icon: 'sun', word: 'light' },
  dark: { icon: 'moon', word: 'dark' },
} as const;

export function Header({ path }: { path: string }) {
  const choice = useChoice();
  const help = useRef<HTMLDialogElement>(null);
  const open = () => help.current?.showModal();
  const clock = useClock();
  useShortcuts({ '?': open, u: () => chooseClock(clock === 'utc' ? 'local' : 'utc') });
  // The window goes with who goes to another page; one that ends now is followed there.
  const window = usePageWindow();
  const to = (page: string) => page + withWindow('', window, page === '/lineage');
  return (
    <header className="top">
      <Link href="/" className="brand" aria-label="lineaged">
        <img src="/icon.svg" alt="" width="22" height="22" />
        <span>lineaged</span>
      </Link>
      <nav aria-label="Main">
        <Link href={to('/')} aria-current={path === '/' ? 'page' : undefined}>
          Overview
        </Link>
        <Link href={to('/catalog')} aria-current={path === '/catalog' ? 'page' : undefined}>
          Catalog
        </Link>
        <Link href={to('/lineage')} aria-current={path === '/lineage' ? 'page' : undefined}>
          Lineage
        </Link>
        <Link href={to('/reports')} aria-current={path === '/reports' ? 'page' : undefined}>
          Reports
        </Link>
        <a href="/graphiql">GraphiQL</a>
      </nav>
      <div className="top-end">
        <button type="button" className="search-button" aria-label="Search everything" onClick={openPalette}>
          <Icon name="search" />
          <span>Search everything</span>
          <kbd>/</kbd>
        </button>
        <button type="button" className="quiet keys" aria-label="Keys ?" onClick={open}>
          <span className="word">Keys</span> <kbd>?</kbd>
        </button>
        <button
          type="button"
          className="quiet icon-button"
          onClick={() => choose(NEXT[choice])}
          aria-label={`Colours: ${THEME[choice].word}. Change to ${THEME[NEXT[choice]].word}`}
          title={`Colours: ${THEME[choice].word}`}
        >
          <Icon name={THEME[choice].icon} />
        </button>
      </div>
      <Help dialog={help} />
    </header>
  );
}

const KEYS: [string, string][] = [
  ['/  or  Ctrl K', 'Search everything: nodes, owners, tags, "readers of X", "path A to B", windows'],
  ['↑ ↓ Home End', 'Catalog: from row to row'],
  ['t', 'Lineage: table or graph'],
  ['u', 'Time: all times in UTC, or in local time'],
  ['Space', 'Time: play or pause'],
  ['l', 'Time: live on or off'],
  ['Tab, then ← →', 'Time: move the window or an end of it, with Shift ten times as far'],
  ['Esc', 'Close the side panel'],
  ['Tab, then arrows', 'Lineage: enter the graph; left and right along flows, up and down among siblings'],
  ['Home', 'Lineage: back to the root'],
  ['e', 'Lineage: unfold the stack, or show the hidden neighbours of the node'],
  ['c', 'Lineage: fold again, or take away what lies behind the node'],
  ['x', 'Lineage: hide the node'],
  ['Enter', 'Open what is focused in the side panel'],
  ['?', 'This list'],
];

function Help({ dialog }: { dialog: React.RefObject<HTMLDialogElement | null> }) {
  const on = useShortcutsEnabled();
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title">
      <form method="dialog">
        <div className="help-head">
          <h2 id="help-title">Keys</h2>
          <button type="submit" className="quiet icon-button" aria-label="Close">
            <Icon name="close" />
          </button>
        </div>
        <dl>
          {KEYS.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <p className="note phone-only">
          <a href="/graphiql">GraphiQL</a>: ask the API by hand
        </p>
        <label className="check">
          <input type="checkbox" checked={on} onChange={(e) => enableShortcuts(e.target.checked)} /> Keys of a single
          letter work
        </label>
      </form>
    </dialog>
  );
}
