package answer

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file answers whether data that left one node within a window can have reached another in it. What it means and
// what it leaves out is in docs/adr/0016-paths-in-time.md.

// Reached is one of the three answers.
type Reached uint8

// The answers.
const (
	// NotReached: what was observed excludes it.
	NotReached Reached = iota
	// CanHaveReached: what was seen to move allows it.
	CanHaveReached
	// ReachedUnknown: only by what was not observed, or by somebody whom nothing names; see Paths.Doubts.
	ReachedUnknown
)

// Paths is the answer to one question.
type Paths struct {
	Reached Reached
	// List holds the witnesses, the earliest arrival first; where it is not known, the ways that there may have been.
	List []Path
	// NotBefore is when it can have arrived at the earliest by any way that the window's graph has, also by what was
	// not observed; zero: by none. It is earlier than the first arrival of List where something may have moved before
	// it was seen to.
	NotBefore time.Time
	// Doubts are why it is not known.
	Doubts []PathDoubt
	// Scope names the clusters that were looked at; empty: all.
	Scope []lineage.ClusterID
}

// Path is a way of hops in the order of time.
type Path struct {
	Hops []PathHop
	// Arrival is when what left at the window's start can have arrived, at the earliest.
	Arrival time.Time
	// Observed: each hop was seen to move, and each node between is one program.
	Observed bool
}

// PathHop is one flow of a way: what came before can pass it within [At, Until).
type PathHop struct {
	Flow      lineage.Flow
	At, Until time.Time
	Observed  bool // it was seen to move then
}

// PathDoubt is what keeps a question from being answered: a flow, a node, or neither where it is a gap in which anybody
// may have come and gone.
type PathDoubt struct {
	Flow   lineage.Flow // the zero value: none
	Node   lineage.Node // the zero value: none
	Window lineage.Window
	Why    string
}

// Paths says whether what left a node at the window's start or later can have reached another by its end, and how: most
// ways at most. Internal topics are gone through only where asked for, or where they are one of the two. The view must
// have both nodes.
func (v *View) Paths(ctx context.Context, from, to lineage.Node, includeInternal bool, most int) (*Paths, error) {
	if from == to {
		return nil, senseless("paths: from and to are both %s", quote(from.ID()))
	}
	p := pathfinder{v: v, ctx: ctx, from: from, to: to}
	p.all = v.pathGraph(filterKey{internal: includeInternal}, from, to)
	p.ahead = p.all.Closure([]lineage.Node{from}, graph.Downstream)
	p.behind = p.all.Closure([]lineage.Node{to}, graph.Upstream)
	out := &Paths{Scope: p.scope()}
	for _, id := range p.all.Between(from, to) {
		p.between = append(p.between, int32(id))
	}
	slices.Sort(p.between)
	var err error
	if p.moves, err = v.moves(ctx, p.between); err != nil {
		return nil, err
	}
	seen, err := p.search(false, most)
	if err != nil {
		return nil, err
	}
	if len(seen) > 0 {
		most = 1
	}
	open, err := p.search(true, most)
	if err != nil {
		return nil, err
	}
	if len(open) > 0 {
		out.NotBefore = v.stepAt(open[0].Arrival)
	}
	if len(seen) > 0 {
		out.Reached, out.List = CanHaveReached, p.shown(seen)
		return out, nil
	}
	out.List = p.shown(open)
	out.Doubts = append(append(p.openHops(out.List), p.unnamed()...), p.gaps(out.Scope)...)
	if len(out.Doubts) > 0 {
		out.Reached = ReachedUnknown
	}
	return out, nil
}

// pathGraph is the graph that ways are looked for in, the doubtful ones too: who is known by a principal alone may be
// one program.
func (v *View) pathGraph(key filterKey, from, to lineage.Node) *graph.Snapshot {
	roots := []lineage.Node{from, to}
	if len(v.accounts) == 0 {
		return v.graphWith(key, roots)
	}
	internal := slices.DeleteFunc(roots, func(n lineage.Node) bool { return !v.internal(n) })
	with := key
	with.internal = key.internal || len(internal) > 0
	var edges []graph.Access
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.passes(with) && (key.internal || !x.internal() || slices.Contains(internal, x.far)) {
			edges = v.appendEdges(edges, graph.AccessID(i), x)
		}
	}
	return graph.Build(v.win.Window, v.asPrograms(edges))
}

