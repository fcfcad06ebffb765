package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// ConsumerGroup is the schema's type of that name: a group with what a node reads with it.
type ConsumerGroup struct {
	rows     *rows
	ref      lineage.GroupRef
	accesses []int32
}

// consumerGroups are the groups that the node reads with, by cluster and name.
func (n *nodeRow) consumerGroups() []ConsumerGroup {
	v := n.rows.v
	at := map[lineage.GroupRef]int{}
	out := []ConsumerGroup{}
	for _, i := range v.accessesOf(n.node) {
		x := &v.accesses[i]
		ref := lineage.GroupRef{Cluster: x.Access.Topic.Cluster, Group: x.Access.Client.Group}
		if ref.Group == "" {
			continue
		}
		if _, ok := at[ref]; !ok {
			at[ref] = len(out)
			out = append(out, ConsumerGroup{rows: n.rows, ref: ref})
		}
		g := &out[at[ref]]
		g.accesses = append(g.accesses, i)
	}
	slices.SortFunc(out, func(a, b ConsumerGroup) int {
		return cmp.Or(strings.Compare(a.Cluster().Name(), b.Cluster().Name()), strings.Compare(a.ref.Group, b.ref.Group))
	})
	return out
}

// Name answers name.
func (g *ConsumerGroup) Name() string { return g.ref.Group }

// Cluster answers cluster.
func (g *ConsumerGroup) Cluster() *Cluster { return g.rows.v.shownClusterOf(g.ref.Cluster) }

func (g *ConsumerGroup) fact() lineage.GroupFact {
	if f := g.rows.v.groups[g.ref].Group; f != nil {
		return *f
	}
	return lineage.GroupFact{}
}

// Type answers type.
func (g *ConsumerGroup) Type() string { return g.fact().Type }

// State answers state.
func (g *ConsumerGroup) State() string { return g.fact().State }

// Protocol answers protocol.
func (g *ConsumerGroup) Protocol() string { return g.fact().Protocol }

// Members answers members.
func (g *ConsumerGroup) Members() *int {
	if f := g.fact(); f.MembersKnown {
		return new(len(f.Members))
	}
	return nil
}

// Live answers live.
func (g *ConsumerGroup) Live(ctx context.Context) (*bool, error) {
	ls, err := g.rows.v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	return g.rows.v.live(ls, g.accesses), nil
}

// Lag answers lag.
func (g *ConsumerGroup) Lag(ctx context.Context) (*int64, error) {
	ls, err := g.rows.v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	return g.rows.v.behind(ls, g.accesses).records, nil
}

// LastMoved answers lastMoved.
func (g *ConsumerGroup) LastMoved(ctx context.Context) (*time.Time, error) {
	return g.rows.lastMove(ctx, g.accesses)
}

// lastMove returns when one of some accesses of the rows moved last; nil: not within the lookback.
func (r *rows) lastMove(ctx context.Context, accesses []int32) (*time.Time, error) {
	moved, err := r.moves.get(ctx, r.loadMoves)
	if err != nil {
		return nil, err
	}
	var last time.Time
	for _, i := range accesses {
		if t := moved[r.v.accesses[i].ID]; t.After(last) {
			last = t
		}
	}
	return timeOrNil(last), nil
}

// loadMoves reads when the accesses of the rows moved last: those of its flows, and of its nodes that are readers.
func (r *rows) loadMoves(ctx context.Context) (map[lineage.SubjectID]time.Time, error) {
	var ids []lineage.SubjectID
	add := func(accesses []int32) {
		for _, i := range accesses {
			ids = append(ids, r.v.accesses[i].ID)
		}
	}
	for _, f := range r.flows {
		add(r.v.flows[f])
	}
	for _, n := range r.order {
		if end := r.v.ends[n]; end != nil {
			add(end.reads)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	times, err := r.v.a.history.LastMoved(ctx, r.v.win.End, lookback, ids)
	if err != nil {
		return nil, fmt.Errorf("read last movements: %w", err)
	}
	out := make(map[lineage.SubjectID]time.Time, len(ids))
	for i, t := range times {
		out[ids[i]] = t
	}
	return out, nil
}
