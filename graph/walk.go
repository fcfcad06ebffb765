package graph

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// bitset holds node numbers.
type bitset []uint64

func newBitset(n int) bitset       { return make(bitset, (n+63)/64) }
func (b bitset) has(i uint32) bool { return b[i>>6]&(1<<(i&63)) != 0 }
func (b bitset) add(i uint32)      { b[i>>6] |= 1 << (i & 63) }

// from walks what is held from a number on, by number.
func (b bitset) from(i uint32) iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for w := int(i >> 6); w < len(b); w++ {
			word := b[w]
			if w == int(i>>6) {
				word &= ^uint64(0) << (i & 63)
			}
			for ; word != 0; word &= word - 1 {
				if !yield(uint32(w<<6 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

// reach is what one walk in one direction finds: nodes by distance, levels[d]:levels[d+1] those at distance d.
type reach struct {
	seen   bitset // nil: the query does not walk this way
	queue  []uint32
	levels []int
}

func (r *reach) level(d int) []uint32 {
	if d+1 >= len(r.levels) {
		return nil
	}
	return r.queue[r.levels[d]:r.levels[d+1]]
}

// walk is a breadth-first search over one direction's adjacency. Cycles end, since a node is queued once.
func walk(nodes int, off, neighbour, roots []uint32, depth int) reach {
	r := reach{seen: newBitset(nodes), queue: make([]uint32, 0, len(roots)), levels: []int{0}}
	for _, n := range roots {
		r.seen.add(n)
		r.queue = append(r.queue, n)
	}
	seen, queue, start := r.seen, r.queue, 0
	for d := 0; start < len(queue); d++ {
		end := len(queue)
		r.levels = append(r.levels, end)
		if d == depth {
			break
		}
		for ; start < end; start++ {
			n := queue[start]
			for _, m := range neighbour[off[n]:off[n+1]] {
				w, bit := m>>6, uint64(1)<<(m&63)
				if seen[w]&bit == 0 {
					seen[w] |= bit
					queue = append(queue, m)
				}
			}
		}
	}
	r.queue = queue
	return r
}

// Walk answers q. What the limit cuts is the end of Walk.Nodes as it would be without a limit: so nearer nodes stay
// before farther ones, and within a distance those stay whose flows from the nearer nodes are active, then unknown,
// then inactive, then heavier, then first by name.
func (s *Snapshot) Walk(q Query) Walk {
	var known, roots []uint32 // the roots that have flows: the nodes, and all their vertices
	var out Walk
	asked := make(map[lineage.Node]bool, len(q.Roots))
	for _, n := range q.Roots {
		if asked[n] {
			continue
		}
		asked[n] = true
		out.Nodes = append(out.Nodes, n)
		if i, ok := s.vertex(n); ok {
			known = append(known, i)
			for v := i; v < s.end(i); v++ {
				roots = append(roots, v)
			}
		}
	}
	strangers := len(out.Nodes) - len(known)

	var up, down reach
	if q.Direction != Downstream {
		up = walk(len(s.numbers), s.inOff, s.inFrom, roots, q.Depth)
	}
	if q.Direction != Upstream {
		down = walk(len(s.numbers), s.outOff, s.outTo, roots, q.Depth)
	}
	out.TotalNodes = strangers + s.count(&up, &down)
	budget := out.TotalNodes - len(out.Nodes)
	if q.Limit > 0 {
		budget = min(budget, max(0, q.Limit-len(out.Nodes)))
	}
	p := picker{s: s, up: &up, down: &down, shown: newBitset(len(s.numbers))}
	for _, n := range known {
		p.shown.add(n)
	}
	others := p.pick(budget)
	for _, n := range others {
		out.Nodes = append(out.Nodes, s.node(n))
	}
	x := s.expand(q.Expand, p.shown)
	if len(x.nodes) > 0 {
		found := s.firsts(&up, &down)
		for _, n := range x.nodes {
			if !found.has(n) {
				out.TotalNodes++
			}
			out.Nodes = append(out.Nodes, s.node(n))
		}
	}
	out.Truncated = len(out.Nodes) < out.TotalNodes
	s.finish(&out, append(append(known, others...), x.nodes...), p.shown, func(from, to uint32) bool {
		return down.seen != nil && down.seen.has(from) || up.seen != nil && up.seen.has(to) || x.has[s.first(from)] || x.has[s.first(to)]
	})
	return out
}

// expanded is what is shown beyond a walk: nodes, of each that was expanded by importance.
type expanded struct {
	nodes []uint32
	has   map[uint32]bool
}

// expand shows the hidden neighbours of nodes that are shown.
func (s *Snapshot) expand(of []Expand, shown bitset) expanded {
	out := expanded{has: map[uint32]bool{}}
	for _, x := range of {
		n, ok := s.vertex(x.Node)
		if !ok || !shown.has(n) {
			continue
		}
		at := map[uint32]int{}
		var found []candidate
		add := func(m, e uint32) {
			if m = s.first(m); shown.has(m) {
				return
			}
			if at[m] == 0 {
				found = append(found, candidate{node: m})
				at[m] = len(found)
			}
			c := &found[at[m]-1]
			c.weight += s.weight[e]
			if s.state[e].rank() > c.state.rank() {
				c.state = s.state[e]
			}
		}
		end := s.end(n)
		if x.Direction != Downstream {
			for i := s.inOff[n]; i < s.inOff[end]; i++ {
				add(s.inFrom[i], s.inEdge[i])
			}
		}
		if x.Direction != Upstream {
			for e := s.outOff[n]; e < s.outOff[end]; e++ {
				add(s.outTo[e], e)
			}
		}
		for _, c := range mostImportant(found, min(len(found), mostExpanded), compareCandidates) {
			shown.add(c.node)
			out.nodes = append(out.nodes, c.node)
			out.has[c.node] = true
		}
	}
	return out
}

// firsts returns the nodes that two walks have found together, each by its first vertex.
func (s *Snapshot) firsts(up, down *reach) bitset {
	found := newBitset(len(s.numbers))
	for _, r := range [...]*reach{up, down} {
		for _, v := range r.queue {
			found.add(s.first(v))
		}
	}
	return found
}

// count returns how many nodes two walks have found together.
func (s *Snapshot) count(up, down *reach) (n int) {
	found := newBitset(len(s.numbers))
	for _, r := range [...]*reach{up, down} {
		for _, v := range r.queue {
			if f := s.first(v); !found.has(f) {
				found.add(f)
				n++
			}
		}
	}
	return n
}

// picker chooses the nodes to show, distance by distance.
type picker struct {
	s        *Snapshot
	up, down *reach
	shown    bitset
	slot     []uint32 // of a candidate: its place in the level's candidates plus one
}

type candidate struct {
	node   uint32
	state  State
	weight float64
}

// pick returns budget nodes beside the roots, by distance and importance, and adds them to shown. There must be as
// many.
func (p *picker) pick(budget int) []uint32 {
	picked := make([]uint32, 0, budget)
	for d := 1; len(picked) < budget; d++ {
		for _, c := range mostImportant(p.level(d), budget-len(picked), compareCandidates) {
			p.shown.add(c.node)
			picked = append(picked, c.node)
		}
	}
	return picked
}

// level returns the nodes at distance d that are not nearer by the other way, with the flows' importance by which the
// walk comes to them.
//
// A flow from a node at distance d-1 of one way to a candidate always counts: were the candidate nearer by that way, it
// would be shown already.
func (p *picker) level(d int) []candidate {
	if p.slot == nil {
		p.slot = make([]uint32, len(p.s.numbers))
	}
	var found []candidate
	for _, r := range []*reach{p.up, p.down} {
		for _, n := range r.level(d) {
			if n = p.s.first(n); !p.shown.has(n) && p.slot[n] == 0 {
				found = append(found, candidate{node: n})
				p.slot[n] = uint32(len(found))
			}
		}
	}
	add := func(n, edge uint32) {
		if k := p.slot[p.s.first(n)]; k != 0 {
			c := &found[k-1]
			c.weight += p.s.weight[edge]
			if st := p.s.state[edge]; st.rank() > c.state.rank() {
				c.state = st
			}
		}
	}
	for _, n := range p.up.level(d - 1) {
		for i := p.s.inOff[n]; i < p.s.inOff[n+1]; i++ {
			add(p.s.inFrom[i], p.s.inEdge[i])
		}
	}
	for _, n := range p.down.level(d - 1) {
		for e := p.s.outOff[n]; e < p.s.outOff[n+1]; e++ {
			add(p.s.outTo[e], e)
		}
	}
	for _, c := range found {
		p.slot[c.node] = 0
	}
	return found
}

func compareCandidates(a, b candidate) int {
	return cmp.Or(cmp.Compare(b.state.rank(), a.state.rank()), cmp.Compare(b.weight, a.weight), cmp.Compare(a.node, b.node))
}

// mostImportant sorts the first k by the total order compare to the front and returns them. It keeps a heap of k when k
// is small, since the level that the limit cuts may be the whole estate.
func mostImportant(c []candidate, k int, compare func(a, b candidate) int) []candidate {
	if k < len(c) {
		down := func(i int) {
			for {
				m := 2*i + 1
				if m >= k {
					return
				}
				if m+1 < k && compare(c[m+1], c[m]) > 0 {
					m++
				}
				if compare(c[m], c[i]) <= 0 {
					return
				}
				c[i], c[m] = c[m], c[i]
				i = m
			}
		}
		for i := k/2 - 1; i >= 0; i-- {
			down(i)
		}
		for i := k; i < len(c) && k > 0; i++ {
			if compare(c[i], c[0]) < 0 {
				c[0] = c[i]
				down(0)
			}
		}
		c = c[:k]
	}
	slices.SortFunc(c, compare)
	return c
}

// hidden counts the nodes of some vertices that are not shown, each once.
func (s *Snapshot) hidden(vertices []uint32, shown bitset) (n int) {
	var counted map[uint32]bool // where a node may have several of the vertices
	if s.lead != nil {
		counted = map[uint32]bool{}
	}
	for _, m := range vertices {
		f := s.first(m)
		if shown.has(f) || counted[f] {
			continue
		}
		if counted != nil {
			counted[f] = true
		}
		n++
	}
	return n
}

// All returns everything. Above limit (0 or negative: none) the least important nodes are cut: those with the least
// weight of flows in and out, then inactive before unknown before active, then the last by name. Nodes come by
// importance, and those that expand shows beyond the limit after them.
func (s *Snapshot) All(limit int, expand ...Expand) Walk {
	if limit <= 0 || limit > s.NodeCount() {
		limit = s.NodeCount()
	}
	nodes := make([]candidate, len(s.numbers))
	for n := range nodes {
		nodes[n].node = uint32(n)
	}
	for n := range nodes {
		for e := s.outOff[n]; e < s.outOff[n+1]; e++ {
			for _, c := range [2]*candidate{&nodes[s.first(uint32(n))], &nodes[s.first(s.outTo[e])]} {
				c.weight += s.weight[e]
				if s.state[e].rank() > c.state.rank() {
					c.state = s.state[e]
				}
			}
		}
	}
	nodes = slices.DeleteFunc(nodes, func(c candidate) bool { return s.first(c.node) != c.node })
	nodes = mostImportant(nodes, limit, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(b.state.rank(), a.state.rank()), cmp.Compare(a.node, b.node))
	})
	out := Walk{TotalNodes: s.NodeCount()}
	numbers, shown := make([]uint32, 0, limit), newBitset(len(s.numbers))
	for _, c := range nodes {
		out.Nodes = append(out.Nodes, s.node(c.node))
		numbers = append(numbers, c.node)
		shown.add(c.node)
	}
	for _, n := range s.expand(expand, shown).nodes {
		out.Nodes = append(out.Nodes, s.node(n))
		numbers = append(numbers, n)
	}
	out.Truncated = len(out.Nodes) < out.TotalNodes
	s.finish(&out, numbers, shown, func(uint32, uint32) bool { return true })
	return out
}

// finish adds the edges among the nodes shown for which on holds, and counts the neighbours that are not shown. nodes
// and shown hold nodes by their first vertex; on is asked for vertices.
func (s *Snapshot) finish(out *Walk, nodes []uint32, shown bitset, on func(from, to uint32) bool) {
	for _, n := range nodes {
		h := Hidden{Node: s.node(n)}
		end := s.end(n)
		h.Upstream = s.hidden(s.inFrom[s.inOff[n]:s.inOff[end]], shown)
		h.Downstream = s.hidden(s.outTo[s.outOff[n]:s.outOff[end]], shown)
		if h.Upstream+h.Downstream > 0 {
			out.Hidden = append(out.Hidden, h)
		}
	}
	nodes = slices.Sorted(slices.Values(nodes))
	count := 0
	each := func(do func(from, e uint32)) {
		for _, n := range nodes {
			end := s.end(n)
			for v := n; v < end; v++ {
				for e := s.outOff[v]; e < s.outOff[v+1]; e++ {
					if to := s.outTo[e]; shown.has(s.first(to)) && on(v, to) {
						do(v, e)
					}
				}
			}
		}
	}
	each(func(uint32, uint32) { count++ })
	if count == 0 {
		return
	}
	out.Edges = make([]Edge, 0, count) // edges are large: growing would copy them about
	each(func(from, e uint32) { out.Edges = append(out.Edges, s.edge(from, e)) })
	if s.lead != nil { // lanes came one after another
		slices.SortStableFunc(out.Edges, func(a, b Edge) int {
			return cmp.Or(compareNodes(a.Flow.From, b.Flow.From), compareNodes(a.Flow.To, b.Flow.To))
		})
		out.Edges = merge(out.Edges)
	}
}
