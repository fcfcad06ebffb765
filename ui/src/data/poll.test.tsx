// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { usePolling } from './poll';

function Poller({ again, seconds }: { again: () => void; seconds: number | null }) {
  usePolling(again, seconds);
  return null;
}

let hidden = false;
function tab(state: 'hidden' | 'shown') {
  hidden = state === 'hidden';
  document.dispatchEvent(new Event('visibilitychange'));
}

function start(seconds: number | null) {
  const again = vi.fn();
  const root = createRoot(document.createElement('div'));
  act(() => root.render(<Poller again={again} seconds={seconds} />));
  return { again, root };
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

test('asks at every step, not at once', () => {
  const { again, root } = start(10);
  expect(again).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(30_000);
  expect(again).toHaveBeenCalledTimes(3);
  act(() => root.unmount());
  vi.advanceTimersByTime(60_000);
  expect(again).toHaveBeenCalledTimes(3);
});

test('is silent while the tab is hidden and asks at once when it is back', () => {
  const { again, root } = start(10);
  tab('hidden');
  vi.advanceTimersByTime(600_000);
  expect(again).toHaveBeenCalledTimes(0);
  tab('shown');
  expect(again).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect(again).toHaveBeenCalledTimes(2);
  act(() => root.unmount());
});

test('does nothing when it is off', () => {
  const { again, root } = start(null);
  tab('hidden');
  tab('shown');
  vi.advanceTimersByTime(60_000);
  expect(again).toHaveBeenCalledTimes(0);
  act(() => root.unmount());
});
