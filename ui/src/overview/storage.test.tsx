// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { expect, test, vi } from 'vitest';
import { clientOf } from '../data/test-client';
import { Storage } from './storage';

const tiers = [
  { step: '10s', retention: '2d', bytes: '4000000', bytesPerSeriesDay: 5000 },
  { step: '1m', retention: '30d', bytes: '0', bytesPerSeriesDay: null },
];
const hour = {
  bytes: '5000000',
  freeBytes: '80000000000',
  series: 1000,
  silent: '0',
  measured: '1h',
  tiers,
  year: { bytes: '9000000', bytesPer10000Series: '90000000', atMost: true },
};

async function show(storage: unknown): Promise<string> {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  let asked = 0;
  const client = clientOf({
    storage: () => {
      asked++;
      return storage;
    },
  });
  const at = document.body.appendChild(document.createElement('div'));
  const root = createRoot(at);
  await act(async () =>
    root.render(
      <Provider value={client}>
        <Storage />
      </Provider>,
    ),
  );
  await act(() => vi.waitFor(() => expect(asked).toBe(1)));
  await act(() => new Promise((r) => setTimeout(r, 20)));
  const text = at.textContent ?? '';
  await act(async () => root.unmount());
  return text;
}

test('a bound is said to be one, and a tier of which nothing is sealed is not known', async () => {
  const text = await show(hour);
  expect(text).toContain('5 MB on disk, 80 GB are free. A year of the present load takes at most 9 MB.');
  expect(text).toContain('at most 90 MB a year for 10 000 series; there are 1 k, measured over 1 h');
  expect(text).toMatch(/1 min30 d0 Bnot known yet/);
});

test('what is measured is no bound', async () => {
  const text = await show({ ...hour, year: { ...hour.year, atMost: false } });
  expect(text).toContain('takes about 9 MB');
  expect(text).not.toContain('at most');
});

test('before an hour nothing is said of a year, and least of all zero', async () => {
  const text = await show({ ...hour, year: null, series: null, measured: null, freeBytes: null });
  expect(text).toContain('5 MB on disk. What a year takes is not known before an hour');
  expect(text).not.toMatch(/\b0 B a year/);
});

test('where nobody tells there is nothing', async () => {
  expect(await show(null)).toBe('');
});
