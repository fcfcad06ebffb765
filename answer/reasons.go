package answer

import (
	"context"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// reasons returns why the counts of some accesses are estimates: of each what was said of all its steps in the window
// that are one. It holds none whose count is no estimate.
func (v *View) reasons(ctx context.Context, of []*access) (map[*access][]string, error) {
	var counted []*access
	var series []int32
	for _, x := range of {
		if x.counter.metric != lineage.NoMetric && x.amount.Known && x.amount.Estimated {
			counted, series = append(counted, x), append(series, x.counter.series)
		}
	}
	if len(series) == 0 {
		return nil, nil
	}
	found, err := v.held.Reasons(ctx, v.win.Window, series)
	if err != nil {
		return nil, fmt.Errorf("read why counts are estimates: %w", err)
	}
	out := make(map[*access][]string, len(counted))
	for i, x := range counted {
		out[x] = found[i]
	}
	return out, nil
}

// whyOf joins the reasons of a count's steps, since the count is their sum. A step of which nothing was said that
// explains it is as a kind of evidence is by itself.
func whyOf(k lineage.EvidenceKind, reasons []string) (all string) {
	told := slices.DeleteFunc(slices.Clone(reasons), func(why string) bool { return why == "" || !explains(k, why) })
	if len(told) < len(reasons) {
		told = append(told, whyEstimated(k))
	}
	for i, why := range told {
		switch {
		case i == 0:
			all = why
		case lineage.BoundsOf(all) != lineage.BoundsOf(why):
			all = lineage.BothBounds(all, why)
		}
	}
	return all
}
