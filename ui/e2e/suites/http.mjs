// GraphQL over HTTP, by the suite of those who write its specification.
import { serverAudits } from 'graphql-http';
import { check, must } from '../harness.mjs';

/** What the specification advises or allows and the endpoint does not do; docs/api.md says why. */
const LEFT_OUT = [
  'MAY accept application/x-www-form-urlencoded formatted GET requests',
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/graphql-response+json',
  'MAY allow URL-encoded JSON string {variables} parameter in GETs when accepting application/json',
  'SHOULD use 200 status code on document parsing failure when accepting application/json',
  'SHOULD use 200 status code on document validation failure when accepting application/json',
  'SHOULD use a status code of 200 on variable coercion failure when accepting application/json',
];

export async function http(url) {
  await check('the endpoint does all that GraphQL over HTTP demands', async () => {
    const audits = serverAudits({ url: `${url}/graphql`, fetchFn: fetch });
    must(audits.length > 50, `the suite has ${audits.length} audits`);
    const not = [];
    for (const audit of audits) {
      const { status, reason } = await audit.fn();
      if (status !== 'ok') not.push({ name: audit.name, said: `${status}: ${audit.name}: ${reason}` });
    }
    const unforeseen = not.filter((n) => n.name.startsWith('MUST') || !LEFT_OUT.includes(n.name));
    must(unforeseen.length === 0, unforeseen.map((n) => n.said).join('\n    '));
    const done = LEFT_OUT.filter((name) => !not.some((n) => n.name === name));
    must(done.length === 0, `named as left out, and done: ${done.join('; ')}`);
  });
}
