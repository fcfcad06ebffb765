package answer

import (
	"fmt"

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
	p := nodeParts(v, n, m)
	return v.boundOf(&p)
}

// boundOf says why the sum of counters is a bound or an estimate. Which way the estimates among them go only their
// evidence says, and one that is at most makes no sum that lacks a part a bound.
func (v *View) boundOf(p *parts) string {
	all, estimated, least := map[lineage.Flow]bool{}, map[lineage.Flow]bool{}, map[lineage.Flow]bool{}
	for _, x := range p.uncounted {
		all[x.flow()], least[x.flow()] = true, true
	}
	for _, q := range p.list {
		f := q.of.flow()
		all[f] = true
		if q.of.amount.Estimated || q.of.sharedOut() {
			estimated[f] = true
		}
		if q.adds() && q.of.rate() == nil || v.veiled[f] {
			least[f] = true
		}
	}
	switch {
	case len(p.list) == 0: // there is no sum
		return ""
	case len(least) == 0 && len(estimated) == 0:
		return ""
	case len(least) == 0:
		return fmt.Sprintf("estimated: bounds or estimates are among what it sums up, %d of %d flows, as their evidence explains", len(estimated), len(all))
	case len(estimated) == 0:
		return fmt.Sprintf("at least: of %d of %d flows that it sums up it is not known what moved, or whether that is all", len(least), len(all))
	}
	return fmt.Sprintf("estimated: of %d of %d flows that it sums up it is not known what moved, or whether that is all, and bounds or estimates are among the others, %d, as their evidence explains", len(least), len(all), len(estimated))
}
