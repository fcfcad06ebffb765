// @vitest-environment happy-dom
import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { Provider } from 'urql';
import { expect, test, vi } from 'vitest';
import { clientOf } from '../data/test-client';
import { initialLineage } from '../url/lineage';
import { Candidates, unidentifiedOf } from './candidates';
import type { LineageFlow } from './types';

const RULE = "applications:\n  - match: {unidentified: '^west/alerts$'}\n    name: 'fraud'\n";
const asked: string[] = [];

/** A server that knows who may write alerts, and nobody who may write ticks. */
const client = clientOf({
  candidates: ({ topic, window }: { topic: string; window: { end: string } }) => {
    asked.push(window.end);
    const none = { candidates: [], detail: 'what is written is even', considered: 3, leftOut: 0 };
    if (topic !== 'unidentified:west/alerts') return none;
    const reason = (kind: string, words: string, factor: number) => ({ kind, words, factor });
    return {
      candidates: [
        {
          name: 'fraud',
          kind: 'APPLICATION',
          node: { __typename: 'Application', id: 'application:shop/fraud' },
          score: 0.93,
          rule: RULE,
          reasons: [reason('RATES', 'it reads as is written', 400), reason('HOST', 'it was not seen there', 0.3)],
        },
        {
          name: 'desk',
          kind: 'APPLICATION',
          node: null,
          score: 0.04,
          rule: '',
          reasons: [reason('PERMITTED', 'may', 8)],
        },
      ],
      detail: null,
      considered: 12,
      leftOut: 2,
    };
  },
});

async function show(id: string, ends: string[]): Promise<string> {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  const at = document.body.appendChild(document.createElement('div'));
  const root = createRoot(at);
  for (const end of ends) {
    const window = { start: new Date(Date.parse(end) - 600_000).toISOString(), end, step: '10s' };
    await act(async () =>
      root.render(
        <Provider value={client}>
          <Candidates id={id} window={window} state={initialLineage} />
        </Provider>,
      ),
    );
    await act(() => vi.waitFor(() => expect(at.textContent).toContain('considered')));
  }
  const html = at.innerHTML;
  await act(async () => root.unmount());
  at.remove();
  vi.unstubAllGlobals();
  return html;
}

test('each candidate has its reasons, for and against, and a rule to copy', async () => {
  const html = await show('unidentified:west/alerts', ['2026-11-24T11:00:00Z']);
  const text = html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
  expect(text).toMatch(/fraud 93 % it reads as is written × ?400 Against: it was not seen there × ?0.3/);
  expect(text).toContain("match: {unidentified: '^west/alerts$'}");
  expect(text).toMatch(/desk never seen 4 %/);
  expect(text).toMatch(/12 candidates considered , 2 more left out|12 candidates considered, 2 more left out/);
  expect(html).toContain('root=application:shop/fraud');
  expect(html).toContain('aria-label="Copy the rule for fraud"');
});

test('where nothing speaks for anybody it says why', async () => {
  const text = (await show('unidentified:west/ticks', ['2026-11-24T11:00:00Z'])).replace(/<[^>]*>/g, ' ');
  expect(text).toContain('Nobody that anything speaks for');
  expect(text).toContain('what is written is even');
});

test('while the window goes on with the clock it is asked once a minute, and at once for another time', async () => {
  asked.length = 0;
  const at = (time: string) => `2026-11-24T${time}Z`;
  await show(
    'unidentified:west/ticks',
    ['11:00:00', '11:00:10', '11:00:50', '11:01:00', '11:01:10', '09:00:00'].map(at),
  );
  expect(asked).toEqual(['11:00:00', '11:01:00', '09:00:00'].map(at));
});

test('a topic has them where its view draws writers without a name', () => {
  const flow = (from: string, to: string) => ({ from: { id: from }, to: { id: to } }) as LineageFlow;
  const flows = [flow('unidentified:west/a', 'topic:west/a'), flow('application:x/y', 'topic:west/b')];
  const of = (id: string, kind: string) => unidentifiedOf({ id, kind }, flows);
  expect(of('topic:west/a', 'TOPIC')).toBe('unidentified:west/a');
  expect(of('topic:west/b', 'TOPIC')).toBe(null);
  expect(of('unidentified:west/c', 'UNIDENTIFIED')).toBe('unidentified:west/c');
  expect(of('application:x/y', 'APPLICATION')).toBe(null);
});
