package mirror

import (
	"maps"
	"sync"

	"github.com/lineaged/lineaged/lineage"
)

// Syncs is where the sources of two clusters meet: MirrorMaker 2 keeps its offset syncs on the cluster that it copies
// from, and who wants to know them watches the one that it copies to. The zero value is empty and ready; a nil *Syncs
// knows nothing. Its methods may be called by any goroutine.
type Syncs struct {
	mu     sync.Mutex      // guards both
	wanted map[syncsOf]int // for how many more rounds
	counts map[syncsOf]map[string]uint64
}

// wantedFor is for how many rounds syncs are told after somebody asked for them: who does, does so each round, but for
// those in which it sees nothing.
const wantedFor = 60

// syncsOf is the topic of one target's syncs on a source.
type syncsOf struct {
	source lineage.ClusterID
	target string // alias
}

// counted returns how many syncs of each topic of the source were seen so far, and asks for them from the next round
// on. nil: not told yet. The caller owns the map.
func (s *Syncs) counted(source lineage.ClusterID, target string) map[string]uint64 {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wanted == nil {
		s.wanted = map[syncsOf]int{}
	}
	s.wanted[syncsOf{source, target}] = wantedFor
	return maps.Clone(s.counts[syncsOf{source, target}])
}

// isWanted reports whether somebody asked.
func (s *Syncs) isWanted(source lineage.ClusterID, target string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wanted[syncsOf{source, target}] > 0
}

// tell replaces what was counted, once a round as long as somebody wants it.
func (s *Syncs) tell(source lineage.ClusterID, target string, counts map[string]uint64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[syncsOf]map[string]uint64{}
	}
	of := syncsOf{source, target}
	s.counts[of] = counts
	if s.wanted[of]--; s.wanted[of] <= 0 {
		delete(s.wanted, of)
		delete(s.counts, of)
	}
}
