package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Cluster is a watched cluster under all its names.
type Cluster struct {
	a      *Answers
	source string
	known  lineage.Cluster
	fact   *lineage.ClusterFact // nil: never reached
	lens   Lens
}

// Scope returns the cluster as View.Coverage takes it; none where it was never reached: then all is what is known of
// it.
func (c *Cluster) Scope() []lineage.ClusterID {
	if c.known.ID == "" {
		return nil
	}
	return []lineage.ClusterID{c.known.ID}
}

// clusters are the clusters as they are named now: names are configuration, and hold for the past too. Which cluster it
// was that bore a name can change: one that is formatted anew is another.
type clusters struct {
	all      []*Cluster // the configured ones in their order, then those that only the history knows, by source
	bySource map[string]*Cluster
	byID     map[lineage.ClusterID]*Cluster
	// configured is how many of all are.
	configured int
	// settled are those that said by the instant what they are; of others that was borrowed from later.
	settled  map[string]bool
	borrowed map[string]lineage.ClusterFact
}

// stillNamed reports whether what was borrowed is what is told now.
func (cs *clusters) stillNamed(now []store.Cluster) bool {
	borrowed := 0
	for _, c := range now {
		if c.Fact == nil || cs.settled[c.Source] {
			continue
		}
		if is, ok := cs.borrowed[c.Source]; !ok || is != *c.Fact {
			return false
		}
		borrowed++
	}
	return borrowed == len(cs.borrowed)
}

// nameClusters says which clusters bear the names now, by what they last said of themselves, or bore them by the facts
// of an instant.
func (a *Answers) nameClusters(now store.State, then []lineage.DatedFact, lens Lens) *clusters {
	type told struct {
		source string
		fact   *lineage.ClusterFact
	}
	cs := &clusters{
		bySource: map[string]*Cluster{}, byID: map[lineage.ClusterID]*Cluster{}, settled: map[string]bool{}, borrowed: map[string]lineage.ClusterFact{},
	}
	var facts []told
	for _, c := range now.Clusters {
		facts = append(facts, told{c.Source, c.Fact})
	}
	for _, f := range then {
		if f.Cluster != nil {
			cs.settled[f.Key.Source] = true
		}
		facts = append(facts, told{f.Key.Source, f.Cluster})
	}
	for _, c := range now.Clusters {
		if c.Fact != nil && !cs.settled[c.Source] {
			cs.borrowed[c.Source] = *c.Fact
		}
	}
	add := func(conf ClusterConfig) *Cluster {
		c := &Cluster{a: a, lens: lens, source: conf.Source, known: lineage.Cluster{Name: conf.Name, Environment: conf.Environment}}
		cs.all, cs.bySource[conf.Source] = append(cs.all, c), c
		return c
	}
	for _, conf := range a.config {
		if cs.bySource[conf.Source] == nil {
			add(conf)
		}
	}
	cs.configured = len(cs.all)
	slices.SortStableFunc(facts, func(x, y told) int { return strings.Compare(x.source, y.source) })
	for _, f := range facts {
		if f.fact == nil {
			continue
		}
		c := cs.bySource[f.source]
		if c == nil {
			// No longer configured. Its source bore its name then, unless that is an address.
			conf := ClusterConfig{Source: f.source}
			if !strings.Contains(f.source, ":") {
				conf.Name = f.source
			}
			c = add(conf)
		}
		c.known.ID, c.fact = f.fact.ID, f.fact
	}
	for _, c := range cs.all {
		if c.known.Name == "" {
			c.known.Name = string(c.known.ID)
		}
		if c.known.Name == "" {
			c.known.Name = c.source
		}
		if c.known.Environment == "" {
			c.known.Environment = c.known.Name
		}
		if id := c.known.ID; id != "" && cs.byID[id] == nil {
			cs.byID[id] = c // the first: one cluster that is configured twice shows under its first name
		}
	}
	return cs
}

// of returns the names of a cluster; a cluster without facts goes by its id.
func (cs *clusters) of(id lineage.ClusterID) lineage.Cluster {
	if c := cs.byID[id]; c != nil {
		return c.known
	}
	return lineage.Cluster{ID: id, Name: string(id), Environment: string(id)}
}

