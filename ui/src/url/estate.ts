// The overview's state and its URL: the window that it is of, what that is compared with, and how the map is grouped.
import type { GroupBy } from '../gql/graphql';
import { formatQuery, oneOf } from './query';
import { initialWindow, parseWindow, type WindowChoice, windowPairs } from './window';

/** What is compared with: the same time an hour, a day or a week before, or the hour before one's last visit. */
export const AGAINST = ['day', 'week', 'hour', 'visit'] as const;
export type Against = (typeof AGAINST)[number];

export const GROUPS = ['owner', 'prefix', 'cluster', 'product'] as const;
export type Grouping = (typeof GROUPS)[number];

export interface EstateState {
  window: WindowChoice;
  /** null: what the data that is held can answer. */
  against: Against | null;
  by: Grouping;
}

export const initialEstate: EstateState = { window: initialWindow, against: null, by: 'owner' };

/** What else is in the URL is somebody else's, and stays. */
const OURS = ['last', 'start', 'end', 'at', 'against', 'by'];

export function parseEstate(search: string): EstateState {
  const q = new URLSearchParams(search);
  const against = AGAINST.find((a) => a === q.get('against')) ?? null;
  return { window: parseWindow(q), against, by: oneOf(q.get('by'), GROUPS) };
}

export function formatEstate(s: EstateState, now = typeof location === 'undefined' ? '' : location.search): string {
  const pairs: [string, string][] = [...new URLSearchParams(now)].filter(([k]) => !OURS.includes(k));
  if (s.window.kind !== 'last' || s.window.last !== '10m') pairs.push(...windowPairs(s.window));
  if (s.against !== null) pairs.push(['against', s.against]);
  if (s.by !== initialEstate.by) pairs.push(['by', s.by]);
  return formatQuery(pairs);
}

/** The map of all flows of a window, by its place on the overview. */
export const mapHref = (window: WindowChoice): string => `/${formatEstate({ ...initialEstate, window }, '')}#map`;

export const groupBy = (g: Grouping): GroupBy => g.toUpperCase() as GroupBy;
