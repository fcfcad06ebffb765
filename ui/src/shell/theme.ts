import { useSyncExternalStore } from 'react';

export type Choice = 'system' | 'light' | 'dark';
const KEY = 'lineaged.theme';
const system = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

function read(): Choice {
  try {
    const v = localStorage.getItem(KEY);
    return v === 'light' || v === 'dark' ? v : 'system';
  } catch {
    return 'system';
  }
}

function apply(): void {
  const choice = read();
  document.documentElement.dataset.theme = choice === 'system' ? (system.matches ? 'dark' : 'light') : choice;
  for (const l of listeners) l();
}

export function choose(choice: Choice): void {
  try {
    if (choice === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, choice);
  } catch {
    // Storage is refused: there is nothing to remember the choice in, so the system's stays.
  }
  apply();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    system.addEventListener('change', apply);
    // What changed between theme.js and now went unheard.
    apply();
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) system.removeEventListener('change', apply);
  };
}

export const useChoice = (): Choice => useSyncExternalStore(subscribe, read);
/** What is shown now; charts are drawn on a canvas and must be told. */
export const useTheme = (): string =>
  useSyncExternalStore(subscribe, () => document.documentElement.dataset.theme ?? 'light');
