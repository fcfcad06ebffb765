// What the server is asked for to write what a view shows into a file.
import type { LineageState } from './lineage';
import { formatQuery } from './query';
import { type WindowChoice, windowPairs } from './window';

export type ExportFormat = 'svg' | 'dot' | 'mermaid' | 'csv' | 'json';

/** The most nodes of a view, and so of its file. */
export const LIMIT = 300;

/** The file of a view. A theme is for SVG, where it is not the reader's own. */
export function exportHref(s: LineageState, format: ExportFormat, theme?: 'light' | 'dark'): string {
  const pairs: [string, string][] = [['format', format], ...s.roots.map((r): [string, string] => ['root', r])];
  if (s.roots.length > 0) {
    pairs.push(['direction', s.direction], ['depth', String(s.depth)]);
  }
  pairs.push(
    ['includeInactive', String(s.inactive)],
    ['includeInternal', String(s.internal)],
    ['limit', String(LIMIT)],
    ...windowPairs(s.window),
  );
  if (theme) pairs.push(['theme', theme]);
  return `/export/lineage${formatQuery(pairs)}`;
}

/** Who wrote and who read a topic, as a file. */
export const usageHref = (topic: string, w: WindowChoice, format: 'csv' | 'json'): string =>
  `/export/usage${formatQuery([['format', format], ['topic', topic], ...windowPairs(w)])}`;
