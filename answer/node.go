package answer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// Node is a node among the rows of an answer.
type Node struct {
	rows *Rows
	node lineage.Node
}

// Node returns which node it is.
func (n Node) Node() lineage.Node { return n.node }

// Bound says why a metric of the node is a bound in the time of a series; empty: it is none.
func (n Node) Bound(ctx context.Context, m Metric, in Span) (string, error) {
	v, err := n.rows.v.a.View(ctx, in, n.rows.v.lens)
	if err != nil {
		return "", err
	}
	if m == EndToEnd {
		if _, err := v.readTraced(ctx); err != nil {
			return "", err
		}
	}
	if _, err := v.written(ctx); err != nil { // it says which markers are exact
		return "", err
	}
	return v.Bound(n.node, m), nil
}

// Describe returns the owner, empty when nobody named one, and the tags of the node.
func (n Node) Describe() (owner string, tags []string) { return n.rows.v.describe(n.node) }

// Cluster returns a topic's cluster, and of others the one whose topics they use; nil when those are several.
func (n Node) Cluster() *Cluster {
	ids := n.rows.v.ClustersOf(n.node)
	if len(ids) != 1 || n.node.Kind == lineage.DatasetNode {
		return nil
	}
	return n.rows.v.Cluster(ids[0])
}

