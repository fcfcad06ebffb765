package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// Node is the schema's interface of that name.
type Node interface {
	IsNode()
	// ID is the node's readable id.
	ID() string
}

// Topic is the schema's type of that name.
type Topic struct{ nodeRow }

// Application is the schema's type of that name.
type Application struct{ nodeRow }

// Unidentified is the schema's type of that name.
type Unidentified struct{ nodeRow }

// nodeRow is what all nodes answer alike.
type nodeRow struct {
	rows *rows
	node lineage.Node
	id   string
}

// IsNode marks the types that implement the schema's interface.
func (n *nodeRow) IsNode() {}

// ID answers id.
func (n *nodeRow) ID() string { return n.id }

// Kind answers kind.
func (n *nodeRow) Kind() lineage.NodeKind { return n.node.Kind }

// Name answers name.
func (n *nodeRow) Name() string { return n.node.Name }

// Owner answers owner.
func (n *nodeRow) Owner() *string {
	owner, _ := n.rows.v.identity.Describe(n.node)
	return textOrNil(owner)
}

// Tags answers tags.
func (n *nodeRow) Tags() []string {
	if _, tags := n.rows.v.identity.Describe(n.node); tags != nil {
		return tags
	}
	return []string{}
}

// Cluster answers cluster: of a topic its own, of others the one whose topics they use; null when those are several.
func (n *nodeRow) Cluster() *Cluster {
	ids := n.rows.v.clustersOf(n.node)
	if len(ids) != 1 || n.node.Kind == lineage.DatasetNode {
		return nil
	}
	return n.rows.v.shownClusterOf(ids[0])
}

