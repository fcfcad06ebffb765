package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Ranked is a node with how large a metric is of it.
type Ranked struct {
	Node  lineage.Node
	Value float64
}

// Top ranks the nodes of a kind by a metric, the largest first. Rates are means over the observed part of the window,
// lag and sizes those at its end; nodes whose value is not known are left out and counted; internal topics are left
// out.
func (v *View) Top(ctx context.Context, metric Metric, kind lineage.NodeKind) (all []Ranked, unknown int, err error) {
	value, err := v.valueOf(ctx, metric)
	if err != nil {
		return nil, 0, err
	}
	consider := func(n lineage.Node) {
		if n.Kind != kind || v.internal(n) || !v.exists(n) || !hasMetric(kind, metric) {
			return
		}
		if x := value(n); x != nil {
			all = append(all, Ranked{n, *x})
		} else {
			unknown++
		}
	}
	gone := leaving(ctx)
	for n := range v.everything() {
		if gone() {
			return nil, 0, ctx.Err()
		}
		consider(n)
	}
	slices.SortFunc(all, func(a, b Ranked) int {
		return cmp.Or(-cmp.Compare(a.Value, b.Value), strings.Compare(a.Node.Name, b.Node.Name), strings.Compare(a.Node.Scope, b.Node.Scope))
	})
	return all, unknown, nil
}

// valueOf returns how large a metric is of a node over the window; nil: not known.
func (v *View) valueOf(ctx context.Context, m Metric) (func(lineage.Node) *float64, error) {
	if m == EndToEnd {
		all, err := v.readTraced(ctx)
		return func(n lineage.Node) *float64 { return latencyOf(all[n]) }, err
	}
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	written, err := v.written(ctx)
	if err != nil {
		return nil, err
	}
	return func(n lineage.Node) *float64 {
		p := nodeParts(v, n, m)
		sum := []Point{{AtLeast: len(p.uncounted) > 0}}
		for _, q := range p.list {
			if live := ls.of(q.row, lineage.Live); q.living && live != nil && *live == 0 {
				continue
			}
			is := v.partValue(&q, ls, written)
			if is != nil && p.sized {
				size, ok := v.sizeOf(ls, q.topic)
				if !ok && *is != 0 {
					return nil
				}
				*is *= size
			}
			switch {
			case is != nil:
				sum[0].mix(*is/p.divisor, p.largest)
			case q.isNeeded(v.win.End):
				return nil
			case q.adds():
				sum[0].AtLeast = true
			}
		}
		leastOf(sum)
		return sum[0].Value
	}, nil
}

// partValue returns a part of a node's metric over the window; nil: not known.
func (v *View) partValue(q *part, ls *levels, written map[lineage.Metric]map[int32]lineage.Amount) *float64 {
	switch q.metric {
	case lineage.Records:
		return q.of.rate()
	case lineage.Appended, lineage.Markers:
		rate := rateOf(written[q.metric][q.row])
		if rate != nil {
			*rate *= q.factor
		}
		return rate
	default:
		l := ls.of(q.row, q.metric)
		if l == nil {
			return nil
		}
		return new(float64(*l) * q.factor)
	}
}

// written reads what the topics' ends advanced in the window, and how many markers were among it, by row.
func (v *View) written(ctx context.Context) (map[lineage.Metric]map[int32]lineage.Amount, error) {
	got, err := v.topicAmounts.get(ctx, v.readWritten)
	return got.by, err
}

// incarnations returns those of all topics.
func (v *View) incarnations() []incarnation {
	var out []incarnation
	for _, t := range v.topics {
		out = append(out, t.subjects...)
	}
	return out
}

// amountsOf reads what a counter of topics advanced in any window, of those that have it, by row.
func (v *View) amountsOf(ctx context.Context, in lineage.Window, m lineage.Metric, topics []incarnation) (map[int32]lineage.Amount, error) {
	return v.amountsBy(ctx, in, m, lineage.NoEvidence, topics)
}

// amountsBy is the same by a kind of evidence.
func (v *View) amountsBy(ctx context.Context, in lineage.Window, m lineage.Metric, k lineage.EvidenceKind, topics []incarnation) (map[int32]lineage.Amount, error) {
	var rows, series []int32
	for _, t := range topics {
		if i, ok := v.held.Series.Find(t.row, m, k); ok {
			rows, series = append(rows, t.row), append(series, i)
		}
	}
	if rows == nil {
		return nil, nil
	}
	amounts, err := v.held.Amounts(ctx, in, series)
	if err != nil {
		return nil, fmt.Errorf("read what topics %s: %w", m, err)
	}
	out := make(map[int32]lineage.Amount, len(rows))
	for i, row := range rows {
		out[row] = amounts[i]
	}
	return out, nil
}
