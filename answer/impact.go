package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says what a node starves, and in which order: see docs/adr/0033-what-it-starves.md.

// Hit is a node that lies downstream of another.
type Hit struct {
	Node lineage.Node
	// Through is the last flow of the way by which it can be hit the soonest; the one before it is that by which
	// Through.From is hit, where that has no lanes: by another of them it may be hit sooner.
	Through lineage.Flow
	Hops    int // of that way
	// AtLeast is after how many seconds it misses what is missing, at the soonest: what is not measured counts as
	// nothing. Exact: all of that way is measured.
	AtLeast float64
	Exact   bool
}

// HitPlace is where a hit stands in its order.
type HitPlace struct {
	Step int64 // of the window
	Hops int
	Node lineage.Node
}

// Impact is what a node starves, in the order in which it would be missed.
type Impact struct {
	Hits []Hit
	// Scope names the clusters that all of them touch.
	Scope []lineage.ClusterID
	v     *View
	step  float64
}

// OwnerCount is how many of some nodes an owner has; Owner is empty where none is known.
type OwnerCount struct {
	Owner string
	Count int
}

// Owners returns whose the hits are, who has most of them first.
func (i *Impact) Owners(ctx context.Context) ([]OwnerCount, error) {
	gone := leaving(ctx)
	counts := map[string]int{}
	for k := range i.Hits {
		if gone() {
			return nil, ctx.Err()
		}
		owner, _ := i.v.describe(i.Hits[k].Node)
		counts[owner]++
	}
	out := make([]OwnerCount, 0, len(counts))
	for owner, n := range counts {
		out = append(out, OwnerCount{owner, n})
	}
	slices.SortFunc(out, func(a, b OwnerCount) int {
		return cmp.Or(-cmp.Compare(a.Count, b.Count), cmp.Compare(a.Owner, b.Owner))
	})
	return out, nil
}

// Place returns where a hit stands.
func (i *Impact) Place(h *Hit) HitPlace { return HitPlace{int64(h.AtLeast / i.step), h.Hops, h.Node} }

// Compare orders a hit and a place.
func (i *Impact) Compare(h *Hit, p HitPlace) int {
	at := i.Place(h)
	return cmp.Or(cmp.Compare(at.Step, p.Step), cmp.Compare(at.Hops, p.Hops), at.Node.Compare(p.Node))
}

// Impact returns what lies downstream of a node that the view has, by the time after which it would miss what does not
// come from there. An internal topic that is the root is walked through.
func (v *View) Impact(ctx context.Context, root lineage.Node, only Filter) (*Impact, error) {
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	traced, err := v.readTraced(ctx)
	if err != nil {
		return nil, err
	}
	roots := []lineage.Node{root}
	s := v.graphWith(only.key(), roots)
	found, err := s.Arrivals(ctx, graph.Arrivals{
		Roots: roots,
		Took:  func(e graph.Edge) (float64, bool) { return v.lateness(ls, e) },
		Measured: func(n lineage.Node) map[lineage.Node]float64 {
			if len(traced[n]) == 0 {
				return nil
			}
			out := make(map[lineage.Node]float64, len(traced[n]))
			for _, t := range traced[n] {
				out[t.since] = t.millis / t.traces / 1000
			}
			return out
		},
	})
	if err != nil {
		return nil, fmt.Errorf("look for what %s starves: %w", root.ID(), err)
	}
	out := &Impact{Hits: make([]Hit, len(found)), Scope: v.ScopeOf(s.Closure(roots, graph.Downstream)), v: v, step: v.win.Step.Seconds()}
	for i, a := range found {
		out.Hits[i] = Hit{a.Node, a.Through, a.Hops, a.AtLeast, a.Exact}
	}
	slices.SortFunc(out.Hits, func(a, b Hit) int { return out.Compare(&a, out.Place(&b)) })
	return out, nil
}

// lateness is how long it takes to read what is written now: as long as the reader is late, if it reads.
func (v *View) lateness(ls *levels, e graph.Edge) (seconds float64, ok bool) {
	if e.State != graph.Active || e.Flow.From.Kind != lineage.TopicNode {
		return 0, false
	}
	accesses := make([]int32, len(e.Accesses))
	for i, id := range e.Accesses {
		accesses[i] = int32(id)
	}
	b := v.behind(ls, accesses)
	if b.records == nil || b.seconds == nil || b.atLeast {
		return 0, false
	}
	return *b.seconds, true
}