// ClustersOf returns the clusters that a node belongs to, or whose topics it uses.
func (v *View) ClustersOf(n lineage.Node) []lineage.ClusterID {
	if n.Kind == lineage.UnidentifiedNode {
		n = TopicOf(n)
	}
	if t := v.topics[n]; t != nil {
		return []lineage.ClusterID{t.cluster}
	}
	var ids []lineage.ClusterID
	if c := v.movers.connectors[n].fact; c != nil && c.Kafka != "" {
		ids = append(ids, c.Kafka)
	}
	if r := v.movers.replicators[n].fact; r != nil {
		for _, id := range [...]lineage.ClusterID{r.Source, r.Target} {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	for _, list := range v.writesAndReads(n) {
		for _, i := range list {
			// what a job does outside Kafka is of no cluster
			if id := v.accesses[i].Access.Topic.Cluster; id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// accessesOf returns all accesses of a node: of a topic those to it, of others their own.
func (v *View) accessesOf(n lineage.Node) []int32 {
	all := v.writesAndReads(n)
	return slices.Concat(all[:]...)
}

// writesAndReads is accessesOf apart. The slices are shared: they must not be changed.
func (v *View) writesAndReads(n lineage.Node) [2][]int32 {
	if t := v.topics[n]; t != nil {
		return [...][]int32{t.writes, t.reads}
	}
	if e := v.ends[n]; e != nil {
		return [...][]int32{e.writes, e.reads}
	}
	if d := v.datasets[n]; d != nil {
		return [...][]int32{d.writes, d.reads}
	}
	return [2][]int32{}
}

// Topics returns the topics that the view has, those that are gone among them, in their order.
func (v *View) Topics() []lineage.Node {
	return slices.SortedFunc(maps.Keys(v.topics), lineage.Node.Compare)
}

// Has reports whether the window, or what came before it, knows the node.
func (v *View) Has(n lineage.Node) bool {
	return v.topics[n] != nil || v.ends[n] != nil || v.datasets[n] != nil || v.movers.known(n)
}

// exists reports whether the node belongs into a list of what there is: an existing topic, what moved in the window, or
// who is still drawn.
func (v *View) exists(n lineage.Node) bool {
	t := v.topics[n]
	if t == nil {
		return v.ends[n] != nil || v.datasets[n] != nil || v.movers.known(n) && !v.movers.gone(n)
	}
	if t.fact != nil {
		return true
	}
	return slices.ContainsFunc(v.accessesOf(n), func(i int32) bool { return v.accesses[i].state == graph.Active })
}

// spanSeen is when something was first and last seen; zero: never.
type spanSeen struct{ first, last time.Time }

func (s *spanSeen) include(first, last time.Time) {
	if !first.IsZero() && (s.first.IsZero() || first.Before(s.first)) {
		s.first = first
	}
	if last.After(s.last) {
		s.last = last
	}
}

// Seen returns when the node was seen first and last, within the lookback; the zero time: never.
func (n Node) Seen(ctx context.Context) (first, last time.Time, err error) {
	all, err := n.rows.lastSeen.get(ctx, n.rows.loadSpans)
	s := all[n.node]
	return s.first, s.last, err
}

// SeenUntil returns until when what there is was seen: to the window's end, or to the newest round where that is
// earlier. It is what of Node.Seen hangs on how far the store is now; all else a view says is the same each time.
func (v *View) SeenUntil(ctx context.Context) (time.Time, error) {
	now, err := v.a.history.State(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read how far the store is: %w", err)
	}
	if last := now.Newest(); last.Before(v.win.End) {
		return last, nil
	}
	return v.win.End, nil
}

// loadSpans finds since when and until when the rows' nodes were seen, by their accesses' evidence; of topics also by
// their own subjects and facts.
func (r *Rows) loadSpans(ctx context.Context) (map[lineage.Node]spanSeen, error) {
	v := r.v
	var rows []int32
	var owners []lineage.Node
	spans := make(map[lineage.Node]spanSeen, len(r.order))
	last, err := v.SeenUntil(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range r.order {
		var span spanSeen
		if t := v.topics[n]; t != nil {
			for _, s := range t.subjects {
				span.include(s.firstSeen, time.Time{})
			}
			switch {
			case t.gone:
				span.include(time.Time{}, t.since)
			case t.fact != nil:
				span.include(t.since, last)
			}
		}
		spans[n] = span
		for _, i := range v.accessesOf(n) {
			rows, owners = append(rows, v.accesses[i].row), append(owners, n)
		}
	}
	evidence, err := v.held.Evidence(ctx, v.held.Back, rows)
	if err != nil {
		return nil, fmt.Errorf("read evidence: %w", err)
	}
	for i, es := range evidence {
		span := spans[owners[i]]
		for _, e := range es {
			span.include(e.FirstSeen, e.LastSeen)
		}
		spans[owners[i]] = span
	}
	return spans, nil
}

// TopicFact returns what is known of a topic; nil: nothing is, or it is gone.
func (n Node) TopicFact() *lineage.TopicFact {
	if t := n.rows.v.topics[n.node]; t != nil {
		return t.fact
	}
	return nil
}

// Internal reports whether a topic is internal to Kafka, a stream job, Connect or MirrorMaker 2, and who writes it
// unseen with it.
func (n Node) Internal() bool { return n.rows.v.internal(n.node) }

// InnerOf returns the stream job that a topic is an inner part of.
func (n Node) InnerOf() (job lineage.Node, ok bool) { return n.rows.v.jobOf(n.node) }

// Exists reports whether a topic, a connector or a replicator is not known to be gone.
func (n Node) Exists() bool {
	if n.node.Kind == lineage.TopicNode {
		t := n.rows.v.topics[n.node]
		return t != nil && !t.gone
	}
	return !n.rows.v.movers.gone(n.node)
}

// Level returns a level of a topic at the window's end; nil: not observed.
func (n Node) Level(ctx context.Context, m lineage.Metric) (*int64, error) {
	ls, err := n.rows.v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	if t := n.rows.v.topics[n.node]; t != nil {
		if s, ok := t.current(); ok {
			return ls.of(s.row, m), nil
		}
	}
	return nil, nil //nolint:nilnil // not observed
}

// NamedBy is what named the access that was seen first, a group's before others, where several were named differently.
func (n Node) NamedBy() string {
	all := n.rows.v.accessesOf(n.node)
	if len(all) == 0 {
		return ""
	}
	grouped := func(i int32) int { return min(len(n.rows.v.accesses[i].Access.Client.Group), 1) }
	best := slices.MinFunc(all, func(a, b int32) int {
		return cmp.Or(grouped(b)-grouped(a), cmp.Compare(a, b))
	})
	return n.rows.v.words(n.rows.v.accesses[best].namedBy)
}

// OfItself reports whether a job is known by what it says of itself, and not as a stream processor by its group and its
// topics.
func (n Node) OfItself() bool {
	v := n.rows.v
	if v.movers.jobs[n.node].was != nil {
		return true
	}
	told := slices.ContainsFunc(v.accessesOf(n.node), func(i int32) bool { return v.accesses[i].Access.Client.Mover.Kind != lineage.NoKind })
	return told && n.JobGroup() == nil && len(v.InnerTopics(n.node)) == 0
}

// Cluster returns the cluster of an id. One that is not watched goes by its id.
func (v *View) Cluster(id lineage.ClusterID) *Cluster {
	if c := v.clusters.byID[id]; c != nil {
		return c
	}
	return &Cluster{a: v.a, lens: v.lens, known: v.clusters.of(id)}
}

// Watched reports whether a cluster of that id is watched.
func (v *View) Watched(id lineage.ClusterID) bool { return v.clusters.byID[id] != nil }
