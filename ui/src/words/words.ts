// The API's enums in plain words. One place, so that the graph, the tables and the screen reader say the same.
import type { ClientKind, EventType, EvidenceKind, FlowKind, NodeKind } from '../gql/graphql';
import { count } from './format';
import type { Said } from './said';

export const KIND_WORD: Record<NodeKind, string> = {
  TOPIC: 'Topic',
  APPLICATION: 'Application',
  UNIDENTIFIED: 'Unidentified writers',
  CONNECTOR: 'Connector',
  REPLICATOR: 'Replicator',
  STREAM_JOB: 'Stream job',
  JOB: 'Batch job',
  DATASET: 'Dataset',
  GROUP: 'Group',
};

const FLOW_WORD: Record<Exclude<FlowKind, 'EXTERNAL'>, string> = {
  PRODUCE: 'writes',
  CONSUME: 'reads',
  REPLICATE: 'copies',
};

const isJob = (n: { id: string } | undefined): boolean => /^(stream)?job:/.test(n?.id ?? '');

/** What a flow does. Only datasets lie outside Kafka, so the end that is one tells the way of an external flow. A job need not touch Kafka. */
export function flowWord(f: { kind: FlowKind; from: { id: string }; to?: { id: string } }): string {
  if (f.kind !== 'EXTERNAL') return FLOW_WORD[f.kind];
  if (isJob(f.from)) return 'writes';
  if (isJob(f.to)) return 'reads';
  return f.from.id.startsWith('dataset:') ? 'enters Kafka' : 'leaves Kafka';
}

export const EVIDENCE_WORD: Record<EvidenceKind, { short: string; long: string }> = {
  END_OFFSETS: {
    short: 'topic end moved',
    long: "The topic's end offsets moved and nothing else accounts for these records.",
  },
  GROUP_OFFSETS: {
    short: 'committed offsets',
    long: 'The consumer group has committed offsets; that they move is reading.',
  },
  GROUP_MEMBERSHIP: { short: 'group member', long: 'A live member of the group has partitions of the topic assigned.' },
  SHARE_OFFSETS: { short: 'share group offsets', long: "The share group's start offset moved." },
  PRODUCER_STATE: { short: 'producer state', long: "The broker's own record of idempotent producers advanced." },
  TRANSACTION: { short: 'transaction', long: 'A transactional id names the producer.' },
  BATCH_HEADER: { short: 'batch headers', long: 'The headers of record batches were read, never the records.' },
  RECORD_HEADER: { short: 'record header', long: 'A header of a sampled record names its origin.' },
  STREAMS_TOPOLOGY: {
    short: 'streams topology',
    long: "Kafka Streams: the group describes its own topology, or the names of the application's inner topics tell.",
  },
  CONNECT: {
    short: 'Kafka Connect',
    long: 'The Kafka Connect REST API lists the connector, its topics and its offsets.',
  },
  MIRROR: {
    short: 'MirrorMaker 2',
    long: 'MirrorMaker 2 tells by its own configuration, offsets, heartbeats or checkpoints what it copies from where.',
  },
  FLINK: { short: 'Flink', long: "Flink's REST API lists the job's sources and sinks." },
  OPENLINEAGE: { short: 'OpenLineage', long: 'An OpenLineage event was received.' },
  AUDIT_LOG: { short: 'audit log', long: "The brokers' audit topic recorded the access." },
  TELEMETRY: { short: 'client telemetry', long: 'Counters that the client itself pushed through its broker.' },
  AUTHORIZER_LOG: { short: 'authorizer log', long: "A line of the brokers' authorizer log." },
  REQUEST_LOG: { short: 'request log', long: "A line of the brokers' request log." },
  ELIMINATION: {
    short: 'by elimination',
    long: 'Estimated: the only known writer without a count of its own takes what nobody else accounts for. In doubt: a writer without a name could hide in it.',
  },
  DECLARED: { short: 'declared', long: 'Said by a person, in configuration or AsyncAPI.' },
};

export const CLIENT_WORD: Record<ClientKind, string> = {
  CONNECTION: 'Client',
  REMAINDER: 'Remainder: records that no counted writer accounts for',
  OTHERS: 'Others: clients beyond the cap of one topic, counted together',
};

