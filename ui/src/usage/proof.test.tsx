import { expect, test } from 'vitest';
import { sealed } from './proof';

const window = { start: '2026-03-01T12:00:00Z', end: '2026-03-01T14:00:00Z' };

test('how much of a window stands in the ledger', () => {
  expect(sealed(null, window)).toBe('none');
  expect(sealed('2026-03-01T12:00:00Z', window)).toBe('none');
  expect(sealed('2026-03-01T13:00:00Z', window)).toBe('part');
  expect(sealed('2026-03-01T14:00:00Z', window)).toBe('all');
  expect(sealed('2026-03-02T00:00:00Z', window)).toBe('all');
});