// clustersOf returns the clusters that a node belongs to, or whose topics it uses.
func (v *view) clustersOf(n lineage.Node) []lineage.ClusterID {
	if n.Kind == lineage.UnidentifiedNode {
		n = topicOf(n)
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
	for _, i := range v.accessesOf(n) {
		if id := v.accesses[i].Access.Topic.Cluster; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// accessesOf returns all accesses of a node: of a topic those to it, of others their own.
func (v *view) accessesOf(n lineage.Node) []int32 {
	if t := v.topics[n]; t != nil {
		return slices.Concat(t.writes, t.reads)
	}
	if e := v.ends[n]; e != nil {
		return slices.Concat(e.writes, e.reads)
	}
	if d := v.datasets[n]; d != nil {
		return slices.Concat(d.writes, d.reads)
	}
	return nil
}

// has reports whether the window, or what came before it, knows the node.
func (v *view) has(n lineage.Node) bool {
	return v.topics[n] != nil || v.ends[n] != nil || v.datasets[n] != nil || v.movers.known(n)
}

// exists reports whether the node belongs into a list of what there is: an existing topic, what moved in the window, or who is still drawn.
func (v *view) exists(n lineage.Node) bool {
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

// FirstSeen answers firstSeen.
func (n *nodeRow) FirstSeen(ctx context.Context) (*time.Time, error) {
	s, err := n.span(ctx)
	return timeOrNil(s.first), err
}

// LastSeen answers lastSeen.
func (n *nodeRow) LastSeen(ctx context.Context) (*time.Time, error) {
	s, err := n.span(ctx)
	return timeOrNil(s.last), err
}

func (n *nodeRow) span(ctx context.Context) (spanSeen, error) {
	all, err := n.rows.lastSeen.get(ctx, n.rows.loadSpans)
	return all[n.node], err
}

// loadSpans finds since when and until when the rows' nodes were seen, by their accesses' evidence; of topics also by their own subjects and facts.
func (r *rows) loadSpans(ctx context.Context) (map[lineage.Node]spanSeen, error) {
	v := r.v
	var ids []lineage.SubjectID
	var owners []lineage.Node
	spans := make(map[lineage.Node]spanSeen, len(r.order))
	last := lastInstant(v.a.history.Latest())
	for _, n := range r.order {
		var span spanSeen
		if t := v.topics[n]; t != nil {
			for _, s := range t.subjects {
				span.include(s.FirstSeen, time.Time{})
			}
			switch {
			case t.gone:
				span.include(time.Time{}, t.since)
			case t.fact != nil && last.Before(v.win.End):
				span.include(t.since, last)
			case t.fact != nil:
				span.include(t.since, v.win.End)
			}
		}
		spans[n] = span
		for _, i := range v.accessesOf(n) {
			ids, owners = append(ids, v.accesses[i].ID), append(owners, n)
		}
	}
	evidence, err := v.a.history.Evidence(ctx, v.back, ids)
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

// fact returns the topic's fact, or nil.
func (t *Topic) fact() *lineage.TopicFact {
	if tv := t.rows.v.topics[t.node]; tv != nil {
		return tv.fact
	}
	return nil
}

// TopicID answers topicId, in the broker's own spelling.
func (t *Topic) TopicID() *string {
	f := t.fact()
	if f == nil || f.Topic.ID == (lineage.TopicID{}) {
		return nil
	}
	id := brokerSpelling(f.Topic.ID)
	return &id
}

// Partitions answers partitions.
func (t *Topic) Partitions() *int {
	if f := t.fact(); f != nil {
		return &f.Partitions
	}
	return nil
}

// ReplicationFactor answers replicationFactor.
func (t *Topic) ReplicationFactor() *int {
	if f := t.fact(); f != nil {
		return &f.Replication
	}
	return nil
}

// Internal answers internal.
func (t *Topic) Internal() bool {
	tv := t.rows.v.topics[t.node]
	return tv != nil && tv.internal
}

// InnerOf answers innerOf.
func (t *Topic) InnerOf() Node {
	job, ok := t.rows.v.jobOf(t.node)
	if !ok {
		return nil
	}
	if n := t.rows.nodes[job]; n != nil {
		return n
	}
	return newRows(t.rows.v, []lineage.Node{job}, nil).nodes[job]
}

// Exists answers exists.
func (t *Topic) Exists() bool {
	tv := t.rows.v.topics[t.node]
	return tv != nil && !tv.gone
}

// RetainedRecords answers retainedRecords.
func (t *Topic) RetainedRecords(ctx context.Context) (*int64, error) {
	return t.level(ctx, lineage.Retained)
}

// RetainedBytes answers retainedBytes.
func (t *Topic) RetainedBytes(ctx context.Context) (*int64, error) {
	return t.level(ctx, lineage.LogBytes)
}

func (t *Topic) level(ctx context.Context, m lineage.Metric) (*int64, error) {
	ls, err := t.rows.v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	if tv := t.rows.v.topics[t.node]; tv != nil {
		if s, ok := tv.current(); ok {
			return ls.of(s.ID, m), nil
		}
	}
	return nil, nil
}

// Configs answers configs.
func (t *Topic) Configs() []ConfigEntry {
	out := []ConfigEntry{}
	if f := t.fact(); f != nil {
		for _, c := range f.Configs {
			out = append(out, ConfigEntry{Name: c.Name, Value: c.Value})
		}
	}
	return out
}

// Environment answers environment.
func (n *Application) Environment() string { return n.node.Scope }

// NamedBy answers namedBy.
func (n *Application) NamedBy() string { return n.namedBy() }

// Groups answers groups.
func (n *Application) Groups() []ConsumerGroup { return n.consumerGroups() }

// namedBy is what named the access that was seen first, a group's before others, where several were named differently.
func (n *nodeRow) namedBy() string {
	all := n.rows.v.accessesOf(n.node)
	if len(all) == 0 {
		return ""
	}
	grouped := func(i int32) int { return min(len(n.rows.v.accesses[i].Access.Client.Group), 1) }
	best := slices.MinFunc(all, func(a, b int32) int {
		return cmp.Or(grouped(b)-grouped(a), cmp.Compare(a, b))
	})
	return n.rows.v.accesses[best].namedBy
}

// shownClusterOf returns the schema's cluster of an id.
func (v *view) shownClusterOf(id lineage.ClusterID) *Cluster {
	if c := v.clusters.byID[id]; c != nil {
		return &Cluster{v.a, c}
	}
	return &Cluster{v.a, &cluster{known: v.clusters.of(id)}}
}

// Topic answers topic.
func (n *Unidentified) Topic() *Topic {
	t, _ := n.rows.nodes[topicOf(n.node)].(*Topic)
	return t
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
