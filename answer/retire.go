package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file lists what could be put away, see docs/adr/0038-questions-of-change.md.

// RetireKind is what could be put away; the schema documents the values.
type RetireKind uint8

// The kinds, in the order of the list.
const (
	UnusedTopic RetireKind = iota + 1
	UnownedTopic
	DeadGroup
	IdleConnector
)

// RetireAsk says what is asked for.
type RetireAsk struct {
	Kinds   []RetireKind // nil: all
	Cluster *string      // its id or name
	Owner   *string      // empty: nobody's
}

// RetirePlace is where something stands in the list.
type RetirePlace struct {
	Kind    RetireKind
	Verdict Verdict
	ID      string // of the node, and the group
}

// Compare orders places: by kind, what is proved first, then by name.
func (p RetirePlace) Compare(b RetirePlace) int {
	return cmp.Or(cmp.Compare(p.Kind, b.Kind), cmp.Compare(p.Verdict, b.Verdict), strings.Compare(p.ID, b.ID))
}

// Retirable is something that could be put away.
type Retirable struct {
	RetirePlace
	Node    lineage.Node
	Group   string            // of DeadGroup
	Cluster lineage.ClusterID // where it is; empty: of a connector whose cluster was not told
	Owner   string
	// Since is when it moved last, and WatchedSince since when it is looked at; the zero time: not in the lookback, or
	// not known.
	Since, WatchedSince time.Time
	Evidence            string
	Untold              []Untold
}

// RetireCount is how many there are of a kind, and of how many it is proved.
type RetireCount struct {
	Kind        RetireKind
	Count, Safe int
}

// Retirables are what could be put away.
type Retirables struct {
	List   []Retirable // in their order
	ByKind []RetireCount
	Scope  []lineage.ClusterID // the cluster that was asked for; nil: all
}

// retiring collects what could be put away.
type retiring struct {
	*judge
	ask   RetireAsk
	only  *Cluster
	moved []time.Time // by access
	out   *Retirables
	count map[RetireKind]*RetireCount
	gone  func() bool
}

// Retire returns what nobody was seen to use in the view's window.
func (v *View) Retire(ctx context.Context, ask RetireAsk) (*Retirables, error) {
	r := &retiring{ask: ask, out: &Retirables{}, count: map[RetireKind]*RetireCount{}, gone: leaving(ctx)}
	if ask.Cluster != nil {
		c, err := v.FindCluster(*ask.Cluster)
		if err != nil {
			return nil, err
		}
		r.only, r.out.Scope = c, c.Scope()
	}
	var err error
	if r.judge, err = v.judge(ctx); err != nil {
		return nil, err
	}
	if r.moved, err = v.lastMovedAll(ctx); err != nil {
		return nil, err
	}
	r.topics()
	r.groups()
	r.movers()
	for _, kind := range []RetireKind{UnusedTopic, UnownedTopic, DeadGroup, IdleConnector} {
		r.out.ByKind = append(r.out.ByKind, *r.counted(kind))
	}
	slices.SortFunc(r.out.List, func(a, b Retirable) int { return a.Compare(b.RetirePlace) })
	return r.out, ctx.Err()
}

func (r *retiring) counted(kind RetireKind) *RetireCount {
	if r.count[kind] == nil {
		r.count[kind] = &RetireCount{Kind: kind}
	}
	return r.count[kind]
}

// add takes in what could be put away, if it is asked for.
func (r *retiring) add(x Retirable) {
	x.Owner, _ = r.v.describe(x.Node)
	switch {
	case r.only != nil && x.Cluster != r.only.known.ID, r.ask.Owner != nil && !strings.EqualFold(x.Owner, *r.ask.Owner):
		return
	}
	c := r.counted(x.Kind)
	c.Count++
	if x.Verdict == Safe {
		c.Safe++
	}
	if len(r.ask.Kinds) > 0 && !slices.Contains(r.ask.Kinds, x.Kind) {
		return
	}
	x.ID = x.Node.ID()
	if x.Group != "" {
		x.ID += " " + x.Group
	}
	r.out.List = append(r.out.List, x)
}

// lastOf returns when one of some accesses moved last.
func (r *retiring) lastOf(accesses []int32) (last time.Time) {
	for _, i := range accesses {
		if r.moved[i].After(last) {
			last = r.moved[i]
		}
	}
	return last
}

// topics lists the topics that nobody uses, and those that nobody owns.
func (r *retiring) topics() {
	for n, t := range r.v.topics {
		if r.gone() {
			return
		}
		if t.gone || t.internal || t.fact == nil {
			continue
		}
		owner, _ := r.v.describe(n)
		d := r.of(t)
		x := Retirable{Node: n, Cluster: t.cluster, Since: r.lastOf(r.v.accessesOf(n)), WatchedSince: d.WatchedSince, Untold: d.Untold}
		x.Verdict, x.Kind = d.Verdict(), UnusedTopic
		x.Evidence = "nobody was seen to write or read it, and nobody has a position in it"
		switch {
		case d.Records != nil && *d.Records == 0:
			x.Evidence += "; it is empty"
		case d.Records != nil:
			x.Evidence += fmt.Sprintf("; it holds %s at most", pluralOf(int(*d.Records), "record"))
		}
		if x.Verdict != Unsafe {
			r.add(x)
		}
		if owner != "" {
			continue
		}
		if x.Kind, x.Evidence = UnownedTopic, "no rule and no declaration names an owner"; len(d.Against) > 0 {
			x.Evidence += "; " + d.Against[0].Detail
		}
		r.add(x)
	}
}

