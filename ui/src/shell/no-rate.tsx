import { type Counted, noRate } from '../words/words';

/** What stands in a table in the place of a rate that is none. */
export function NoRate({ node, side }: { node: Counted; side: 'in' | 'out' }) {
  const word = noRate(node, side);
  return word === '–' ? (
    <span className="none" title="no counted flow is known">
      –
    </span>
  ) : (
    <span className="unknown">{word}</span>
  );
}
