import { expect, test } from 'vitest';
import { answerable, beforeData, compared } from './against';

const now = Date.parse('2026-11-27T12:00:30Z');

test('the last hour is compared with the same hour a day before', () => {
  expect(compared({ kind: 'last', last: '10m' }, 'day', null, now)).toEqual({
    before: { start: '2026-11-26T11:00:00.000Z', end: '2026-11-26T12:00:00.000Z' },
    after: { last: '3600s' },
  });
});

test('a longer window is compared with as long a one, and no part of it with itself', () => {
  expect(compared({ kind: 'last', last: '4h' }, 'hour', null, now)?.before).toEqual({
    start: '2026-11-27T04:00:00.000Z',
    end: '2026-11-27T08:00:00.000Z',
  });
});

test('a past window is compared with what was before it', () => {
  const window = { kind: 'range', start: '2026-11-20T10:00:00Z', end: '2026-11-20T12:00:00Z' } as const;
  expect(compared(window, 'week', null, now)).toEqual({
    before: { start: '2026-11-13T10:00:00.000Z', end: '2026-11-13T12:00:00.000Z' },
    after: { start: '2026-11-20T10:00:00.000Z', end: '2026-11-20T12:00:00.000Z' },
  });
});

test('without a visit before this one there is nothing to compare', () => {
  expect(compared({ kind: 'last', last: '10m' }, 'visit', null, now)).toBe(null);
  expect(compared({ kind: 'last', last: '10m' }, 'visit', Date.parse('2026-11-26T09:30:00Z'), now)?.before).toEqual({
    start: '2026-11-26T08:30:00.000Z',
    end: '2026-11-26T09:30:00.000Z',
  });
});

const ten = { kind: 'last', last: '10m' } as const;
test.each([
  ['of a week', ten, '2026-11-20T00:00:00Z', 'day'],
  ['of all of the day before', ten, '2026-11-26T11:00:00Z', 'day'],
  ['of a part of it, but of all of the hour before', ten, '2026-11-26T11:30:00Z', 'hour'],
  ['of the hour before', ten, '2026-11-27T10:00:00Z', 'hour'],
  ['of a part of the hour before', ten, '2026-11-27T10:30:00Z', 'hour'],
  ['of now alone', ten, '2026-11-27T11:30:00Z', null],
  ['of a day, and a day is looked at', { kind: 'last', last: '24h' } as const, '2026-11-26T12:00:00Z', null],
  ['of nothing', ten, null, null],
] as const)('where data %s is held, what it can answer is compared', (_, window, held, want) => {
  expect(answerable(window, held, now)).toBe(want);
});

test('what is before the data is told apart from what is in it', () => {
  const asked = compared(ten, 'day', null, now);
  expect(asked && beforeData(asked.before, '2026-11-26T12:00:00Z')).toBe(true);
  expect(asked && beforeData(asked.before, '2026-11-26T11:59:00Z')).toBe(false);
  expect(asked && beforeData(asked.before, null)).toBe(false);
});
