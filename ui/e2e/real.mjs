// The three stories against a lineaged that watches a real Kafka: internal/acceptance starts both, and this.
//
//   LINEAGED_URL=http://127.0.0.1:8420 STORY_WORLD='{"topic":…}' node ui/e2e/real.mjs
import { check, run, until } from './harness.mjs';
import { auditor, engineer, onCall } from './suites/stories.mjs';

const { topic, group, starved, reader, begun, gapEnd } = JSON.parse(process.env.STORY_WORLD);

/** A reader has stalled once it was silent for longer than it pauses, which takes a minute and a half. */
async function stalls(url) {
  const query = `{ flow(id: "topic:west/${topic}->application:west/${group}", window: { last: "10m" }) { state } }`;
  await check('the group stalls, and is a member still', () =>
    until(
      'its state is STALLED',
      async () => {
        const headers = { 'content-type': 'application/json' };
        const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
        return (await response.json()).data.flow.state === 'STALLED';
      },
      180_000,
    ),
  );
}

const world = {
  topic,
  said: `${group} does not read`,
  state: /stalled/i,
  since: true,
  starves: reader,
  downstream: [group, starved, reader],
  from: begun,
  to: gapEnd,
  readers: [group],
  gap: /lineaged was not running/,
};
await run([stalls, (url) => onCall(url, world), (url) => engineer(url, world), (url) => auditor(url, world)]);