export const EVENT_WORD: Record<EventType, string> = {
  TOPIC_CREATED: 'Topic created',
  TOPIC_DELETED: 'Topic deleted',
  TOPIC_RECREATED: 'Topic deleted and created again',
  CONFIG_CHANGED: 'Configuration changed',
  GROUP_JOINED: 'Group joined',
  GROUP_LEFT: 'Group left',
  FLOW_STARTED: 'Flow started',
  FLOW_STOPPED: 'Flow stopped',
  LEADERS_MOVED: 'Partition leaders moved',
  SOURCE_LOST: 'Observation lost',
  SOURCE_RECOVERED: 'Observation recovered',
  OFFSETS_SET: 'Offsets set, not read',
  RECORDS_LOST: 'Records lost',
  CLUSTER_CHANGED: 'Another cluster than before',
  ACCESS_DENIED: 'Access refused',
  ADMINISTERED: 'Allowed to administer',
  SCHEMA_CHANGED: 'Schema changed',
  JOB_STARTED: 'Job started',
  JOB_ENDED: 'Job ended',
  JOB_FAILED: 'Job failed',
  JOB_RESTARTED: 'Job restarted by itself',
  CHECKPOINT_FAILED: 'Checkpoint failed',
};

export type Activity = 'active' | 'inactive' | 'around' | 'unobserved';

/**
 * active: null is an answer of its own, never taken for false. Where a count stands beside it, what moved was read over
 * a time that reaches beyond the window: it was observed, but not so finely.
 */
export function activity(f: { active?: boolean | null; recordsPerSecond?: number | null }): Activity {
  if (f.active === true) return 'active';
  if (f.active === false) return 'inactive';
  return f.recordsPerSecond != null && f.recordsPerSecond > 0 ? 'around' : 'unobserved';
}

export const ACTIVITY_WORD: Record<Activity, string> = {
  active: 'active',
  inactive: 'inactive',
  around: 'about then',
  unobserved: 'not observed',
};

/** Of a flow of which logs tell that it was allowed, and no more: a right that was given is no movement, and was seen. */
export const ALLOWED = 'allowed';

export interface Moving {
  active?: boolean | null;
  recordsPerSecond?: number | null;
  evidence: readonly { kind: EvidenceKind }[];
}

/** Whether all that is known of a flow is that its client was allowed. */
export const isAllowed = (f: Moving): boolean =>
  f.active == null &&
  f.evidence.length > 0 &&
  f.evidence.every((e) => e.kind === 'AUDIT_LOG' || e.kind === 'AUTHORIZER_LOG');

/** The state of a flow in a word. */
export const stateWord = (f: Moving): string => (isAllowed(f) ? ALLOWED : ACTIVITY_WORD[activity(f)]);

/** What keeps a mover from moving, as Connect says; empty: nothing, or it is not told. Tasks run although their connector failed, and a connector runs although all its tasks failed. */
export function halted(n: { state?: string | null; exists?: boolean; tasks?: readonly { state: string }[] }): string {
  if (n.exists === false || n.state == null || n.tasks?.some((t) => t.state === 'RUNNING')) return '';
  const state = n.state === 'RUNNING' ? (n.tasks?.[0]?.state ?? n.state) : n.state;
  return state === 'RUNNING' ? '' : state.toLowerCase();
}

/** Why a flow that somebody is configured to move does not; null: it does, or nobody says why. */
export const still = (f: { evidence: readonly { detail?: string | null }[] }): string | null =>
  f.evidence.find((e) => e.detail?.includes('not moving'))?.detail ?? null;

/** Of a reader that nobody is there for any more: its position stands, and what it left grows. As true of a past window as of the newest. */
export const NOBODY = 'nobody reading';

/** Of a reader whose position, and so its lag, can't be told: it has not committed, or its offsets were deleted. */
export const LAG_UNKNOWN = 'lag not known';

interface Estimated {
  estimated: boolean;
  evidence: readonly { detail?: string | null }[];
}

/** What stands before a count: nothing before an exact one, "≤" or "≥" where a reason says that it is a bound, else "~". */
export function about({ estimated, evidence }: Estimated): '' | '~' | '≤ ' | '≥ ' {
  if (!estimated) return '';
  const says = (words: string) => evidence.some((e) => e.detail?.includes(words));
  const most = says('at most');
  const least = says('at least');
  if (most === least) return '~';
  return most ? '≤ ' : '≥ ';
}

/** Why a count is a lower bound where a rate is none: it is of the observed part of the window, and this lies outside. */
const OUTSIDE = [
  'at least: what moved since the last reading is counted with the next',
  'at least: the end of the window was not observed',
];

