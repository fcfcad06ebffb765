// From the API's answer to what React Flow draws and what the tables list. Pure.
import type { Edge, Node } from '@xyflow/react';
import { mean } from '../chart/gaps';
import type { Branch } from '../url/folding';
import { bytes, count, duration, type RateUnit, rate } from '../words/format';
import {
  GOING_WORD,
  type Going,
  going,
  goingText,
  isSick,
  lagTone,
  type Tone,
  tone,
  worst,
  worstTone,
} from '../words/going';
import {
  type Activity,
  about,
  aboutRate,
  activity,
  estimatedWord,
  flowWord,
  isRead,
  LAG_UNKNOWN,
  lagUnknown,
  missed,
  NOBODY,
  noCount,
  nodeName,
  reason,
  stateWord,
  UNMEASURED,
} from '../words/words';
import {
  type Box,
  boundsOf,
  CARD_HEIGHT,
  CARD_WIDTH,
  type Curve,
  curveBetween,
  type End,
  placeLabels,
  svgPath,
  type XY,
} from './geometry';
import { type Stack, stackName } from './stacks';
import type { LineageAnswer, LineageFlow, LineageNode } from './types';

export interface CardData extends Record<string, unknown> {
  node: LineageNode;
  root: boolean;
  unit: RateUnit;
  /** Mean rate over what was observed, in units per second; null: not observed or not measurable. */
  rateIn: number | null;
  rateOut: number | null;
  /** Records behind, over all topics that it reads and that are shown; null: nothing to be behind of; unknown: that of one topic can't be told, and so not the sum. */
  lag: bigint | 'unknown' | null;
  /** By how late its readers are, and whether ever more. */
  lagTone: Tone;
  /** How late the one is that is furthest behind; null: not known. */
  late: string | null;
  /** It reads, and nobody is there to do it. */
  deserted: boolean;
  /** The worst of what it moves itself, of a topic of what is written to it; null: nothing is. */
  going: Going | null;
  tone: Tone;
  activity: Activity;
  hiddenUp: number;
  hiddenDown: number;
  /** On these sides all that can be shown at once is. */
  openUp: boolean;
  openDown: boolean;
  /** On these sides somebody took neighbours away. */
  taken: readonly ('up' | 'down')[];
  /** The stack that it would be in, were that not drawn one by one. */
  unfolded: string | null;
  /** Stacks that hang on it and are drawn one by one. */
  unfoldedHere: readonly Stack[];
  /** The clusters of this view by name, numbered, so that a flow is seen to cross from one to another; none when there is but one. */
  clusters: ReadonlyMap<string, number>;
}

export interface FlowData extends Record<string, unknown> {
  flow: LineageFlow;
  activity: Activity;
  going: Going;
  tone: Tone;
  text: string;
  /** It is known by what was declared, or by leaving out who else it can be, and not by what it did. */
  inferred: boolean;
  /** Records were lost on it, or passed over; null: none. */
  broken: string | null;
  /** It moves, but what it moves cannot be counted: unknown, never zero. */
  unmeasured: boolean;
  readonly label: string;
  path: string;
  at: XY;
  width: number;
}

export interface StackData extends Record<string, unknown> {
  stack: Stack;
  unit: RateUnit;
  going: Going;
  tone: Tone;
  /** What all members move from or to the anchor, in words; it is not known where that of one member is not. */
  rate: string;
  /** The lag of all members; unknown: that of one can't be told, and so not the sum; null: they read nothing. */
  lag: string | 'unknown' | null;
  lagTone: Tone;
  /** How late the one is that is furthest behind; null: not known. */
  late: string | null;
  hiddenUp: number;
  hiddenDown: number;
}

export type CardNode = Node<CardData, 'card'>;
export type StackNode = Node<StackData, 'stack'>;
export type Drawn = CardNode | StackNode;
export type FlowEdge = Edge<FlowData, 'flow'>;

export interface Elements {
  nodes: Drawn[];
  edges: FlowEdge[];
  bounds: Box;
}

