package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Class tells apart the members of a fan-out that are drawn as one from those that are not to be lost among them.
type Class uint8

// The classes.
const (
	Fine     Class = iota
	Sick           // somebody should look at it
	Doubtful       // it is not known how it goes
)

// String returns the class as it stands in a stack's id.
func (c Class) String() string { return [...]string{"fine", "sick", "unknown"}[c] }

// Fold says which fan-outs of a walk are drawn as stacks.
type Fold struct {
	Over  int                           // so many neighbours of one kind and direction are not folded
	Roots []lineage.Node                // never folded; fan-outs near them are folded first
	Alone func(lineage.Node) bool       // what else is never folded
	Open  func(stack lineage.Node) bool // stacks that are told of and not folded
	Class func(lineage.Node) Class
}

// Stack is some neighbours of one node that are of one kind, direction and class. Node stands for them: it hangs on
// nothing but what they have in common, and so is the same in the next window although one came or went.
type Stack struct {
	Node, Anchor lineage.Node
	Direction    Direction // in which the members lie, seen from the anchor
	Kind         lineage.NodeKind
	Class        Class
	Further      bool           // the members have other neighbours than the anchor
	Of           int            // all neighbours of the anchor of that kind and direction, the members among them
	Members      []lineage.Node // by name
	Open         bool           // the members are drawn one by one
}

// Fold draws as one what hangs together on one node. Members that are sick, and of which it is not known, stay apart
// from those that are fine, and are folded only where they are too many themselves; so are those that lead on to
// others, since a way through a stack says no more which member goes it. A flow from or to a stack stands for those of
// its members. No node is in two stacks, and none is left out: it is drawn, or is in a stack.
func (w *Walk) Fold(f Fold) (Walk, []Stack) {
	x := newFolder(w, f)
	for i := 0; i < len(x.anchors); i++ {
		x.fanOuts(x.anchors[i])
	}
	return x.folded(), x.stacks
}

// folder is a walk while it is folded. Nodes have their numbers in the walk.
type folder struct {
	w       *Walk
	f       Fold
	at      map[lineage.Node]int
	next    [2][][]int // by direction: neighbours up and down
	stack   []int      // of a node: the number of its stack plus one
	alone   []bool
	anchors []anchor
	stacks  []Stack
}

// anchor is one node, or a stack: all its members.
type anchor struct {
	node    lineage.Node
	members []int
}

func newFolder(w *Walk, f Fold) *folder {
	n := len(w.Nodes)
	x := &folder{w: w, f: f, at: make(map[lineage.Node]int, n), stack: make([]int, n), alone: make([]bool, n)}
	for i, node := range w.Nodes {
		x.at[node] = i
	}
	x.next[Upstream], x.next[Downstream] = make([][]int, n), make([][]int, n)
	for _, e := range w.Edges {
		from, to := x.at[e.Flow.From], x.at[e.Flow.To]
		x.next[Downstream][from] = append(x.next[Downstream][from], to)
		x.next[Upstream][to] = append(x.next[Upstream][to], from)
		if e.Flow.From.Kind == e.Flow.To.Kind { // in one stack their flow could not be drawn
			x.alone[from], x.alone[to] = true, true
		}
	}
	for i, node := range w.Nodes {
		x.alone[i] = x.alone[i] || f.Alone(node) || slices.Contains(f.Roots, node)
	}
	x.order()
	return x
}

// order lists the nodes in the order in which their fan-outs are folded: it hangs on no figure, so that the next window
// has the same. Nearer to the roots before farther, topics first, then by name.
func (x *folder) order() {
	far := make([]int, len(x.w.Nodes))
	var queue []int
	for _, n := range x.f.Roots {
		if i, ok := x.at[n]; ok && far[i] == 0 {
			far[i] = 1
			queue = append(queue, i)
		}
	}
	for k := 0; k < len(queue); k++ {
		for _, side := range x.next {
			for _, m := range side[queue[k]] {
				if far[m] == 0 {
					far[m] = far[queue[k]] + 1
					queue = append(queue, m)
				}
			}
		}
	}
	for i, n := range x.w.Nodes {
		if far[i] == 0 {
			far[i] = len(x.w.Nodes) + 1
		}
		x.anchors = append(x.anchors, anchor{n, []int{i}})
	}
	other := func(n lineage.Node) int {
		if n.Kind == lineage.TopicNode {
			return 0
		}
		return 1
	}
	slices.SortFunc(x.anchors, func(a, b anchor) int {
		return cmp.Or(cmp.Compare(far[a.members[0]], far[b.members[0]]), cmp.Compare(other(a.node), other(b.node)), compareNodes(a.node, b.node))
	})
}

// fanOuts folds what hangs on an anchor. A node that is in a stack by now is none: its stack is.
func (x *folder) fanOuts(a anchor) {
	if a.node == x.w.Nodes[a.members[0]] && x.stack[a.members[0]] != 0 {
		return
	}
	for _, d := range [...]Direction{Upstream, Downstream} {
		byKind := map[lineage.NodeKind][]int{}
		seen := map[int]bool{}
		for _, i := range a.members {
			for _, m := range x.next[d][i] {
				if !seen[m] {
					seen[m] = true
					byKind[x.w.Nodes[m].Kind] = append(byKind[x.w.Nodes[m].Kind], m)
				}
			}
		}
		for kind := lineage.NoKind; kind <= lineage.GroupNode; kind++ {
			x.fanOut(a, d, byKind[kind])
		}
	}
}

