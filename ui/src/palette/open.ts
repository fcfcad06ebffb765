import { useSyncExternalStore } from 'react';

// Whether the search of everything is open: any part of the page may open it.
let open = false;
const listeners = new Set<() => void>();

function set(to: boolean): void {
  open = to;
  for (const l of listeners) l();
}

export const openPalette = (): void => set(true);
export const closePalette = (): void => set(false);

export const usePaletteOpen = (): boolean =>
  useSyncExternalStore(
    (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    () => open,
  );