/** What a reader has done to a picture. */
export interface Changed {
  expand: readonly Branch[];
  /** How many neighbours are taken away, by side and id. */
  away: ReadonlyMap<string, number>;
}

const unchanged: Changed = { expand: [], away: new Map() };

export function elements(
  answer: LineageAnswer,
  roots: readonly string[],
  unit: RateUnit,
  changed: Changed = unchanged,
): Elements {
  const positions = new Map(answer.positions.map((p) => [p.node, p]));
  const hidden = new Map(answer.hidden.map((h) => [h.node, h]));
  const clusters = clustersOf(answer.nodes);
  const stacks = new Map(answer.stacks.filter((s) => s.folded).map((s) => [s.node, s]));
  const open = answer.stacks.filter((s) => !s.folded);
  const around = flowsAround(answer.flows);
  const nodes: Drawn[] = [];
  for (const node of answer.nodes) {
    const at = positions.get(node.id);
    if (!at) continue; // Without a place nothing can be drawn; the table lists it all the same.
    const stack = stacks.get(node.id);
    const behind = hiddenOf(node.id, hidden.get(node.id), changed);
    const shape = {
      id: node.id,
      position: { x: at.x, y: at.y },
      // Given, not measured: only so can nodes out of sight be left out.
      width: CARD_WIDTH,
      height: CARD_HEIGHT,
      measured: { width: CARD_WIDTH, height: CARD_HEIGHT },
      handles: [
        { type: 'target' as const, position: 'left' as never, x: 0, y: CARD_HEIGHT / 2, width: 1, height: 1 },
        { type: 'source' as const, position: 'right' as never, x: CARD_WIDTH, y: CARD_HEIGHT / 2, width: 1, height: 1 },
      ],
    };
    if (stack) {
      nodes.push({ ...shape, type: 'stack', data: stackData(stack, behind, around.get(node.id) ?? [], unit) });
      continue;
    }
    const data = card(node, around.get(node.id) ?? [], answer.coverage.observedFraction, {
      ...behind,
      root: roots.includes(node.id),
      unit,
      clusters,
      unfolded: open.find((s) => s.memberIds.includes(node.id))?.node ?? null,
      unfoldedHere: open.filter((s) => s.anchor === node.id),
    });
    nodes.push({ ...shape, type: 'card', data });
  }
  const curves = curvesOf(answer, positions);
  return {
    nodes,
    edges: edges(answer, curves, positions, unit),
    bounds: boundsOf(
      nodes.map((n) => n.position),
      curves.map((c) => c.curve),
    ),
  };
}

type Behind = Pick<CardData, 'hiddenUp' | 'hiddenDown' | 'openUp' | 'openDown' | 'taken'>;

/** What is not shown of a node's neighbours: by the server, or since somebody took it away. */
function hiddenOf(
  id: string,
  hidden: { upstream: number; downstream: number } | undefined,
  { expand, away }: Changed,
): Behind {
  const open = (side: 'up' | 'down') =>
    expand.some((b) => b.side === side && b.node === id) && !away.has(`${side}:${id}`);
  return {
    hiddenUp: (hidden?.upstream ?? 0) + (away.get(`up:${id}`) ?? 0),
    hiddenDown: (hidden?.downstream ?? 0) + (away.get(`down:${id}`) ?? 0),
    openUp: open('up'),
    openDown: open('down'),
    taken: (['up', 'down'] as const).filter((side) => away.has(`${side}:${id}`)),
  };
}

/** The flows that begin or end at each node. */
function flowsAround(flows: readonly LineageFlow[]): Map<string, LineageFlow[]> {
  const out = new Map<string, LineageFlow[]>();
  for (const f of flows) {
    for (const id of f.from.id === f.to.id ? [f.from.id] : [f.from.id, f.to.id]) {
      const own = out.get(id);
      if (own) own.push(f);
      else out.set(id, [f]);
    }
  }
  return out;
}