/** What stands before a rate, which is of what was observed: as before its count, but for what makes that alone a bound. */
export function aboutRate({ estimated, evidence }: Estimated): '' | '~' | '≤ ' | '≥ ' {
  if (!estimated || !evidence.some((e) => OUTSIDE.some((words) => e.detail?.includes(words)))) {
    return about({ estimated, evidence });
  }
  const rest = evidence.map((e) => ({
    detail: (e.detail ?? '').split('; ').filter((part) => !['', 'has committed offsets', ...OUTSIDE].includes(part)),
  }));
  if (rest.every((e) => e.detail.length === 0)) return '';
  return about({ estimated, evidence: rest.map((e) => ({ detail: e.detail.join('; ') })) });
}

/** The same in words, for a tag and for who does not see signs. */
export function estimatedWord(f: Estimated): string {
  return { '': '', '~': 'estimated', '≤ ': 'at most', '≥ ': 'at least' }[about(f)];
}

interface Read {
  kind: FlowKind;
  to: { id: string };
  live?: boolean | null;
  lag?: string | null;
}

/** Whether somebody can be behind: a replicator's second half writes. */
export const isRead = (f: Read): boolean =>
  f.kind === 'CONSUME' || (f.kind === 'REPLICATE' && f.to.id.startsWith('replicator:'));

/** Whether the reader's group is known and its lag is not: that is not zero, and not "no lag". */
export const lagUnknown = (f: Read): boolean => isRead(f) && f.live != null && f.lag == null;

/** Why a flow is as it is, in its source's words: where it does not move, is not known, or is estimated. */
export function reason(f: Estimated & Read & { active?: boolean | null }): string | null {
  if (f.active === true && !f.estimated && !lagUnknown(f)) return null;
  return f.evidence.find((e) => e.detail)?.detail ?? null;
}

export interface Behind {
  live?: boolean | null;
  lag?: string | null;
  lastMoved?: string | null;
}

/** What is to be said of readers that nobody is there for; null: somebody is, or it is not known. */
export function deserted(readers: readonly Behind[]): Said | null {
  if (readers.length === 0 || readers.some((r) => r.live !== false)) return null;
  const last = readers
    .map((r) => r.lastMoved ?? '')
    .sort()
    .at(-1);
  const lag = readers.some((r) => r.lag == null) ? null : readers.reduce((sum, r) => sum + BigInt(r.lag ?? 0), 0n);
  const behind = lag === null ? LAG_UNKNOWN : `${count(lag.toString())} behind`;
  return last
    ? [`${NOBODY}, ${behind}, last read `, { at: last }]
    : [`${NOBODY}, ${behind}, when it last read was not seen`];
}

/** What a reader passed, at most, and what was gone before it came; none of both: null. */
export function missed(f: { skipped?: string | null; lost?: string | null }): string | null {
  const parts: string[] = [];
  if (f.skipped != null && BigInt(f.skipped) > 0n) parts.push(`≤ ${count(f.skipped)} skipped`);
  if (f.lost != null && BigInt(f.lost) > 0n) parts.push(`${count(f.lost)} lost`);
  return parts.length === 0 ? null : parts.join(', ');
}

/** What is known to move but leaves no count. */
export const UNMEASURED = 'not measurable';

/** What to say of a flow without a count: nobody counts what it moves, or it is not known whether it moved at all. */
export const noCount = (f: { active?: boolean | null }): string =>
  activity(f) === 'unobserved' ? 'not known' : UNMEASURED;

/** A node with the series of its two sides; a side without one has no count, which is not the same as a count that was not read. */
export interface Counted {
  kind: NodeKind;
  rateIn?: RateSeries | null;
  rateOut?: RateSeries | null;
}

interface RateSeries {
  points: readonly { at: string; value?: number | null }[];
  /** Why the points are a bound. */
  detail?: string | null;
}

/** What stands before a figure of a series, as before a count. */
export const boundSign = (series: { detail?: string | null } | null | undefined): ReturnType<typeof about> =>
  about({ estimated: series?.detail != null, evidence: [{ detail: series?.detail }] });

/** The same of one step: one that lacks a part is at least what it says, and of the others that bound does not hold. */
export function stepSign(
  step: { atLeast?: boolean } | null | undefined,
  series: { detail?: string | null } | null | undefined,
): ReturnType<typeof about> {
  const sign = boundSign(series);
  if (step?.atLeast) return sign === '' || sign === '≥ ' ? '≥ ' : '~';
  return sign === '≥ ' ? '' : sign;
}

