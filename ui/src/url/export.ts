// What the server is asked for to write what a view shows into a file.
import { type CatalogState, asked as stateAsked } from './catalog';
import { asked, type LineageState } from './lineage';
import { formatQuery } from './query';
import { type WindowChoice, windowPairs } from './window';

export type ExportFormat = 'svg' | 'dot' | 'mermaid' | 'csv' | 'json';

/** The most nodes of a view, and so of its file. */
export const LIMIT = 300;

/** The file of a view. A theme is for SVG, where it is not the reader's own. */
export function exportHref(s: LineageState, format: ExportFormat, theme?: 'light' | 'dark'): string {
  const { roots, direction, depth } = asked(s);
  const pairs: [string, string][] = [['format', format], ...roots.map((r): [string, string] => ['root', r])];
  if (roots.length > 0) {
    pairs.push(['direction', direction], ['depth', String(depth)]);
  }
  if (s.evidence.length > 0) pairs.push(['evidence', s.evidence.join(',')]);
  pairs.push(
    ['includeInactive', String(s.inactive)],
    ['includeInternal', String(s.internal)],
    ['limit', String(LIMIT)],
    ...windowPairs(s.window),
  );
  if (theme) pairs.push(['theme', theme]);
  return `/export/lineage${formatQuery(pairs)}`;
}

/** The catalog's list with its filters, as a sheet that can be brought back. */
export function listHref(s: CatalogState, format: 'csv' | 'yaml'): string {
  const pairs: [string, string][] = [['format', format]];
  if (s.text) pairs.push(['text', s.text]);
  if (s.kinds.length > 0) pairs.push(['kind', s.kinds.join(',')]);
  if (s.cluster) pairs.push(['cluster', s.cluster]);
  if (s.owner) pairs.push(['owner', s.owner]);
  if (s.tag) pairs.push(['tag', s.tag]);
  if (s.tag && s.derived) pairs.push(['derived', 'true']);
  if (s.states.length > 0) pairs.push(['state', s.states.map((g) => stateAsked(g) ?? 'NOT_KNOWN').join(',')]);
  pairs.push(['includeInternal', String(s.internal)], ...windowPairs(s.window));
  return `/export/catalog${formatQuery(pairs)}`;
}

/** Who wrote and who read a topic, as a file. */
export const usageHref = (topic: string, w: WindowChoice, format: 'csv' | 'json'): string =>
  `/export/usage${formatQuery([['format', format], ['topic', topic], ...windowPairs(w)])}`;

/** What the ledger says of a topic from an instant to another, with its proofs. */
export const bundleHref = (topic: string, start: string, end: string): string =>
  `/export/ledger${formatQuery([
    ['topic', topic],
    ['start', start],
    ['end', end],
  ])}`;

/** What a node starves, as a file: all of it, in its order. */
export function impactHref(s: LineageState, format: 'csv' | 'json'): string {
  const pairs: [string, string][] = [
    ['format', format],
    ['root', s.roots[0] ?? ''],
  ];
  if (s.evidence.length > 0) pairs.push(['evidence', s.evidence.join(',')]);
  pairs.push(
    ['includeInactive', String(s.inactive)],
    ['includeInternal', String(s.internal)],
    ...windowPairs(s.window),
  );
  return `/export/impact${formatQuery(pairs)}`;
}

/** What speaks against the deletion of a topic, by so many days up to now, as a file. */
export const deletionHref = (topic: string, days: number, format: 'csv' | 'json'): string =>
  `/export/deletion${formatQuery([
    ['format', format],
    ['topic', topic],
    ['days', String(days)],
  ])}`;

/** What is hurt if some things are lost, as a file. */
export const whatIfHref = (lose: readonly string[], w: WindowChoice, format: 'csv' | 'json'): string =>
  `/export/what-if${formatQuery([['format', format], ...lose.map((id) => ['lose', id] as const), ...windowPairs(w)])}`;

/** What could be put away, as a file. */
export const retireHref = (
  days: number,
  kind: string | null,
  scope: readonly ['cluster' | 'owner', string] | null,
  format: 'csv' | 'json',
): string =>
  `/export/retire${formatQuery([
    ['format', format],
    ['days', String(days)],
    ...(kind ? [['kinds', kind] as const] : []),
    ...(scope ? [scope] : []),
  ])}`;

/** The usage bill, as a file. */
export function billHref(
  w: WindowChoice,
  cluster: string,
  by: string,
  form: 'focus-1.2' | 'focus-1.3' | 'csv' | 'json',
): string {
  const [format, version] = form.split('-');
  const pairs: [string, string][] = [['format', format ?? '']];
  if (version) pairs.push(['version', version]);
  else pairs.push(['groupBy', by]);
  if (cluster !== '') pairs.push(['cluster', cluster]);
  return `/export/bill${formatQuery([...pairs, ...windowPairs(w)])}`;
}

/** Who used what of a scope, or who handles data of a tag, as a file; html is a page to print. */
export const reportHref = (
  of: 'report' | 'register',
  scope: readonly [string, string],
  w: WindowChoice,
  format: 'csv' | 'json' | 'html',
  by?: string,
  derived = true,
): string =>
  `/export/${of}${formatQuery([
    ['format', format],
    scope,
    ...(by ? [['groupBy', by] as const] : []),
    ...(derived ? [] : [['derived', 'false'] as const]),
    ...windowPairs(w),
  ])}`;
