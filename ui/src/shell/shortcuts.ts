import { useEffect, useRef, useSyncExternalStore } from 'react';

// Single letters can be switched off (WCAG 2.1.4): who speaks to the computer would trip over them.
const KEY = 'lineaged.shortcuts';
const listeners = new Set<() => void>();

function enabled(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
}

export function enableShortcuts(on: boolean): void {
  try {
    if (on) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, 'off');
  } catch {
    return;
  }
  for (const l of listeners) l();
}

export const useShortcutsEnabled = (): boolean =>
  useSyncExternalStore((l) => {
    listeners.add(l);
    return () => listeners.delete(l);
  }, enabled);

/** Handlers by key: 't', '/', '?', 'escape', or 'mod+k'. Letters do nothing while someone types. */
export function useShortcuts(handlers: Record<string, (e: KeyboardEvent) => void>): void {
  const latest = useRef(handlers);
  useEffect(() => {
    latest.current = handlers;
  }, [handlers]);
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (e.defaultPrevented || e.altKey || e.isComposing) return;
      const mod = e.ctrlKey || e.metaKey;
      const name = (mod ? 'mod+' : '') + e.key.toLowerCase();
      const handler = latest.current[name];
      if (!handler) return;
      const typing = e.target instanceof HTMLElement && e.target.matches('input, textarea, select, [contenteditable]');
      const letter = !mod && e.key.length === 1;
      if (letter && (typing || !enabled() || document.querySelector('dialog[open]'))) return;
      handler(e);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}
