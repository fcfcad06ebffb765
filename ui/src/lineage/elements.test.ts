import { expect, test } from 'vitest';
import type { EvidenceKind } from '../gql/graphql';
import { elements, flowRate, flowSentence, flowText, hops, hopsText, lagTime, strokeWidth } from './elements';
import {
  CARD_HEIGHT,
  CARD_WIDTH,
  type Curve,
  curveBetween,
  LABEL_HEIGHT,
  labelWidth,
  overlap,
  placeLabels,
  pointAt,
} from './geometry';
import { type Arrow, step } from './steps';
import type { LineageAnswer, LineageFlow } from './types';

const point = (value: number | null) => ({ detail: null, points: [{ at: '2026-11-22T20:00:00Z', value }] });

function topic(id: string, over: object = {}): LineageAnswer['nodes'][number] {
  return {
    id,
    kind: 'TOPIC',
    name: id,
    owner: null,
    tags: [],
    cluster: { id: 'w', name: 'west' },
    internal: false,
    exists: true,
    partitions: 1,
    firstSeen: null,
    lastSeen: null,
    rateIn: point(10),
    rateOut: point(null),
    ...over,
  };
}

function flow(from: string, to: string, over: Partial<LineageFlow> = {}): LineageFlow {
  return {
    id: `${from}->${to}`,
    from: { id: from },
    to: { id: to },
    kind: 'CONSUME',
    active: true,
    estimated: false,
    records: over.active === null ? null : '600',
    bytes: null,
    recordsPerSecond: over.active === null ? null : 10, // what was not observed has no rate
    bytesPerSecond: null,
    skipped: null,
    lost: null,
    live: null,
    lastMoved: null,
    lag: null,
    lagSeconds: null,
    lagAtLeastSeconds: null,
    state: 'active' in over && over.active !== true ? null : 'MOVING',
    stateSince: null,
    firstSeen: null,
    lastSeen: null,
    clientCount: 1,
    evidence: [],
    ...over,
  };
}

const place = (node: string, layer: number, y = 0) => ({ node, layer, x: layer * 360, y });

/** a -> b -> c and d below b; b has more neighbours than are shown. */
const world: LineageAnswer = {
  nodes: [topic('a'), topic('b', { kind: 'UNIDENTIFIED' }), topic('c'), topic('d')],
  flows: [flow('a', 'b', { lag: '5' }), flow('b', 'c', { active: false }), flow('a', 'd', { active: null, lag: '7' })],
  window: { start: '2026-11-22T20:00:00Z', end: '2026-11-22T20:10:00Z', step: '10s' },
  version: '1',
  coverage: {
    heldSince: null,
    complete: true,
    observedFraction: 1,
    gapCount: 0,
    stretchCount: 0,
    stretches: [],
    blindSpots: [],
  },
  truncated: false,
  totalNodes: 4,
  hidden: [{ node: 'b', upstream: 2, downstream: 0 }],
  stacks: [],
  positions: [place('a', 0), place('b', 1), place('d', 1, 100), place('c', 2)],
};

test('nodes stand where the server put them, with their size given', () => {
  const { nodes } = elements(world, ['a'], 'records');
  expect(nodes.map((n) => [n.id, n.position.x, n.position.y])).toEqual([
    ['a', 0, 0],
    ['b', 360, 0],
    ['c', 720, 0],
    ['d', 360, 100],
  ]);
  for (const n of nodes)
    expect(n).toMatchObject({ width: CARD_WIDTH, height: CARD_HEIGHT, measured: { width: CARD_WIDTH } });
});

test('a card tells its node: root, rates, lag, hidden neighbours', () => {
  const byId = new Map(elements(world, ['a'], 'records').nodes.map((n) => [n.id, n.data]));
  expect(byId.get('a')).toMatchObject({ root: true, rateIn: 10, rateOut: null, lag: null, activity: 'active' });
  expect(byId.get('b')).toMatchObject({ root: false, lag: 5n, hiddenUp: 2, hiddenDown: 0, activity: 'active' });
  expect(byId.get('c')).toMatchObject({ activity: 'inactive' });
  expect(byId.get('d')).toMatchObject({ lag: 7n, activity: 'unobserved' });
});