function stackData(stack: Stack, behind: Behind, own: readonly LineageFlow[], unit: RateUnit): StackData {
  const flow = own.find((f) => f.from.id === stack.anchor || f.to.id === stack.anchor);
  const perSecond = (unit === 'bytes' ? flow?.bytesPerSecond : flow?.recordsPerSecond) ?? null;
  const missing = flow ? noCount(flow) : 'not known';
  return {
    stack,
    unit,
    hiddenUp: behind.hiddenUp,
    hiddenDown: behind.hiddenDown,
    going: flow ? going(flow) : 'unknown',
    tone: flow ? tone(flow) : 'unknown',
    rate: perSecond === null ? missing : (flow ? aboutRate(flow) : '') + rate(perSecond, unit),
    lag: flow?.lag ?? (flow && isRead(flow) ? 'unknown' : null),
    lagTone: flow ? lagTone(flow) : 'unknown',
    late: flow ? lagTime(flow) : null,
  };
}

function card(
  node: LineageNode,
  around: readonly LineageFlow[],
  observed: number,
  seen: Behind & Pick<CardData, 'root' | 'unit' | 'clusters' | 'unfolded' | 'unfoldedHere'>,
): CardData {
  const states = around.map(activity);
  const reads = around.filter((f) => f.to.id === node.id && isRead(f));
  const writes = around.filter((f) => f.to.id === node.id);
  // A topic goes on while anybody writes to it.
  const written = writes.filter((f) => going(f) === 'moving');
  const own = node.kind !== 'TOPIC' ? around : written.length > 0 ? written : writes;
  const lags = around.flatMap((f) => (f.to.id === node.id && f.lag != null ? [BigInt(f.lag)] : []));
  return {
    node,
    ...seen,
    rateIn: mean(node.rateIn?.points),
    rateOut: mean(node.rateOut?.points),
    lag: reads.some(lagUnknown) ? 'unknown' : lags.length === 0 ? null : lags.reduce((a, b) => a + b),
    lagTone: worstTone(reads.map(lagTone)),
    late: latest(reads),
    going: worst(own.map(going)),
    tone: worstTone(own.map(tone)),
    deserted: reads.length > 0 && reads.every((f) => f.live === false),
    activity: cardActivity(states, observed),
  };
}

function latest(reads: readonly LineageFlow[]): string | null {
  const seconds = (f: LineageFlow) => f.lagSeconds ?? f.lagAtLeastSeconds ?? -1;
  const last = reads.toSorted((a, b) => seconds(b) - seconds(a))[0];
  return last ? lagTime(last) : null;
}

/** Numbered by name, so that a cluster keeps its number while the view stays. */
function clustersOf(nodes: readonly LineageNode[]): Map<string, number> {
  const names = new Set(
    nodes.flatMap((n) => [n.cluster?.name, n.source?.name, n.target?.name].filter((x) => x != null)),
  );
  return names.size < 2 ? new Map() : new Map([...names].sort().map((name, i) => [name, i]));
}

/** As active as its most active flow; a node without flows is inactive only where something was observed at all. */
function cardActivity(states: readonly Activity[], observed: number): Activity {
  if (states.includes('active')) return 'active';
  if (states.includes('around')) return 'around';
  return states.includes('unobserved') || observed === 0 ? 'unobserved' : 'inactive';
}

interface FlowCurve {
  flow: LineageFlow;
  at: End;
  curve: Curve;
}

/** The flows whose ends both have a place, and where they run. */
function curvesOf(answer: LineageAnswer, positions: Map<string, XY>): FlowCurve[] {
  const cards = [...positions.values()];
  const degree = degrees(answer.flows.filter((f) => positions.has(f.from.id) && positions.has(f.to.id)));
  return answer.flows.flatMap((flow) => {
    const from = positions.get(flow.from.id);
    const to = positions.get(flow.to.id);
    const at = endOf(flow, degree);
    return from && to ? [{ flow, at, curve: curveBetween(from, to, cards, at) }] : [];
  });
}

