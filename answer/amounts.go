package answer

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// evidenceOrder ranks the evidence that can count, the best first: an access counts once, by the best that
// has a count.
var evidenceOrder = [...]lineage.EvidenceKind{
	lineage.ProducerState, lineage.Transaction, lineage.GroupOffsets, lineage.ShareOffsets, lineage.BatchHeader, lineage.RecordHeader, lineage.Telemetry, lineage.Connect,
	lineage.Mirror, lineage.Flink, lineage.RequestLog, lineage.Elimination, lineage.EndOffsets,
}

func evidenceRank(k lineage.EvidenceKind) int {
	for i, o := range evidenceOrder {
		if o == k {
			return i
		}
	}
	return len(evidenceOrder)
}

// takeAmounts counts each access by its best evidence.
func (v *View) takeAmounts() {
	series := &v.held.Series
	for i := range v.accesses {
		x := &v.accesses[i]
		for j, end := series.Of(x.row); j < end; j++ {
			m, k, amount := series.Metric[j], series.Evidence[j], &series.Amount[j]
			switch {
			case !m.Counter():
				x.gauges[m] = true
			case m == lineage.Skipped:
				x.skipped = amount
			case m == lineage.Lost:
				x.lost = amount
			case x.counter.metric == lineage.NoMetric || v.counts(k, amount, x):
				x.counter, x.amount = stored{x.row, j, m, k}, *amount
			}
		}
	}
}

// counts reports whether a kind of evidence counts an access better than that which counts it so far: it is known, or
// comes first in the order. Batch headers come before all others where they are exact and the others are not, if they
// were looked at for as long.
func (v *View) counts(k lineage.EvidenceKind, a *lineage.Amount, x *access) bool {
	if a.Known != x.amount.Known {
		return a.Known
	}
	switch {
	case k == lineage.BatchHeader && v.settles(a, &x.amount):
		return true
	case x.counter.evidence == lineage.BatchHeader && v.settles(&x.amount, a):
		return false
	}
	return evidenceRank(k) < evidenceRank(x.counter.evidence)
}

// settles reports whether an amount is exact where another is a bound, and of as long a time. Sources look a moment
// apart, so that their times differ by little where they are the same.
func (v *View) settles(a, b *lineage.Amount) bool {
	const apart = 500 * time.Millisecond
	return a.Known && !a.Estimated && !a.Pending && b.Estimated && a.ObservedFor+min(v.win.Step/4, apart) >= b.ObservedFor
}
