package answer

import (
	"context"

	"github.com/lineaged/lineaged/lineage"
)

// topicAmounts are what topics' ends advanced in the window, and how many markers were among it, by row.
type topicAmounts struct {
	by map[lineage.Metric]map[int32]lineage.Amount
	// settled are the rows whose markers are those that headers of batches counted: in all of the window, and exactly.
	settled map[int32]bool
}

func (v *View) readWritten(ctx context.Context) (out topicAmounts, err error) {
	if out, err = v.writtenTo(ctx, v.incarnations()); err != nil {
		return out, err
	}
	return out, v.observeLateTopics(ctx, out)
}

// writtenTo is readWritten of some topics.
func (v *View) writtenTo(ctx context.Context, topics []incarnation) (out topicAmounts, err error) {
	out = topicAmounts{map[lineage.Metric]map[int32]lineage.Amount{}, map[int32]bool{}}
	for _, m := range [...]lineage.Metric{lineage.Appended, lineage.Markers} {
		if out.by[m], err = v.amountsOf(ctx, v.win.Window, m, topics); err != nil {
			return out, err
		}
	}
	counted, err := v.amountsBy(ctx, v.win.Window, lineage.Markers, lineage.BatchHeader, topics)
	if err != nil {
		return out, err
	}
	for row, a := range counted {
		grown, known := out.by[lineage.Appended][row]
		grown.Estimated = true // less the markers that are known, it is a bound
		if !known || !v.settles(&a, &grown) {
			continue
		}
		if out.by[lineage.Markers] == nil {
			out.by[lineage.Markers] = map[int32]lineage.Amount{}
		}
		out.by[lineage.Markers][row], out.settled[row] = a, true
	}
	return out, nil
}

// markers is how many of a topic's offsets were markers of transactions; exact is false where there may be more. It is
// exact once what was written is loaded.
func (v *View) markers(row int32) (s stored, exact bool) {
	if got, ok := v.topicAmounts.loaded(); ok && got.settled[row] {
		if i, ok := v.held.Series.Find(row, lineage.Markers, lineage.BatchHeader); ok {
			return stored{row: row, series: i, metric: lineage.Markers, evidence: lineage.BatchHeader}, true
		}
	}
	s = v.stored(row, lineage.Markers)
	return s, s.series < 0
}
