// @vitest-environment happy-dom
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { expect, test, vi } from 'vitest';
import { clientOf } from '../data/test-client';
import { openPalette } from './open';
import { Palette } from './palette';

test('what is found was there in the window that is shown', async () => {
  const asked: unknown[] = [];
  const client = clientOf({
    nodes: ({ text, window }: { text: string; window: unknown }) => {
      asked.push({ text, window });
      return { totalCount: 0, coverage: { observedFraction: 1 }, edges: [], pageInfo: { hasNextPage: false } };
    },
  });
  const at = document.body.appendChild(document.createElement('div'));
  const root = createRoot(at);
  const range = { start: '2026-11-24T10:00:00Z', end: '2026-11-24T11:00:00Z' };
  history.replaceState(null, '', `/lineage?start=${range.start}&end=${range.end}`);
  root.render(
    <Provider value={client}>
      <Palette />
    </Provider>,
  );
  openPalette();
  const input = await vi.waitFor(() => {
    const found = at.querySelector('input');
    if (!found) throw new Error('no input yet');
    return found;
  });
  // As a person types: React looks at what the browser's own setter was given.
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, 'orders');
  input.dispatchEvent(new Event('input', { bubbles: true }));
  await vi.waitFor(() => expect(at.textContent).toContain('Nothing matches'));
  for (const a of asked) expect(a).toMatchObject({ text: 'orders', window: range });
  expect(asked).toHaveLength(2); // the nodes, and whose they are: of one request
  root.unmount();
});