test('active, inactive and not observed are three states, in words', () => {
  const { edges } = elements(world, ['a'], 'records');
  expect(edges.map((e) => [e.data?.activity, e.data?.text])).toEqual([
    ['active', '10/s'],
    ['inactive', 'inactive'],
    ['unobserved', 'not observed'],
  ]);
  expect(edges[0]?.data?.label).toBe('a to writers of b, reads, moving, 10/s, 5 records behind');
});

test('what was read over a longer time than the window was observed: about then, with its share', () => {
  const share = { active: null, recordsPerSecond: 6, estimated: true };
  const { nodes, edges } = elements(
    { ...world, flows: [flow('a', 'b', share), flow('b', 'c', { active: null, recordsPerSecond: 0 })] },
    ['a'],
    'records',
  );
  expect(edges.map((e) => [e.data?.activity, e.data?.text])).toEqual([
    ['around', '~6/s'],
    ['unobserved', 'not observed'],
  ]);
  expect(edges[0]?.data?.label).toMatch(/, about then, ~6\/s, /);
  const byId = new Map(nodes.map((n) => [n.id, n.data]));
  expect(byId.get('a')?.activity).toBe('around');
  expect(byId.get('b')?.activity).toBe('around');
});

test('who was allowed was seen, and not to move', () => {
  const one = (kinds: EvidenceKind[], active: boolean | null = null) =>
    flowText(flow('a', 'b', { active, evidence: kinds.map((kind) => ({ kind, detail: null })) }), 'records');
  expect(one(['AUDIT_LOG'])).toBe('allowed');
  expect(one(['AUTHORIZER_LOG', 'AUDIT_LOG'])).toBe('allowed');
  expect(one(['AUDIT_LOG', 'REQUEST_LOG'])).toBe('not observed');
  expect(one([])).toBe('not observed');
  expect(one(['AUDIT_LOG'], false)).toBe('inactive');
});

test('what stands on a flow is in its name, once', () => {
  const labels = elements(world, ['a'], 'records').edges.map((e) => e.data?.label);
  expect(labels).toEqual([
    'a to writers of b, reads, moving, 10/s, 5 records behind',
    'writers of b to c, reads, inactive',
    'a to d, reads, not observed, 7 records behind',
  ]);
});

test('a node without a place is not drawn, nor are its flows', () => {
  const { nodes, edges } = elements({ ...world, positions: [place('a', 0), place('b', 1)] }, ['a'], 'records');
  expect(nodes.map((n) => n.id)).toEqual(['a', 'b']);
  expect(edges.map((e) => e.id)).toEqual(['a->b']);
});

test('what is not measurable is not a zero, and what is estimated says so', () => {
  expect(flowText(flow('a', 'b', { recordsPerSecond: null }), 'records')).toBe('not measurable');
  expect(flowText(flow('a', 'b', { recordsPerSecond: 0 }), 'records')).toBe('0/s');
  expect(flowRate(flow('a', 'b', { estimated: true }), 'records')).toBe('~10/s');
  expect(flowRate(flow('a', 'b'), 'bytes')).toBe('not measurable');
  expect(flowRate(flow('a', 'b', { bytesPerSecond: 2048 }), 'bytes')).toBe('2.05 kB/s');
});

test('a lag older than the history is a lower bound', () => {
  expect(lagTime(flow('a', 'b', { lagSeconds: 90 }))).toBe('1 min 30 s');
  expect(lagTime(flow('a', 'b', { lagAtLeastSeconds: 600 }))).toBe('at least 10 min');
  expect(lagTime(flow('a', 'b'))).toBeNull();
});

test('lines grow with the logarithm of the rate, within bounds', () => {
  const width = (recordsPerSecond: number | null, active: boolean | null = true) =>
    strokeWidth(flow('a', 'b', { recordsPerSecond, active }), 'records');
  expect(width(0)).toBe(1.5);
  expect(width(null)).toBe(1.5);
  expect(width(1000, null)).toBe(1.5);
  expect(width(9)).toBeCloseTo(2.5);
  expect(width(999)).toBeCloseTo(4.5);
  expect(width(1e12)).toBe(7);
});

