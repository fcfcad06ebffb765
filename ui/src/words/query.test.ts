import { readFileSync } from 'node:fs';
import { buildSchema, type OperationDefinitionNode, parse, typeFromAST, validate, valueFromAST } from 'graphql';
import { stringifyDocument } from 'urql';
import { expect, test } from 'vitest';
import { AllFlowsDocument, LineageDocument } from '../gql/graphql';
import { allFlowsVariables, lineageVariables } from '../lineage/question';
import { initialLineage, type LineageState } from '../url/lineage';
import { withDefaults } from './query';

const schema = buildSchema(readFileSync('../schema.graphqls', 'utf8'));

/** The variables as a server reads them from the document alone. */
function defaults(text: string): Record<string, unknown> {
  const document = parse(text);
  expect(validate(schema, document)).toEqual([]);
  const operation = document.definitions.find((d): d is OperationDefinitionNode => d.kind === 'OperationDefinition');
  return Object.fromEntries(
    (operation?.variableDefinitions ?? []).map((v) => {
      const type = typeFromAST(schema, v.type as never);
      expect(v.defaultValue).toBeDefined();
      return [v.variable.name.value, valueFromAST(v.defaultValue, type as never)];
    }),
  );
}

test('a copied query asks what the view asks, with nothing beside it', () => {
  const odd = 'application:shop/%22%5C%24roots%3A%20%5BID!%5D!';
  const states: Partial<LineageState>[] = [
    { roots: ['topic:west/orders', odd], direction: 'UPSTREAM', depth: 2, inactive: false },
    { roots: ['topic:west/orders'], window: { kind: 'at', at: '2026-11-22T20:00:00Z' }, unit: 'bytes', internal: true },
    { window: { kind: 'range', start: '2026-11-22T20:00:00Z', end: '2026-11-22T21:00:00Z' } },
  ];
  for (const change of states) {
    const state = { ...initialLineage, ...change };
    const [document, variables] =
      state.roots.length > 0
        ? [stringifyDocument(LineageDocument), lineageVariables(state)]
        : [stringifyDocument(AllFlowsDocument), allFlowsVariables(state)];
    expect(defaults(withDefaults(document, variables))).toEqual(variables);
  }
});
