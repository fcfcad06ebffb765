import type { NodeKind } from '../gql/graphql';

/** A node's name in running text. It is foreign: its direction is its own, and turns nothing around it. */
export const Name = ({ node }: { node: { kind: NodeKind; name: string } }) =>
  node.kind === 'UNIDENTIFIED' ? (
    <>
      writers of <bdi>{node.name}</bdi>
    </>
  ) : (
    <bdi>{node.name}</bdi>
  );
