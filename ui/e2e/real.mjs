// The numbered points of the UI, and the three stories, against a lineaged that watches a real Kafka: internal/acceptance
// starts both, and this. The parts are those that run on the demo, told of another world.
//
//   LINEAGED_URL=http://127.0.0.1:8420 LINEAGED_BIN=bin/lineaged STORY_WORLD='{"topic":…}' node ui/e2e/real.mjs
import { check, run, until } from './harness.mjs';
import { archive } from './suites/archive.mjs';
import { compared, early } from './suites/bar.mjs';
import { asked, listed, nothing } from './suites/catalog.mjs';
import { command, files, menu } from './suites/exports.mjs';
import { http } from './suites/http.mjs';
import { evidence, outOf, starves, ways } from './suites/impact.mjs';
import { graph, held, keyboard, panel } from './suites/lineage.mjs';
import { estate } from './suites/overview.mjs';
import { stubs } from './suites/picture.mjs';
import { requests } from './suites/requests.mjs';
import { auditor, engineer, onCall } from './suites/stories.mjs';
import { cutOff, unreachable, windows } from './suites/time.mjs';
import { pages } from './suites/usage.mjs';
import { realWorld } from './worlds.mjs';

const told = JSON.parse(process.env.STORY_WORLD);
const world = realWorld(told);
const { topic, group, starved, reader, begun, gapStart, gapEnd, stalled } = told;
const after = (at, seconds) => new Date(Date.parse(at) + seconds * 1000).toISOString().replace(/\.\d+/, '');

/** What holds whether the group has stalled or not, and so is looked at while that is not yet known. */
const ANY_TIME = {
  '2 catalog': [listed, asked, nothing],
  '5 panels and pages, 7 everyone': [graph, panel, keyboard, pages],
  '3 blast radius and lineage': [starves, (_, w) => outOf(w), ways, evidence, stubs],
  '4 time': [windows],
  '6 export': [files, command, menu],
  '8 honest states': [early, unreachable, cutOff],
  '9 code': [http, (url, w) => requests(url, w, after(begun, 0), after(gapStart, 0))],
  '10 without Node': [archive],
};

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

/** What it says of who stalled, whom that starves, and what went with it. */
const went = {
  start: after(stalled, 3),
  end: after(stalled, 10),
  than: 'before',
  list: 'Went',
  flow: `${group} → ${starved}`,
};
const STALLED = {
  '1 overview': [estate],
  '3 lineage': [(url, w) => held(url, w)],
  '4 time': [(url) => compared(url, went)],
  stories: [onCall, engineer, auditor],
};
const story = {
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

const parts = (points) =>
  Object.entries(points).flatMap(([point, functions]) => [
    () => console.log(`-- ${point}`),
    ...functions.map((f) => (url) => f(url, point === 'stories' ? story : world)),
  ]);
await run([...parts(ANY_TIME), stalls, ...parts(STALLED)]);
