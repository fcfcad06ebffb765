package store

import (
	"slices"
	"sort"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// State says how far a store is: an immutable value.
type State struct {
	Version Version
	// Tick is the base step of all rounds.
	Tick time.Duration
	// Earliest is the start of the oldest data that is held; zero before the first round.
	Earliest time.Time
	// Tiers are the resolutions in which the past is held, the finest first; there is at least one.
	Tiers []Tier
	// Clusters are those of which there ever was a round, by source.
	Clusters []Cluster
	// Changes say which version a window is of (see VersionOf), by instant; versions grow with it.
	Changes []Change
}

// Tier is one resolution. Step is a multiple of the tick that divides an hour; what starts before From is not held in
// it.
type Tier struct {
	Step time.Duration
	From time.Time
}

// Cluster is how far the observing of one cluster is. Source is the Cluster part of a lineage.Source.
type Cluster struct {
	Source string
	Round  time.Time // the newest of all its sources
	// Ended is the newest round that none of its sources has under way: one that is late by more than a round of its
	// own is a gap, and does not hold it back.
	Ended time.Time
	// Fact is what the cluster last said of itself; nil: nothing yet.
	Fact *lineage.ClusterFact
}

// Change says that what ends after an instant is of a version, if no later change holds for it too.
type Change struct {
	After   time.Time
	Version Version
}

// LastInstant bounds the instants that a store can hold, so that their nanoseconds fit into 64 bits; it is beyond any
// window that makes sense.
var LastInstant = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)

// Resolve widens a window to the step of the finest tier that still holds its start.
func (s State) Resolve(w lineage.Window) lineage.Resolved {
	start, end := nanos(w.Start), nanos(w.End)
	start -= start % int64(s.Tick)
	tier := s.Tiers[len(s.Tiers)-1]
	for _, t := range s.Tiers {
		if start >= nanos(t.From) {
			tier = t
			break
		}
	}
	step := int64(tier.Step)
	return lineage.Resolved{
		Window: lineage.Window{Start: instant(start - start%step), End: instant((end + step - 1) / step * step)}, Step: tier.Step,
	}
}

// nanos returns nanoseconds since 1970, within what a store can hold.
func nanos(t time.Time) int64 {
	switch {
	case t.Before(time.Unix(0, 0)):
		return 0
	case t.After(LastInstant):
		return LastInstant.UnixNano()
	}
	return t.UnixNano()
}

func instant(nanos int64) time.Time { return time.Unix(0, nanos).UTC() }

// Back returns the lookback of an ask: it starts no later than its window and ends no earlier, widened to the step that
// it is held in. Without one it is the window.
func (s State) Back(ask Ask) lineage.Window {
	w := ask.Window
	if start := w.End.Add(-ask.Lookback); ask.Lookback > 0 && start.Before(w.Start) {
		w.Start = start
	}
	if ask.Lookback > 0 {
		w = s.Resolve(w).Window
	}
	return w
}

// VersionOf returns the version of what is answered to an ask: while it stays the same, so do the answers, as far as
// they do not hang on Ask.Until. It may grow although they do not change, never the other way round.
func (s State) VersionOf(ask Ask) Version {
	end := ask.Window.End
	if back := s.Back(ask); back.End.After(end) {
		end = back.End
	}
	i := sort.Search(len(s.Changes), func(i int) bool { return !s.Changes[i].After.Before(end) })
	if i == 0 {
		return 0
	}
	return s.Changes[i-1].Version
}

// Newest returns the newest round of all clusters; zero before the first.
func (s State) Newest() (newest time.Time) {
	for _, c := range s.Clusters {
		if c.Round.After(newest) {
			newest = c.Round
		}
	}
	return newest
}

// Cluster returns how far a cluster is; ok is false when there never was a round of it.
func (s State) Cluster(source string) (c Cluster, ok bool) {
	i := slices.IndexFunc(s.Clusters, func(c Cluster) bool { return c.Source == source })
	if i < 0 {
		return Cluster{Source: source}, false
	}
	return s.Clusters[i], true
}
