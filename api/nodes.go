package api

import (
	"context"
	"encoding/base64"
	"time"

	"github.com/lineaged/lineaged/answer"
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

// Dataset is the schema's type of that name.
type Dataset struct{ nodeRow }

// nodeRow is what all nodes answer alike.
type nodeRow struct {
	rows *rows
	is   answer.Node
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
	owner, _ := n.is.Describe()
	return textOrNil(owner)
}

// Tags answers tags.
func (n *nodeRow) Tags() []string {
	_, tags := n.is.Describe()
	return listed(tags)
}

// Cluster answers cluster.
func (n *nodeRow) Cluster() *Cluster {
	if c := n.is.Cluster(); c != nil {
		return &Cluster{c}
	}
	return nil
}

// FirstSeen answers firstSeen.
func (n *nodeRow) FirstSeen(ctx context.Context) (*time.Time, error) {
	first, _, err := n.is.Seen(ctx)
	return timeOrNil(first), err
}

// LastSeen answers lastSeen.
func (n *nodeRow) LastSeen(ctx context.Context) (*time.Time, error) {
	_, last, err := n.is.Seen(ctx)
	return timeOrNil(last), err
}

// LastMoved answers lastMoved.
func (n *nodeRow) LastMoved(ctx context.Context) (*time.Time, error) {
	last, err := n.is.LastMoved(ctx)
	return timeOrNil(last), err
}

// FlowStates answers flowStates.
func (n *nodeRow) FlowStates(ctx context.Context) ([]FlowStateCount, error) {
	all, err := n.is.FlowStates(ctx)
	out := make([]FlowStateCount, len(all))
	for i, s := range all {
		out[i].Count = s.Count
		if s.Is != answer.NoState {
			out[i].State = &s.Is
		}
	}
	return out, err
}

// Series answers series. Its window is its own: it may differ from that of the answer that the node is in.
func (n *nodeRow) Series(ctx context.Context, metric answer.Metric, window WindowInput, step *time.Duration) (*Series, error) {
	in, err := window.span()
	if err != nil {
		return nil, err
	}
	points, s, err := n.is.Series(ctx, metric, in, step)
	if err != nil {
		return nil, err
	}
	bound, err := n.is.Bound(ctx, metric, in)
	return shownSeries(metric, s, points, bound), err
}

// TopicID answers topicId, in the broker's own spelling.
func (t *Topic) TopicID() *string {
	f := t.is.TopicFact()
	if f == nil || f.Topic.ID == (lineage.TopicID{}) {
		return nil
	}
	return new(base64.RawURLEncoding.EncodeToString(f.Topic.ID[:]))
}

// Partitions answers partitions.
func (t *Topic) Partitions() *int {
	if f := t.is.TopicFact(); f != nil {
		return &f.Partitions
	}
	return nil
}

// ReplicationFactor answers replicationFactor.
func (t *Topic) ReplicationFactor() *int {
	if f := t.is.TopicFact(); f != nil {
		return &f.Replication
	}
	return nil
}

// Internal answers internal.
func (t *Topic) Internal() bool { return t.is.Internal() }

// InnerOf answers innerOf.
func (t *Topic) InnerOf() Node {
	job, ok := t.is.InnerOf()
	if !ok {
		return nil
	}
	if n := t.rows.nodes[job]; n != nil {
		return n
	}
	return newRows(t.rows.v, []lineage.Node{job}, nil).nodes[job]
}

// Exists answers exists.
func (t *Topic) Exists() bool { return t.is.Exists() }

// LostRecords answers lostRecords.
func (t *Topic) LostRecords(ctx context.Context) (*int64, error) { return t.is.Lost(ctx) }

// RetainedRecords answers retainedRecords.
func (t *Topic) RetainedRecords(ctx context.Context) (*int64, error) {
	return t.is.Level(ctx, lineage.Retained)
}

// RetainedBytes answers retainedBytes.
func (t *Topic) RetainedBytes(ctx context.Context) (*int64, error) {
	return t.is.Level(ctx, lineage.LogBytes)
}

// Configs answers configs.
func (t *Topic) Configs() []ConfigEntry {
	out := []ConfigEntry{}
	if f := t.is.TopicFact(); f != nil {
		for _, c := range f.Configs {
			out = append(out, ConfigEntry{Name: c.Name, Value: c.Value})
		}
	}
	return out
}

// Environment answers environment.
func (n *Application) Environment() string { return n.node.Scope }

// NamedBy answers namedBy.
func (n *Application) NamedBy() string { return n.is.NamedBy() }

// Groups answers groups.
func (n *Application) Groups() []ConsumerGroup { return n.consumerGroups() }

// Topic answers topic.
func (n *Unidentified) Topic() *Topic {
	t, _ := n.rows.nodes[answer.TopicOf(n.node)].(*Topic)
	return t
}

// Namespace answers namespace.
func (n *Dataset) Namespace() string { return n.node.Scope }

// ConsumerGroup is the schema's type of that name.
type ConsumerGroup struct {
	rows *rows
	is   answer.Group
}

func (n *nodeRow) consumerGroups() []ConsumerGroup {
	out := []ConsumerGroup{}
	for _, g := range n.is.Groups() {
		out = append(out, ConsumerGroup{n.rows, g})
	}
	return out
}

// Name answers name.
func (g *ConsumerGroup) Name() string { return g.is.Ref.Group }

// Cluster answers cluster.
func (g *ConsumerGroup) Cluster() *Cluster { return &Cluster{g.rows.v.Cluster(g.is.Ref.Cluster)} }

// Type answers type.
func (g *ConsumerGroup) Type() string { return g.is.Fact().Type }

// State answers state.
func (g *ConsumerGroup) State() string { return g.is.Fact().State }

// Protocol answers protocol.
func (g *ConsumerGroup) Protocol() string { return g.is.Fact().Protocol }

// Members answers members.
func (g *ConsumerGroup) Members() *int {
	if f := g.is.Fact(); f.MembersKnown {
		return new(len(f.Members))
	}
	return nil
}

// Live answers live.
func (g *ConsumerGroup) Live(ctx context.Context) (*bool, error) { return g.is.Live(ctx) }

// Lag answers lag.
func (g *ConsumerGroup) Lag(ctx context.Context) (*int64, error) { return g.is.Lag(ctx) }

// LastMoved answers lastMoved.
func (g *ConsumerGroup) LastMoved(ctx context.Context) (*time.Time, error) {
	t, err := g.is.LastMoved(ctx)
	return timeOrNil(t), err
}

// Cluster is the schema's type of that name.
type Cluster struct{ is *answer.Cluster }

// ID answers id.
func (c *Cluster) ID() string { return c.is.ID() }

// Name answers name.
func (c *Cluster) Name() string { return c.is.Known().Name }

// Environment answers environment.
func (c *Cluster) Environment() string { return c.is.Known().Environment }

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
	if f := c.is.Fact(); f != nil {
		if n := get(f); n >= 0 {
			return &n
		}
	}
	return nil
}

// LastRound answers lastRound.
func (c *Cluster) LastRound(ctx context.Context) (*time.Time, error) {
	st, err := c.is.State(ctx)
	return timeOrNil(st.LastRound), err
}

// Error answers error.
func (c *Cluster) Error(ctx context.Context) (*string, error) {
	st, err := c.is.State(ctx)
	return textOrNil(st.Trouble), err
}
