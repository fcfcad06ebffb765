import { useSyncExternalStore } from 'react';

/** Below this width a table has no room for its columns, and a graph none for its cards. The style sheets have the same. */
const PHONE = '(max-width: 600px)';

/** Whether the page is as narrow as a phone. */
export function usePhone(): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = matchMedia(PHONE);
      media.addEventListener('change', changed);
      return () => media.removeEventListener('change', changed);
    },
    () => matchMedia(PHONE).matches,
  );
}
