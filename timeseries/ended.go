package timeseries

import "maps"

// endedTicks returns the newest round of each cluster that none of its sources has under way. A source whose round is
// under way holds its cluster's back by that round, and one that is late by more does not: that is a gap of its own. It
// needs mu.
func (e *engine) endedTicks() map[string]int64 {
	out := maps.Clone(e.latest)
	for _, s := range e.sources {
		t := e.latest[s.name.Cluster]
		if n := s.newest; n.tick > 0 && n.tick < t && n.tick+int64(n.span) == t {
			out[s.name.Cluster] = t - 1
		}
	}
	return out
}
