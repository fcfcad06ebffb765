package answer

import (
	"context"
	"slices"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file draws what hangs on one node in great number as a stack: see graph.Fold. What a stack's flows move is
// summed as it is between groups.

// Folding says what of a walk is drawn as stacks.
type Folding struct {
	Over int // fan-outs of more than so many; 0: none
	// Unfold are ids: of stacks whose members are drawn one by one, and of nodes that are in no stack.
	Unfold map[string]bool
}

// Stack is some neighbours of a node that are drawn as one.
type Stack struct {
	graph.Stack
	States []StateCount // of the members: of each the worst of its flows that are drawn; the worst first
}

// Folded is a walk as it is drawn. Its nodes are those of the view and the stacks; a flow that begins or ends at one of
// the stacks is one of Groups.
type Folded struct {
	*Walk
	Stacks []Stack
	Groups *View // nil: there are no stacks
}

// mostFolded is how many nodes are walked through to draw fewer.
const mostFolded = 1000

// Fold returns what a walker finds with its fan-outs folded: of nodes and stacks as many as the limit says, and what
// expand shows beside them, a thousand in all.
func (v *View) Fold(ctx context.Context, walk Walker, roots []lineage.Node, by Folding, limit int, expand []graph.Expand) (*Folded, error) {
	if by.Over > 0 && limit < mostFolded { // what is folded takes less room: then more can be told of
		whole, err := v.fold(ctx, walk(mostFolded), roots, by)
		if err != nil {
			return nil, err
		}
		if len(whole.Nodes) <= limit {
			limit = mostFolded
		}
	}
	out, err := v.fold(ctx, walk(limit, expand...), roots, by)
	if err != nil {
		return nil, err
	}
	if n := len(out.Nodes); n > max(limit, mostFolded) {
		return nil, tooMuch("expand: %d nodes are more than can be drawn, at most %d; expand less", n, mostFolded)
	}
	return out, nil
}

func (v *View) fold(ctx context.Context, w *Walk, roots []lineage.Node, by Folding) (*Folded, error) {
	if by.Over == 0 || !crowded(w, by.Over) {
		return &Folded{Walk: w}, nil
	}
	states, err := v.worstStates(ctx, w)
	if err != nil {
		return nil, err
	}
	whole, stacks := w.Fold(graph.Fold{
		Over: by.Over, Roots: roots,
		Alone: func(n lineage.Node) bool { return by.Unfold[n.ID()] },
		Open:  func(n lineage.Node) bool { return by.Unfold[n.ID()] },
		Class: func(n lineage.Node) graph.Class { return states[n].class() },
	})
	out := &Folded{Walk: &Walk{Walk: whole, Scope: w.Scope}, Stacks: make([]Stack, len(stacks))}
	for i, s := range stacks {
		out.Stacks[i].Stack = s
		for _, is := range worstFirst {
			n := 0
			for _, m := range s.Members {
				if states[m] == is {
					n++
				}
			}
			if n > 0 {
				out.Stacks[i].States = append(out.Stacks[i].States, StateCount{is, n})
			}
		}
	}
	if slices.ContainsFunc(stacks, func(s graph.Stack) bool { return !s.Open }) {
		out.Groups = v.stacked(w, stacks)
	}
	return out, nil
}

// crowded reports whether a node has so many neighbours that they may be folded: mostly none has, and then no state is
// asked for.
func crowded(w *Walk, over int) bool {
	type side struct {
		of   lineage.Node
		d    graph.Direction
		kind lineage.NodeKind
	}
	n := map[side]int{}
	for _, e := range w.Edges {
		f := e.Flow
		up, down := side{f.To, graph.Upstream, f.From.Kind}, side{f.From, graph.Downstream, f.To.Kind}
		n[up]++
		n[down]++
		if n[up] > over || n[down] > over {
			return true
		}
	}
	return false
}

// worstStates returns the worst state of the flows of each node of a walk.
func (v *View) worstStates(ctx context.Context, w *Walk) (map[lineage.Node]FlowState, error) {
	flows := w.Flows()
	rows, out := v.Rows(nil, flows), make(map[lineage.Node]FlowState, len(w.Nodes))
	for _, f := range flows {
		s, err := rows.Flow(f).State(ctx)
		if err != nil {
			return nil, err
		}
		for _, n := range [...]lineage.Node{f.From, f.To} {
			was, ok := out[n]
			if !ok || slices.Index(worstFirst, s.Is) < slices.Index(worstFirst, was) {
				out[n] = s.Is
			}
		}
	}
	return out, nil
}

// class says in which stack something in a state can be.
func (s FlowState) class() graph.Class {
	switch s {
	case Stalled, FallingBehind, Stopped:
		return graph.Sick
	case NoState:
		return graph.Doubtful
	default:
		return graph.Fine
	}
}

// stacked returns the view of a walk's flows in which stacks stand for their members.
func (v *View) stacked(w *Walk, stacks []graph.Stack) *View {
	g := v.ofGroups()
	g.topics = map[lineage.Node]*topicView{}
	in := map[lineage.Node]lineage.Node{}
	for _, s := range stacks {
		if s.Open {
			continue
		}
		g.members[s.Node] = s.Members
		for _, m := range s.Members {
			in[m] = s.Node
		}
	}
	stands := func(n lineage.Node) lineage.Node {
		if s, ok := in[n]; ok {
			return s
		}
		return n
	}
	var rows []int32
	for _, e := range w.Edges {
		if f := e.Flow; stands(f.From) != f.From || stands(f.To) != f.To {
			rows = append(rows, v.of(f)...)
		}
	}
	slices.Sort(rows)
	flows := map[lineage.Flow]*memberFlow{}
	for _, i := range slices.Compact(rows) {
		x := v.accesses[i]
		g.take(v, x, stands(x.node), stands(x.far), flows)
		if x.topic == nil {
			continue
		}
		own := g.topics[x.topic.node]
		if own == nil { // accesses are filed under it, and the view's own is shared
			t := *x.topic
			t.accessesOf = accessesOf{}
			own = &t
			g.topics[t.node] = own
		}
		g.accesses[len(g.accesses)-1].topic = own
	}
	g.countUncounted(flows, v.veiled)
	g.connect()
	return g
}
