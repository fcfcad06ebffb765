// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Listening, useLive } from './live';
import { type Listen, type Listener, patience } from './socket';
import { clientOf } from './test-client';

const WINDOW = { last: '10m' };
let hidden = false;

/** A server that a test speaks for. */
function server() {
  const open = new Set<Listener>();
  const windows: unknown[] = [];
  const listen: Listen = (window, to) => {
    windows.push(window);
    open.add(to);
    return () => open.delete(to);
  };
  const each = (f: (to: Listener) => void) => act(() => [...open].forEach(f));
  return {
    listen,
    open,
    windows,
    tell: (v: string) =>
      each((to) => {
        to.connected(true);
        to.version(v);
      }),
    lose: () => each((to) => to.connected(false)),
  };
}

function Page(p: { shown?: string; fetching?: boolean; again(): void; seconds: number | null; said(s: string): void }) {
  p.said(
    useLive({ window: WINDOW, shown: p.shown, fetching: p.fetching ?? false, again: p.again, seconds: p.seconds }),
  );
  return null;
}

function start(first: { shown?: string; fetching?: boolean; seconds?: number | null } = {}) {
  const told = server();
  const again = vi.fn();
  const asked = vi.fn(() => ({ version: 'polled', window: { start: '', end: '', step: '' }, newest: '' }));
  let link = '';
  const root = createRoot(document.createElement('div'));
  const render = (p: { shown?: string; fetching?: boolean; seconds?: number | null }) =>
    act(() =>
      root.render(
        <Provider value={clientOf({ lineageVersion: asked })}>
          <Listening.Provider value={told.listen}>
            <Page again={again} seconds={10} {...p} said={(s) => (link = s)} />
          </Listening.Provider>
        </Provider>,
      ),
    );
  render(first);
  return { told, again, asked, render, root, link: () => link };
}

const pass = (ms: number) => act(() => vi.advanceTimersByTimeAsync(ms));

function tab(state: 'hidden' | 'shown') {
  hidden = state === 'hidden';
  act(() => void document.dispatchEvent(new Event('visibilitychange')));
}

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.useFakeTimers();
  hidden = false;
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('asks for the answer when it is told of another one, once, and never by itself', async () => {
  const { told, again, asked, link } = start({ shown: 'one' });
  expect(link()).toBe('opening');
  told.tell('one');
  expect(link()).toBe('open');
  await pass(600_000);
  expect(again).toHaveBeenCalledTimes(0);
  told.tell('two');
  told.tell('two');
  expect(again).toHaveBeenCalledTimes(1);
  told.tell('three');
  expect(again).toHaveBeenCalledTimes(2);
  expect(asked).toHaveBeenCalledTimes(0);
  expect(told.windows).toEqual([WINDOW]);
});

test('what a page asks for at first it does not ask for twice', () => {
  const { told, again } = start();
  told.tell('one');
  expect(again).toHaveBeenCalledTimes(0);
  told.tell('two');
  expect(again).toHaveBeenCalledTimes(1);
});

test('an answer that takes longer than until the next change comes, and what was told meanwhile is asked for then', () => {
  const { told, again, render } = start({ fetching: true });
  told.tell('one');
  told.tell('two');
  told.tell('three');
  expect(again).toHaveBeenCalledTimes(0);
  render({ shown: 'two', fetching: false });
  expect(again).toHaveBeenCalledTimes(1);
  render({ shown: 'two', fetching: true });
  told.tell('four');
  render({ shown: 'four', fetching: false });
  expect(again).toHaveBeenCalledTimes(1);
});

test('while nobody tells, asks which answer there is, and for the answer only when it is another', async () => {
  const { told, again, asked, render, link } = start({ shown: 'one' });
  told.tell('one');
  told.lose();
  expect(link()).toBe('lost');
  await pass(10_000);
  expect(asked).toHaveBeenCalledTimes(1);
  expect(again).toHaveBeenCalledTimes(1);
  render({ shown: 'polled' });
  await pass(30_000);
  expect(asked).toHaveBeenCalledTimes(4);
  expect(again).toHaveBeenCalledTimes(1);
  told.tell('two');
  expect(link()).toBe('open');
  await pass(60_000);
  expect(asked).toHaveBeenCalledTimes(4);
  expect(again).toHaveBeenCalledTimes(2);
});

test('hears and asks nothing while the tab is hidden, and catches up when it is back', async () => {
  const { told, again, asked } = start({ shown: 'one' });
  told.tell('one');
  tab('hidden');
  expect(told.open.size).toBe(0);
  await pass(600_000);
  expect([again.mock.calls.length, asked.mock.calls.length]).toEqual([0, 0]);
  tab('shown');
  expect(told.open.size).toBe(1);
  told.tell('two');
  expect(again).toHaveBeenCalledTimes(1);
});

test('follows nothing when it is off, and lets go when it is left', async () => {
  const { told, again, render, root } = start({ shown: 'one', seconds: null });
  await pass(60_000);
  expect([told.open.size, again.mock.calls.length]).toEqual([0, 0]);
  render({ shown: 'one', seconds: 10 });
  expect(told.open.size).toBe(1);
  act(() => root.unmount());
  expect(told.open.size).toBe(0);
});

test('waits longer after each try, and never for ever', () => {
  const waits = [1, 2, 3, 4, 5, 6, 50].map((n) => patience(n, () => 1));
  expect(waits).toEqual([2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  expect(patience(3, () => 0)).toBe(4000);
});
