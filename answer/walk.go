package answer

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Walk is a part of a window's graph that was walked through. Scope names the clusters that it touches; empty: all.
type Walk struct {
	graph.Walk
	Scope []lineage.ClusterID
}

// Flows returns the flows of the walk, in the order of its edges.
func (w *Walk) Flows() []lineage.Flow {
	out := make([]lineage.Flow, len(w.Edges))
	for i, e := range w.Edges {
		out[i] = e.Flow
	}
	return out
}

// Filter says which part of a window's graph is asked for.
type Filter struct {
	Evidence        []lineage.EvidenceKind // nil: all
	IncludeInactive bool                   // also what did not move; what is not known is always there
	IncludeInternal bool                   // also internal topics
}

// Window returns the window as answered: in older tiers its ends are widened to their step.
func (v *View) Window() lineage.Resolved { return v.win }

// HasFlow reports whether the window, or what came before it, knows the flow.
func (v *View) HasFlow(f lineage.Flow) bool { return len(v.of(f)) > 0 }

// key names the part of the graph that the filter asks for.
func (f *Filter) key() filterKey {
	key := filterKey{inactive: f.IncludeInactive, internal: f.IncludeInternal}
	for _, k := range f.Evidence {
		key.evidence |= store.KindsOf(k)
	}
	return key
}

// Closure returns all that is upstream or downstream of roots, which the view must have, whatever the distance: as
// numbers, names are made where they are shown. Internal topics that are roots are walked through.
func (v *View) Closure(roots []lineage.Node, d graph.Direction, only Filter) *graph.Closure {
	return v.graphWith(only.key(), roots).Closure(roots, d)
}

// ScopeOf returns the clusters that the nodes of a closure touch.
func (v *View) ScopeOf(c *graph.Closure) (scope []lineage.ClusterID) {
	for n := range c.Nodes() {
		for _, id := range v.ClustersOf(n) {
			if !slices.Contains(scope, id) {
				scope = append(scope, id)
			}
		}
	}
	return scope
}

// Walk walks from roots, which the view must have. Internal topics that are roots are walked through.
func (v *View) Walk(q graph.Query, only Filter) *Walk {
	w := &Walk{Walk: v.graphWith(only.key(), q.Roots).Walk(q)}
	for _, n := range w.Nodes {
		for _, id := range v.ClustersOf(n) {
			if !slices.Contains(w.Scope, id) {
				w.Scope = append(w.Scope, id)
			}
		}
	}
	return w
}

// Around is what lies around a node that the view has, whichever way flows go: see graph.Snapshot.Around. An internal
// topic that is the root is walked through.
func (v *View) Around(root lineage.Node, hops, limit int, only Filter, keep func(lineage.Node) bool) (graph.Around, bool) {
	return v.graphWith(only.key(), []lineage.Node{root}).Around(root, hops, limit, keep)
}

// Overview returns all that moved in the window, in one cluster or, with nil, in all, as far as the filter lets it
// through; above the limit the least important nodes are hidden. What did not move is not in it, whatever the filter
// says.
func (v *View) Overview(of *Cluster, only Filter, limit int) *Walk {
	return v.Everything(of, only)(limit)
}

// Everything is Overview for whoever asks for it with several limits, and for nodes that are shown beyond them.
func (v *View) Everything(of *Cluster, only Filter) Walker {
	key := only.key()
	key.active, key.inactive = true, true
	switch {
	case of == nil:
		return walker(v.graph(key), nil)
	case of.known.ID == "": // never reached: nothing can have moved
		return walker(graph.Build(v.win.Window, nil), nil)
	}
	key.clusterTag = of.known.ID
	return walker(v.graph(key), []lineage.ClusterID{of.known.ID})
}

// Walker walks a part of a window's graph, to a limit of nodes.
type Walker func(limit int, expand ...graph.Expand) *Walk

func walker(s *graph.Snapshot, scope []lineage.ClusterID) Walker {
	return func(limit int, expand ...graph.Expand) *Walk {
		return &Walk{Walk: s.All(limit, expand...), Scope: scope}
	}
}

// OverviewWithSilent is Overview with what did not move in the window, or may have, and did in the lookback. What waits
// for readers counts beside what moved, so that a backlog is not what is hidden.
func (v *View) OverviewWithSilent(ctx context.Context, of *Cluster, only Filter, limit int) (*Walk, error) {
	w, err := v.EverythingWithSilent(ctx, of, only)
	if err != nil {
		return nil, err
	}
	return w(limit), nil
}

// EverythingWithSilent is to OverviewWithSilent what Everything is to Overview.
func (v *View) EverythingWithSilent(ctx context.Context, of *Cluster, only Filter) (Walker, error) {
	if of != nil && of.known.ID == "" {
		return v.Everything(of, only), nil
	}
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	key, scope := only.key(), []lineage.ClusterID(nil)
	key.inactive = true
	if of != nil {
		key.clusterTag, scope = of.known.ID, []lineage.ClusterID{of.known.ID}
	}
	return walker(v.buildWeighed(v.passing(key), v.waiting(ls)), scope), nil
}

// waiting returns what weighs as much as what an access moved: the records that wait for a reader at the window's end.
func (v *View) waiting(ls *levels) func(*access) float64 {
	return func(x *access) float64 {
		if n := ls.of(x.row, lineage.Lag); x.gauges[lineage.Lag] && n != nil && !x.left {
			return max(x.amount.Total, float64(x.slice.of(*n)))
		}
		return x.amount.Total
	}
}

// Usage returns who wrote and who read a topic that the view has, and for whom that is not known: those that moved in
// the window first, the busiest of them first.
func (v *View) Usage(topic lineage.Node) (writers, readers []lineage.Flow) {
	t := v.topics[topic]
	if t == nil {
		return nil, nil
	}
	return v.used(t.writes), v.used(t.reads)
}

// used returns the flows of accesses that moved in the window, or may have, or that something else than movement shows
// in it, as a committed position: those that moved first, the busiest of them first, then those that may have.
func (v *View) used(accesses []int32) []lineage.Flow {
	type usage struct {
		state  graph.State
		weight float64
	}
	of := map[lineage.Flow]*usage{}
	var out []lineage.Flow
	for _, i := range accesses {
		x := &v.accesses[i]
		if x.state == graph.Inactive && !x.inWindow && !x.committed() {
			continue
		}
		f := x.flow()
		if of[f] == nil {
			of[f] = &usage{state: graph.Inactive}
			out = append(out, f)
		}
		u := of[f]
		u.weight += x.amount.Total
		if order[x.state] < order[u.state] {
			u.state = x.state
		}
	}
	slices.SortFunc(out, func(a, b lineage.Flow) int {
		return cmp.Or(cmp.Compare(order[of[a].state], order[of[b].state]), -cmp.Compare(of[a].weight, of[b].weight), strings.Compare(a.ID(), b.ID()))
	})
	return out
}

// order is how usage is listed: what moved first.
var order = map[graph.State]int{graph.Active: 0, graph.Unknown: 1, graph.Inactive: 2}

// committed reports whether a position of the reader is known, which stands while its group does.
func (x *access) committed() bool {
	return x.Access.Op == lineage.Read && (x.counter.metric != lineage.NoMetric || x.gauges[lineage.Lag])
}
