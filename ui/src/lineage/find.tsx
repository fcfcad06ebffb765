import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { navigate } from 'wouter/use-browser-location';
import { FindNodesDocument } from '../gql/graphql';
import { Icon, KindIcon } from '../shell/icons';
import { useShortcuts } from '../shell/shortcuts';
import { formatLineage, type LineageState } from '../url/lineage';
import { whenIn, windowInput } from '../url/window';
import { deserted, kindOf, nodeName, placeOf } from '../words/words';

/** The id of the field in which one finds a node. */
export const FIND = 'find-node';

/** Finds another root among what was there in the window: a combobox after the ARIA pattern, with its list below. Keeps window, depth and view. */
export function Find({ state }: { state: LineageState }) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState('');
  const [asked, setAsked] = useState('');
  const [active, setActive] = useState(0);
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setAsked(typed.trim()), 150);
    return () => clearTimeout(timer);
  }, [typed]);
  const window = useMemo(() => windowInput(state.window), [state.window]);
  const when = whenIn(state.window);
  const [{ data }] = useQuery({ query: FindNodesDocument, variables: { text: asked, window }, pause: asked === '' });
  const found = asked === '' ? [] : (data?.nodes?.edges.map((e) => e.node) ?? []);
  const shown = open && typed.trim() !== '' && data !== undefined && asked !== '';
  const focus = (e: KeyboardEvent) => {
    e.preventDefault();
    input.current?.focus();
    input.current?.select();
  };
  useShortcuts({ '/': focus, 'mod+k': focus });
  const go = (root: string | undefined) => {
    if (!root) return;
    setOpen(false);
    setTyped('');
    input.current?.blur();
    navigate(`/lineage${formatLineage({ ...state, roots: [root], selected: null })}`);
  };
  const onKeyDown = (e: React.KeyboardEvent) => {
    const last = found.length - 1;
    if (e.key === 'ArrowDown') setActive(Math.min(active + 1, last));
    else if (e.key === 'ArrowUp') setActive(Math.max(active - 1, 0));
    else if (e.key === 'Enter') go(found[active]?.id);
    else if (e.key === 'Escape') {
      setOpen(false);
      setTyped('');
    } else return;
    e.preventDefault();
  };
  return (
    <div className="find">
      <div className="search">
        <Icon name="search" />
        <input
          ref={input}
          id={FIND}
          role="combobox"
          aria-label="Find another node"
          aria-expanded={shown}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={shown && found[active] ? `${id}-${active}` : undefined}
          placeholder="Find another node"
          value={typed}
          autoComplete="off"
          spellCheck={false}
          onChange={(e) => {
            setTyped(e.target.value);
            setActive(0);
            setOpen(true);
          }}
          onFocus={() => setOpen(true)}
          onBlur={() => setOpen(false)}
          onKeyDown={onKeyDown}
        />
        <span className="key" aria-hidden="true">
          <kbd>/</kbd>
        </span>
      </div>
      <div id={`${id}-list`} role="listbox" aria-label="Nodes found" hidden={!shown} className="card popup found">
        {found.map((n, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of a combobox's options are its input's
          <div
            key={n.id}
            id={`${id}-${i}`}
            role="option"
            tabIndex={-1}
            aria-selected={i === active}
            // Before blur takes the list away.
            onMouseDown={(e) => e.preventDefault()}
            onClick={() => go(n.id)}
          >
            <KindIcon kind={n.kind} />
            <span className="name">{nodeName(n)}</span>
            <span className="note">
              {kindOf(n)}
              {placeOf(n) && `, ${placeOf(n)}`}
            </span>
            {'groups' in n && deserted(n.groups, when) && <span className="alarm">{deserted(n.groups, when)}</span>}
          </div>
        ))}
        {found.length === 0 && (
          <div role="option" tabIndex={-1} aria-selected="false" aria-disabled="true" className="note">
            {data?.nodes?.coverage.observedFraction === 0 ? 'Nothing was observed in this window' : 'Nothing matches'}
          </div>
        )}
      </div>
    </div>
  );
}
