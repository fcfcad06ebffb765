package timeseries

import (
	"context"
	"math"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// changesKept bounds State.Changes: the newest are of every tick, those before the coarser the longer ago they are.
const changesKept = 512

// State implements store.Reader. It takes no lock.
func (e *engine) State(ctx context.Context) (store.State, error) {
	if err := ctx.Err(); err != nil {
		return store.State{}, err
	}
	if e.shut.Load() {
		return store.State{}, ErrClosed
	}
	return *e.now.Load(), nil
}

// touch notes that the next change that is visible changes what is answered of windows that end after a tick. It needs
// mu for writing.
func (e *engine) touch(tick int64) { e.touched = min(e.touched, tick) }

// publish makes the state of now visible, with a version of its own. It needs mu for writing.
func (e *engine) publish() {
	e.version++
	var changes []store.Change
	if old := e.now.Load(); old != nil {
		changes = old.Changes
	}
	if e.touched != never {
		changes = addChange(changes, store.Change{After: e.at(max(e.touched, 0)), Version: e.version})
		e.touched = never
	}
	s := &store.State{Version: e.version, Tick: e.step, Earliest: e.earliest(), Clusters: e.clusterStates(), Changes: changes}
	for t := range e.tiers {
		s.Tiers = append(s.Tiers, store.Tier{Step: e.duration(e.stepTicks[t]), From: e.at(e.tiers[t].floor)})
	}
	e.now.Store(s)
}

// opened makes visible what the engine has loaded.
func (e *engine) opened() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.touch(0)
	e.publish()
	e.watch.start(e.version)
	if newest := e.newest(); newest > 0 {
		e.trust.open(e.at(newest))
	}
}

// addChange puts a change over those that it includes. The list that it is given stays as it is.
func addChange(list []store.Change, c store.Change) []store.Change {
	n := sort.Search(len(list), func(i int) bool { return !list[i].After.Before(c.After) })
	out := make([]store.Change, n, n+1)
	copy(out, list)
	if n >= changesKept {
		out = joinChanges(out, c.After)
	}
	return append(out, c)
}

// joinChanges joins two neighbours: the later version holds from the earlier instant on, which for what lies between is
// newer than need be, and for nothing older. They are those that lie closest together for how long ago they were, so
// that the longer ago a window is, the more seldom it seems to change.
func joinChanges(list []store.Change, now time.Time) []store.Change {
	best, least := 0, math.Inf(1)
	for i := range len(list) - 1 {
		if x := float64(list[i+1].After.Sub(list[i].After)) / float64(now.Sub(list[i].After)); x < least {
			best, least = i, x
		}
	}
	list[best].Version = list[best+1].Version
	return slices.Delete(list, best+1, best+2)
}

// clusterStates needs mu.
func (e *engine) clusterStates() []store.Cluster {
	out := make([]store.Cluster, 0, len(e.latest))
	ended := e.endedTicks()
	for source, tick := range e.latest {
		out = append(out, store.Cluster{Source: source, Round: e.at(tick), Ended: e.at(ended[source]), Fact: e.clusterFact(source)})
	}
	for source := range e.told { // by another source than its own
		if _, ok := e.latest[source]; !ok {
			out = append(out, store.Cluster{Source: source, Fact: e.clusterFact(source)})
		}
	}
	slices.SortFunc(out, func(a, b store.Cluster) int { return strings.Compare(a.Source, b.Source) })
	return out
}

// clusterFact returns what a cluster last said of itself, nil when it never did. It needs mu.
func (e *engine) clusterFact(source string) *lineage.ClusterFact {
	line := e.facts[lineage.FactKey{Source: source, Kind: lineage.ClusterFacts}]
	if line == nil {
		return nil
	}
	return line.versions[len(line.versions)-1].fact.Cluster
}

// earliest needs mu.
func (e *engine) earliest() time.Time {
	first := int64(never)
	if c := e.cover(hourTier); len(c) > 0 {
		first = max(c[0].meta.roundMin, c[0].meta.start)
	}
	for _, s := range e.sources {
		if len(s.head) > 0 {
			first = min(first, max(s.head[0].start(), 0))
		}
	}
	if first == never {
		return time.Time{}
	}
	return e.at(first)
}