// groups lists the groups that nobody is in and that read nothing.
func (r *retiring) groups() {
	v := r.v
	of := map[lineage.GroupRef][]int32{}
	for i := range v.accesses {
		if x := &v.accesses[i]; x.Access.Op == lineage.Read && x.Access.Client.Group != "" {
			ref := lineage.GroupRef{Cluster: x.Access.Topic.Cluster, Group: x.Access.Client.Group}
			of[ref] = append(of[ref], int32(i))
		}
	}
	for ref, f := range v.groups {
		if r.gone() {
			return
		}
		if f.Gone || f.Group == nil || f.Group.MembersKnown && len(f.Group.Members) > 0 {
			continue
		}
		all := of[ref]
		x := Retirable{RetirePlace: RetirePlace{Kind: DeadGroup}, Group: ref.Group, Cluster: ref.Cluster, Since: r.lastOf(all)}
		if !r.rest(all, &x) {
			continue
		}
		if !f.Group.MembersKnown {
			x.Untold = append(x.Untold, Untold{UntoldOutOfSight, "who is in it was not seen", time.Time{}})
		}
		n, _ := v.subjectOf(&lineage.Event{Group: ref})
		if n == nil {
			continue
		}
		x.Node, x.Untold = *n, append(x.Untold, r.sight(ref.Cluster)...)
		x.Evidence = fmt.Sprintf("nobody is in it (%s), and it read nothing", cmp.Or(strings.ToLower(f.Group.State), "its state is not known"))
		if b := v.behind(r.ls, all); b.records != nil {
			x.Evidence += fmt.Sprintf("; it is %s behind on %s", pluralOf(int(*b.records), "record"), pluralOf(len(v.byFlow(all)), "topic"))
		}
		r.add(x.judged())
	}
}

// judged sets the verdict of what nothing speaks against.
func (x Retirable) judged() Retirable {
	x.Verdict = Safe
	if len(x.Untold) > 0 {
		x.Verdict = CannotBeTold
	}
	return x
}

// rest reports whether none of some accesses moved, and takes in those of which that is not known.
func (r *retiring) rest(accesses []int32, x *Retirable) bool {
	v := r.v
	for _, of := range v.byFlow(accesses) {
		for _, i := range of.accesses {
			switch a := &v.accesses[i]; {
			case a.state == graph.Active, a.Access.Op == lineage.Read && r.lives(a):
				return false
			case a.state == graph.Unknown && !v.onlyLetIn(a):
				x.Untold = append(x.Untold, Untold{UntoldFlow, fmt.Sprintf("whether %s moved is not known", of.flow.ID()), time.Time{}})
			}
		}
	}
	return true
}

// lives reports whether somebody is there to read at the window's end.
func (r *retiring) lives(x *access) bool {
	live := r.ls.of(x.row, lineage.Live)
	return live != nil && *live == 1 && x.Access.Client.Group != "" && x.node.Kind != lineage.ConnectorNode && x.node.Kind != lineage.ReplicatorNode
}

// movers lists the connectors and replicators that moved nothing.
func (r *retiring) movers() {
	v := r.v
	add := func(n lineage.Node, state string, of []lineage.ClusterID) {
		if r.gone() {
			return
		}
		all := v.accessesOf(n)
		x := Retirable{RetirePlace: RetirePlace{Kind: IdleConnector}, Node: n, Since: r.lastOf(all)}
		if !r.rest(all, &x) {
			return
		}
		x.Evidence = "it moved nothing, and is " + cmp.Or(state, "of a state that is not told")
		if len(all) == 0 {
			x.Evidence += "; it was never seen to read or write"
			x.Untold = append(x.Untold, Untold{UntoldFlow, "what it reads and writes was not seen", time.Time{}})
		}
		for _, id := range of {
			if id != "" && v.Watched(id) {
				x.Cluster = cmp.Or(x.Cluster, id)
				x.Untold = append(x.Untold, r.sight(id)...)
			}
		}
		if x.Cluster == "" {
			x.Untold = append(x.Untold, Untold{UntoldOutOfSight, "its cluster is not watched", time.Time{}})
		}
		r.add(x.judged())
	}
	for n, m := range v.movers.connectors {
		if m.fact != nil && !m.gone {
			id := m.fact.Kafka
			if f := v.movers.connects[n.Scope]; f != nil {
				id = cmp.Or(id, f.Kafka)
			}
			add(n, m.fact.State, []lineage.ClusterID{id})
		}
	}
	for n, m := range v.movers.replicators {
		if m.fact != nil && !m.gone {
			add(n, m.fact.State, []lineage.ClusterID{m.fact.Target, m.fact.Source})
		}
	}
}
