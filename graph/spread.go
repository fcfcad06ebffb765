package graph

import (
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// A tag spreads along flows, from a node that bears it to all that is downstream of it. A node that stops it does not
// pass it on: what it holds has it no more. A program that stops it still reads what has it, so it comes as far as
// that; data that stops it does not have it.

// holds reports whether a node is data, and not a program.
func holds(n lineage.Node) bool {
	return n.Kind == lineage.TopicNode || n.Kind == lineage.DatasetNode
}

// Spreading is whom a tag reaches that some nodes bear, and by which way.
type Spreading struct {
	s       *Snapshot
	reached bitset
	// from is from which vertex one was reached, of those that are reached and do not bear it; of all others noVertex.
	from []uint32
}

// noVertex is none: there are never so many.
const noVertex = ^uint32(0)

// Spread follows a tag from some nodes that bear it, whatever the distance. It costs what a search over numbers costs.
func (s *Snapshot) Spread(bearers []lineage.Node, stops func(lineage.Node) bool) *Spreading {
	out := &Spreading{s, newBitset(len(s.numbers)), slices.Repeat([]uint32{noVertex}, len(s.numbers))}
	queued := newBitset(len(s.numbers))
	var queue []uint32
	enter := func(v uint32) {
		if !queued.has(v) {
			queued.add(v)
			queue = append(queue, v)
		}
	}
	for _, n := range bearers {
		if v, ok := s.vertex(n); ok && !stops(n) {
			for w := v; w < s.end(v); w++ {
				enter(w)
			}
		}
	}
	for i := 0; i < len(queue); i++ {
		for _, m := range s.outTo[s.outOff[queue[i]]:s.outOff[queue[i]+1]] {
			if out.reached.has(m) {
				continue
			}
			stopped := stops(s.node(m))
			if stopped && holds(s.node(m)) {
				continue
			}
			if out.reached.add(m); !queued.has(m) {
				out.from[m] = queue[i]
			}
			if !stopped {
				enter(m)
			}
		}
	}
	return out
}

// Nodes returns whom the tag reaches, in the package's order of nodes. One that bears it is among them where it is
// reached from another.
func (p *Spreading) Nodes() (out []lineage.Node) {
	for v := range p.reached.from(0) {
		if n := p.s.node(v); len(out) == 0 || out[len(out)-1] != n { // by its first lane
			out = append(out, n)
		}
	}
	return out
}

// Way returns the nodes by which the tag reaches a node that does not bear it, from one that does, which is the first,
// on a way with the fewest flows; of several the one that was found first, which is the same for the same bearers in
// the same order. nil: it does not reach it. What bears the tag is not to be asked for.
func (p *Spreading) Way(n lineage.Node) (out []lineage.Node) {
	v, ok := p.s.vertex(n)
	if !ok {
		return nil
	}
	for w := v; w < p.s.end(v); w++ { // by the lane with the shortest way
		if p.from[w] == noVertex {
			continue
		}
		way := []lineage.Node{n}
		for at := p.from[w]; at != noVertex; at = p.from[at] {
			way = append(way, p.s.node(at))
		}
		if out == nil || len(way) < len(out) {
			out = way
		}
	}
	slices.Reverse(out)
	return slices.Clip(out)
}

// SpreadTo returns the nodes by which a tag reaches a node from one that bears it, which is the first, on a way with
// the fewest flows; of several the one that is found first, which is always the same. nil: it does not reach it.
func (s *Snapshot) SpreadTo(n lineage.Node, bears, stops func(lineage.Node) bool) []lineage.Node {
	to, ok := s.vertex(n)
	if !ok || holds(n) && stops(n) {
		return nil
	}
	// next is the place in the queue of the vertex after one, toward n.
	seen := newBitset(len(s.numbers))
	var queue, next []uint32
	for w := to; w < s.end(to); w++ {
		seen.add(w)
		queue, next = append(queue, w), append(next, uint32(len(next)))
	}
	for i := 0; i < len(queue); i++ {
		v := queue[i]
		for _, from := range s.inFrom[s.inOff[v]:s.inOff[v+1]] {
			if seen.has(from) {
				continue
			}
			seen.add(from)
			m := s.node(from)
			if stops(m) || m == n {
				continue
			}
			if !bears(m) {
				queue, next = append(queue, from), append(next, uint32(i))
				continue
			}
			way := []lineage.Node{m}
			for at := uint32(i); ; at = next[at] {
				way = append(way, s.node(queue[at]))
				if next[at] == at {
					return slices.Clip(way)
				}
			}
		}
	}
	return nil
}
