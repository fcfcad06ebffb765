// Where the nodes of a picture stand in the next one: those that stay, where they were. Pure.
import { CARD_HEIGHT, type XY } from './geometry';
import type { LineageAnswer } from './types';

/** From a card of a column to the next at least, and what lies between parts that no flow joins: the server's. */
const STEP = CARD_HEIGHT + 24;
const PART_GAP = 48;
/** So far from where it belongs a new card may stand; were it further, those that were there make room. */
const REACH = 3 * STEP;

type Positions = LineageAnswer['positions'];
type Stacks = readonly { node: string; memberIds: readonly string[] }[];
type Flows = readonly { from: { id: string }; to: { id: string } }[];

/** A card with the place that it would have, were all the room its own. */
interface Wish extends XY {
  node: string;
}

/**
 * The places of a new picture, given where its nodes stood in the last one. Who stays in its column does not move,
 * unless there is no room near for what is new; what is new stands as near as it can to where the server has it, seen
 * from its neighbours; parts that are all new stand below. Where most are gone it is another picture, and the server's.
 */
export function steady(
  before: ReadonlyMap<string, XY>,
  flows: Flows,
  positions: Positions,
  stacks: Stacks = [],
): Positions {
  const stayed = positions.filter((p) => before.has(p.node)).length;
  if (stayed === 0 || stayed * 2 < before.size) return positions;
  const columns = new Columns();
  const inherited = inheritances(before, positions, stacks);
  const wishes: Wish[] = [];
  const fresh: Positions[] = [];
  for (const { nodes, next } of parts(flows, positions)) {
    const old = nodes.filter((p) => before.has(p.node));
    if (old.length === 0) {
      fresh.push(nodes);
      continue;
    }
    const across = most(old.map((p) => (before.get(p.node)?.x ?? 0) - p.x));
    const shift = shifts(before, nodes, next);
    for (const p of nodes) {
      const was = before.get(p.node);
      const x = p.x + across;
      if (was?.x === x) columns.put(p.node, x, was.y);
      else wishes.push({ node: p.node, x, y: was?.y ?? inherited.get(p.node) ?? p.y + (shift.get(p.node) ?? 0) });
    }
  }
  for (const w of wishes.sort((a, b) => a.y - b.y)) columns.squeeze(w);
  let bottom = columns.bottom();
  for (const nodes of fresh) {
    const top = Math.min(...nodes.map((p) => p.y));
    for (const p of nodes) columns.put(p.node, p.x, p.y - top + bottom);
    bottom = columns.bottom();
  }
  return positions.map((p) => ({ ...p, ...columns.at(p.node) }));
}

/** Members come where their stack was, and a stack where its members were. */
function inheritances(before: ReadonlyMap<string, XY>, positions: Positions, stacks: Stacks): Map<string, number> {
  const out = new Map<string, number>();
  const now = new Set(positions.map((p) => p.node));
  for (const { node, memberIds } of stacks) {
    const was = before.get(node);
    if (was && !now.has(node)) for (const [i, m] of memberIds.entries()) out.set(m, was.y + i * STEP);
    const gone = memberIds.flatMap((m) => (now.has(m) ? [] : (before.get(m)?.y ?? [])));
    if (!was && gone.length > 0) out.set(node, gone.reduce((a, b) => a + b, 0) / gone.length);
  }
  return out;
}

/** Cards by column, in each from top to bottom. */
class Columns {
  private readonly cards = new Map<number, { node: string; y: number }[]>();
  private readonly places = new Map<string, XY>();

  put(node: string, x: number, y: number): void {
    const column = this.cards.get(x) ?? [];
    if (column.length === 0) this.cards.set(x, column);
    const i = column.findIndex((c) => c.y > y);
    column.splice(i < 0 ? column.length : i, 0, { node, y });
    this.places.set(node, { x, y });
  }

