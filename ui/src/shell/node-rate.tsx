import { mean } from '../chart/gaps';
import { type RateUnit, rate } from '../words/format';
import { boundSign, type Counted, noRate } from '../words/words';

interface Props {
  node: Counted;
  side: 'in' | 'out';
  unit: RateUnit;
}

/** The mean rate of one side of a node in a table, with the sign of a bound and its reason; or what stands in its place. */
export function NodeRate({ node, side, unit }: Props) {
  const series = side === 'in' ? node.rateIn : node.rateOut;
  const value = mean(series?.points);
  if (value === null) return <NoRate word={noRate(node, side)} />;
  return <span title={series?.detail ?? undefined}>{boundSign(series) + rate(value, unit)}</span>;
}

function NoRate({ word }: { word: string }) {
  return word === '–' ? (
    <span className="none" title="no counted flow is known">
      –
    </span>
  ) : (
    <span className="unknown">{word}</span>
  );
}
