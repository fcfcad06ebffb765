import type { Merged } from '../data/merged';
import type { LineagePartsFragment } from '../gql/graphql';

export type LineageAnswer = LineagePartsFragment;
export type LineageNode = Merged<LineageAnswer['nodes'][number]>;
export type LineageFlow = LineageAnswer['flows'][number];
export type CoverageAnswer = LineageAnswer['coverage'];
