import type { Mark } from './lit';

const SHAPES: Record<Mark['kind'], string> = { lost: '✕', starved: '▼', less: '▽', unknown: '?', deleted: '⧗' };

/** On a card or in a list: what a loss does to it. */
export const LossMark = ({ mark }: { mark: Mark }) => (
  <span className={`loss-mark is-${mark.kind}`}>
    <span aria-hidden="true">{SHAPES[mark.kind]}</span> {mark.words}
  </span>
);
