// @vitest-environment happy-dom
import { GraphQLError } from 'graphql';
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { renderToStaticMarkup } from 'react-dom/server';
import { Provider } from 'urql';
import { expect, test, vi } from 'vitest';
import { clientOf } from '../data/test-client';
import { closePalette } from '../palette/open';
import { Palette } from '../palette/palette';
import { initialLineage } from '../url/lineage';
import { instant } from '../words/format';
import { before } from './held';
import { Missing } from './missing';
import { LineagePage } from './page';

let refusal = new GraphQLError('no node topic:west/gone', { extensions: { code: 'NOT_FOUND' } });

const client = clientOf({
  lineage: () => {
    throw refusal;
  },
});

async function show(url: string): Promise<{ at: HTMLElement; end(): Promise<void> }> {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  window.history.replaceState(null, '', url);
  const at = document.body.appendChild(document.createElement('div'));
  const root = createRoot(at);
  await act(async () =>
    root.render(
      <Provider value={client}>
        <LineagePage />
        <Palette />
      </Provider>,
    ),
  );
  await act(() => vi.waitFor(() => expect(at.textContent).toContain('no node topic:west/gone')));
  return {
    at,
    async end() {
      await act(async () => root.unmount());
      at.remove();
      vi.unstubAllGlobals();
    },
  };
}

const links = (at: HTMLElement) =>
  Object.fromEntries([...at.querySelectorAll('.ways a')].map((a) => [a.textContent, a.getAttribute('href')]));

test('who asks for a node that is not there is told where to go', async () => {
  const { at, end } = await show('/lineage?root=topic:west/gone&at=2026-11-24T12:00:00Z&depth=2');
  expect(links(at)).toEqual({
    Overview: '/',
    'The newest instant': '/lineage?root=topic:west/gone&depth=2&last=10m',
    'Everything in this window': '/lineage?at=2026-11-24T12:00:00Z',
  });
  expect(at.querySelector('[role="alert"]')).toBeNull();
  const find = [...at.querySelectorAll('.ways button')].find((b) => b.textContent === 'Find a node');
  await act(async () => (find as HTMLButtonElement).click());
  const search = at.querySelector('dialog[open] input[role="combobox"]');
  expect(search).not.toBeNull();
  await act(async () => closePalette());
  await end();
});

test('the newest instant is not offered where it is shown', async () => {
  const { at, end } = await show('/lineage?root=topic:west/gone&last=1h');
  expect(Object.keys(links(at))).toEqual(['Everything in this window', 'Overview']);
  await end();
});

test('where nothing was observed it is not said that it was not there', async () => {
  refusal = new GraphQLError(
    'whether there was a node topic:west/gone is not known: no node topic:west/gone was looked for',
    {
      extensions: { code: 'NOT_OBSERVED' },
    },
  );
  const { at, end } = await show('/lineage?root=topic:west/gone&at=2026-11-24T12:00:00Z');
  expect(at.textContent).toContain('Nothing was observed in this window: whether it was there is not known.');
  expect(at.textContent).not.toContain('it was deleted before');
  expect(at.querySelector('[role="alert"]')).toBeNull();
  await end();
});

test('a window before the data says since when there is data, and leads there', async () => {
  refusal = new GraphQLError('whether there was a node topic:west/gone is not known, no node topic:west/gone', {
    extensions: {
      code: 'NOT_OBSERVED',
      coverage: {
        window: { start: '2026-11-20T12:00:00Z', end: '2026-11-20T13:00:00Z' },
        heldSince: '2026-11-22T00:00:00Z',
      },
    },
  });
  const { at, end } = await show('/lineage?root=topic:west/gone&start=2026-11-20T12:00:00Z&end=2026-11-20T13:00:00Z');
  expect(at.textContent).toContain('This window is before the data.');
  expect(at.textContent).toContain(`Data is held since ${instant('2026-11-22T00:00:00Z')}.`);
  expect(links(at)['The oldest data']).toBe(
    '/lineage?root=topic:west/gone&start=2026-11-22T00:00:00Z&end=2026-11-22T01:00:00Z',
  );
  await end();
});

test('that nothing moved and that nothing was observed look and read differently', () => {
  const said = (observedFraction: number, complete: boolean) =>
    renderToStaticMarkup(
      <Missing
        state={initialLineage}
        answer={{
          window: { start: '2026-11-24T12:00:00Z', end: '2026-11-24T13:00:00Z' },
          coverage: { complete, observedFraction, heldSince: '2026-11-22T00:00:00Z' },
        }}
        again={() => {}}
      />,
    );
  expect(said(1, true)).toMatch(/class="empty observed".*Nothing moved\..*All of this window was observed/);
  expect(said(0.5, false)).toMatch(/class="empty observed".*of the rest it is not known/);
  expect(said(0, false)).toMatch(/class="empty not-observed".*Nothing was observed\./);
  expect(said(0, false)).toContain('The oldest data');
  expect(said(1, true)).not.toContain('The oldest data');
});

test('a window begins or ends before the data, or neither', () => {
  const w = (start: string, end: string) => before({ start, end }, '2026-11-22T00:00:00Z');
  expect(w('2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z')).toBe('ends');
  expect(w('2026-11-21T00:00:00Z', '2026-11-22T00:00:01Z')).toBe('begins');
  expect(w('2026-11-22T00:00:00Z', '2026-11-23T00:00:00Z')).toBeNull();
  expect(before({ start: '', end: '' }, null)).toBeNull();
  expect(before(undefined, '2026-11-22T00:00:00Z')).toBeNull();
});
