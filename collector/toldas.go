package collector

import (
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// ToldAs is what is known of a mover that sends OpenLineage events of its own, under the name of a job.
type ToldAs struct {
	Cluster lineage.ClusterID // that its topics are in; empty: nobody can say
	// Places are the addresses outside Kafka, host:port, that it is configured with: what is told of the name is the
	// mover's where it is of these, and of no others. nil: the name alone tells.
	Places []string
	Agreed bool // it was, at some time
}

// toldAs is what a source said of the movers that send OpenLineage events of their own.
type toldAs struct {
	round time.Time // in which it said so last; zero: it has not since the start
	homes map[lineage.Node]ToldAs
}

// SetToldAs says as which nodes the movers that a source watches tell of themselves, and which Kafka cluster each
// writes to or reads, in place of what it said before. A zero round says that it will, and what was so before a
// restart.
func (b *Board) SetToldAs(source lineage.Source, round time.Time, homes map[lineage.Node]ToldAs) {
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

// Unsure returns the nodes of which it is to be said by SetHeard where what is told of them lies.
func (b *Board) Unsure() map[lineage.Node]bool {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[lineage.Node]bool{}
	for _, t := range b.toldAs {
		for n, is := range t.homes {
			if is.Places != nil {
				out[n] = true
			}
		}
	}
	return out
}

// SetHeard says at which addresses outside Kafka, host:port, lies what events told of nodes, in place of what was said
// before.
func (b *Board) SetHeard(places map[lineage.Node][]string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = places
}

// Heard returns what SetHeard said of a node; whoever gets it must not change it.
func (b *Board) Heard(n lineage.Node) []string {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.heard[n]
}

// HomeOf returns the watched cluster of a mover that tells of itself as a node, by who watches the mover. ok is false
// where nobody knows such a one, where several are called so that are of several clusters, and where what is told of
// the name is not the mover's, or somebody else's too. awaited is said while one who may know it has not looked since
// an instant, or at all, and while nothing was told yet that says whose it is.
func (b *Board) HomeOf(as lineage.Node, since time.Time) (w Watched, ok, awaited bool) {
	if b == nil {
		return w, false, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	homes, heard := map[lineage.ClusterID]bool{}, b.heard[as]
	for _, t := range b.toldAs {
		awaited = awaited || t.round.IsZero() || t.round.Before(since)
		is, known := t.homes[as]
		switch {
		case !known:
		case is.Places == nil, len(heard) == 0 && is.Agreed:
			homes[is.Cluster] = true
		case len(heard) == 0:
			awaited = true
		case !slices.ContainsFunc(heard, func(at string) bool { return !slices.Contains(is.Places, at) }):
			homes[is.Cluster] = true
		}
	}
	for _, w := range b.clusters {
		if len(homes) == 1 && homes[w.ID] {
			return w, true, false
		}
	}
	return w, false, awaited && len(homes) == 0
}
