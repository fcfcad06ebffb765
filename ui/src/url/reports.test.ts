import { expect, test } from 'vitest';
import { asReport, formatReports, parseReports, reportsHref, usualBy } from './reports';

const window = { kind: 'last', last: '7d' } as const;
const plain = { derived: true, kind: null, days: 30, window } as const;

test('a link to a report says which, of what and when, and is read as it was written', () => {
  for (const [state, link] of [
    [{ report: 'usage', scope: 'tag', of: 'pii', by: null, ...plain }, '?report=usage&tag=pii&last=7d'],
    [
      { report: 'usage', scope: 'application', of: 'application:shop/bill%20ing', by: 'DAY', ...plain },
      '?report=usage&application=application:shop/bill%2520ing&by=day&last=7d',
    ],
    [{ report: 'register', scope: 'tag', of: 'pii', by: null, ...plain }, '?report=register&tag=pii&last=7d'],
    [
      { report: 'register', scope: 'tag', of: 'pii', by: null, ...plain, derived: false },
      '?report=register&tag=pii&derived=false&last=7d',
    ],
    [{ report: 'usage', scope: 'owner', of: '', by: null, ...plain }, '?report=usage&owner=&last=7d'],
    [
      { report: 'bill', scope: 'cluster', of: '', by: 'OWNER_AND_TOPIC', ...plain },
      '?report=bill&by=owner_and_topic&last=7d',
    ],
    [{ report: 'bill', scope: 'cluster', of: 'west', by: null, ...plain }, '?report=bill&cluster=west&last=7d'],
    [{ report: null, scope: 'tag', of: '', by: null, ...plain }, '?last=7d'],
  ] as const) {
    expect(formatReports(state)).toBe(link);
    expect(parseReports(link)).toEqual(state);
  }
});

test('what could be put away is of days and not of a window', () => {
  const link = '?report=retire&owner=team-a&days=90&kind=dead_group&last=7d';
  expect(parseReports(link)).toMatchObject({ report: 'retire', of: 'team-a', days: 90, kind: 'DEAD_GROUP' });
  expect(formatReports(parseReports(link))).toBe(link);
  for (const wrong of ['0', '-1', '1.5', 'many', '99999']) {
    expect(parseReports(`?report=retire&days=${wrong}`).days).toBe(30);
  }
});

test('what a link says that is none is left at what is usual', () => {
  expect(parseReports('?report=tax&by=moon&tag=pii')).toMatchObject({
    report: null,
    by: null,
    scope: 'tag',
    of: 'pii',
  });
});

test('a tag leads to who used what bears it', () => {
  expect(reportsHref({ report: 'usage', scope: 'tag', of: 'p&i', window })).toBe(
    '/reports?report=usage&tag=p%26i&last=7d',
  );
});

test('what is chosen goes along to another report as far as that can be of it', () => {
  const usage = parseReports('?report=usage&tag=pii&by=day&last=7d');
  expect(formatReports(asReport(usage, 'register'))).toBe('?report=register&tag=pii&last=7d');
  expect(formatReports(asReport(usage, 'bill'))).toBe('?report=bill&last=7d');
  expect(formatReports(asReport(parseReports('?report=usage&cluster=west'), 'bill'))).toBe(
    '?report=bill&cluster=west&last=10m',
  );
});

test('it is put together by what its scope is not', () => {
  expect(usualBy(parseReports('?report=usage&topic=topic:west/orders'))).toBe('APPLICATION');
  expect(usualBy(parseReports('?report=usage&tag=pii'))).toBe('TOPIC');
  expect(usualBy(parseReports('?report=bill'))).toBe('OWNER');
});
