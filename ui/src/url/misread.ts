// What of a link is not understood: it opens all the same, and says so.
import { parseEvidence } from './evidence';
import { type LineageState, MAX_DEPTH, parseLineage } from './lineage';

/** The parameters of a lineage's link that say something that is none, as they are written. */
export function misread(search: string): string[] {
  const q = new URLSearchParams(search);
  const s = parseLineage(search);
  const depth = Number(q.get('depth'));
  const wrong: Record<string, boolean> = {
    ...wrongWindow(q, s),
    depth: !(Number.isInteger(depth) && depth >= 1 && depth <= MAX_DEPTH),
    direction: q.get('direction')?.toUpperCase() !== s.direction,
    view: q.get('view') !== s.view,
    unit: q.get('unit') !== s.unit,
    evidence: !q
      .get('evidence')
      ?.split(',')
      .every((k) => parseEvidence(k).length > 0),
    path: s.path === null,
  };
  return [...q].filter(([k, v]) => v !== '' && wrong[k]).map(([k, v]) => `${k}=${v.slice(0, 60)}`);
}

function wrongWindow(q: URLSearchParams, { window }: Pick<LineageState, 'window'>): Record<string, boolean> {
  return {
    last: !q.has('at') && !q.has('start') && !(window.kind === 'last' && window.last === q.get('last')),
    at: window.kind !== 'at',
    start: window.kind !== 'at' && window.kind !== 'range',
    end: window.kind !== 'at' && window.kind !== 'range',
  };
}
