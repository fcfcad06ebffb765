// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { instant, zone } from '../words/format';
import { chooseClock } from './clock';
import { Between, Instant, Words } from './instant';

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
const at = '2026-11-19T13:41:07.5+01:00';
let box: HTMLElement;
let root: ReturnType<typeof createRoot>;

beforeEach(() => {
  box = document.createElement('div');
  root = createRoot(box);
});
afterEach(() => {
  act(() => root.unmount());
  chooseClock('local');
});

const times = () => [...box.querySelectorAll('time')];

test('an instant has UTC for machines and on hover, and the local time where it is told by how long ago', () => {
  act(() => root.render(<Instant at={at} when={() => 'just now'} />));
  const [time] = times();
  expect(time?.textContent).toBe('just now');
  expect(time?.getAttribute('datetime')).toBe('2026-11-19T12:41:07.500Z');
  expect(time?.title).toContain('2026-11-19 12:41:07 UTC');
  if (zone(at) !== 'UTC') expect(time?.title).toContain(`${instant(at)} ${zone(at)}`);
});

test('who asks for UTC has it in every text, also where it was told by how long ago', () => {
  act(() =>
    root.render(
      <>
        <Instant at={at} when={() => 'just now'} />
        <Between start={at} end="2026-11-20T00:00:00Z" />
        <Words said={['last read ', { at }]} when={() => 'just now'} />
      </>,
    ),
  );
  act(() => chooseClock('utc'));
  const said = times().map((t) => t.textContent);
  expect(said).toHaveLength(4);
  for (const text of said) expect(text).toMatch(/\d\d:\d\d:\d\dZ$/);
  expect(box.textContent).toContain('last read ');
});
