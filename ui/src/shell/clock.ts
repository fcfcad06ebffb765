import { useSyncExternalStore } from 'react';
import type { Clock } from '../words/format';

// By whose clock times are told: a reader's choice, as that of colours, and none of a link.
const KEY = 'lineaged.clock';
const listeners = new Set<() => void>();

function read(): Clock {
  try {
    return localStorage.getItem(KEY) === 'utc' ? 'utc' : 'local';
  } catch {
    return 'local';
  }
}

export function chooseClock(clock: Clock): void {
  try {
    if (clock === 'utc') localStorage.setItem(KEY, clock);
    else localStorage.removeItem(KEY);
  } catch {
    return; // There is nothing to remember the choice in, so local time stays.
  }
  for (const l of listeners) l();
}

export const useClock = (): Clock =>
  useSyncExternalStore((l) => {
    listeners.add(l);
    return () => listeners.delete(l);
  }, read);
