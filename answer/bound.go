package answer

import (
	"fmt"
	"maps"

	"github.com/lineaged/lineaged/lineage"
)

// Bound says why a rate of records of a node is a bound or an estimate; empty: it is neither. What is pending at the
// window's end is no part of a rate. Of a time of traces it says of how many, once these are loaded; which markers
// among a topic's records are exact is known once these are loaded.
func (v *View) Bound(n lineage.Node, m Metric) string {
	if m == EndToEnd {
		all, _ := v.traced.loaded()
		return latencyWords(all[n])
	}
	if m != RecordRate && m != RecordsIn && m != RecordsOut {
		return ""
	}
	if t := v.topics[n]; t != nil && m != RecordsOut {
		bound, loose := false, false
		got, _ := v.topicAmounts.loaded()
		for _, s := range t.subjects {
			_, exact := v.markers(s.row)
			bound, loose = bound || !exact, loose || !exact && got.by[lineage.Markers][s.row].Estimated
		}
		switch {
		case !bound:
			return ""
		case loose:
			return "neither at most nor at least: it is written in transactions, and markers of these may be among its records, and records among the markers that are left out"
		}
		return "at most: it is written in transactions, and markers of these may be among its records beside those that are known and left out"
	}
	estimated := map[lineage.Flow]bool{}
	for _, q := range nodeParts(v, n, m).list {
		if f := q.of.flow(); q.of.amount.Estimated || q.of.sharedOut() || v.veiled[f] {
			estimated[f] = true
		} else if !estimated[f] {
			estimated[f] = false
		}
	}
	all := len(estimated)
	maps.DeleteFunc(estimated, func(_ lineage.Flow, is bool) bool { return !is })
	if len(estimated) == 0 {
		return ""
	}
	return fmt.Sprintf("estimated: bounds or estimates are among what it sums up, %d of %d flows, as their evidence explains", len(estimated), all)
}