test('hops count the nearest way, also round a cycle', () => {
  const cycle = { flows: [flow('a', 'b'), flow('b', 'c'), flow('c', 'a'), flow('x', 'a')] };
  const h = hops(cycle, ['a']);
  expect(h.get('a')).toEqual({ up: 0, down: 0 });
  expect(h.get('c')).toEqual({ up: 1, down: 2 });
  expect(hopsText(h.get('a'))).toBe('root');
  expect(hopsText(h.get('c'))).toBe('1 up, 2 down');
  expect(hopsText(h.get('x'))).toBe('1 up');
  expect(hopsText(undefined)).toBe('–');
});

test('a flow runs from right side to left side; back to the left it passes below both', () => {
  const [start, , , end] = curveBetween({ x: 0, y: 0 }, { x: 360, y: 50 });
  expect([start, end]).toEqual([
    { x: CARD_WIDTH, y: CARD_HEIGHT / 2 },
    { x: 360, y: 50 + CARD_HEIGHT / 2 },
  ]);
  const back = pointAt(curveBetween({ x: 360, y: 0 }, { x: 0, y: 0 }), 0.5);
  expect(back.y).toBeGreaterThan(CARD_HEIGHT);
});

test('labels keep off each other and off the cards', () => {
  // Two flows that cross have one middle.
  const cards = [
    { x: 0, y: 0 },
    { x: 0, y: 120 },
    { x: 460, y: 0 },
    { x: 460, y: 120 },
  ] as const;
  const curves = [
    { curve: curveBetween(cards[0], cards[3]), text: '12/s' },
    { curve: curveBetween(cards[1], cards[2]), text: '12/s' },
  ];
  const box = ({ x, y }: { x: number; y: number }) => ({
    x: x - labelWidth('12/s') / 2,
    y: y - LABEL_HEIGHT / 2,
    width: labelWidth('12/s'),
    height: LABEL_HEIGHT,
  });
  const [first, second] = placeLabels(curves, cards).map(box);
  if (!first || !second) throw new Error('two labels are two places');
  expect(overlap(first, second)).toBe(false);
  for (const c of cards) {
    for (const l of [first, second]) expect(overlap(l, { ...c, width: CARD_WIDTH, height: CARD_HEIGHT })).toBe(false);
  }
});

test('arrow keys follow the flows and walk among siblings', () => {
  const drawn = elements(world, ['a'], 'records');
  const go = (from: string, ...keys: Arrow[]) =>
    keys.reduce<string | null>((at, k) => (at ? step(drawn, at, k) : null), from);
  expect(go('a', 'ArrowRight')).toBe('a->b');
  expect(go('a', 'ArrowRight', 'ArrowRight')).toBe('b');
  expect(go('a->b', 'ArrowDown')).toBe('a->d');
  expect(go('a->d', 'ArrowUp')).toBe('a->b');
  expect(go('b', 'ArrowDown')).toBe('d');
  expect(go('c', 'ArrowLeft', 'ArrowLeft')).toBe('b');
  expect(go('c', 'ArrowRight')).toBeNull();
  expect(go('gone', 'ArrowDown')).toBe('a');
});

test('where there are several clusters each has a number, by name', () => {
  const clusters = (nodes: LineageAnswer['nodes']) =>
    elements({ ...world, nodes }, [], 'records').nodes.flatMap((n) => (n.type === 'card' ? [n.data.clusters] : []))[0];
  const east = { cluster: { id: 'e', name: 'east' } };
  expect(clusters([topic('a'), topic('b')])).toEqual(new Map());
  expect(clusters([topic('a'), topic('b', east)])).toEqual(
    new Map([
      ['east', 0],
      ['west', 1],
    ]),
  );
  // A replicator's far end counts, also where none of its topics is shown.
  const replicator = { kind: 'REPLICATOR', cluster: null, source: { name: 'north' }, target: { name: 'west' } };
  expect([...(clusters([topic('a'), topic('b', replicator)])?.keys() ?? [])]).toEqual(['north', 'west']);
});

test('a flow to the outside is not measurable: neither zero nor not observed', () => {
  const external = flow('connector:c/sink', 'dataset:file/out', {
    kind: 'EXTERNAL',
    records: null,
    recordsPerSecond: null,
  });
  const answer: LineageAnswer = {
    ...world,
    nodes: [topic('connector:c/sink', { kind: 'CONNECTOR' }), topic('dataset:file/out', { kind: 'DATASET' })],
    flows: [external],
    positions: [place('connector:c/sink', 0), place('dataset:file/out', 1)],
  };
  const [edge] = elements(answer, [], 'records').edges;
  expect(edge?.data).toMatchObject({ unmeasured: true, text: 'not measurable', activity: 'active', width: 1.5 });
  expect(edge?.data?.label).toMatch(/leaves Kafka, moving, not measurable$/);
});

