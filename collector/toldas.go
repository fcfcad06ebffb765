package collector

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// toldAs is what a source said of the movers that send OpenLineage events of their own.
type toldAs struct {
	round time.Time // in which it said so last; zero: it has not yet
	homes map[lineage.Node]lineage.ClusterID
}

// SetToldAs says as which nodes the movers that a source watches tell of themselves, and which Kafka cluster each
// writes to or reads, in place of what it said before. A zero round says that it will.
func (b *Board) SetToldAs(source lineage.Source, round time.Time, homes map[lineage.Node]lineage.ClusterID) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.toldAs == nil {
		b.toldAs = map[lineage.Source]toldAs{}
	}
	b.toldAs[source] = toldAs{round, homes}
}

// HomeOf returns the watched cluster of a mover that tells of itself as a node, by who watches the mover. ok is false
// where nobody knows such a one, or several are called so that are of several clusters. awaited is said while one who
// may know it has not looked since an instant.
func (b *Board) HomeOf(as lineage.Node, since time.Time) (w Watched, ok, awaited bool) {
	if b == nil {
		return w, false, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	homes := map[lineage.ClusterID]bool{}
	for _, t := range b.toldAs {
		awaited = awaited || t.round.IsZero() || t.round.Before(since)
		if id, is := t.homes[as]; is {
			homes[id] = true
		}
	}
	for _, w := range b.clusters {
		if len(homes) == 1 && homes[w.ID] {
			return w, true, false
		}
	}
	return w, false, awaited && len(homes) == 0
}
