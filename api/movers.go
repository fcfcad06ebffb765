package api

import (
	"context"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Connector is the schema's type of that name.
type Connector struct{ nodeRow }

// Connect answers connect.
func (n *Connector) Connect() *string { return &n.node.Scope }

// Class answers class.
func (n *Connector) Class() *string { return textOrNil(n.is.Connector().Class) }

// Type answers type.
func (n *Connector) Type() *string { return textOrNil(n.is.Connector().Type) }

// State answers state.
func (n *Connector) State() *string { return textOrNil(n.is.Connector().State) }

// Tasks answers tasks.
func (n *Connector) Tasks() []ConnectorTask {
	out := []ConnectorTask{}
	for _, t := range n.is.Connector().Tasks {
		out = append(out, ConnectorTask{ID: t.ID, State: t.State, Worker: t.Worker})
	}
	return out
}

// Groups answers groups.
func (n *Connector) Groups() []ConsumerGroup { return n.consumerGroups() }

// Runs answers runs.
func (n *Connector) Runs(ctx context.Context, first int) (*JobRuns, error) { return n.runs(ctx, first) }

// Exists answers exists.
func (n *Connector) Exists() bool { return n.is.Exists() }

// Replicator is the schema's type of that name.
type Replicator struct{ nodeRow }

// Source answers source.
func (n *Replicator) Source() *Cluster { return n.clusterOrNil(n.is.Replicator().Source) }

// Target answers target.
func (n *Replicator) Target() *Cluster { return n.clusterOrNil(n.is.Replicator().Target) }

// clusterOrNil returns a watched cluster. A replicator can be told with the id of one that is not, by the Connect
// cluster that it runs on.
func (n *Replicator) clusterOrNil(id lineage.ClusterID) *Cluster {
	if !n.rows.v.Watched(id) {
		return nil
	}
	return &Cluster{n.rows.v.Cluster(id)}
}

// SourceAlias answers sourceAlias.
func (n *Replicator) SourceAlias() string { return n.is.Replicator().SourceAlias }

// TargetAlias answers targetAlias.
func (n *Replicator) TargetAlias() string { return n.is.Replicator().TargetAlias }

// Policy answers policy.
func (n *Replicator) Policy() *string { return textOrNil(n.is.Replicator().Policy) }

// State answers state.
func (n *Replicator) State() *string { return textOrNil(n.is.Replicator().State) }

// Connect answers connect.
func (n *Replicator) Connect() *string { return textOrNil(n.is.Replicator().Connect) }

// Exists answers exists.
func (n *Replicator) Exists() bool { return n.is.Exists() }

// StreamJob is the schema's type of that name.
type StreamJob struct{ nodeRow }

// ApplicationID answers applicationId.
func (n *StreamJob) ApplicationID() *string {
	if n.is.OfItself() {
		return nil
	}
	return &n.node.Name
}

// NamedBy answers namedBy.
func (n *StreamJob) NamedBy() string { return n.is.NamedBy() }

// Groups answers groups.
func (n *StreamJob) Groups() []ConsumerGroup { return n.consumerGroups() }

// Protocol answers protocol.
func (n *StreamJob) Protocol() *string {
	if n.is.OfItself() {
		return nil
	}
	if g := n.is.JobGroup(); g != nil && strings.EqualFold(g.Type, "Streams") {
		return new("streams")
	}
	return new("classic")
}

// Engine answers engine.
func (n *StreamJob) Engine() *string { return textOrNil(n.is.Engine()) }

// Flink answers flink.
func (n *StreamJob) Flink() *FlinkJob {
	is := n.is.EngineJob()
	if is == nil {
		return nil
	}
	out := &FlinkJob{JobID: is.ID, State: &is.State, Version: textOrNil(is.Version), Vertices: []FlinkVertex{}, TransactionalIDPrefixes: []string{}}
	if !is.Started.IsZero() {
		out.Started = &is.Started
	}
	if is.Restarts >= 0 {
		out.Restarts = &is.Restarts
	}
	if c := is.Checkpoints; c != nil {
		out.Checkpoints = &FlinkCheckpoints{Mode: textOrNil(c.Mode), Completed: c.Completed, Failed: c.Failed, Restored: c.Restored}
		if c.Every > 0 {
			out.Checkpoints.Every = &c.Every
		}
	}
	for _, v := range is.Vertices {
		out.Vertices = append(out.Vertices, FlinkVertex{ID: v.ID, Name: v.Name, State: &v.State, Parallelism: v.Parallelism})
	}
	if unseen := n.is.EngineUnseen(); unseen != nil {
		out.State, out.Unseen = nil, &FlinkUnseen{Why: unseen.Why}
		if !unseen.Since.IsZero() {
			out.Unseen.Since = &unseen.Since
		}
		for i := range out.Vertices {
			out.Vertices[i].State = nil
		}
	}
	for _, p := range is.Writes {
		out.TransactionalIDPrefixes = append(out.TransactionalIDPrefixes, p.Prefix)
	}
	return out
}

// Subtopologies answers subtopologies.
func (n *StreamJob) Subtopologies() []Subtopology {
	g := n.is.JobGroup()
	if g == nil || g.Topology == nil {
		return nil
	}
	out := []Subtopology{}
	for _, s := range g.Topology.Subtopologies {
		out = append(out, Subtopology{
			ID: s.ID, Sources: listed(s.Sources), Sinks: listed(s.Sinks), SinksKnown: g.Topology.SinksKnown, RepartitionSources: listed(s.RepartitionSources),
			RepartitionSinks: listed(s.RepartitionSinks), Changelogs: listed(s.Changelogs), Stores: listed(s.Stores),
		})
	}
	return out
}

// Stores answers stores.
func (n *StreamJob) Stores() []string { return listed(n.is.Stores()) }

// InnerTopics answers innerTopics.
func (n *StreamJob) InnerTopics() []*Topic {
	out := []*Topic{}
	for _, t := range n.rows.v.InnerTopics(n.node) {
		if row, ok := n.rows.nodes[t].(*Topic); ok {
			out = append(out, row)
		}
	}
	return out
}

// Runs answers runs.
func (n *StreamJob) Runs(ctx context.Context, first int) (*JobRuns, error) {
	return n.runs(ctx, first)
}

// Job is the schema's type of that name.
type Job struct{ nodeRow }

// Runs answers runs.
func (n *Job) Runs(ctx context.Context, first int) (*JobRuns, error) { return n.runs(ctx, first) }

// Namespace answers namespace.
func (n *Job) Namespace() string { return n.node.Scope }

// NamedBy answers namedBy.
func (n *Job) NamedBy() string { return n.is.NamedBy() }
