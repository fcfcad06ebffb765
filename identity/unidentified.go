package identity

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// unidentified returns the node of a client that nothing names: of a writer what a rule declares, else the topic's
// UNIDENTIFIED node. That is of writers alone: a reader there, as one that commits under the empty group id, would be
// a way from the topic back into itself.
func (r *Resolver) unidentified(c lineage.Cluster, topic string, a lineage.Access) (lineage.Node, string) {
	if a.Op == lineage.Read {
		return node(c, lineage.ApplicationNode, anonymous), lineage.ByNothing
	}
	f := gather(a.Client, nil)
	f.unidentified = clusterScope(c) + "/" + topic
	if n, words, ok := r.ruled(c, c, &f); ok {
		return n, words
	}
	return node(c, lineage.UnidentifiedNode, topic), lineage.ByNothing
}

// declared returns the node that a rule names by its id, as `streamjob:west/baskets`; ok is false for a plain name.
func declared(name string) (n lineage.Node, ok bool) {
	n, err := lineage.ParseNodeID(name)
	return n, err == nil && mayWrite(n.Kind)
}

// mayWrite reports whether nodes of a kind write and read.
func mayWrite(k lineage.NodeKind) bool {
	switch k {
	case lineage.ApplicationNode, lineage.StreamJobNode, lineage.JobNode, lineage.ConnectorNode, lineage.ReplicatorNode:
		return true
	default:
		return false
	}
}

// Declaring returns the part of a configuration, in YAML, that declares what nobody names of a topic's writers to be a
// node's.
func (r *Resolver) Declaring(c lineage.Cluster, topic string, n lineage.Node) string {
	name := n.ID()
	if _, isID := declared(n.Name); n.Kind == lineage.ApplicationNode && n.Scope == environment(c) && !isID {
		name = n.Name
	}
	quoted := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	return fmt.Sprintf("applications:\n  - match: {unidentified: %s}\n    name: %s\n",
		quoted("^"+regexp.QuoteMeta(clusterScope(c)+"/"+topic)+"$"), quoted(strings.ReplaceAll(name, "$", "$$")))
}
