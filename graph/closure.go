package graph

import (
	"iter"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Closure is all that lies upstream or downstream of some nodes, whatever the distance. It holds numbers: names and
// flows are made where they are shown. It may be used from any number of goroutines.
type Closure struct {
	s      *Snapshot
	found  reach
	len    int
	strays []lineage.Node // roots that have no flow in the snapshot
}

// Closure returns the roots and all that is upstream or downstream of them; of Both the union of the two. It costs what
// a search over numbers costs.
func (s *Snapshot) Closure(roots []lineage.Node, d Direction) *Closure {
	c := &Closure{s: s}
	var from []uint32
	asked := make(map[lineage.Node]bool, len(roots))
	for _, n := range roots {
		if asked[n] {
			continue
		}
		asked[n] = true
		if v, ok := s.vertex(n); ok {
			for w := v; w < s.end(v); w++ {
				from = append(from, w)
			}
		} else {
			c.strays = append(c.strays, n)
		}
	}
	switch d {
	case Upstream:
		c.found = walk(len(s.numbers), s.inOff, s.inFrom, from, -1)
	case Downstream:
		c.found = walk(len(s.numbers), s.outOff, s.outTo, from, -1)
	case Both:
		c.found = walk(len(s.numbers), s.inOff, s.inFrom, from, -1)
		down := walk(len(s.numbers), s.outOff, s.outTo, from, -1)
		for _, v := range down.queue {
			if !c.found.seen.has(v) {
				c.found.seen.add(v)
				c.found.queue = append(c.found.queue, v)
			}
		}
	}
	c.len = len(c.strays) + len(c.found.queue)
	if s.lead != nil {
		c.len = len(c.strays) + s.count(&c.found, &reach{})
	}
	return c
}

// Len returns the number of nodes, roots included.
func (c *Closure) Len() int { return c.len }

// Has reports whether a node is in it.
func (c *Closure) Has(n lineage.Node) bool {
	v, ok := c.s.vertex(n)
	if !ok {
		return slices.Contains(c.strays, n)
	}
	for w := v; w < c.s.end(v); w++ {
		if c.found.seen.has(w) {
			return true
		}
	}
	return false
}

// Nodes walks the nodes, those nearer to a root first; of Both first all that is upstream.
func (c *Closure) Nodes() iter.Seq[lineage.Node] {
	return func(yield func(lineage.Node) bool) {
		for _, n := range c.strays {
			if !yield(n) {
				return
			}
		}
		var told bitset // where a node may have several vertices
		if c.s.lead != nil {
			told = newBitset(len(c.s.numbers))
		}
		for _, v := range c.found.queue {
			if told != nil {
				if v = c.s.first(v); told.has(v) {
					continue
				}
				told.add(v)
			}
			if !yield(c.s.node(v)) {
				return
			}
		}
	}
}

// Kinds returns how many of the nodes are of each kind.
func (c *Closure) Kinds() map[lineage.NodeKind]int {
	out := map[lineage.NodeKind]int{}
	for n := range c.Nodes() {
		out[n.Kind]++
	}
	return out
}

// Page returns at most so many of the nodes, in the package's order of nodes, that come after one, which need not be
// among them; nil: from the first. It costs what the page has, and the search for where it begins.
func (c *Closure) Page(after *lineage.Node, most int) []lineage.Node {
	s := c.s
	strays, from := slices.Clone(c.strays), 0
	slices.SortFunc(strays, compareNodes)
	if after != nil {
		strays = slices.DeleteFunc(strays, func(n lineage.Node) bool { return compareNodes(n, *after) <= 0 })
		from, _ = slices.BinarySearchFunc(s.numbers, *after, func(x uint32, n lineage.Node) int {
			if compareNodes(s.names[x].node, n) <= 0 {
				return -1
			}
			return 1
		})
	}
	var out []lineage.Node
	for v := range c.found.seen.from(uint32(from)) {
		n := s.node(v)
		for len(strays) > 0 && len(out) < most && compareNodes(strays[0], n) < 0 {
			out, strays = append(out, strays[0]), strays[1:]
		}
		if len(out) == most {
			return out
		}
		if len(out) == 0 || out[len(out)-1] != n { // by its first lane
			out = append(out, n)
		}
	}
	return append(out, strays[:min(len(strays), most-len(out))]...)
}

// Between returns the accesses of the flows that lie on a walk from one node to another, in whatever order of time,
// each once.
func (s *Snapshot) Between(from, to lineage.Node) (out []AccessID) {
	down, up := s.Closure([]lineage.Node{from}, Downstream), s.Closure([]lineage.Node{to}, Upstream)
	listed := map[AccessID]bool{} // an access may be in several lanes
	for _, v := range down.found.queue {
		if !up.found.seen.has(v) {
			continue
		}
		for e := s.outOff[v]; e < s.outOff[v+1]; e++ {
			if !up.found.seen.has(s.outTo[e]) {
				continue
			}
			for _, id := range s.access[s.accOff[e]:s.accOff[e+1]] {
				if !listed[id] {
					listed[id] = true
					out = append(out, id)
				}
			}
		}
	}
	return out
}
