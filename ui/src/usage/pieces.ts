// When something was used: the pieces of a window in which it was, in which it rested, and of which that is not known.
import type { Span } from '../chart/gaps';
import { duration } from '../words/format';

/**
 * used: it moved in that piece at some time. silent: it was observed and did not move. unseen: nobody looked, or it has
 * not been told yet. untold: it moved in the window, and when is not told. maybe: what moved may have moved before or after
 * the window.
 */
export type Use = 'used' | 'silent' | 'unseen' | 'untold' | 'maybe';

export interface Piece extends Span {
  use: Use;
}

export interface Used {
  active?: boolean | null;
  series?: { step: string; points: readonly { at: string; value?: number | null }[] } | null;
}

/** The pieces of a window, in Unix seconds, the first first. What nobody saw lies over all else. */
export function piecesOf(flow: Used, window: Span, lost: readonly Span[], stepSeconds: number): Piece[] {
  const points = flow.series?.points ?? [];
  let pieces: Piece[] = points.flatMap((p) => {
    const at = Date.parse(p.at) / 1000;
    const start = Math.max(at, window.start);
    const end = Math.min(at + stepSeconds, window.end);
    return start < end ? [{ use: pieceUse(p.value, flow.active), start, end }] : [];
  });
  if (!pieces.some((p) => p.use !== 'unseen')) pieces = [{ ...window, use: whole(flow.active) }];
  for (const gap of lost) pieces = covered(pieces, gap);
  return joined(pieces);
}

function pieceUse(value: number | null | undefined, active: boolean | null | undefined): Use {
  if (value == null) return 'unseen';
  if (value > 0) return active == null ? 'maybe' : 'used';
  return 'silent';
}

/** Without a figure for any piece there is one answer for all of the window. */
const whole = (active: boolean | null | undefined): Use => (active == null ? 'unseen' : active ? 'untold' : 'silent');

function covered(pieces: readonly Piece[], gap: Span): Piece[] {
  return pieces.flatMap((p): Piece[] => {
    const start = Math.max(p.start, gap.start);
    const end = Math.min(p.end, gap.end);
    if (start >= end) return [p];
    const parts: Piece[] = [
      { ...p, end: start },
      { use: 'unseen', start, end },
      { ...p, start: end },
    ];
    return parts.filter((x) => x.start < x.end);
  });
}

/** Neighbours of one kind are one. */
function joined(pieces: readonly Piece[]): Piece[] {
  const out: Piece[] = [];
  for (const p of pieces) {
    const last = out.at(-1);
    if (last && last.use === p.use && p.start <= last.end) last.end = Math.max(last.end, p.end);
    else out.push({ ...p });
  }
  return out;
}

export const USE_WORD: Record<Use, string> = {
  used: 'used',
  silent: 'silent',
  unseen: 'not observed',
  untold: 'used, when is not told',
  maybe: 'perhaps used',
};

const ORDER: Use[] = ['used', 'maybe', 'untold', 'silent', 'unseen'];

/** What a strip shows, for who does not see it: how long it was used, rested and was not seen. */
export function said(pieces: readonly Piece[]): string {
  const all = pieces.reduce((sum, p) => sum + p.end - p.start, 0);
  const parts = ORDER.flatMap((use) => {
    const seconds = pieces.reduce((sum, p) => sum + (p.use === use ? p.end - p.start : 0), 0);
    if (seconds === 0) return [];
    if (use === 'untold') return [USE_WORD.untold];
    return [`${USE_WORD[use]} ${seconds === all ? 'all along' : duration(seconds)}`];
  });
  return parts.join(', ');
}

/** The first and the last piece in which it was used; null: there is none. */
export function ends(pieces: readonly Piece[]): { first: Piece; last: Piece } | null {
  const used = pieces.filter((p) => p.use === 'used');
  const [first, last] = [used[0], used.at(-1)];
  return first && last ? { first, last } : null;
}