/** What to say of a side of a node that has no rate: three different answers, and none of them is zero. */
export function noRate(n: Counted, side: 'in' | 'out'): string {
  if (side === 'in' ? n.rateIn : n.rateOut) return ACTIVITY_WORD.unobserved;
  switch (n.kind) {
    // What they take they give: a side without a count is there all the same, and mostly outside Kafka.
    case 'CONNECTOR':
    case 'REPLICATOR':
    case 'JOB':
    case 'DATASET':
      return UNMEASURED;
    // The end of a topic can always be counted.
    case 'TOPIC':
      return side === 'in' ? ACTIVITY_WORD.unobserved : '–';
    // An application may only read, or only write. It does one of them: without any count, that one is not countable.
    default:
      return n.rateIn || n.rateOut ? '–' : UNMEASURED;
  }
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** A node's name in running text: that of the unidentified writers is their topic's, which would read as the topic. */
export function nodeName(n: { kind: NodeKind; name: string }): string {
  return n.kind === 'UNIDENTIFIED' ? `writers of ${n.name}` : n.name;
}

interface Kinded {
  kind: NodeKind;
  name: string;
  type?: string | null;
  innerOf?: { name: string } | null;
}

/** The kind, as exactly as it is known: which way a connector moves records, what a topic inside a stream job is for. */
export function kindOf(n: Kinded): string {
  if (n.kind === 'CONNECTOR' && (n.type === 'source' || n.type === 'sink'))
    return n.type === 'source' ? 'Source connector' : 'Sink connector';
  if (n.kind !== 'TOPIC' || !n.innerOf) return KIND_WORD[n.kind];
  if (n.name.endsWith('-changelog')) return 'Changelog topic';
  return n.name.endsWith('-repartition') ? 'Repartition topic' : 'Inner topic';
}

/** A name in two parts: what an inner topic's name only repeats of its stream job's, and what tells it from the others. */
export function nameParts(n: Kinded): [repeated: string, own: string] {
  const repeated = n.kind === 'TOPIC' && n.innerOf ? `${n.innerOf.name}-` : '';
  return repeated !== '' && n.name.startsWith(repeated) && n.name.length > repeated.length
    ? [repeated, n.name.slice(repeated.length)]
    : ['', n.name];
}

interface Placed {
  kind: NodeKind;
  cluster?: { name: string } | null;
  environment?: string;
  connect?: string | null;
  namespace?: string;
  source?: { name: string } | null;
  target?: { name: string } | null;
  sourceAlias?: string;
  targetAlias?: string;
}

/** Where a node is, in a word that fits on a card; two for a replicator: from where to where. */
export function placesOf(n: Placed): string[] {
  switch (n.kind) {
    case 'REPLICATOR':
      return [n.source?.name ?? n.sourceAlias ?? '?', n.target?.name ?? n.targetAlias ?? '?'];
    case 'JOB':
      return [n.cluster?.name ?? n.namespace ?? ''].filter((p) => p !== '');
    case 'DATASET':
      return n.namespace ? [n.namespace.replace(/:\/\/.*/, '')] : [];
    default: {
      const place = n.cluster?.name ?? n.connect ?? n.environment;
      return place ? [place] : [];
    }
  }
}

/** Where a node is, in full. */
export function placeOf(n: Placed): string {
  if (n.kind === 'DATASET') return n.namespace ?? '';
  const place = placesOf(n).join(' to ');
  return n.kind === 'CONNECTOR' && n.cluster && n.connect ? `${place}, by ${n.connect}` : place;
}

/** A node's name in running text, for places that know nothing but its id. */
export function nameOfId(id: string): string {
  const slash = id.indexOf('/');
  const kind = id.startsWith('unidentified:') ? 'UNIDENTIFIED' : 'TOPIC'; // of all others the name alone is said
  const name = slash < 0 ? id : id.slice(slash + 1);
  try {
    return nodeName({ kind, name: decodeURIComponent(name) });
  } catch {
    return nodeName({ kind, name });
  }
}

/** What is said of rights where nobody's are held. */
export const OPEN = 'Everybody may read and write it: the cluster has no authorizer.';

/** Whether a topic's list of entries is the one that stands for there being no list. */
export const isOpen = (entries: readonly { pattern: string }[] | null | undefined): boolean =>
  entries?.some((p) => p.pattern === 'no authorizer') ?? false;
