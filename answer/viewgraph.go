package answer

import (
	"slices"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// appendEdges adds what an access is in a graph, once for each of its lanes.
func (v *View) appendEdges(edges []graph.Access, id graph.AccessID, x *access) []graph.Access {
	f := x.flow()
	a := graph.Access{ID: id, From: f.From, To: f.To, State: x.state, Weight: x.amount.Total}
	for _, lane := range v.lanes(x) {
		if x.Access.Op == lineage.Read {
			a.ToLane = lane
		} else {
			a.FromLane = lane
		}
		edges = append(edges, a)
	}
	return edges
}

// filterKey names a part of the graph: which kinds of evidence (none: all), with or without what did not move, of one
// cluster or all.
type filterKey struct {
	evidence   store.Kinds
	active     bool // only what moved
	inactive   bool // also what did not move; unknown stays with and without
	internal   bool // also internal topics
	clusterTag lineage.ClusterID
}

// graph returns the snapshot of the part that key names.
func (v *View) graph(key filterKey) *graph.Snapshot {
	return v.graphs.get(key, func() *graph.Snapshot {
		return v.build(v.passing(key))
	})
}

// passing returns what reports whether an access belongs into the part of the graph that key names.
func (v *View) passing(key filterKey) func(*access) bool {
	if key.evidence == 0 {
		return func(x *access) bool { return x.passes(key) }
	}
	known := v.knownBy(key.evidence)
	return func(x *access) bool { return x.passes(key) && known[x.way()] }
}

// passes reports whether an access belongs into the part of the graph that key names, whatever its evidence.
func (x *access) passes(key filterKey) bool {
	return (!key.active || x.state == graph.Active) &&
		(key.inactive || x.state != graph.Inactive) &&
		(key.internal || !x.internal()) &&
		(key.clusterTag == "" || x.Access.Topic.Cluster == key.clusterTag)
}

// internal reports whether what is read or written is an internal topic.
func (x *access) internal() bool { return x.topic != nil && x.topic.internal }

// graphWith is graph with some internal topics in it: the roots that somebody asks for by name.
func (v *View) graphWith(key filterKey, roots []lineage.Node) *graph.Snapshot {
	if key.internal || !slices.ContainsFunc(roots, v.internal) {
		return v.graph(key)
	}
	with := key
	with.internal = true
	passes := v.passing(with)
	return v.build(func(x *access) bool {
		return passes(x) && (!x.internal() || slices.Contains(roots, x.far))
	})
}

// way is a flow in the numbers of its view.
type way struct {
	node, far uint32
	op        lineage.Op
}

func (x *access) way() way { return way{x.numbers[0], x.numbers[1], x.Access.Op} }

// knownBy returns the flows that evidence of one of the kinds supports, as they tell it: in the window, or before where
// nothing supports them in the window.
func (v *View) knownBy(kinds store.Kinds) map[way]bool {
	type seen struct{ in, before store.Kinds }
	of := map[way]seen{}
	for i := range v.accesses {
		x := &v.accesses[i]
		s, in, before := of[x.way()], v.held.Rows.Seen[x.row], v.held.Rows.SeenBefore[x.row]
		if x.declared() && before|in != 0 {
			before |= store.KindsOf(lineage.Declared)
			if in != 0 {
				in |= store.KindsOf(lineage.Declared)
			}
		}
		s.in, s.before = s.in|in, s.before|before
		of[x.way()] = s
	}
	out := map[way]bool{}
	for w, s := range of {
		if s.in != 0 {
			s.before = s.in
		}
		if s.before&kinds != 0 {
			out[w] = true
		}
	}
	return out
}
