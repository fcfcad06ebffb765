import { expect, test } from 'vitest';
import { anchored, provable, quoted, sealed, unanchored } from './proof';

const window = { start: '2026-03-01T12:00:00Z', end: '2026-03-01T14:00:00Z' };

test('how much of a window stands in the ledger', () => {
  expect(sealed(null, window)).toBe('none');
  expect(sealed('2026-03-01T12:00:00Z', window)).toBe('none');
  expect(sealed('2026-03-01T13:00:00Z', window)).toBe('part');
  expect(sealed('2026-03-01T14:00:00Z', window)).toBe('all');
  expect(sealed('2026-03-02T00:00:00Z', window)).toBe('all');
});

test('only what is held is offered as a proof', () => {
  expect(provable(null, window)).toBeNull();
  expect(provable({ provableFrom: null }, window)).toEqual(window);
  expect(provable({ provableFrom: '2026-03-01T12:00:00Z' }, window)).toEqual(window);
  expect(provable({ provableFrom: '2026-03-01T13:00:00Z' }, window)).toEqual({
    start: '2026-03-01T13:00:00Z',
    end: window.end,
  });
  expect(provable({ provableFrom: '2026-03-01T14:00:00Z' }, window)).toBeNull();
});

test('what nobody else holds could still be rewritten', () => {
  const held = (entries: string | null, at: string | null) => ({ name: 'file', entries, at });
  expect(unanchored({ entries: '120', anchors: [] })).toBe(120n);
  expect(unanchored({ entries: '120', anchors: [held(null, null)] })).toBe(120n);
  expect(
    unanchored({ entries: '120', anchors: [held('100', '2026-03-01T12:00:00Z'), held('90', '2026-03-01T13:00:00Z')] }),
  ).toBe(20n);
  // An anchor that holds more than this ledger has is a fork, which the ledger's trouble says.
  expect(unanchored({ entries: '120', anchors: [held('130', '2026-03-01T12:00:00Z')] })).toBe(0n);
  expect(unanchored({ entries: null, anchors: [] })).toBeNull();
});

test('the age of the anchors is that of the newest', () => {
  expect(anchored(null)).toBeNull();
  expect(anchored({ anchors: [{ name: 'file', entries: null, at: null }] })).toBeNull();
  expect(
    anchored({
      anchors: [
        { name: 'a', entries: '1', at: '2026-03-01T12:00:00Z' },
        { name: 'b', entries: '1', at: '2026-03-01T11:00:00Z' },
      ],
    }),
  ).toBe('2026-03-01T12:00:00Z');
});

test('a name of a topic or key is one word of a command, and runs nothing', () => {
  expect(quoted('topic:west/orders')).toBe('topic:west/orders');
  expect(quoted('lineaged.dev/ledger/43b7+4d83+AYBc=')).toBe('lineaged.dev/ledger/43b7+4d83+AYBc=');
  expect(quoted('topic:west/a%20b; rm')).toBe("'topic:west/a%20b; rm'");
  expect(quoted("it's")).toBe("'it'\\''s'");
});
