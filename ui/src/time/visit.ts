// When this browser looked here before. It stays in the browser.
const KEY = 'lineaged.visit';
const SINCE = 'lineaged.visit.before';
/** A pause that makes the next look another visit. */
const APART = 30 * 60_000;

function stored(storage: Storage, key: string): number | null {
  const n = Number(storage.getItem(key));
  return Number.isFinite(n) && n > 0 ? n : null;
}

/** When the visit before this one ended; null: there was none, or it can't be remembered. */
export function lastVisit(now: number = Date.now()): number | null {
  try {
    const before = stored(localStorage, KEY);
    if (before !== null && now - before > APART) sessionStorage.setItem(SINCE, String(before));
    return stored(sessionStorage, SINCE);
  } catch {
    return null;
  }
}

/** Notes that somebody looks. */
export function visit(now: number = Date.now()): void {
  try {
    localStorage.setItem(KEY, String(now));
  } catch {
    // Storage is refused: there is no visit to come back to.
  }
}
