import type { Merged } from '../data/merged';
import type { LineagePartsFragment, NodeDetailQuery } from '../gql/graphql';
import type { LineageState } from '../url/lineage';

export type LineageAnswer = LineagePartsFragment;
export type LineageNode = Merged<LineageAnswer['nodes'][number]>;
export type LineageFlow = LineageAnswer['flows'][number];

/** A node as the panel asks for it. */
export type PanelNode = Merged<NonNullable<NodeDetailQuery['node']>>;

/** What the panel of a node or flow is given. */
export interface PanelProps {
  id: string;
  answer: LineageAnswer;
  state: LineageState;
  change(patch: Partial<LineageState>): void;
}
