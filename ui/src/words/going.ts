// How a flow goes at the window's end: its word, its shape and its colour, in one place.
import type { FlowKind, FlowState } from '../gql/graphql';
import { count, duration } from './format';
import { plain, type Said } from './said';
import { type Behind, isAllowed, isRead, lagUnknown, type Moving, NOBODY, stateWord } from './words';

export type Going = 'moving' | 'catching-up' | 'falling-behind' | 'paused' | 'idle' | 'stalled' | 'stopped' | 'unknown';

/** Colours: of what needs somebody, of what to watch, of what gets better, of what is as it should be, of what rests. */
export type Tone = 'bad' | 'warn' | 'good' | 'plain' | 'off' | 'unknown';

export interface Goes extends Moving, Behind {
  kind: FlowKind;
  to: { id: string };
  state?: FlowState | null;
  stateSince?: string | null;
  lagSeconds?: number | null;
  lagAtLeastSeconds?: number | null;
}

export const GOING_WORD: Record<Exclude<Going, 'unknown'>, string> = {
  moving: 'moving',
  'catching-up': 'catching up',
  'falling-behind': 'falling behind',
  paused: 'paused',
  idle: 'idle',
  stalled: 'stalled',
  stopped: 'stopped',
};

/** What a state means, for who has not met the word. */
export const GOING_LONG: Record<Going, string> = {
  moving: "It moved a moment before the window's end.",
  'catching-up': 'It moves, and is ever less behind.',
  'falling-behind': 'It moves, and is ever more behind.',
  paused: 'Silent, and not known to be so for longer than it usually pauses.',
  idle: 'Silent, and has read all.',
  stalled: 'Silent for longer than it usually pauses, while records wait for it.',
  stopped: 'Silent for longer than it usually pauses.',
  unknown: "Whether it moved at the window's end is not known.",
};

export const GOING: Record<FlowState, Going> = {
  STALLED: 'stalled',
  FALLING_BEHIND: 'falling-behind',
  STOPPED: 'stopped',
  CATCHING_UP: 'catching-up',
  MOVING: 'moving',
  PAUSED: 'paused',
  IDLE: 'idle',
};

export const going = (f: { state?: FlowState | null }): Going => (f.state ? GOING[f.state] : 'unknown');

/** The worst first: what a card says of several flows. */
const WORST: Going[] = ['stalled', 'stopped', 'falling-behind', 'unknown', 'catching-up', 'moving', 'paused', 'idle'];

export const worst = (all: readonly Going[]): Going | null => WORST.find((g) => all.includes(g)) ?? null;

/** Whether somebody should look. */
export const isSick = (g: Going): boolean => g === 'stalled' || g === 'stopped' || g === 'falling-behind';

const waits = (f: Behind): boolean => f.lag != null && BigInt(f.lag) > 0n;

export function tone(f: Goes): Tone {
  const g = going(f);
  return g === 'stopped' && waits(f) ? 'bad' : toneOf(g);
}

/** The tone of a state alone, where it is not known what waits. */
export function toneOf(g: Going): Tone {
  switch (g) {
    case 'stalled':
    case 'falling-behind':
      return 'bad';
    case 'stopped':
      return 'warn';
    case 'catching-up':
      return 'good';
    case 'paused':
    case 'idle':
      return 'off';
    case 'moving':
      return 'plain';
    default:
      return 'unknown';
  }
}

/** The slowest commit interval in wide use: a reader that commits so seldom is so late before each commit. */
export const COMMIT_SECONDS = 60;

/** Of how far a reader is behind: grey within a commit interval, by its trend beyond it. */
export function lagTone(f: Goes): Tone {
  const of = tone(f);
  if (!waits(f)) return 'off';
  if (of === 'bad') return 'bad';
  const seconds = f.lagSeconds ?? f.lagAtLeastSeconds;
  if (seconds == null) return 'plain';
  if (seconds < COMMIT_SECONDS) return 'off';
  return of === 'good' ? 'good' : 'warn';
}

const TONES: Tone[] = ['bad', 'warn', 'good', 'plain', 'unknown', 'off'];

export const worstTone = (all: readonly Tone[]): Tone => TONES.find((t) => all.includes(t)) ?? 'off';

/** The state with since when, where it has one: "stopped 14:02:10". An instant, and not so long ago: a link is read later. */
export function goingSaid(f: Goes): Said {
  const g = going(f);
  if (g === 'unknown') return [f.active === true && !isAllowed(f) ? 'active, end not known' : stateWord(f)];
  return f.stateSince ? [`${GOING_WORD[g]} ${since(g)}`, { at: f.stateSince, exact: true }] : [GOING_WORD[g]];
}

export const goingText = (f: Goes): string => plain(goingSaid(f));

const since = (g: Going): string => (g === 'stopped' ? '' : 'since ');

/** The state as a sentence of its own, for a notice; null: there is nothing to be said of it. ago: how long ago, too. */
export function goingNotice(f: Goes, ago: boolean): Said | null {
  const g = going(f);
  if (!isSick(g)) return null;
  const word = GOING_WORD[g as Exclude<Going, 'unknown'>];
  const rest = waiting(f);
  const more = rest === '' ? '' : `, ${rest}`;
  if (f.stateSince) {
    const told: Said = ago ? [' (', { at: f.stateSince }, `)${more}`] : [more];
    return [`${word} ${g === 'stopped' ? 'at' : 'since'} `, { at: f.stateSince, exact: true }, ...told];
  }
  const since = g === 'falling-behind' ? ' for more than ten minutes' : ', when it last moved was not seen';
  return [`${word}${since}${more}`];
}

/** What waits for a flow, and how late it is; empty: nothing. */
function waiting(f: Goes): string {
  const parts: string[] = [];
  if (isRead(f) && f.live === false) parts.push(NOBODY);
  if (waits(f)) parts.push(`${count(f.lag ?? '0')} records wait`);
  else if (lagUnknown(f)) parts.push('what waits for it is not known');
  const late = f.lagSeconds ?? f.lagAtLeastSeconds;
  if (waits(f) && late != null) parts.push(`${f.lagSeconds == null ? 'at least ' : ''}${duration(late)} behind`);
  return parts.join(', ');
}
