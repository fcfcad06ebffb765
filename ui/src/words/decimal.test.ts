import { expect, test } from 'vitest';
import { decimal } from './decimal';

test('decimals as they are read', () => {
  for (const [exact, shown] of [
    ['0', '0'],
    ['0.000000001', '<0.001'],
    ['-0.0001', '−<0.001'],
    ['0.045', '0.045'],
    ['1234567.8915', '1,234,567.892'],
    ['-12.5', '−12.5'],
    ['nonsense', 'nonsense'],
  ] as const) {
    expect(decimal(exact)).toBe(shown);
  }
});