function edges(answer: LineageAnswer, curves: FlowCurve[], positions: Map<string, XY>, unit: RateUnit): FlowEdge[] {
  const names = new Map(answer.nodes.map((n) => [n.id, nodeName(n)]));
  for (const s of answer.stacks) if (s.folded) names.set(s.node, stackName(s));
  const drawn = curves.map(({ flow, curve, at }) => ({ flow, curve, at, text: flowText(flow, unit) }));
  const places = placeLabels(
    drawn.map((d) => ({
      ...d,
      text: `${d.text}${hasSign(d.flow) ? '__' : ''}${missed(d.flow) ? '__' : ''}`,
    })),
    [...positions.values()],
  );
  return drawn.map(({ flow, curve, text }, i) => ({
    id: flow.id,
    type: 'flow',
    source: flow.from.id,
    target: flow.to.id,
    // The label is a button that says it all; the line itself would only be said twice.
    ariaRole: 'presentation' as const,
    domAttributes: { 'aria-hidden': true },
    ariaLabel: null as unknown as undefined,
    data: {
      flow,
      activity: activity(flow),
      going: going(flow),
      tone: tone(flow),
      text,
      inferred: isInferred(flow),
      broken: missed(flow),
      unmeasured: text === UNMEASURED,
      // Only of what is in sight: it words an instant, which takes longer than all else of a flow.
      get label() {
        return `${names.get(flow.from.id)} to ${names.get(flow.to.id)}, ${flowSentence(flow, text, unit)}`;
      },
      path: svgPath(curve),
      at: places[i] ?? { x: 0, y: 0 },
      width: strokeWidth(flow, unit),
    },
  }));
}

/**
 * What stands on an edge. "~" marks what is estimated; what is not known is said in words, never as 0. Between two cards
 * is room for some fifteen characters: since when, and the rate of who is late, stand in its sentence.
 */
export function flowText(flow: LineageFlow, unit: RateUnit): string {
  const state = activity(flow);
  const moved = state === 'active' || state === 'around';
  switch (going(flow)) {
    case 'stopped':
    case 'stalled':
    case 'catching-up':
    case 'falling-behind':
      return GOING_WORD[going(flow) as 'stopped'];
    case 'unknown':
      if (moved) return flowRate(flow, unit);
      return isRead(flow) && flow.live === false ? NOBODY : stateWord(flow);
    default:
      return moved ? flowRate(flow, unit) : GOING_WORD[going(flow) as 'moving'];
  }
}

const INFERRED = ['DECLARED', 'ELIMINATION'];

/** Whether a flow is known only by what somebody said, or by who else it can't be. */
export const isInferred = (flow: Pick<LineageFlow, 'evidence'>): boolean =>
  flow.evidence.length > 0 && flow.evidence.every((e) => INFERRED.includes(e.kind));

/** How many flows begin and end at each node. */
function degrees(flows: readonly LineageFlow[]): Map<string, number> {
  const out = new Map<string, number>();
  for (const f of flows) {
    for (const end of [`out ${f.from.id}`, `in ${f.to.id}`]) out.set(end, (out.get(end) ?? 0) + 1);
  }
  return out;
}

/** At which end a flow's label tells it from the others: the one at which there are fewer; at both the same: its middle. */
function endOf(f: LineageFlow, degree: ReadonlyMap<string, number>): End {
  const from = degree.get(`out ${f.from.id}`) ?? 0;
  const to = degree.get(`in ${f.to.id}`) ?? 0;
  return from > to ? 'end' : from < to ? 'start' : 'middle';
}

/** Whether a shape stands before the words on an edge: where they are no rate of what goes as it should. */
export const hasSign = (flow: LineageFlow): boolean => {
  const g = going(flow);
  return isSick(g) || g === 'catching-up' || g === 'paused' || g === 'idle';
};

