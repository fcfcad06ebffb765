// What there is in a world that the checks look at. A check that is told of a world holds on the demo and on a real Kafka
// that internal/acceptance runs; what a check needs that only one of them has is in the check.

/** The demo's own. */
export const DEMO = {
  clusters: ['west', 'east'],
  topic: 'orders', // in the cluster west, written by who has no name
  reader: { id: 'application:shop/billing', name: 'billing' }, // of the topic, in a group with a member
  end: { id: 'application:shop/order-analytics', name: 'order-analytics', by: 'application:shop/west-to-east-copy' }, // three hops downstream
  nodes: 10, // at least so many moved
  readers: 6, // at least so many read the topic
  downstream: 12, // at least so many nodes hang on the topic
  stub: { root: 'topic:west/orders' }, // of whose neighbours some are hidden at one hop
  busiest: 'clickstream',
  behind: 'nightly-report',
  happened: 'stock-audit',
  owned: /topics? team-orders/, // a group of the map by owners
  lines: 4, // of the map by clusters
  compared: / against /, // with an hour before
  permitted: /\d+ entr(y|ies) of the access control lists/,
};

/** Of a real Kafka, as internal/acceptance tells of it in STORY_WORLD. */
export function realWorld(told) {
  const { topic, group, starved, reader } = told;
  return {
    topic,
    clusters: ['west'],
    reader: { id: `application:west/${group}`, name: group },
    client: [`${group}-client`, group, /127\.0\.0\.1/, new RegExp(`^${group}-client-[0-9a-f]{8}-`)], // all that the flow's client is known by
    members: new RegExp(`^${group} west classic Stable 1 `), // its group
    end: { id: `application:west/${reader}`, name: reader, by: `topic:west/${starved}` },
    nodes: 4,
    readers: 1,
    downstream: 3,
    stub: { root: `topic:west/${starved}` },
    busiest: topic,
    behind: group,
    happened: group,
    owned: /topics \(no owner\)/,
    lines: 2,
    compared: /^Nothing was observed then: data is held since/,
    permitted: 'Everybody may read and write it: the cluster has no authorizer.',
  };
}

export const topicId = (world) => `topic:west/${world.topic}`;
export const writersId = (world) => `unidentified:west/${world.topic}`;
export const flowId = (world) => `${topicId(world)}->${world.reader.id}`;
/** A name in a pattern. */
export const exactly = (name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