// asPrograms takes away the lanes of those who are known by a principal alone.
func (v *View) asPrograms(edges []graph.Access) []graph.Access {
	for i := range edges {
		e := &edges[i]
		if v.accounts[e.From] {
			e.FromLane = ""
		}
		if v.accounts[e.To] {
			e.ToLane = ""
		}
	}
	return edges
}

// pathfinder looks for the ways of one question.
type pathfinder struct {
	v             *View
	ctx           context.Context //nolint:containedctx // it lives for one call
	from, to      lineage.Node
	all           *graph.Snapshot
	ahead, behind *graph.Closure
	between       []int32 // accesses, sorted
	moves         movementsOf
}

// scope returns the clusters that data from the one node, or to the other, can have gone through.
func (p *pathfinder) scope() []lineage.ClusterID {
	var out []lineage.ClusterID
	found := map[lineage.ClusterID]bool{}
	for _, c := range [...]*graph.Closure{p.ahead, p.behind} {
		for n := range c.Nodes() {
			for _, id := range p.v.ClustersOf(n) {
				if !found[id] {
					found[id] = true
					out = append(out, id)
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// search returns the ways by what was seen, or by all that may have been.
func (p *pathfinder) search(open bool, most int) ([]graph.Route, error) {
	v := p.v
	var edges []graph.Access
	for _, i := range p.between {
		edges = v.appendEdges(edges, graph.AccessID(i), &v.accesses[i])
	}
	if open {
		edges = v.asPrograms(edges)
	}
	s := graph.Build(v.win.Window, v.apartByTopicID(edges))
	routes, err := s.Routes(p.ctx, graph.Routes{
		From: p.from, To: p.to, Moves: func(id graph.AccessID) graph.Moves { return p.moves[int32(id)].Moves }, Open: open, Most: most,
	})
	if err != nil {
		return nil, fmt.Errorf("look for ways in the order of time: %w", err)
	}
	return routes, nil
}

// apartByTopicID keeps apart the topics that bore one name one after another: what was written to the one is not read
// from the other. Who only told the name may have meant any.
func (v *View) apartByTopicID(edges []graph.Access) []graph.Access {
	ids := map[lineage.Node][]lineage.TopicID{}
	for i := range edges {
		x := &v.accesses[edges[i].ID]
		if id := x.Access.Topic.ID; x.far.Kind == lineage.TopicNode && id != (lineage.TopicID{}) && !slices.Contains(ids[x.far], id) {
			ids[x.far] = append(ids[x.far], id)
		}
	}
	out := make([]graph.Access, 0, len(edges))
	for _, e := range edges {
		x := &v.accesses[e.ID]
		of := ids[x.far]
		if len(of) < 2 {
			out = append(out, e)
			continue
		}
		if id := x.Access.Topic.ID; id != (lineage.TopicID{}) {
			of = []lineage.TopicID{id}
		}
		for _, id := range of {
			if lane := hex.EncodeToString(id[:]); x.Access.Op == lineage.Read {
				e.FromLane = lane
			} else {
				e.ToLane = lane
			}
			out = append(out, e)
		}
	}
	return out
}

// shown returns ways with their times.
func (p *pathfinder) shown(routes []graph.Route) []Path {
	out := make([]Path, len(routes))
	for i, r := range routes {
		out[i] = Path{Arrival: p.v.stepAt(r.Arrival), Observed: true, Hops: make([]PathHop, len(r.Hops))}
		for j, h := range r.Hops {
			out[i].Hops[j] = PathHop{Flow: h.Flow, At: p.v.stepAt(h.At), Until: p.v.stepAt(h.Until), Observed: h.Seen}
			out[i].Observed = out[i].Observed && h.Seen && (j == 0 || !p.v.accounts[h.Flow.From])
		}
	}
	return out
}

// openHops says what is not known of the ways that there may have been.
func (p *pathfinder) openHops(paths []Path) (out []PathDoubt) {
	said := map[PathDoubt]bool{}
	say := func(d PathDoubt) {
		if !said[d] {
			said[d] = true
			out = append(out, d)
		}
	}
	for _, way := range paths {
		for j, h := range way.Hops {
			if w := (lineage.Window{Start: h.At, End: h.Until}); !h.Observed {
				say(PathDoubt{Flow: h.Flow, Window: w, Why: p.whyOpen(h.Flow, w)})
			}
			if n := h.Flow.From; j > 0 && p.v.accounts[n] {
				say(PathDoubt{Node: n, Window: p.v.win.Window, Why: "only the principal is known: it may be several programs, and what one of them read need not go where another wrote"})
			}
		}
	}
	return out
}

// whyOpen says why it is not known whether a flow moved.
func (p *pathfinder) whyOpen(f lineage.Flow, in lineage.Window) string {
	v := p.v
	why := uncounted
	for _, i := range v.of(f) {
		if m, asked := p.moves[i]; asked && len(m.Open) > 0 {
			why = min(why, m.why)
			if m.why == seenLater {
				why = seenLater
				break
			}
		}
	}
	switch why {
	case seenLater:
		return "who reads was first looked at within the window: it may have read before"
	case straddles:
		return "all that moved was read over a time that reaches beyond the window: it may have moved outside of it"
	case uncounted:
		return "nothing counts what it moves, so that it is not known when it did"
	case noReading, hides:
	}
	for _, g := range v.coverageOf(f.From, f.To).Gaps {
		if g.Window.Start.Before(in.End) && in.Start.Before(g.Window.End) {
			return fmt.Sprintf("not observed by %s: %s", v.SourceName(g.Source), g.Reason)
		}
	}
	if why == hides {
		return "what a writer that leaves no trace wrote may be in the count of another writer of the topic, or taken for markers of transactions"
	}
	return "its next reading was due: what moved since the last one is not known"
}

// unnamed says where somebody whom nothing names wrote what the target may hold: he may be one of those who had read
// what left.
func (p *pathfinder) unnamed() (out []PathDoubt) {
	program := lineage.Node{}
	for n := range p.ahead.Nodes() {
		if n.Kind != lineage.TopicNode && n.Kind != lineage.DatasetNode && n.Kind != lineage.UnidentifiedNode {
			program = n
			break
		}
	}
	if program == (lineage.Node{}) {
		return nil
	}
	for n := range p.behind.Nodes() {
		if n.Kind == lineage.UnidentifiedNode && n != p.from {
			out = append(out, PathDoubt{
				Node: n, Window: p.v.win.Window,
				Why: fmt.Sprintf("nothing names who wrote there: it may have been %s, or another that had read what left", program.ID()),
			})
		}
	}
	slices.SortFunc(out, func(a, b PathDoubt) int { return a.Node.Compare(b.Node) })
	return out
}

// gaps are those of the clusters looked at: in one somebody may have come and gone.
func (p *pathfinder) gaps(scope []lineage.ClusterID) (out []PathDoubt) {
	c := p.v.Coverage(scope...)
	for _, g := range c.Gaps {
		out = append(out, PathDoubt{Window: g.Window, Why: fmt.Sprintf("not observed by %s: %s: somebody may have come and gone in it", p.v.SourceName(g.Source), g.Reason)})
	}
	if len(out) == 0 && !c.Complete {
		out = append(out, PathDoubt{Window: p.v.win.Window, Why: "nothing was observed"})
	}
	slices.SortStableFunc(out, func(a, b PathDoubt) int {
		return cmp.Or(a.Window.Start.Compare(b.Window.Start), a.Window.End.Compare(b.Window.End))
	})
	return out
}
