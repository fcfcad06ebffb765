package timeseries

import "time"

// Ended implements Store. A source whose round is under way holds its cluster's back by that round, and one that is late
// by more does not: that is a gap of its own.
func (e *engine) Ended() map[string]time.Time {
	e.mu.RLock()
	defer e.mu.RUnlock()
	out := map[string]time.Time{}
	for c, t := range e.endedTicks() {
		out[c] = e.at(t)
	}
	return out
}

// endedTicks needs mu.
func (e *engine) endedTicks() map[string]int64 {
	out := make(map[string]int64, len(e.latest))
	for c, t := range e.latest {
		out[c] = t
	}
	for _, s := range e.sources {
		t := e.latest[s.name.Cluster]
		if n := s.newest; n.tick > 0 && n.tick < t && n.tick+int64(n.span) == t {
			out[s.name.Cluster] = t - 1
		}
	}
	return out
}
