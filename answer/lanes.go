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
		is := v.joined[x.node]
		if _, own := slices.BinarySearch(is.topics, x.Access.Topic.Name); own {
			return []string{x.Access.Topic.Name}
		}
		if of := is.of[x.Access.Dataset]; len(of) > 0 { // as the connector tells of it itself, without the topic
			return of
		}
		if len(is.topics) > 0 {
			return is.topics
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

// joined are the topics that a connector joins with datasets, sorted, and those of each dataset.
type joined struct {
	topics []string
	of     map[lineage.Dataset][]string
}

func (v *View) joinedTopics() map[lineage.Node]joined {
	found := map[lineage.Node]map[string]bool{}
	of := map[lineage.Node]map[lineage.Dataset][]string{}
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.node.Kind != lineage.ConnectorNode || x.Access.Dataset == (lineage.Dataset{}) || x.Access.Topic.Name == "" {
			continue
		}
		if found[x.node] == nil {
			found[x.node], of[x.node] = map[string]bool{}, map[lineage.Dataset][]string{}
		}
		name, set := x.Access.Topic.Name, x.Access.Dataset
		found[x.node][name] = true
		if !slices.Contains(of[x.node][set], name) {
			of[x.node][set] = append(of[x.node][set], name)
		}
	}
	out := make(map[lineage.Node]joined, len(found))
	for n, topics := range found {
		out[n] = joined{slices.Sorted(maps.Keys(topics)), of[n]}
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
