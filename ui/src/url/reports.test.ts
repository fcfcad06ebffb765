import { expect, test } from 'vitest';
import { asReport, formatReports, parseReports } from './reports';

const window = { kind: 'last', last: '7d' } as const;
const plain = { kind: null, days: 30, window } as const;

test('a link to a report says which, of what and when, and is read as it was written', () => {
  for (const [state, link] of [
    [
      { report: 'bill', scope: 'cluster', of: '', by: 'OWNER_AND_TOPIC', ...plain },
      '?report=bill&by=owner_and_topic&last=7d',
    ],
    [{ report: 'bill', scope: 'cluster', of: 'we&st', by: null, ...plain }, '?report=bill&cluster=we%26st&last=7d'],
    [{ report: null, scope: 'cluster', of: '', by: null, ...plain }, '?last=7d'],
  ] as const) {
    expect(formatReports(state)).toBe(link);
    expect(parseReports(link)).toEqual(state);
  }
});

test('what a link says that is none is left at what is usual', () => {
  expect(parseReports('?report=tax&by=moon')).toMatchObject({ report: null, by: null });
});

test('what could be put away is of days and not of a window', () => {
  const link = '?report=retire&owner=team-a&days=90&kind=dead_group&last=7d';
  expect(parseReports(link)).toMatchObject({ report: 'retire', of: 'team-a', days: 90, kind: 'DEAD_GROUP' });
  expect(formatReports(parseReports(link))).toBe(link);
  for (const wrong of ['0', '-1', '1.5', 'many', '99999']) {
    expect(parseReports(`?report=retire&days=${wrong}`).days).toBe(30);
  }
});

test('what is chosen goes along to another report as far as that can be of it', () => {
  expect(formatReports(asReport(parseReports('?report=retire&cluster=west&last=7d'), 'bill'))).toBe(
    '?report=bill&cluster=west&last=7d',
  );
  expect(formatReports(asReport(parseReports('?report=retire&owner=team-a&last=7d'), 'bill'))).toBe(
    '?report=bill&last=7d',
  );
});
