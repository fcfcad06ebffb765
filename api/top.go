package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// top answers the root field of that name. Rates are means over the observed part of the window, lag and sizes those at its end; nodes whose value
// is not known, and internal topics, are left out.
func (a *answerer) top(ctx context.Context, metric Metric, kind lineage.NodeKind, window WindowInput, first int) ([]Ranked, error) {
	if first < 0 || first > mostPerPage {
		return nil, badInput("top: first must be 0 to %d", mostPerPage)
	}
	v, err := a.view(ctx, window)
	if err != nil {
		return nil, err
	}
	value, err := v.valueOf(ctx, metric)
	if err != nil {
		return nil, err
	}
	type ranked struct {
		node  lineage.Node
		value float64
	}
	var all []ranked
	consider := func(n lineage.Node) {
		if n.Kind != kind || v.internal(n) || !v.exists(n) || !hasMetric(kind, metric) {
			return
		}
		if x := value(n); x != nil {
			all = append(all, ranked{n, *x})
		}
	}
	for n := range v.topics {
		consider(n)
	}
	for n := range v.ends {
		consider(n)
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(-cmp.Compare(a.value, b.value), strings.Compare(a.node.Name, b.node.Name), strings.Compare(a.node.Scope, b.node.Scope))
	})
	all = all[:min(first, len(all))]
	nodes := make([]lineage.Node, len(all))
	for i, x := range all {
		nodes[i] = x.node
	}
	r := newRows(v, nodes, nil)
	out := make([]Ranked, len(all))
	for i, x := range all {
		out[i] = Ranked{Node: r.nodes[x.node], Value: x.value}
	}
	return out, nil
}

// valueOf returns how large a metric is of a node over the window; nil: not known.
func (v *view) valueOf(ctx context.Context, m Metric) (func(lineage.Node) *float64, error) {
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	appended, err := v.appended(ctx)
	if err != nil {
		return nil, err
	}
	return func(n lineage.Node) *float64 {
		p := nodeParts(v, n, m)
		var sum Point
		for _, q := range p.list {
			if live := ls.of(q.key.Subject, lineage.Live); q.living && live != nil && *live == 0 {
				continue
			}
			factor := 1.0
			if p.sized {
				var ok bool
				if factor, ok = v.sizeOf(ls, q.topic); !ok {
					continue
				}
			}
			var at lineage.Point
			switch q.key.Metric {
			case lineage.Records:
				at.Value, at.OK = q.amount.Rate() // of the row's own part
			case lineage.Appended:
				at.Value, at.OK = appended[q.key.Subject].Rate()
			default:
				if l := ls.of(q.key.Subject, q.key.Metric); l != nil {
					at = lineage.Point{Value: float64(*l) * q.factor, OK: true}
				}
			}
			switch {
			case at.OK:
				sum.mix(at.Value*factor/p.divisor, p.largest)
			case q.isNeeded(v.win.End):
				return nil
			}
		}
		return sum.Value
	}, nil
}

// appended reads what the topics' ends advanced in the window.
func (v *view) appended(ctx context.Context) (map[lineage.SubjectID]lineage.Amount, error) {
	return v.topicAmounts.get(ctx, func(ctx context.Context) (map[lineage.SubjectID]lineage.Amount, error) {
		var keys []lineage.SeriesKey
		for _, t := range v.topics {
			for _, s := range t.subjects {
				keys = append(keys, lineage.SeriesKey{Subject: s.ID, Metric: lineage.Appended})
			}
		}
		amounts, err := v.a.history.Amounts(ctx, v.win.Window, keys)
		if err != nil {
			return nil, fmt.Errorf("read what was appended: %w", err)
		}
		out := make(map[lineage.SubjectID]lineage.Amount, len(keys))
		for i, k := range keys {
			out[k.Subject] = amounts[i]
		}
		return out, nil
	})
}