  /** Where it wishes to be or in the nearest gap, else between those who make room. */
  squeeze({ node, x, y }: Wish): void {
    const column = this.cards.get(x) ?? [];
    const free = (at: number) => column.every((c) => Math.abs(c.y - at) >= STEP);
    const near = [y, ...column.flatMap((c) => [c.y - STEP, c.y + STEP])]
      .filter((at) => Math.abs(at - y) <= REACH && free(at))
      .sort((a, b) => Math.abs(a - y) - Math.abs(b - y));
    if (near[0] !== undefined) {
      this.put(node, x, near[0]);
      return;
    }
    const below = column.find((c) => c.y > y);
    const above = column.findLast((c) => c.y <= y);
    this.put(node, x, above && below ? (above.y + below.y) / 2 : y);
    this.makeRoom(x, node);
  }

  private makeRoom(x: number, node: string): void {
    const column = this.cards.get(x) ?? [];
    const at = column.findIndex((c) => c.node === node);
    for (const way of [1, -1]) {
      let last = column[at]?.y ?? 0;
      for (let i = at + way; column[i]; i += way) {
        const c = column[i] as { node: string; y: number };
        if ((c.y - last) * way >= STEP) break;
        c.y = last + way * STEP;
        last = c.y;
        this.places.set(c.node, { x, y: c.y });
      }
    }
  }

  at(node: string): XY | undefined {
    return this.places.get(node);
  }

  /** Below all cards. */
  bottom(): number {
    return Math.max(...[...this.places.values()].map((p) => p.y)) + CARD_HEIGHT + PART_GAP;
  }
}

interface Part {
  nodes: Positions;
  next: ReadonlyMap<string, readonly string[]>;
}

/** The parts that no flow joins, and who is joined with whom. */
function parts(flows: Flows, positions: Positions): Part[] {
  const at = new Map(positions.map((p) => [p.node, p]));
  const next = new Map<string, string[]>(positions.map((p) => [p.node, []]));
  for (const { from, to } of flows) {
    if (!at.has(from.id) || !at.has(to.id)) continue;
    next.get(from.id)?.push(to.id);
    next.get(to.id)?.push(from.id);
  }
  const seen = new Set<string>();
  return positions.flatMap((p) => {
    if (seen.has(p.node)) return [];
    const part = new Set([p.node]);
    for (const id of part) for (const n of next.get(id) ?? []) part.add(n);
    for (const id of part) seen.add(id);
    return [{ nodes: positions.filter((q) => part.has(q.node)), next }];
  });
}

/** How far down each node's surroundings stand from where the server has them: its own, else its neighbours'. */
function shifts(
  before: ReadonlyMap<string, XY>,
  nodes: Positions,
  next: ReadonlyMap<string, readonly string[]>,
): Map<string, number> {
  const out = new Map<string, number>();
  for (const p of nodes) {
    const was = before.get(p.node);
    if (was) out.set(p.node, was.y - p.y);
  }
  for (const [id] of out) {
    for (const n of next.get(id) ?? []) {
      if (out.has(n)) continue;
      const known = (next.get(n) ?? []).flatMap((m) => out.get(m) ?? []);
      out.set(n, known.reduce((a, b) => a + b, 0) / known.length);
    }
  }
  return out;
}

/** What is there most often; of equally many the first. */
function most(values: readonly number[]): number {
  const count = new Map<number, number>();
  for (const v of values) count.set(v, (count.get(v) ?? 0) + 1);
  return [...count].reduce((best, c) => (c[1] > best[1] ? c : best))[0];
}

/** The places of one picture after the other. */
export class Places {
  private of = '';
  private last: ReadonlyMap<string, XY> = new Map();

  /** The answer with the places in which it is drawn. Another frame begins anew. Asked twice, it says the same. */
  settle(answer: LineageAnswer, frame: string): LineageAnswer {
    const positions =
      this.of === frame ? steady(this.last, answer.flows, answer.positions, answer.stacks) : answer.positions;
    this.of = frame;
    this.last = new Map(positions.map((p) => [p.node, { x: p.x, y: p.y }]));
    return positions === answer.positions ? answer : { ...answer, positions };
  }
}

/** Whether nodes stand otherwise to each other than the server has them. */
export function rearranged(shown: Positions, given: Positions): boolean {
  const at = new Map(given.map((p) => [p.node, p]));
  const by = shown.map((p) => `${p.x - (at.get(p.node)?.x ?? 0)} ${p.y - (at.get(p.node)?.y ?? 0)}`);
  return new Set(by).size > 1;
}
