package answer

import (
	"maps"
	"slices"

	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

// This file says which of the ways into a mover lead to which of those out of it. Where nobody can say, all lead to
// all.

// noLane is of an access that has no way of its own.
var noLane = []string{""}

// lanes returns the ways through its node that an access belongs to: a topic and its copy are one through a replicator,
// a topic and the dataset that it is joined with one through a connector, and what a job says itself leads to one of
// its outputs. What a connector moves that is joined with nothing, as its dead letters, belongs to all of its ways.
func (v *View) lanes(x *access) []string {
	switch x.node.Kind {
	case lineage.ReplicatorNode:
		if v.mixed[x.node] {
			return noLane
		}
		lane, _ := v.upstreamOf(x)
		return []string{lane}
	case lineage.ConnectorNode:
		all := v.joined[x.node]
		if _, own := slices.BinarySearch(all, x.Access.Topic.Name); own {
			return []string{x.Access.Topic.Name}
		}
		if len(all) > 0 {
			return all
		}
	case lineage.ApplicationNode:
		// Who is known by a principal alone may be several programs: what one of them reads does not go where another
		// writes.
		if v.accounts[x.node] {
			return []string{x.Access.Op.String() + " " + x.Access.Topic.Name}
		}
	case lineage.JobNode, lineage.StreamJobNode:
		if w := v.ways[x.node]; w != nil {
			return w.lanes(x)
		}
	default:
	}
	return noLane
}

// onlyAccounts are the applications of which nothing but a principal is known; nil: none.
func (v *View) onlyAccounts() map[lineage.Node]bool {
	var out map[lineage.Node]bool
	for i := range v.accesses {
		if x := &v.accesses[i]; x.byAccount() {
			if out == nil {
				out = map[lineage.Node]bool{}
			}
			out[x.node] = true
		}
	}
	for i := range v.accesses {
		if x := &v.accesses[i]; out[x.node] && !x.byAccount() {
			delete(out, x.node)
		}
	}
	return out
}

// mixedReplicators are those of which the policy does not tell all copies: all their ways are one.
func (v *View) mixedReplicators() map[lineage.Node]bool {
	mixed := map[lineage.Node]bool{}
	for i := range v.accesses {
		if x := &v.accesses[i]; x.node.Kind == lineage.ReplicatorNode {
			_, ok := v.upstreamOf(x)
			mixed[x.node] = mixed[x.node] || !ok
		}
	}
	return mixed
}

// joinedTopics are the topics that connectors join with datasets, sorted.
func (v *View) joinedTopics() map[lineage.Node][]string {
	found := map[lineage.Node]map[string]bool{}
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.node.Kind != lineage.ConnectorNode || x.Access.Dataset == (lineage.Dataset{}) || x.Access.Topic.Name == "" {
			continue
		}
		if found[x.node] == nil {
			found[x.node] = map[string]bool{}
		}
		found[x.node][x.Access.Topic.Name] = true
	}
	out := make(map[lineage.Node][]string, len(found))
	for n, topics := range found {
		out[n] = slices.Sorted(maps.Keys(topics))
	}
	return out
}

// upstreamOf returns the topic of the source that an access of a replicator is about; ok is false where that is not
// known. Its own books are about nothing else.
func (v *View) upstreamOf(x *access) (topic string, ok bool) {
	f := v.movers.replicators[x.node].was
	name := x.Access.Topic.Name
	switch {
	case x.Access.Op == lineage.Read || x.internal():
		return name, true
	case f == nil:
		return "", false
	}
	return mm2.NewPolicy(f.Policy, f.Separator, false).Upstream(f.SourceAlias, name)
}
