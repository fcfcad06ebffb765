// Stacks in words, and pictures of which a reader takes parts away. Pure.
import type { LineagePartsFragment } from '../gql/graphql';
import type { Branch, FoldingState, Side } from '../url/folding';
import { GOING_WORD, going } from '../words/going';
import { KIND_WORD, nameOfId } from '../words/words';
import type { LineageAnswer, LineageFlow } from './types';

export type Stack = LineagePartsFragment['stacks'][number];

/** "readers" of a topic; of others what they are. */
export function membersWord(s: Pick<Stack, 'kind' | 'anchor' | 'direction'>, n = 2): string {
  const one = n === 1;
  const ofTopic = s.anchor.startsWith('topic:') || /^group:stack-[a-z]+-topic-/.test(s.anchor);
  if (ofTopic && s.kind === 'APPLICATION') {
    const word = s.direction === 'DOWNSTREAM' ? 'reader' : 'writer';
    return one ? word : `${word}s`;
  }
  const word = KIND_WORD[s.kind].toLowerCase();
  return one || word.endsWith('s') ? word : `${word}s`;
}

/** "58 readers". */
export const stackName = (s: Stack): string => `${s.count} ${membersWord(s, s.count)}`;

const HEALTH = { FINE: 'fine', SICK: 'need a look', UNKNOWN: 'not known how they go' } as const;

/** "fine", or what is wrong: "3 stalled, 9 stopped". */
export function healthText(s: Stack): string {
  if (s.health !== 'SICK') return HEALTH[s.health];
  return statesText(s);
}

/** "55 moving, 3 idle". */
export const statesText = (s: Stack): string =>
  s.states.map((c) => `${c.count} ${c.state ? GOING_WORD[going(c) as 'moving'] : 'not known'}`).join(', ');

/** The whole of a stack in a sentence, with the first of its names: all of them are in the table and once it is unfolded. */
export function stackSentence(s: Stack): string {
  const of = s.anchor.startsWith('group:') ? 'a stack' : nameOfId(s.anchor);
  const rest = s.of > s.count ? ` of ${s.of}` : '';
  const names = s.memberIds.slice(0, 8).map(nameOfId).join(', ');
  const more = s.count > 8 ? ` and ${s.count - 8} more` : '';
  return `Stack of ${s.count}${rest} ${membersWord(s)} of ${of}: ${statesText(s)}. ${names}${more}`;
}

/** The stacks that have a member of some, each with its first such member. */
export function stacksWith(stacks: readonly Stack[], has: (id: string) => boolean): [string, string][] {
  return stacks.flatMap((s): [string, string][] => {
    const member = s.folded ? s.memberIds.find(has) : undefined;
    return member === undefined ? [] : [[s.node, member]];
  });
}

/** The answer with the state of a stack said of its flows: of those that are fine that of most, else the worst. */
export function withStates(answer: LineageAnswer): LineageAnswer {
  const state = new Map<string, LineageFlow['state']>();
  for (const s of answer.stacks) {
    if (!s.folded) continue;
    const most = s.states.toSorted((a, b) => b.count - a.count)[0];
    state.set(s.node, (s.health === 'FINE' ? most : s.states[0])?.state ?? null);
  }
  if (state.size === 0) return answer;
  const of = (f: LineageFlow) => state.get(f.to.id) ?? state.get(f.from.id);
  return {
    ...answer,
    flows: answer.flows.map((f) => (state.has(f.to.id) || state.has(f.from.id) ? { ...f, state: of(f) ?? null } : f)),
  };
}

export interface Shown {
  answer: LineageAnswer;
  /** How many neighbours of a node are taken away, by its side and id. */
  away: Map<string, number>;
  /** How many nodes are taken away in all. */
  hidden: number;
}

/** The answer without what is hidden and what lies behind collapsed branches. */
export function shownOf(all: LineageAnswer, roots: readonly string[], s: FoldingState): Shown {
  const answer = withStates(all);
  const away = new Map<string, number>();
  if (s.hide.length === 0 && s.collapse.length === 0) return { answer, away, hidden: 0 };
  const gone = new Set(s.hide.filter((id) => !roots.includes(id)));
  const flows = answer.flows.filter((f) => !gone.has(f.from.id) && !gone.has(f.to.id));
  for (const id of beyond(flows, answer, roots, s.collapse)) gone.add(id);
  const left = answer.nodes.filter((n) => !gone.has(n.id));
  const count = (side: Side, node: string) => away.set(`${side}:${node}`, (away.get(`${side}:${node}`) ?? 0) + 1);
  for (const f of answer.flows) {
    if (gone.has(f.to.id) && !gone.has(f.from.id)) count('down', f.from.id);
    if (gone.has(f.from.id) && !gone.has(f.to.id)) count('up', f.to.id);
  }
  return {
    answer: {
      ...answer,
      nodes: left,
      flows: answer.flows.filter((f) => !gone.has(f.from.id) && !gone.has(f.to.id)),
      stacks: answer.stacks.filter((x) => !gone.has(x.node)),
      hidden: answer.hidden.filter((h) => !gone.has(h.node)),
      positions: answer.positions.filter((p) => !gone.has(p.node)),
    },
    away,
    hidden: answer.nodes.length - left.length,
  };
}

/** What is reached from the roots only by way of branches. */
export function beyond(
  flows: readonly LineageFlow[],
  answer: Pick<LineageAnswer, 'nodes'>,
  roots: readonly string[],
  branches: readonly Branch[],
): Set<string> {
  const cut = new Set(branches.map((b) => `${b.side}:${b.node}`));
  const next = new Map<string, string[]>();
  const join = (a: string, b: string) => next.set(a, [...(next.get(a) ?? []), b]);
  for (const f of flows) {
    if (!cut.has(`down:${f.from.id}`)) join(f.from.id, f.to.id);
    if (!cut.has(`up:${f.to.id}`)) join(f.to.id, f.from.id);
  }
  // Without roots all but what the branches lead to is there to begin with.
  const start = roots.length > 0 ? [...roots] : answer.nodes.map((n) => n.id).filter(not(ledTo(flows, branches)));
  const seen = new Set(start);
  for (const id of seen) for (const n of next.get(id) ?? []) seen.add(n);
  return new Set(answer.nodes.map((n) => n.id).filter((id) => !seen.has(id)));
}

const not = (of: ReadonlySet<string>) => (id: string) => !of.has(id);

/** All that lies behind branches, on their sides. */
function ledTo(flows: readonly LineageFlow[], branches: readonly Branch[]): Set<string> {
  const out = new Set<string>();
  for (const { side, node } of branches) {
    const seen = new Set([node]);
    for (const id of seen) {
      for (const f of flows) {
        if (side === 'down' && f.from.id === id) seen.add(f.to.id);
        if (side === 'up' && f.to.id === id) seen.add(f.from.id);
      }
    }
    seen.delete(node);
    for (const id of seen) out.add(id);
  }
  return out;
}