/** Two clusters that copy to each other: the replicators and topics form one cycle. */
const mirrored: LineageAnswer = {
  ...world,
  nodes: [
    topic('w'),
    topic('we', { kind: 'REPLICATOR', cluster: null }),
    topic('e', { cluster: { id: 'e', name: 'east' } }),
    topic('ew', { kind: 'REPLICATOR', cluster: null }),
  ],
  flows: [
    flow('w', 'we', { kind: 'REPLICATE', lag: '3' }),
    flow('we', 'e', { kind: 'REPLICATE' }),
    flow('e', 'ew', { kind: 'REPLICATE', lag: '4' }),
    flow('ew', 'w', { kind: 'REPLICATE' }),
  ],
  hidden: [],
  positions: [place('w', 0), place('we', 1), place('e', 2), place('ew', 3)],
};

test('a cycle is drawn whole, with the lag of each replication, and is walked round by arrows', () => {
  const drawn = elements(mirrored, ['w'], 'records');
  expect(drawn.edges.map((e) => e.id)).toEqual(['w->we', 'we->e', 'e->ew', 'ew->w']);
  for (const e of drawn.edges) expect(e.data?.path).toMatch(/^M-?\d[\d.,\- CM]*$/);
  expect(drawn.nodes.map((n) => n.data.lag)).toEqual([null, 3n, null, 4n]);
  let at: string | null = 'w';
  for (let i = 0; i < 8; i++) at = at && step(drawn, at, 'ArrowRight');
  expect(at).toBe('w');
});

test('the picture reaches as far as what runs back, not only as the cards', () => {
  const { bounds } = elements(mirrored, ['w'], 'records');
  const cards = { width: 3 * 360 + CARD_WIDTH, height: CARD_HEIGHT };
  expect(bounds.width).toBeGreaterThan(cards.width);
  expect(bounds.height).toBeGreaterThan(cards.height + 60);
  expect(elements({ ...world, flows: [], positions: [place('a', 0)] }, [], 'records').bounds).toEqual({
    x: 0,
    y: 0,
    width: CARD_WIDTH,
    height: CARD_HEIGHT,
  });
});

test('what runs back goes round the cards: below, or above where below is taken', () => {
  const behind = (curve: Curve, cards: { x: number; y: number }[]) =>
    Array.from({ length: 37 }, (_, i) => pointAt(curve, 0.05 + i / 40)).filter((p) =>
      cards.some((c) => p.x > c.x && p.x < c.x + CARD_WIDTH && p.y > c.y && p.y < c.y + CARD_HEIGHT),
    ).length;
  const from = { x: 360, y: 50 };
  const to = { x: 0, y: 0 };
  const below = { x: 0, y: 100 };
  const free = curveBetween(from, to, [from, to]);
  expect(behind(free, [from, to])).toBe(0);
  expect(pointAt(free, 0.5).y).toBeGreaterThan(50 + CARD_HEIGHT);
  const round = curveBetween(from, to, [from, to, below]);
  expect(behind(round, [from, to, below])).toBe(0);
  expect(pointAt(round, 0.5).y).toBeLessThan(0);
});

const told = (detail: string | null) => [{ kind: 'GROUP_OFFSETS' as const, detail }];

test('a count that is a bound has its sign, and its reason is said', () => {
  const over = (detail: string | null, estimated = true) =>
    flow('topic:a', 'application:b', { estimated, evidence: told(detail) });
  expect(flowRate(over('at most 105: it began unseen'), 'records')).toBe('≤ 10/s');
  expect(flowRate(over('at least: more comes'), 'records')).toBe('≥ 10/s');
  expect(flowRate(over('at least 5, at most 9'), 'records')).toBe('~10/s');
  expect(flowRate(over('at most 105', false), 'records')).toBe('10/s');
  expect(flowSentence(over('at most 105: it began unseen'), '≤ 10/s')).toBe(
    'reads, moving, ≤ 10/s, at most 105: it began unseen',
  );
});

