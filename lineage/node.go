package lineage

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"
)

// NodeKind is what a node of the graph is.
type NodeKind uint8

// The kinds of nodes, as in the GraphQL enum NodeKind.
const (
	NoKind NodeKind = iota
	TopicNode
	ApplicationNode
	UnidentifiedNode
	ConnectorNode
	ReplicatorNode
	StreamJobNode
	DatasetNode
	GroupNode // stands for several nodes in an answer; nothing that is observed is one
	JobNode   // a batch job, which has runs: STREAM_JOB's sibling
	nodeKinds
)

var (
	kindNames    = [nodeKinds]string{"NONE", "TOPIC", "APPLICATION", "UNIDENTIFIED", "CONNECTOR", "REPLICATOR", "STREAM_JOB", "DATASET", "GROUP", "JOB"}
	kindPrefixes = [nodeKinds]string{"", "topic", "application", "unidentified", "connector", "replicator", "streamjob", "dataset", "group", "job"}
)

// String returns the kind as the GraphQL enum spells it.
func (k NodeKind) String() string { return kindNames[k] }

// Storable reports whether a node of the kind, or none, may stand in what is observed.
func (k NodeKind) Storable() bool { return k <= DatasetNode || k == JobNode }

// Node is a vertex of the lineage graph. Scope is a cluster's name for what a cluster owns and an environment for
// applications, see the design.
type Node struct {
	Scope string
	Kind  NodeKind
	Name  string
}

// Compare orders nodes by kind, scope and name.
func (n Node) Compare(m Node) int {
	return cmp.Or(cmp.Compare(n.Kind, m.Kind), strings.Compare(n.Scope, m.Scope), strings.Compare(n.Name, m.Name))
}

// ID returns the node's readable id, kind:scope/name, with scope and name percent-encoded where they hold more than
// [A-Za-z0-9._-]. It is for the border (API, command line, configuration); inside the program the struct itself is the
// id.
func (n Node) ID() string {
	return kindPrefixes[n.Kind] + ":" + encode(n.Scope) + "/" + encode(n.Name)
}

// Plain is the id with nothing encoded, for people: two nodes may share one.
func (n Node) Plain() string { return kindPrefixes[n.Kind] + ":" + n.Scope + "/" + n.Name }

// ParseNodeID is the inverse of Node.ID. The error names the id and says what is wrong.
func ParseNodeID(id string) (Node, error) {
	prefix, rest, ok := strings.Cut(id, ":")
	scope, name, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || scope == "" || name == "" {
		return Node{}, fmt.Errorf("node id %q is not kind:scope/name", id)
	}
	var n Node
	for k, p := range kindPrefixes {
		if p == prefix && k != 0 {
			n.Kind = NodeKind(k)
		}
	}
	if n.Kind == NoKind {
		return Node{}, fmt.Errorf("node id %q: unknown kind %q", id, prefix)
	}
	var err error
	if n.Scope, err = url.PathUnescape(scope); err == nil {
		n.Name, err = url.PathUnescape(name)
	}
	if err != nil {
		return Node{}, fmt.Errorf("node id %q: %w", id, err)
	}
	return n, nil
}

// encode percent-encodes every byte outside [A-Za-z0-9._-].
func encode(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '_' || c == '-' {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

// FlowKind is the kind of movement, which follows from a flow's ends.
type FlowKind uint8

// The kinds of flows, as in the GraphQL enum FlowKind.
const (
	Produce   FlowKind = iota + 1
	Consume            // topic to application, connector or stream job
	Replicate          // topic to replicator, replicator to topic
	External           // connector or job to or from a dataset
)

// String returns the kind as the GraphQL enum spells it.
func (k FlowKind) String() string {
	return [...]string{"", "PRODUCE", "CONSUME", "REPLICATE", "EXTERNAL"}[k]
}

// Flow is one direction of movement between two nodes, as records move.
type Flow struct {
	From, To Node
}

// Kind returns the flow's kind: External when an end is a dataset, Replicate when one is a replicator, else Consume
// from a topic and Produce to one.
func (f Flow) Kind() FlowKind {
	switch {
	case f.From.Kind == DatasetNode || f.To.Kind == DatasetNode:
		return External
	case f.From.Kind == ReplicatorNode || f.To.Kind == ReplicatorNode:
		return Replicate
	case f.From.Kind == TopicNode:
		return Consume
	default:
		return Produce
	}
}

// ID returns the flow's readable id, FROM->TO.
func (f Flow) ID() string { return f.From.ID() + "->" + f.To.ID() }

// ParseFlowID is the inverse of Flow.ID.
func ParseFlowID(id string) (Flow, error) {
	from, to, ok := strings.Cut(id, "->")
	if !ok {
		return Flow{}, fmt.Errorf("flow id %q is not FROM->TO", id)
	}
	var f Flow
	var err error
	if f.From, err = ParseNodeID(from); err == nil {
		f.To, err = ParseNodeID(to)
	}
	if err != nil {
		return Flow{}, fmt.Errorf("flow id %q: %w", id, err)
	}
	return f, nil
}