export function flowRate(
  flow: Pick<LineageFlow, 'recordsPerSecond' | 'bytesPerSecond' | 'estimated' | 'evidence'>,
  unit: RateUnit,
) {
  const value = unit === 'bytes' ? flow.bytesPerSecond : flow.recordsPerSecond;
  if (value == null) return UNMEASURED;
  return aboutRate(flow) + rate(value, unit);
}

/** The flow in a sentence; it holds the words that stand on it, so that who speaks to the page can name what they see. */
export function flowSentence(flow: LineageFlow, text: string, unit: RateUnit = 'records'): string {
  const state = goingText(flow);
  const parts: string[] = [flowWord(flow), state];
  if (!state.includes(text)) parts.push(text);
  if (flow.active === true && text === GOING_WORD[going(flow) as 'moving']) parts.push(flowRate(flow, unit));
  const why = reason(flow);
  if (flow.estimated && !why?.includes(estimatedWord(flow))) parts.push(estimatedWord(flow));
  if (isRead(flow) && flow.live === false && text !== NOBODY) parts.push(NOBODY);
  if (flow.lag != null) parts.push(`${count(flow.lag)} records behind`);
  else if (lagUnknown(flow)) parts.push(LAG_UNKNOWN);
  const late = lagTime(flow);
  if (late) parts.push(`${late} behind`);
  const gone = missed(flow);
  if (gone) parts.push(gone);
  if (why) parts.push(why);
  return parts.join(', ');
}

/** How late, as a time: "at least" where the record at the group's position is older than what was observed. */
export function lagTime(flow: Pick<LineageFlow, 'lagSeconds' | 'lagAtLeastSeconds'>): string | null {
  if (flow.lagSeconds != null) return duration(flow.lagSeconds);
  if (flow.lagAtLeastSeconds != null) return `at least ${duration(flow.lagAtLeastSeconds)}`;
  return null;
}

export const flowBytes = (flow: Pick<LineageFlow, 'bytes' | 'estimated' | 'evidence'>): string | null =>
  flow.bytes == null ? null : about(flow) + bytes(flow.bytes);

/** 1.5 to 7 px, by the logarithm of the rate: one record a second and a million must both be visible. */
export function strokeWidth(flow: Pick<LineageFlow, 'recordsPerSecond' | 'bytesPerSecond' | 'active'>, unit: RateUnit) {
  const value = unit === 'bytes' ? flow.bytesPerSecond : flow.recordsPerSecond;
  if (flow.active !== true || value == null || value <= 0) return 1.5;
  // A record is some hundred bytes: a hundredth makes both units look alike.
  const scaled = unit === 'bytes' ? value / 100 : value;
  return Math.min(7, 1.5 + Math.log10(1 + scaled));
}

export interface Hops {
  up: number | null;
  down: number | null;
}

/** How many flows away each node is from the nearest root, against and with the records' direction. */
export function hops(answer: Pick<LineageAnswer, 'flows'>, roots: readonly string[]): Map<string, Hops> {
  const walk = (from: 'from' | 'to', to: 'from' | 'to') => {
    const next = new Map<string, string[]>();
    for (const f of answer.flows) next.set(f[from].id, [...(next.get(f[from].id) ?? []), f[to].id]);
    const seen = new Map<string, number>(roots.map((r) => [r, 0]));
    for (const [id, distance] of seen) {
      for (const n of next.get(id) ?? []) if (!seen.has(n)) seen.set(n, distance + 1);
    }
    return seen;
  };
  const down = walk('from', 'to');
  const up = walk('to', 'from');
  return new Map(
    [...new Set([...down.keys(), ...up.keys()])].map((id) => [
      id,
      { up: up.get(id) ?? null, down: down.get(id) ?? null },
    ]),
  );
}

export function hopsText(h: Hops | undefined): string {
  if (!h) return '–';
  if (h.up === 0 || h.down === 0) return 'root';
  const parts: string[] = [];
  if (h.up !== null) parts.push(`${h.up} up`);
  if (h.down !== null) parts.push(`${h.down} down`);
  return parts.join(', ') || '–';
}
