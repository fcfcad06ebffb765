package timeseries

import (
	"maps"

	"github.com/lineaged/lineaged/lineage"
)

// endedTicks returns the newest round of each cluster that none of its sources has under way. A source whose round is
// under way holds its cluster's back by that round, and one that is late by more does not: that is a gap of its own. It
// needs mu.
func (e *engine) endedTicks() map[string]int64 {
	out := maps.Clone(e.latest)
	for _, s := range e.sources {
		t := e.latest[s.name.Cluster]
		if n := e.paced(s); n.tick > 0 && n.tick < t && n.tick+int64(n.span) == t {
			out[s.name.Cluster] = t - 1
		}
	}
	return out
}

// paced returns the newest round of a source, with the span after which its next one is due: that which was told of the
// source, also where the round covers less, as the first after a start does. It needs mu.
func (e *engine) paced(s *source) round {
	n := s.newest
	line := e.facts[lineage.FactKey{Source: s.name.Cluster, Kind: lineage.SourceFacts, Name: s.name.Name}]
	if line == nil || n.tick == 0 {
		return n
	}
	if f := line.versions[len(line.versions)-1].fact; !f.Gone && f.Source.State == lineage.SourceExpected {
		n.span = max(n.span, int32(min(int64(f.Source.Interval/e.step), maxSpanTicks)))
	}
	return n
}