// fanOut folds neighbours of one kind in one direction, if they are too many.
func (x *folder) fanOut(a anchor, d Direction, all []int) {
	free := slices.DeleteFunc(slices.Clone(all), func(m int) bool { return x.stack[m] != 0 })
	if len(free) <= x.f.Over {
		return
	}
	slices.SortFunc(free, func(l, r int) int { return compareNodes(x.w.Nodes[l], x.w.Nodes[r]) })
	type part struct {
		class   Class
		further bool
	}
	parts := map[part][]int{}
	own := make(map[int]bool, len(a.members))
	for _, i := range a.members {
		own[i] = true
	}
	for _, m := range free {
		if !x.alone[m] {
			p := part{x.f.Class(x.w.Nodes[m]), x.further(m, own)}
			parts[p] = append(parts[p], m)
		}
	}
	for class := Fine; class <= Doubtful; class++ {
		ends, further := parts[part{class, false}], parts[part{class, true}]
		few := 1
		if class != Fine {
			few = x.f.Over
		}
		if len(ends) > few {
			x.put(a, d, class, false, len(all), ends)
		}
		if len(further) > x.f.Over {
			x.put(a, d, class, true, len(all), further)
		}
	}
}

// further reports whether a node has other neighbours than those that its anchor stands for.
func (x *folder) further(m int, own map[int]bool) bool {
	for _, side := range x.next {
		if slices.ContainsFunc(side[m], func(n int) bool { return !own[n] }) {
			return true
		}
	}
	return false
}

// put makes a stack, which is an anchor in its turn.
func (x *folder) put(a anchor, d Direction, class Class, further bool, of int, members []int) {
	s := Stack{Anchor: a.node, Direction: d, Kind: x.w.Nodes[members[0]].Kind, Class: class, Further: further, Of: of}
	scope := "stack-" + [...]string{Upstream: "upstream", Downstream: "downstream"}[d] + "-" + strings.ToLower(s.Kind.String()) + "-" + class.String()
	if further {
		scope += "-further"
	}
	s.Node = lineage.Node{Scope: scope, Kind: lineage.GroupNode, Name: a.node.ID()}
	s.Open = x.f.Open(s.Node)
	for _, m := range members {
		s.Members = append(s.Members, x.w.Nodes[m])
		if s.Open {
			x.alone[m] = true
		} else {
			x.stack[m] = len(x.stacks) + 1
		}
	}
	x.stacks = append(x.stacks, s)
	if !s.Open {
		x.anchors = append(x.anchors, anchor{s.Node, members})
	}
}

// shown returns the node that stands for one.
func (x *folder) shown(n lineage.Node) lineage.Node {
	if s := x.stack[x.at[n]]; s != 0 {
		return x.stacks[s-1].Node
	}
	return n
}

// folded returns the walk with its stacks, each where its first member was.
func (x *folder) folded() Walk {
	out := Walk{Truncated: x.w.Truncated, TotalNodes: x.w.TotalNodes}
	seen := map[lineage.Node]bool{}
	for _, n := range x.w.Nodes {
		if n = x.shown(n); !seen[n] {
			seen[n] = true
			out.Nodes = append(out.Nodes, n)
		}
	}
	for _, e := range x.w.Edges {
		e.Flow = lineage.Flow{From: x.shown(e.Flow.From), To: x.shown(e.Flow.To)}
		out.Edges = append(out.Edges, e)
	}
	slices.SortStableFunc(out.Edges, func(a, b Edge) int {
		return cmp.Or(compareNodes(a.Flow.From, b.Flow.From), compareNodes(a.Flow.To, b.Flow.To))
	})
	out.Edges = add(out.Edges)
	at := map[lineage.Node]int{}
	for _, h := range x.w.Hidden {
		h.Node = x.shown(h.Node)
		if i, ok := at[h.Node]; ok {
			out.Hidden[i].Upstream += h.Upstream
			out.Hidden[i].Downstream += h.Downstream
			continue
		}
		at[h.Node] = len(out.Hidden)
		out.Hidden = append(out.Hidden, h)
	}
	return out
}

// add makes one of the edges of one flow, each of other accesses. Those of one flow are neighbours.
func add(all []Edge) []Edge {
	out := all[:0]
	for _, e := range all {
		n := len(out)
		if n == 0 || out[n-1].Flow != e.Flow {
			out = append(out, e)
			continue
		}
		into := &out[n-1]
		if e.State.rank() > into.State.rank() {
			into.State = e.State
		}
		into.Weight += e.Weight
		into.Accesses = append(into.Accesses, e.Accesses...) // a copy: what a snapshot has has no room
	}
	for i := range out {
		if !slices.IsSorted(out[i].Accesses) {
			slices.Sort(out[i].Accesses)
		}
	}
	return out
}
