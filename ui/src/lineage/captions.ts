// What stands in a picture that is too far away to read names: what the cards of a place have in common. Pure.
import type { NodeKind } from '../gql/graphql';
import { GOING_WORD, type Going, isSick, worst } from '../words/going';
import { KIND_WORD, nodeName } from '../words/words';
import type { Drawn } from './elements';
import { type Box, CARD_HEIGHT, CARD_WIDTH } from './geometry';
import { stackName } from './stacks';

/** From column to column, as the server places them. */
const COLUMN = 360;
/** The room of a caption on screen: four lines of some fifteen characters. */
const ROOM = { width: 128, height: 74 };
/** A caption is of no more than this, so that one is in sight of whatever is. */
const MOST = 220;

export interface Caption {
  id: string;
  /** The cards that it is of, in the picture's pixels, and no smaller than itself. */
  box: Box;
  /** What they share: a name, the beginning of their names, an owner or a cluster; null: nothing. */
  name: string | null;
  /** "12 topics", "3 applications" and how many others; none: it is one card, and the name is its own. */
  counts: string[];
  /** The worst state among them, where somebody should look, and of how many. */
  sick: { state: Going; words: string } | null;
}

/** The captions of a picture at a zoom: for each card there is one, and none covers another. */
export function captionsOf(nodes: readonly Drawn[], zoom: number): Caption[] {
  if (nodes.length === 0) return [];
  const room = { width: ROOM.width / zoom, height: ROOM.height / zoom };
  const left = Math.min(...nodes.map((n) => n.position.x));
  const wide = Math.max(1, Math.ceil(room.width / COLUMN));
  const columns = new Map<number, Drawn[]>();
  for (const n of nodes) {
    const at = Math.floor(Math.round((n.position.x - left) / COLUMN) / wide);
    columns.set(at, [...(columns.get(at) ?? []), n]);
  }
  return [...columns].flatMap(([column, of]) =>
    runs(of, room.height, MOST / zoom).map(({ top, bottom, members }) => ({
      id: members[0]?.id ?? '',
      box: {
        x: left + column * wide * COLUMN,
        y: top,
        width: (wide - 1) * COLUMN + CARD_WIDTH,
        height: bottom - top,
      },
      name: shared(members),
      counts: members.length === 1 ? [] : countsOf(members),
      sick: sickOf(members),
    })),
  );
}

interface Run {
  top: number;
  bottom: number;
  members: Drawn[];
}

/** Cards of a column by what is near each other: each run has room for a caption, and is not larger than most. */
function runs(column: readonly Drawn[], least: number, most: number): Run[] {
  const out: Run[] = [];
  for (const n of column.toSorted((a, b) => a.position.y - b.position.y)) {
    const [top, bottom] = [n.position.y, n.position.y + CARD_HEIGHT];
    const last = out.at(-1);
    const apart = !last || (top >= last.bottom && (top - last.bottom > CARD_HEIGHT || bottom - last.top > most));
    if (apart) out.push({ top, bottom: Math.max(bottom, top + least), members: [n] });
    else {
      last.bottom = Math.max(last.bottom, bottom);
      last.members.push(n);
    }
  }
  return out;
}

const kindOf = (n: Drawn): NodeKind => (n.type === 'stack' ? n.data.stack.kind : n.data.node.kind);
const sizeOf = (n: Drawn): number => (n.type === 'stack' ? n.data.stack.count : 1);

function countsOf(members: readonly Drawn[]): string[] {
  const by = new Map<NodeKind, number>();
  for (const n of members) by.set(kindOf(n), (by.get(kindOf(n)) ?? 0) + sizeOf(n));
  const [first, second, ...rest] = [...by].sort((a, b) => b[1] - a[1]);
  const others = rest.reduce((sum, [, n]) => sum + n, 0);
  const words = [first, second].flatMap((c) => (c ? [`${c[1]} ${wordOf(...c)}`] : []));
  if (others > 0) words[1] += `, ${others} more`;
  return words;
}

function wordOf(kind: NodeKind, n: number): string {
  if (kind === 'UNIDENTIFIED') return 'unidentified';
  const word = KIND_WORD[kind].toLowerCase();
  return n === 1 ? word : `${word}s`;
}

function shared(members: readonly Drawn[]): string | null {
  const [first] = members;
  if (members.length === 1 && first)
    return first.type === 'stack' ? stackName(first.data.stack) : nodeName(first.data.node);
  const cards = members.flatMap((n) => (n.type === 'card' ? [n.data.node] : []));
  if (cards.length < members.length) return null;
  const same = (values: (string | undefined)[]) => (new Set(values).size === 1 ? (values[0] ?? null) : null);
  return (
    beginning(cards.map((n) => n.name)) ??
    same(cards.map((n) => n.owner ?? undefined)) ??
    same(cards.map((n) => n.cluster?.name))
  );
}

/** The beginning of all of some names, up to where a part of them ends: "shop.orders.*"; null: there is none. */
export function beginning(names: readonly string[]): string | null {
  const [first = '', ...rest] = names;
  let n = 0;
  while (n < first.length && rest.every((name) => name[n] === first[n])) n++;
  const end = Math.max(...['.', '-', '_', '/', ':'].map((s) => first.lastIndexOf(s, n - 1)));
  return n > 0 && end > 0 ? `${first.slice(0, end + 1)}*` : null;
}

function sickOf(members: readonly Drawn[]): Caption['sick'] {
  const states = members.flatMap((n) => (n.data.going && isSick(n.data.going) ? [n.data.going] : []));
  const state = worst(states);
  if (!state || state === 'unknown') return null;
  const n = states.filter((s) => s === state).length;
  return { state, words: `${n} ${GOING_WORD[state]}` };
}
