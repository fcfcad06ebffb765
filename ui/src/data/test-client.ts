// For tests: a client whose server is the contract itself, so that a test asks what the page asks and not what it was told to.
import { readFileSync } from 'node:fs';
import { buildSchema, graphql } from 'graphql';
import { Client, fetchExchange } from 'urql';

const schema = buildSchema(readFileSync('../schema.graphqls', 'utf8'));

/** A client whose root fields are answered by functions of their arguments. */
export function clientOf(rootValue: Record<string, (args: never) => unknown>): Client {
  return new Client({
    url: 'http://localhost/graphql',
    exchanges: [fetchExchange],
    preferGetMethod: false,
    fetch: async (_url, init) => {
      const { query, variables } = JSON.parse(String(init?.body));
      const answer = await graphql({ schema, source: query, variableValues: variables, rootValue });
      return new Response(JSON.stringify(answer), { headers: { 'content-type': 'application/json' } });
    },
  });
}
