package api

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// cluster is a watched cluster under all its names. known.ID is empty until the cluster was reached once.
type cluster struct {
	source string
	known  lineage.Cluster
	fact   *lineage.ClusterFact // nil: never reached
	state  once[clusterState]
}

// id returns what the API calls the cluster's id: the brokers' own, or its name while they never told.
func (c *cluster) id() string {
	if c.known.ID != "" {
		return string(c.known.ID)
	}
	return c.known.Name
}

// clusters are the clusters as they are named now: names are configuration, and hold for the past too. Which cluster it was that bore a name can change: one that is formatted anew is another.
type clusters struct {
	all      []*cluster // the configured ones in their order, then those that only the history knows, by source
	bySource map[string]*cluster
	byID     map[lineage.ClusterID]*cluster
	// configured is how many of all are.
	configured int
}

// readClusters reads which clusters bore the names at an instant, or bore them first after it; the zero time means now.
func (a *answerer) readClusters(ctx context.Context, at time.Time) (*clusters, error) {
	now := lastInstant(a.history.Latest())
	facts, err := a.history.Facts(ctx, now, "", lineage.ClusterFacts, false)
	if err != nil {
		return nil, fmt.Errorf("read clusters: %w", err)
	}
	if !at.IsZero() && at.Before(now) {
		then, err := a.history.Facts(ctx, at, "", lineage.ClusterFacts, false)
		if err != nil {
			return nil, fmt.Errorf("read clusters: %w", err)
		}
		facts = append(facts, then...)
	}
	cs := &clusters{bySource: map[string]*cluster{}, byID: map[lineage.ClusterID]*cluster{}}
	add := func(conf ClusterConfig) *cluster {
		c := &cluster{source: conf.Source, known: lineage.Cluster{Name: conf.Name, Environment: conf.Environment}}
		cs.all, cs.bySource[conf.Source] = append(cs.all, c), c
		return c
	}
	for _, conf := range a.config {
		if cs.bySource[conf.Source] == nil {
			add(conf)
		}
	}
	cs.configured = len(cs.all)
	slices.SortStableFunc(facts, func(x, y lineage.DatedFact) int { return strings.Compare(x.Key.Source, y.Key.Source) })
	for _, f := range facts {
		if f.Cluster == nil {
			continue
		}
		c := cs.bySource[f.Key.Source]
		if c == nil {
			// No longer configured. Its source bore its name then, unless that is an address.
			conf := ClusterConfig{Source: f.Key.Source}
			if !strings.Contains(f.Key.Source, ":") {
				conf.Name = f.Key.Source
			}
			c = add(conf)
		}
		c.known.ID, c.fact = f.Cluster.ID, f.Cluster
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
	return cs, nil
}

// of returns the names of a cluster; a cluster without facts goes by its id.
func (cs *clusters) of(id lineage.ClusterID) lineage.Cluster {
	if c := cs.byID[id]; c != nil {
		return c.known
	}
	return lineage.Cluster{ID: id, Name: string(id), Environment: string(id)}
}

// find returns the cluster of an id or a name that a client gave.
func (cs *clusters) find(id string) (*cluster, error) {
	for _, c := range cs.all {
		if c.id() == id {
			return c, nil
		}
	}
	for _, c := range cs.all {
		if c.known.Name == id {
			return c, nil
		}
	}
	return nil, notFound("no cluster %s", quote(id))
}

// lastInstant returns the newest of the rounds, the zero time when there are none.
func lastInstant(rounds map[string]time.Time) (last time.Time) {
	for _, t := range rounds {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// Cluster is the schema's type of that name.
type Cluster struct {
	a *answerer
	c *cluster
}

// ID answers id.
func (c *Cluster) ID() string { return c.c.id() }

// Name answers name.
func (c *Cluster) Name() string { return c.c.known.Name }

// Environment answers environment.
func (c *Cluster) Environment() string { return c.c.known.Environment }

// Brokers answers brokers.
func (c *Cluster) Brokers() *int {
	return c.fact(func(f *lineage.ClusterFact) int { return f.Brokers })
}

// Topics answers topics.
func (c *Cluster) Topics() *int { return c.fact(func(f *lineage.ClusterFact) int { return f.Topics }) }

// Groups answers groups.
func (c *Cluster) Groups() *int { return c.fact(func(f *lineage.ClusterFact) int { return f.Groups }) }

// Controller answers controller.
func (c *Cluster) Controller() *int {
	return c.fact(func(f *lineage.ClusterFact) int { return f.Controller })
}

// fact returns a number of the cluster's facts; -1 stands for unknown.
func (c *Cluster) fact(get func(*lineage.ClusterFact) int) *int {
	if c.c.fact == nil {
		return nil
	}
	if n := get(c.c.fact); n >= 0 {
		return &n
	}
	return nil
}

// LastRound answers lastRound.
func (c *Cluster) LastRound(ctx context.Context) (*time.Time, error) {
	st, err := c.state(ctx)
	return timeOrNil(st.lastRound), err
}

// Error answers error.
func (c *Cluster) Error(ctx context.Context) (*string, error) {
	st, err := c.state(ctx)
	return textOrNil(st.trouble), err
}

func (c *Cluster) state(ctx context.Context) (clusterState, error) {
	return c.c.state.get(ctx, func(ctx context.Context) (clusterState, error) { return c.a.clusterState(ctx, c.c.source) })
}

// clusters answers the root field of that name.
func (a *answerer) clusters(ctx context.Context) ([]Cluster, error) {
	cs, err := a.readClusters(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	out := make([]Cluster, 0, len(cs.all))
	for _, c := range cs.all {
		out = append(out, Cluster{a, c})
	}
	return out, nil
}

// clusterState is how observing a cluster goes.
type clusterState struct {
	lastRound time.Time // zero: none yet
	trouble   string    // empty: none
}

// clusterState looks at the newest round. A cluster is in trouble when a source that observes every tick saw nothing of it then, or when
// rounds have stopped coming.
func (a *answerer) clusterState(ctx context.Context, source string) (clusterState, error) {
	if source == "" {
		return clusterState{trouble: "it is behind no configured name any more: another cluster is, or the name was given up"}, nil
	}
	tick := a.history.Tick()
	last, ok := a.history.Latest()[source]
	if !ok {
		return clusterState{trouble: "no round yet"}, nil
	}
	st := clusterState{lastRound: last}
	cov, err := a.history.Coverage(ctx, lineage.Window{Start: last.Add(-tick), End: last}, source)
	if err != nil {
		return st, fmt.Errorf("read coverage of %q: %w", source, err)
	}
	// The fraction counts sources alike, and slow ones, not due in most rounds, count as observing: so the loss of all that was due leaves about half,
	// the loss of one broker of three more than nine tenths.
	if len(cov.Gaps) > 0 && cov.ObservedFraction <= 0.7 {
		st.trouble = cov.Gaps[0].Reason
		for _, b := range cov.BlindSpots { // the way out, where the source knows one
			if strings.HasPrefix(b.What, st.trouble) {
				st.trouble += ". " + b.Remedy
				break
			}
		}
	}
	if age := time.Since(last); age > max(3*tick, 5*time.Second) && st.trouble == "" {
		st.trouble = fmt.Sprintf("no round since %s", last.UTC().Format(time.RFC3339))
	}
	return st, nil
}
