// What of a picture is lit: the whole way up and down of what was chosen, or its neighbours. Pure.
import type { EvidenceKind } from '../gql/graphql';
import type { LineageAnswer } from './types';

/** Ids of nodes, each with its place in an order where it has one, and of flows. */
export interface Lit {
  nodes: ReadonlyMap<string, number | null>;
  flows: ReadonlySet<string>;
  /** What a loss does to nodes, by their ids. */
  marks?: ReadonlyMap<string, Mark>;
}

/** What a loss does to a node, by shape, word and colour. */
export interface Mark {
  kind: 'lost' | 'starved' | 'less' | 'unknown' | 'deleted';
  words: string;
}

type Side = 'from' | 'to';
type Picture = Pick<LineageAnswer, 'flows'> & { nodes: readonly Pick<LineageAnswer['nodes'][number], 'id' | 'kind'>[] };

/** What a client was let in for is no flow through a program: who is known by a principal alone may be several. */
const BY_PRINCIPAL: EvidenceKind[] = ['AUDIT_LOG', 'AUTHORIZER_LOG', 'REQUEST_LOG'];

/** The ways up and down of a node or a flow, and whether some of it may lead elsewhere: see forks. */
export interface Ways {
  up: string[];
  down: string[];
  unsure: boolean;
}

/** Everything that a node or flow comes from and goes to, as far as it is shown. */
export function waysOf(picture: Picture, id: string): Ways {
  const flow = picture.flows.find((f) => f.id === id);
  const up = walk(picture, flow ? flow.from.id : id, 'to', 'from');
  const down = walk(picture, flow ? flow.to.id : id, 'from', 'to');
  const start = new Set(flow ? [flow.from.id, flow.to.id] : [id]);
  const forks = forksOf(picture);
  return {
    up,
    down,
    unsure:
      [...up, ...down].some((n) => !start.has(n) && forks.has(n)) ||
      [...start].some((n) => flow !== undefined && forks.has(n)),
  };
}

function walk(picture: Picture, start: string, at: Side, next: Side): string[] {
  const steps = new Map<string, string[]>();
  for (const f of picture.flows) {
    const all = steps.get(f[at].id);
    if (all) all.push(f[next].id);
    else steps.set(f[at].id, [f[next].id]);
  }
  const seen = new Set([start]);
  for (const id of seen) for (const n of steps.get(id) ?? []) seen.add(n);
  return [...seen];
}

/**
 * Nodes through which not all that goes in goes out everywhere, as a replicator, whose topics go each to its own copy.
 * Which goes where only the server knows.
 */
function forksOf({ nodes, flows }: Picture): Set<string> {
  const [ins, outs, sure] = [new Map<string, number>(), new Map<string, number>(), new Set<string>()];
  const more = (counts: Map<string, number>, id: string) => counts.set(id, (counts.get(id) ?? 0) + 1);
  for (const f of flows) {
    more(ins, f.to.id);
    more(outs, f.from.id);
    if (f.evidence.some((e) => !BY_PRINCIPAL.includes(e.kind))) sure.add(f.from.id).add(f.to.id);
  }
  const forks = nodes.filter(({ id, kind }) => {
    const several = (ins.get(id) ?? 0) > 0 && (outs.get(id) ?? 0) > 0;
    if (kind === 'REPLICATOR' || kind === 'CONNECTOR') return several && (ins.get(id) ?? 0) + (outs.get(id) ?? 0) > 2;
    return kind === 'APPLICATION' && several && !sure.has(id);
  });
  return new Set(forks.map((n) => n.id));
}

/** What the server knows to lie upstream and downstream of it. */
export interface Known {
  up: ReadonlySet<string>;
  down: ReadonlySet<string>;
}

/** The ways up and down as they are lit; where some may lead elsewhere only what is known to lie on them. */
export function litWays(picture: Picture, id: string, ways: Ways, known: Known | null): Lit {
  const chosen = picture.flows.find((f) => f.id === id);
  const on = (side: 'up' | 'down') => new Set(known ? ways[side].filter((n) => known[side].has(n)) : ways[side]);
  const [up, down] = [on('up'), on('down')];
  const flows = picture.flows.filter(
    (f) => f.id === id || (up.has(f.from.id) && up.has(f.to.id)) || (down.has(f.from.id) && down.has(f.to.id)),
  );
  const nodes = [...up, ...down, ...(chosen ? [chosen.from.id, chosen.to.id] : [])];
  return { nodes: new Map(nodes.map((n) => [n, null])), flows: new Set(flows.map((f) => f.id)) };
}

/** A node with the flows that touch it and their other ends; a flow with its two. */
export function neighbours({ flows }: Pick<Picture, 'flows'>, id: string): Lit {
  const near = flows.filter((f) => f.id === id || f.from.id === id || f.to.id === id);
  return {
    nodes: new Map([id, ...near.flatMap((f) => [f.from.id, f.to.id])].map((n) => [n, null])),
    flows: new Set(near.map((f) => f.id)),
  };
}

/** How something is shown: lit, not lit while others are, or as ever. Several ids, as of a stack, are lit where one of them is. */
export function litClass(lit: Lit | null, near: Lit | null, ids: readonly string[]): string {
  const among = (l: Lit) => ids.some((id) => l.nodes.has(id) || l.flows.has(id));
  const words: string[] = [];
  if (lit) words.push(among(lit) ? 'lit' : 'unlit');
  if (near && among(near)) words.push('near');
  return words.join(' ');
}
