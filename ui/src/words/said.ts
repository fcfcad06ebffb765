// Text in which instants stand: they are shown so that a reader has them in UTC too, and heard as plain words.
import { instant } from './format';

/** exact: the instant itself, also where others are told by how long ago they were. */
export type Part = string | { at: string; exact?: boolean };
export type Said = readonly Part[];

/** The text as one string: for a name that is heard, or a title. */
export const plain = (said: Said, when: (iso: string) => string = instant): string =>
  said.map((p) => (typeof p === 'string' ? p : (p.exact ? instant : when)(p.at))).join('');