test('who nobody reads for, and whose lag can not be told, is said on card and flow', () => {
  const dead = flow('topic:a', 'b', { active: false, live: false, lag: '300', evidence: told('no commit since') });
  const unsure = flow('topic:c', 'b', { active: null, live: true, lag: null, evidence: told('has not committed') });
  expect(flowText(dead, 'records')).toBe('nobody reading');
  expect(flowSentence(dead, flowText(dead, 'records'))).toContain(
    'nobody reading, 300 records behind, no commit since',
  );
  expect(flowSentence(unsure, flowText(unsure, 'records'))).toContain('lag not known, has not committed');
  const of = (flows: LineageFlow[]) =>
    elements({ ...world, flows }, [], 'records').nodes.find((n) => n.id === 'b')?.data;
  expect(of([dead])).toMatchObject({ lag: 300n, deserted: true });
  // A sum with a part that is not known is not known.
  expect(of([dead, unsure])).toMatchObject({ lag: 'unknown', deserted: false });
});

test('how a flow goes at the end is said on it, whatever it moved in the window', () => {
  const at = '2026-11-22T20:03:00Z';
  const text = (over: Partial<LineageFlow>) => flowText(flow('a', 'b', over), 'records');
  expect(text({ state: 'STOPPED', stateSince: at, live: false })).toBe('stopped');
  expect(text({ state: 'STALLED', stateSince: at })).toBe('stalled');
  expect(text({ state: 'FALLING_BEHIND' })).toBe('falling behind');
  expect(text({ state: 'CATCHING_UP' })).toBe('catching up');
  expect(text({ state: 'MOVING' })).toBe('10/s');
  expect(text({ state: 'MOVING', active: false })).toBe('moving');
  expect(text({ state: 'IDLE', active: false })).toBe('idle');
  expect(text({ state: null })).toBe('10/s');
});

test('a card says the worst of what it moves; a topic goes on while anybody writes to it', () => {
  const writer = topic('w', { kind: 'APPLICATION' });
  const drawn = elements(
    {
      ...world,
      nodes: [topic('a'), writer, topic('x', { kind: 'APPLICATION' }), topic('r', { kind: 'APPLICATION' })],
      flows: [
        flow('w', 'a', { kind: 'PRODUCE', state: 'STOPPED' }),
        flow('x', 'a', { kind: 'PRODUCE' }),
        flow('a', 'r', { state: 'STALLED', lag: '9', lagSeconds: 700 }),
      ],
      positions: [place('w', 0), place('x', 0, 100), place('a', 1), place('r', 2)],
    },
    ['a'],
    'records',
  );
  const card = (id: string) => drawn.nodes.find((n) => n.id === id)?.data;
  expect(card('a')).toMatchObject({ going: 'moving', tone: 'plain' });
  expect(card('w')).toMatchObject({ going: 'stopped', tone: 'warn' });
  expect(card('r')).toMatchObject({ going: 'stalled', tone: 'bad', lagTone: 'bad', late: '11 min 40 s' });
});

test('a stack says what its members move and how far they are behind, and not known where that of one is not', () => {
  const stack = {
    node: 'group:s/x',
    anchor: 'a',
    direction: 'DOWNSTREAM' as const,
    kind: 'APPLICATION' as const,
    health: 'FINE' as const,
    folded: true,
    count: 10,
    of: 10,
    states: [{ state: 'MOVING' as const, count: 10 }],
    memberIds: [],
  };
  const drawn = (over: Partial<LineageFlow>) => {
    const answer = {
      ...world,
      nodes: [topic('a'), topic(stack.node)],
      flows: [flow('a', stack.node, over)],
      stacks: [stack],
      positions: [place('a', 0), place(stack.node, 1)],
    };
    const card = elements(answer, ['a'], 'records').nodes.find((n) => n.type === 'stack');
    return card?.type === 'stack' ? card.data : null;
  };
  expect(drawn({ lag: '1200', lagSeconds: 300, live: true })).toMatchObject({
    rate: '10/s',
    lag: '1200',
    lagTone: 'warn',
    late: '5 min',
  });
  expect(drawn({ recordsPerSecond: null, live: true })).toMatchObject({ rate: 'not measurable', lag: 'unknown' });
  expect(drawn({ recordsPerSecond: null, active: null })).toMatchObject({ rate: 'not known', lag: 'unknown' });
  expect(drawn({ kind: 'PRODUCE' })?.lag).toBeNull();
});
