// Package graph is the lineage graph of one window: nodes, the flows between them, and walks up and down.
//
// It takes accesses whose nodes are already resolved and gives an immutable Snapshot that may be shared. It hides how
// the graph is kept: dense node numbers and compressed adjacency in both directions. It refuses to know a clock, a
// store or a name's rules: the same accesses give the same Snapshot, in whatever order they come, and the same question
// the same answer.
//
// Nodes are ordered by name, then kind, then scope; wherever importance leaves a tie, that order decides.
package graph

import (
	"cmp"
	"iter"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// State says whether something moved in the window. Inactive and Unknown are different answers.
type State uint8

// The states.
const (
	Inactive State = iota // nothing moved in the window
	Active                // a record moved in the window
	Unknown               // that part of the window was not observed, or is still pending
)

// String returns the state in words.
func (s State) String() string { return [...]string{"inactive", "active", "unknown"}[s] }

// rank orders states by importance: active, unknown, inactive.
func (s State) rank() int { return [...]int{0, 2, 1}[s] }

// AccessID names an access among those that a Snapshot is built of, as the caller numbers them.
type AccessID int32

// Access is one client's reading or writing of one topic, resolved to the two nodes that it joins.
type Access struct {
	ID       AccessID
	From, To lineage.Node // as records move
	State    State
	Weight   float64 // importance, e.g. records moved in the window; NaN and less than zero count as zero
	// FromLane and ToLane tell apart what a node keeps apart, as a replicator does the topics that it copies: a walk
	// that comes in by a lane goes out by the same lane only. A node whose lanes are all empty has one. All accesses of
	// one flow bear the same.
	FromLane, ToLane string
}

// Edge is a flow with the accesses that make it up.
type Edge struct {
	Flow     lineage.Flow
	State    State      // Active if any access is, else Unknown if any is, else Inactive
	Weight   float64    // the sum over the accesses
	Accesses []AccessID // sorted, each once; shared with the Snapshot: read only
}

// Direction is the way that a walk takes from its roots.
type Direction uint8

// The directions. Both is the union of a walk up and a walk down; it never turns round on the way.
const (
	Upstream Direction = iota
	Downstream
	Both
)

// Query asks for what lies upstream or downstream of some nodes.
type Query struct {
	Roots     []lineage.Node // always shown, also those that the Snapshot does not have
	Direction Direction
	Depth     int // hops from the nearest root; 0: the roots alone; negative: no bound
	Limit     int // nodes to show, roots included; 0 or negative: no bound
	// Expand are the nodes of which the neighbours on one side are shown too, one after the other: what is shown by one
	// can be the next. They come beyond Depth, Direction and Limit, with all their flows to what is shown.
	Expand []Expand
}

// Expand asks for the hidden neighbours of a node that is shown. More than a hundred are cut to the most important.
type Expand struct {
	Node      lineage.Node
	Direction Direction
}

// mostExpanded bounds the neighbours of one node that are shown at once.
const mostExpanded = 100

// Hidden counts the direct neighbours of a shown node that are not shown, whatever hid them: the limit, the depth or
// the direction.
type Hidden struct {
	Node                 lineage.Node
	Upstream, Downstream int
}

// Walk is the answer to a Query. The caller owns its slices, but for Edge.Accesses.
type Walk struct {
	// Nodes holds the roots in the order asked, then the others: nearer before farther, the more important first within
	// a distance.
	Nodes []lineage.Node
	// Edges holds the flows among Nodes that lie on a walk from the roots, by the nodes' order, from end first. The
	// depth bounds the nodes: no such flow between two nodes shown is left out.
	Edges []Edge
	// Hidden holds, in the order of Nodes, those of which a neighbour is hidden.
	Hidden     []Hidden
	Truncated  bool // the limit cut nodes
	TotalNodes int  // before the limit cut
}

// Snapshot is the graph of one window. It never changes and may be used from any number of goroutines.
type Snapshot struct {
	window lineage.Window

	// Vertices are numbered by compareNodes, then lane: a node with several lanes has as many vertices, one after
	// another, and stands for them by the first. names are the roll's, which all windows share.
	names    []vertex
	numbers  []uint32 // on the roll, by vertex
	distinct int      // how many nodes there are
	lead     []uint32 // of a vertex: the first of its node; nil: no node has more than one

	// Edges are numbered by from, then to: edge e runs from the n with outOff[n] <= e < outOff[n+1] to outTo[e].
	outOff, outTo []uint32
	// The edges into n are inEdge[inOff[n]:inOff[n+1]], by from, which inFrom repeats so that a walk up touches one
	// array.
	inOff, inFrom, inEdge []uint32

	state  []State
	weight []float64
	accOff []uint32 // of edge e: accesses[accOff[e]:accOff[e+1]]
	access []AccessID
}

// Window returns the window that the snapshot was built for.
func (s *Snapshot) Window() lineage.Window { return s.window }

// Has reports whether n has a flow in the snapshot.
func (s *Snapshot) Has(n lineage.Node) bool { _, ok := s.vertex(n); return ok }

// NodeCount returns the number of nodes that have a flow.
func (s *Snapshot) NodeCount() int { return s.distinct }

// EdgeCount returns the number of flows.
func (s *Snapshot) EdgeCount() int { return len(s.outTo) }

// node returns the node of a vertex.
func (s *Snapshot) node(v uint32) lineage.Node { return s.names[s.numbers[v]].node }

// vertex returns the first vertex of a node; ok is false when the snapshot does not have it.
func (s *Snapshot) vertex(n lineage.Node) (v uint32, ok bool) {
	i, ok := slices.BinarySearchFunc(s.numbers, n, func(x uint32, n lineage.Node) int { return compareNodes(s.names[x].node, n) })
	return uint32(i), ok
}

// first returns the vertex that stands for the node of a vertex.
func (s *Snapshot) first(v uint32) uint32 {
	if s.lead == nil {
		return v
	}
	return s.lead[v]
}

// end returns the vertex after the last one of the node of v.
func (s *Snapshot) end(v uint32) uint32 {
	e := v + 1
	for s.lead != nil && e < uint32(len(s.lead)) && s.lead[e] == s.lead[v] {
		e++
	}
	return e
}

// Nodes walks the nodes that have a flow, in the package's order of nodes.
func (s *Snapshot) Nodes() iter.Seq[lineage.Node] {
	return func(yield func(lineage.Node) bool) {
		for v := range uint32(len(s.numbers)) {
			if s.first(v) == v && !yield(s.node(v)) {
				return
			}
		}
	}
}

// Edges walks all flows by the order of their From nodes, then of their To nodes.
func (s *Snapshot) Edges() iter.Seq[Edge] {
	return func(yield func(Edge) bool) {
		for n := range s.Nodes() {
			for e := range s.Out(n) {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// Edge returns the flow f; ok is false when the snapshot does not have it.
func (s *Snapshot) Edge(f lineage.Flow) (e Edge, ok bool) {
	for e := range s.Out(f.From) {
		if e.Flow == f {
			return e, true
		}
	}
	return Edge{}, false
}

// In walks the flows into n, by the order of their From nodes.
func (s *Snapshot) In(n lineage.Node) iter.Seq[Edge] {
	return s.around(n, func(v uint32, all []Edge) []Edge {
		for i := s.inOff[v]; i < s.inOff[v+1]; i++ {
			all = append(all, s.edge(s.inFrom[i], s.inEdge[i]))
		}
		return all
	}, func(a, b Edge) int { return compareNodes(a.Flow.From, b.Flow.From) })
}

// Out walks the flows out of n, by the order of their To nodes.
func (s *Snapshot) Out(n lineage.Node) iter.Seq[Edge] {
	return s.around(n, func(v uint32, all []Edge) []Edge {
		for e := s.outOff[v]; e < s.outOff[v+1]; e++ {
			all = append(all, s.edge(v, e))
		}
		return all
	}, func(a, b Edge) int { return compareNodes(a.Flow.To, b.Flow.To) })
}

// around walks what add collects of n's vertices, in order.
func (s *Snapshot) around(n lineage.Node, add func(v uint32, all []Edge) []Edge, compare func(a, b Edge) int) iter.Seq[Edge] {
	return func(yield func(Edge) bool) {
		v, ok := s.vertex(n)
		if !ok {
			return
		}
		var all []Edge
		end := s.end(v)
		for w := v; w < end; w++ {
			all = add(w, all)
		}
		if s.lead != nil {
			slices.SortStableFunc(all, compare)
			all = merge(all)
		}
		for _, e := range all {
			if !yield(e) {
				return
			}
		}
	}
}

// merge makes one of the edges of one flow, which may go by several lanes and have the same accesses in each. Those of
// one flow are neighbours.
func merge(all []Edge) []Edge {
	out := all[:0]
	for _, e := range all {
		if n := len(out); n == 0 || out[n-1].Flow != e.Flow {
			out = append(out, e)
			continue
		}
		into := &out[len(out)-1]
		if e.State.rank() > into.State.rank() {
			into.State = e.State
		}
		into.Weight = max(into.Weight, e.Weight)
		for _, id := range e.Accesses {
			if !slices.Contains(into.Accesses, id) {
				into.Accesses = append(into.Accesses, id) // a copy: what edge returns has no room
			}
		}
	}
	return out
}

func (s *Snapshot) edge(from, e uint32) Edge {
	a, b := s.accOff[e], s.accOff[e+1]
	return Edge{
		Flow:     lineage.Flow{From: s.node(from), To: s.node(s.outTo[e])},
		State:    s.state[e],
		Weight:   s.weight[e],
		Accesses: s.access[a:b:b],
	}
}

func compareNodes(a, b lineage.Node) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Scope, b.Scope))
}
