// The reports page's state and its URL: which report, of what, in which window.
import type { RetireKind } from '../gql/graphql';
import { formatQuery } from './query';
import { parseWindow, type WindowChoice, windowPairs } from './window';

/** Each report as its link names it. */
export const REPORTS = ['usage', 'register', 'retire', 'bill'] as const;
export type Report = (typeof REPORTS)[number];

export type Scope = 'tag' | 'owner' | 'topic' | 'application' | 'cluster';
export type By = 'TOPIC' | 'APPLICATION' | 'OWNER' | 'CLUSTER' | 'DAY' | 'OWNER_AND_TOPIC';

interface Shape {
  /** What it can be of, by the parameter of its link, what is usual first. */
  scopes: readonly [Scope, ...Scope[]];
  /** Whether it can be of all there is. */
  all: boolean;
  /** How it is put together, what is usual first. */
  by: readonly By[];
}

export const SHAPES: Record<Report, Shape> = {
  usage: {
    scopes: ['tag', 'owner', 'topic', 'application', 'cluster'],
    all: false,
    by: ['TOPIC', 'APPLICATION', 'OWNER', 'CLUSTER', 'DAY'],
  },
  register: { scopes: ['tag'], all: false, by: [] },
  retire: { scopes: ['owner', 'cluster'], all: true, by: [] },
  bill: { scopes: ['cluster'], all: true, by: ['OWNER', 'TOPIC', 'OWNER_AND_TOPIC'] },
};

export interface ReportsState {
  /** null: none is chosen yet. */
  report: Report | null;
  scope: Scope;
  /** A tag, an owner, or the id of a node or cluster; empty: none was named. */
  of: string;
  /** null: as it is usual. */
  by: By | null;
  /** Of a tag: whether topics are in it that do not bear it, and to which it comes. */
  derived: boolean;
  /** What could be put away: of which kind; null: of any. By how many days up to now. */
  kind: RetireKind | null;
  days: number;
  window: WindowChoice;
}

export const RETIRED: RetireKind[] = ['UNUSED_TOPIC', 'UNOWNED_TOPIC', 'DEAD_GROUP', 'IDLE_CONNECTOR'];
export const USUAL_DAYS = 30;
const MOST_DAYS = 3650;

export function parseReports(search: string): ReportsState {
  const q = new URLSearchParams(search);
  const report = REPORTS.find((r) => r === q.get('report')) ?? null;
  const { scopes, by: groups } = SHAPES[report ?? 'usage'];
  const scope = scopes.find((s) => q.has(s));
  const by = q.get('by')?.toUpperCase();
  const days = Number(q.get('days'));
  return {
    report,
    scope: scope ?? scopes[0],
    of: (scope && q.get(scope)) ?? '',
    by: groups.find((g) => g === by) ?? null,
    derived: q.get('derived') !== 'false',
    kind: RETIRED.find((k) => k === q.get('kind')?.toUpperCase()) ?? null,
    days: Number.isInteger(days) && days >= 1 && days <= MOST_DAYS ? days : USUAL_DAYS,
    window: parseWindow(q),
  };
}

export function formatReports(s: ReportsState): string {
  const pairs: [string, string][] = [];
  if (s.report) {
    pairs.push(['report', s.report]);
    const { all, by } = SHAPES[s.report];
    // An empty one is kept where it is needed: it says what is asked for next.
    if (s.of !== '' || !all) pairs.push([s.scope, s.of]);
    if (s.report === 'retire') {
      pairs.push(['days', String(s.days)]);
      if (s.kind) pairs.push(['kind', s.kind.toLowerCase()]);
    }
    if (s.by && by.includes(s.by)) pairs.push(['by', s.by.toLowerCase()]);
    if (!s.derived && follows(s)) pairs.push(['derived', 'false']);
  }
  return formatQuery([...pairs, ...windowPairs(s.window)]);
}

/** How a report is put together where its link does not say it: by what its scope is not. */
export const usualBy = (s: Pick<ReportsState, 'report' | 'scope'>): By =>
  s.report === 'usage' && s.scope === 'topic' ? 'APPLICATION' : (SHAPES[s.report ?? 'usage'].by[0] ?? 'TOPIC');

/** Whether a report can be of topics to which a tag only comes. */
export const follows = (s: Pick<ReportsState, 'report' | 'scope'>): boolean =>
  s.scope === 'tag' && (s.report === 'usage' || s.report === 'register');

/** The same of another report, as far as that can be of the same. */
export function asReport(s: ReportsState, report: Report): ReportsState {
  const { scopes } = SHAPES[report];
  const same = scopes.includes(s.scope);
  return { ...s, report, scope: same ? s.scope : scopes[0], of: same ? s.of : '', by: null, kind: null };
}

const initial: Omit<ReportsState, 'window'> = {
  report: null,
  scope: 'tag',
  of: '',
  by: null,
  derived: true,
  kind: null,
  days: USUAL_DAYS,
};

export const reportsHref = (change: Partial<ReportsState> & Pick<ReportsState, 'window'>): string =>
  `/reports${formatReports({ ...initial, ...change })}`;
