package answer

import (
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Coverage returns what was observed of the named clusters in the view's window; none: of all.
func (v *View) Coverage(ids ...lineage.ClusterID) lineage.Coverage {
	var sources []string
	for _, id := range ids {
		for _, c := range v.clusters.all {
			if c.known.ID == id && !slices.Contains(sources, c.source) {
				sources = append(sources, c.source)
			}
		}
	}
	if len(ids) > 0 {
		sources = append(sources, v.connectsOf(ids)...)
	}
	return v.inWords(v.held.Coverage(sources...))
}

// connectsOf returns the Connect clusters that belong to the named Kafka clusters; of one that never told its own, and
// was not said to belong to another, that is not known, so it is one of them.
func (v *View) connectsOf(ids []lineage.ClusterID) []string {
	var out []string
	for name, f := range v.movers.connects {
		if slices.Contains(ids, f.Kafka) {
			out = append(out, name)
		}
	}
	for _, c := range v.a.connects {
		if v.movers.connects[c.Name] != nil {
			continue
		}
		of := v.clusters.bySource[c.Cluster]
		if of == nil || slices.Contains(ids, of.known.ID) {
			out = append(out, c.Name)
		}
	}
	return out
}
