package graph

import (
	"container/heap"
	"context"

	"github.com/lineaged/lineaged/lineage"
)

// Arrivals asks how long it takes from some nodes to all that lies downstream of them.
type Arrivals struct {
	Roots []lineage.Node
	// Took returns how many seconds a flow takes, not less than 0; ok is false where that is not measured. It is asked
	// once for each edge.
	Took func(Edge) (seconds float64, ok bool)
	// Measured returns nodes since which it is measured how long it takes to n, whatever lies between, and how long.
	Measured func(n lineage.Node) map[lineage.Node]float64
}

// Arrival is a node downstream, and the way that can be the soonest: on which what is not measured counts as nothing.
type Arrival struct {
	Node    lineage.Node
	Hops    int
	Through lineage.Flow // its last hop
	// AtLeast is how many seconds the way takes by what is measured of it; Exact: all of it is. All other ways take at
	// least as long.
	AtLeast float64
	Exact   bool
}

// Arrivals answers q, each node downstream of the roots once, and no root, in no order that means anything. Lanes are
// kept apart. It returns ctx's error when that ends.
func (s *Snapshot) Arrivals(ctx context.Context, q Arrivals) ([]Arrival, error) {
	w := &arriving{s: s, q: &q, roots: newBitset(len(s.numbers)), best: make([]arrival, len(s.numbers))}
	for _, n := range q.Roots {
		if from, ok := s.vertex(n); ok {
			for v := from; v < s.end(from); v++ {
				w.roots.add(v)
			}
		}
	}
	if err := w.search(ctx); err != nil {
		return nil, err
	}
	return w.answer(), nil
}

// arrival is how a vertex is reached best so far.
type arrival struct {
	seconds       float64
	hops          int32
	from          uint32
	exact         bool
	reached, done bool
}

// before reports whether a arrives before b; of two that can arrive at once the one that is known to.
func (a *arrival) before(b *arrival) bool {
	switch {
	case !b.reached:
		return true
	case a.seconds != b.seconds:
		return a.seconds < b.seconds
	case a.exact != b.exact:
		return a.exact
	}
	return a.hops < b.hops
}

type arriving struct {
	s     *Snapshot
	q     *Arrivals
	roots bitset
	best  []arrival // by vertex
	open  arrivalHeap
	all   []uint32 // but the roots', in the order in which they were reached
}

// search is Dijkstra's.
func (w *arriving) search(ctx context.Context) error {
	for v := range w.roots.from(0) {
		w.best[v] = arrival{exact: true, reached: true}
		heap.Push(&w.open, arriveAt{v, w.best[v]})
	}
	for steps := 0; len(w.open) > 0; steps++ {
		if steps%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		at := heap.Pop(&w.open).(arriveAt)
		if w.best[at.vertex].done {
			continue
		}
		w.best[at.vertex].done = true
		if !w.roots.has(at.vertex) {
			w.all = append(w.all, at.vertex)
		}
		w.leave(at)
	}
	return nil
}

// leave goes by all edges of a vertex.
func (w *arriving) leave(at arriveAt) {
	v := at.vertex
	for e := w.s.outOff[v]; e < w.s.outOff[v+1]; e++ {
		to := w.s.outTo[e]
		if w.best[to].done || w.roots.has(to) {
			continue
		}
		x := arrival{seconds: at.seconds, exact: at.exact, hops: at.hops + 1, from: v, reached: true}
		if seconds, ok := w.q.Took(w.s.edge(v, e)); ok {
			x.seconds += max(0, seconds)
		} else {
			x.exact = false
			w.measure(&x, to)
		}
		if x.before(&w.best[to]) {
			w.best[to] = x
			heap.Push(&w.open, arriveAt{to, x})
		}
	}
}

// measure takes what is measured over several hops for the last of a way, if it is from a node of that way on. Nothing
// arrives before what it comes through.
func (w *arriving) measure(x *arrival, to uint32) {
	since := w.q.Measured(w.s.node(to))
	if len(since) == 0 {
		return
	}
	for v := x.from; ; v = w.best[v].from {
		if seconds, ok := since[w.s.node(v)]; ok {
			whole := w.best[v].seconds + seconds
			// Where its hops alone take longer than what was measured over it, what is left of it is not known.
			x.seconds, x.exact = max(x.seconds, whole), w.best[v].exact && whole >= x.seconds
			return
		}
		if w.roots.has(v) {
			return
		}
	}
}

// answer makes one of the vertices of each node.
func (w *arriving) answer() []Arrival {
	told := newBitset(len(w.s.numbers))
	out := make([]Arrival, 0, len(w.all))
	for _, v := range w.all {
		b := w.best[v]
		first := w.s.first(v)
		if told.has(first) { // by another lane, and no sooner: they are reached in order
			continue
		}
		told.add(first)
		out = append(out, Arrival{
			Node: w.s.node(v), Through: lineage.Flow{From: w.s.node(b.from), To: w.s.node(v)}, Hops: int(b.hops), AtLeast: b.seconds, Exact: b.exact,
		})
	}
	return out
}

type arriveAt struct {
	vertex uint32
	arrival
}

// arrivalHeap is a heap of vertices by when they are reached.
type arrivalHeap []arriveAt

func (h arrivalHeap) Len() int      { return len(h) }
func (h arrivalHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h arrivalHeap) Less(i, j int) bool {
	a, b := &h[i], &h[j]
	if a.before(&b.arrival) != b.before(&a.arrival) {
		return a.before(&b.arrival)
	}
	return a.vertex < b.vertex
}

// Push is for package heap.
func (h *arrivalHeap) Push(x any) { *h = append(*h, x.(arriveAt)) }

// Pop is for package heap.
func (h *arrivalHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}
