import { expect, test } from 'vitest';
import type { FlowState } from '../gql/graphql';
import { instant } from './format';
import { type Goes, going, goingNotice, goingText, lagTone, tone, worst, worstTone } from './going';
import { plain } from './said';

const at = '2026-11-22T14:02:10Z';

const reader = (over: Partial<Goes> = {}): Goes => ({
  kind: 'CONSUME',
  to: { id: 'application:shop/billing' },
  active: true,
  evidence: [],
  live: true,
  lag: '0',
  lagSeconds: 0,
  ...over,
});

test.each<[FlowState | null, string]>([
  ['MOVING', 'plain'],
  ['CATCHING_UP', 'good'],
  ['FALLING_BEHIND', 'bad'],
  ['PAUSED', 'off'],
  ['IDLE', 'off'],
  ['STALLED', 'bad'],
  ['STOPPED', 'warn'],
  [null, 'unknown'],
])('the colour of %s is %s', (state, want) => expect(tone(reader({ state }))).toBe(want));

test('what stopped and left records behind is worse than what just stopped', () => {
  expect(tone(reader({ state: 'STOPPED', lag: '56700' }))).toBe('bad');
});

test('a lag is coloured by how late it is and by its trend, and grey within a commit interval', () => {
  const lag = (state: FlowState, lagSeconds: number | null, over: Partial<Goes> = {}) =>
    lagTone(reader({ state, lag: '7', lagSeconds, ...over }));
  expect(lag('MOVING', 59)).toBe('off');
  expect(lag('MOVING', 60)).toBe('warn');
  expect(lag('MOVING', null, { lagAtLeastSeconds: 3600 })).toBe('warn');
  expect(lag('MOVING', null)).toBe('plain');
  expect(lag('CATCHING_UP', 600)).toBe('good');
  expect(lag('FALLING_BEHIND', 90)).toBe('bad');
  expect(lag('STALLED', 5)).toBe('bad');
  expect(lagTone(reader({ state: 'STALLED', lag: '0' }))).toBe('off');
  expect(lagTone(reader({ state: null, lag: '7', lagSeconds: 600 }))).toBe('warn');
});

test('a state says since when', () => {
  expect(goingText(reader({ state: 'STOPPED', stateSince: at }))).toBe(`stopped ${instant(at)}`);
  expect(goingText(reader({ state: 'FALLING_BEHIND', stateSince: at }))).toBe(`falling behind since ${instant(at)}`);
  expect(goingText(reader({ state: 'MOVING' }))).toBe('moving');
});

test('a state that is not known is not made up from what moved in the window', () => {
  expect(going(reader({ state: null }))).toBe('unknown');
  expect(goingText(reader({ state: null }))).toBe('active, end not known');
  expect(goingText(reader({ state: null, active: false }))).toBe('inactive');
  expect(goingText(reader({ state: null, active: null }))).toBe('not observed');
});

test('a notice is for who needs somebody', () => {
  const said = (over: Partial<Goes>, ago = true) => plain(goingNotice(reader(over), ago) ?? [], () => 'so long ago');
  expect(goingNotice(reader({ state: 'IDLE' }), true)).toBeNull();
  const stalled = { state: 'STALLED', stateSince: at, lag: '56700', lagSeconds: 1800 } as const;
  expect(said(stalled)).toBe(`stalled since ${instant(at)} (so long ago), 56,700 records wait, 30 min behind`);
  expect(said(stalled, false)).toBe(`stalled since ${instant(at)}, 56,700 records wait, 30 min behind`);
  expect(said({ state: 'STOPPED', lag: '5', live: false, lagSeconds: null, lagAtLeastSeconds: 90 })).toBe(
    'stopped, when it last moved was not seen, nobody reading, 5 records wait, at least 1 min 30 s behind',
  );
  expect(said({ state: 'FALLING_BEHIND', lag: '5' })).toMatch(/for more than ten minutes/);
});

test('of several the worst is said', () => {
  expect(worst(['moving', 'stalled', 'idle'])).toBe('stalled');
  expect(worst(['paused', 'moving'])).toBe('moving');
  expect(worst([])).toBeNull();
  expect(worstTone(['plain', 'bad'])).toBe('bad');
});