// FindCluster returns the cluster of an id or a name that somebody asks for.
func (v *View) FindCluster(id string) (*Cluster, error) {
	for _, c := range v.clusters.all {
		if c.ID() == id {
			return c, nil
		}
	}
	for _, c := range v.clusters.all {
		if c.known.Name == id {
			return c, nil
		}
	}
	return nil, missing("no cluster %s", quote(id))
}

// ID returns what the cluster is called by in questions: the brokers' own id, or its name while they never told.
func (c *Cluster) ID() string {
	if c.known.ID != "" {
		return string(c.known.ID)
	}
	return c.known.Name
}

// Known returns the cluster's names. Its ID is empty until the cluster was reached once.
func (c *Cluster) Known() lineage.Cluster { return c.known }

// Source returns the Cluster part of the lineage.Source of what watches it; empty: nothing does.
func (c *Cluster) Source() string { return c.source }

// Fact returns what is known of the cluster; nil: it was never reached. How many topics and groups it has is not known
// to who may not see all of them.
func (c *Cluster) Fact() *lineage.ClusterFact {
	if c.fact == nil || c.lens == All {
		return c.fact
	}
	f := *c.fact
	f.Topics, f.Groups = -1, -1
	return &f
}

// State returns how observing the cluster goes now, whatever window it was found in.
func (c *Cluster) State(ctx context.Context) (ClusterState, error) {
	st, err := togetherOf(ctx).stateOf(c.source).get(ctx, func(ctx context.Context) (ClusterState, error) { return c.a.ClusterState(ctx, c.source) })
	if c.lens != All && st.Trouble != "" {
		st.Trouble = inTrouble
	}
	return st, err
}

// Timeline answers what happened in the cluster over a time, as one of several beside each other.
func (c *Cluster) Timeline(ctx context.Context, in Span, buckets int) (*Timeline, error) {
	return c.a.Timeline(ctx, in, TimelineAsk{Cluster: c.ID(), Buckets: buckets, Small: true}, c.lens)
}

// Clusters returns the clusters as they are now: the configured ones in their order, of which there are so many, then
// those that only the history knows, by source.
func (a *Answers) Clusters(ctx context.Context, lens Lens) (all []*Cluster, configured int, err error) {
	now, err := a.history.State(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read how far the store is: %w", err)
	}
	cs := a.nameClusters(now, nil, lens)
	return cs.all, cs.configured, nil
}

// Clusters returns the clusters of the view, as Answers.Clusters does.
func (v *View) Clusters() []*Cluster { return slices.Clip(v.clusters.all) }

// ClusterState is how observing a cluster goes.
type ClusterState struct {
	LastRound time.Time // zero: none yet
	Trouble   string    // empty: none
}

// ClusterState looks at the newest round. A cluster is in trouble when a source that observes every tick saw nothing of
// it then, or when rounds have stopped coming.
func (a *Answers) ClusterState(ctx context.Context, source string) (ClusterState, error) {
	if source == "" {
		return ClusterState{Trouble: "it is behind no configured name any more: another cluster is, or the name was given up"}, nil
	}
	now, err := a.history.State(ctx)
	if err != nil {
		return ClusterState{}, fmt.Errorf("read how far the store is: %w", err)
	}
	tick := now.Tick
	c, _ := now.Cluster(source)
	last := c.Ended
	if last.IsZero() {
		return ClusterState{Trouble: "no round yet"}, nil
	}
	st := ClusterState{LastRound: last}
	w, err := a.history.Window(ctx, store.Ask{Window: lineage.Window{Start: last.Add(-tick), End: last}, Coverage: true})
	if err != nil {
		return st, fmt.Errorf("read coverage of %q: %w", source, err)
	}
	cov := w.Coverage(source)
	// The fraction counts sources alike, and slow ones, not due in most rounds, count as observing: so the loss of all
	// that was due leaves about half, the loss of one broker of three more than nine tenths.
	if len(cov.Gaps) > 0 && cov.ObservedFraction <= 0.7 {
		st.Trouble = cov.Gaps[0].Reason
		for _, b := range cov.BlindSpots { // the way out, where the source knows one
			if strings.HasPrefix(b.What, st.Trouble) {
				st.Trouble += ". " + b.Remedy
				break
			}
		}
	}
	if age := a.clock().Sub(last); age > max(3*tick, 5*time.Second) && st.Trouble == "" {
		st.Trouble = fmt.Sprintf("no round since %s", last.UTC().Format(time.RFC3339))
	}
	return st, nil
}
