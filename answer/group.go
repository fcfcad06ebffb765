package answer

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Group is a consumer group with what a node reads with it.
type Group struct {
	rows     *Rows
	Ref      lineage.GroupRef
	accesses []int32
}

// Groups are the groups that the node reads with, by cluster and name.
func (n Node) Groups() []Group {
	v := n.rows.v
	at := map[lineage.GroupRef]int{}
	out := []Group{}
	for _, i := range v.accessesOf(n.node) {
		x := &v.accesses[i]
		ref := lineage.GroupRef{Cluster: x.Access.Topic.Cluster, Group: x.Access.Client.Group}
		if ref.Group == "" {
			continue
		}
		if _, ok := at[ref]; !ok {
			at[ref] = len(out)
			out = append(out, Group{rows: n.rows, Ref: ref})
		}
		g := &out[at[ref]]
		g.accesses = append(g.accesses, i)
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(strings.Compare(v.clusters.of(a.Ref.Cluster).Name, v.clusters.of(b.Ref.Cluster).Name), strings.Compare(a.Ref.Group, b.Ref.Group))
	})
	return out
}

// Fact returns what is known of the group; the zero fact where nothing is.
func (g Group) Fact() lineage.GroupFact {
	if f := g.rows.v.groups[g.Ref].Group; f != nil {
		return *f
	}
	return lineage.GroupFact{}
}

// Live reports whether somebody is there to read at the window's end; nil: not known.
func (g Group) Live(ctx context.Context) (*bool, error) {
	ls, err := g.rows.v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	return g.rows.v.live(ls, g.accesses), nil
}

// Lag returns how many records it is behind on all that the node reads; nil where that of one part is not known.
func (g Group) Lag(ctx context.Context) (*int64, error) {
	ls, err := g.rows.v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	v, byTopic := g.rows.v, map[lineage.Topic][]int32{}
	for _, i := range g.accesses {
		topic := v.accesses[i].Access.Topic
		byTopic[topic] = append(byTopic[topic], i)
	}
	for _, part := range byTopic {
		if v.untoldLag(part) {
			return nil, nil
		}
	}
	return v.behind(ls, g.accesses).records, nil
}

// LastMoved returns the last round that saw it move; the zero time: none within the lookback.
func (g Group) LastMoved(ctx context.Context) (time.Time, error) {
	return g.rows.lastMove(ctx, g.accesses)
}

// lastMove returns when one of some accesses of the rows moved last; the zero time: not within the lookback.
func (r *Rows) lastMove(ctx context.Context, accesses []int32) (last time.Time, err error) {
	moved, err := r.moves.get(ctx, r.loadMoves)
	if err != nil {
		return last, err
	}
	for _, i := range accesses {
		if t := moved[i]; t.After(last) {
			last = t
		}
	}
	return last, nil
}

// loadMoves reads when the accesses of the rows moved last: those of its flows, and of its nodes that are readers.
func (r *Rows) loadMoves(ctx context.Context) (map[int32]time.Time, error) {
	var accesses []int32
	for _, f := range r.flows {
		accesses = append(accesses, r.v.of(f)...)
	}
	for _, n := range r.order {
		if end := r.v.ends[n]; end != nil {
			accesses = append(accesses, end.reads...)
		}
	}
	slices.Sort(accesses)
	accesses = slices.Compact(accesses)
	times, err := r.v.lastMoves(ctx, accesses)
	if err != nil {
		return nil, err
	}
	out := make(map[int32]time.Time, len(accesses))
	for i, t := range times {
		out[accesses[i]] = t
	}
	return out, nil
}

// inhabited returns a group's fact with the members that its state lets it have. The state is of each round, and who is
// in the group was asked before: nobody is in an empty one, and who is in one that is listed no more is not known.
func inhabited(f lineage.Fact) lineage.Fact {
	if f.Group == nil {
		return f
	}
	is := *f.Group
	switch is.State {
	case "Empty", "Dead":
		is.Members, is.MembersKnown = nil, true
	case "Unknown":
		is.Members, is.MembersKnown = nil, false
	default:
		return f
	}
	f.Group = &is
	return f
}
