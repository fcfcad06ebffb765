import { expect, test } from 'vitest';
import { changesOf, draftOf, rebased, type Said } from './draft';

const entry = (
  field: string,
  values: string[],
  source: string,
  over: string[] | null = null,
  key: string | null = null,
) => ({
  field,
  key,
  values,
  source,
  rule: null,
  since: null,
  by: null,
  over: over && { values: over, source: 'RULE', rule: 'rule 1 of topics', since: null, by: null },
});

const said = {
  version: 3,
  editCount: 1,
  entries: [
    entry('OWNER', ['team-a'], 'RULE'),
    entry('CONTACT', ['anna'], 'EDIT'),
    entry('DESCRIPTION', ['new'], 'EDIT', ['old']),
    entry('TAGS', ['pii', 'gdpr'], 'RULE'),
    entry('PROPERTY', ['4711'], 'EDIT', null, 'cost-center'),
  ],
  derivedTags: { count: 0, doubts: [], tags: [] },
} as unknown as Said;

const after = (change: Record<string, string>) =>
  changesOf(
    said,
    draftOf(said).map((d) => ({ ...d, text: change[d.slot.key ?? d.slot.field] ?? d.text })),
  );

test('a form that is saved as it was opened changes nothing', () => {
  expect(after({})).toEqual({ changes: [], problem: null });
});

test('what is written is said, tags one by one, without space around them', () => {
  expect(after({ OWNER: ' team-b ', TAGS: 'pii;  tier-1 ;' }).changes).toEqual([
    { field: 'OWNER', key: null, values: ['team-b'] },
    { field: 'TAGS', key: null, values: ['pii', 'tier-1'] },
  ]);
});

test('what is emptied takes back an edit, and tags of a rule are said to be none', () => {
  expect(after({ CONTACT: '', DESCRIPTION: '', TAGS: '', 'cost-center': '' }).changes).toEqual([
    { field: 'CONTACT', key: null, values: null },
    { field: 'DESCRIPTION', key: null, values: null },
    { field: 'TAGS', key: null, values: [] },
    { field: 'PROPERTY', key: 'cost-center', values: null },
  ]);
});

test('what a rule says can be overwritten and not emptied', () => {
  const { changes, problem } = after({ OWNER: '', CONTACT: 'ben' });
  expect(changes).toEqual([]);
  expect(problem).toContain('Owner: a rule says it');
});

test('who has seen what another edited saves only what he touched', () => {
  const now = {
    ...said,
    version: 4,
    entries: [
      entry('OWNER', ['team-other'], 'EDIT', ['team-a']),
      ...said.entries.slice(1),
      entry('PROPERTY', ['2'], 'EDIT', null, 'tier'),
    ],
  } as unknown as Said;
  const mine = draftOf(said).map((d) => (d.slot.field === 'CONTACT' ? { ...d, text: 'ben' } : d));
  const form = rebased(said, now, [...mine, { slot: { field: 'PROPERTY', key: 'new' }, text: 'x' }]);
  expect(changesOf(now, form).changes).toEqual([
    { field: 'CONTACT', key: null, values: ['ben'] },
    { field: 'PROPERTY', key: 'new', values: ['x'] },
  ]);
});
