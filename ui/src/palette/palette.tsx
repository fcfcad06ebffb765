import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { navigate } from 'wouter/use-browser-location';
import { FindEndsDocument, FindNodesDocument } from '../gql/graphql';
import { Icon } from '../shell/icons';
import { useShortcuts } from '../shell/shortcuts';
import { parseWindow, windowInput } from '../url/window';
import { plural } from '../words/words';
import { beginnings, type Choice, found, type Here, ways, windowChoice } from './choices';
import { closePalette, openPalette, usePaletteOpen } from './open';
import { meant, windowOf } from './words';

/** The search of everything, from anywhere: nodes, owners, tags, readers and writers, paths and windows. */
export function Palette() {
  const open = usePaletteOpen();
  const show = (e: KeyboardEvent) => {
    e.preventDefault();
    openPalette();
  };
  useShortcuts({ '/': show, 'mod+k': show });
  return open ? <Search /> : null;
}

function Search() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  // The dialog is all of the page while it is open: where somebody is does not change under it.
  const [here] = useState<Here>(() => ({ path: location.pathname, search: location.search }));
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself
    <dialog
      ref={dialog}
      className="palette"
      aria-label="Search everything"
      onClose={closePalette}
      onClick={(e) => e.target === dialog.current && dialog.current?.close()}
    >
      <Combobox here={here} close={() => dialog.current?.close()} />
    </dialog>
  );
}

/** What is typed, as it is asked: a word's letters become one question. */
function useTyped() {
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed.trim()), 150);
    return () => clearTimeout(timer);
  }, [typed]);
  return { typed, setTyped, asked };
}

/** What fits what was asked, by one request; null: it is being asked. */
function useChoices(here: Here, asked: string): { choices: Choice[] | null; problem: string | null } {
  const window = useMemo(() => windowInput(parseWindow(new URLSearchParams(here.search))), [here]);
  const what = meant(asked);
  const ofPath = what.what === 'path';
  const text = ofPath ? '' : what.text;
  const kinds = what.what === 'readers' || what.what === 'writers' ? (['TOPIC'] as const) : null;
  const [nodes] = useQuery({
    query: FindNodesDocument,
    variables: { text, kinds: kinds && [...kinds], window },
    pause: text === '',
  });
  const [ends] = useQuery({
    query: FindEndsDocument,
    variables: ofPath ? { from: what.from, to: what.to, window } : { from: '', to: '', window },
    pause: !ofPath,
  });
  if (asked === '') return { choices: beginnings(here), problem: null };
  const at = windowOf(asked);
  const first = at ? [windowChoice(here, at)] : [];
  const result = ofPath ? ends : nodes;
  if (result.error)
    return { choices: first, problem: result.error.graphQLErrors[0]?.message ?? 'lineaged cannot be reached' };
  if (result.fetching || result.stale) return { choices: first.length > 0 ? first : null, problem: null };
  const choices = [
    ...first,
    ...(ofPath ? (ends.data ? ways(here, ends.data) : []) : nodes.data ? found(here, what, nodes.data) : []),
  ];
  const coverage = ofPath ? ends.data?.from?.coverage : nodes.data?.nodes?.coverage;
  if (choices.length > 0) return { choices, problem: null };
  return {
    choices,
    problem:
      coverage?.observedFraction === 0
        ? 'Nothing was observed in this window: what was there is not known'
        : 'Nothing matches in this window; a longer one may have it',
  };
}

function Combobox({ here, close }: { here: Here; close(): void }) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const { typed, setTyped, asked } = useTyped();
  const { choices, problem } = useChoices(here, asked);
  const [kept, setKept] = useState<Choice[]>([]);
  if (choices && choices !== kept && !same(choices, kept)) setKept(choices);
  const shown = choices ?? kept;
  const [active, setActive] = useState(0);
  const at = Math.min(active, shown.length - 1);
  const type = (text: string) => {
    setTyped(text);
    setActive(0);
  };
  const choose = (c: Choice | undefined) => {
    if (!c) return;
    if ('type' in c.to) {
      type(c.to.type);
      input.current?.focus();
      return;
    }
    close();
    navigate(c.to.href);
  };
  const onKeyDown = (e: React.KeyboardEvent) => {
    if (e.nativeEvent.isComposing) return;
    if (e.key === 'ArrowDown') setActive((at + 1) % Math.max(1, shown.length));
    else if (e.key === 'ArrowUp') setActive((at - 1 + shown.length) % Math.max(1, shown.length));
    // What is shown may be of what was typed before: Enter is for what is typed now.
    else if (e.key === 'Enter') typed.trim() === asked && choices && choose(shown[at]);
    else return;
    e.preventDefault();
  };
  useEffect(() => {
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: 'nearest' });
  }, [id, at]);
  return (
    <>
      <div className="search">
        <Icon name="search" />
        <input
          ref={input}
          role="combobox"
          aria-label="Search nodes, owners, tags, readers of a topic, paths and windows"
          aria-expanded={shown.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={shown[at] ? `${id}-${at}` : undefined}
          placeholder="Search nodes, owners, tags, windows"
          maxLength={256} // no longer text is searched for
          value={typed}
          autoComplete="off"
          spellCheck={false}
          onChange={(e) => type(e.target.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <div id={`${id}-list`} role="listbox" aria-label="Results" className="choices-list">
        {shown.map((c, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of a combobox's options are its input's
          <div
            key={c.key}
            id={`${id}-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === at}
            title={c.title}
            // The field keeps the focus.
            onMouseDown={(e) => e.preventDefault()}
            onClick={() => choose(c)}
          >
            {c.icon}
            <span className="cut">{c.label}</span>
            <span className="note cut">{c.note}</span>
            {c.alarm && <span className="alarm cut">{c.alarm}</span>}
          </div>
        ))}
      </div>
      {problem && <p className="note palette-problem">{problem}</p>}
      <p className="palette-keys note">
        <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>Enter</kbd> opens, <kbd>Esc</kbd> closes
        <span className="sr" role="status">
          {problem ?? plural(shown.length, 'result')}
        </span>
      </p>
    </>
  );
}

const same = (a: readonly Choice[], b: readonly Choice[]): boolean =>
  a.length === b.length && a.every((c, i) => c.key === b[i]?.key);
