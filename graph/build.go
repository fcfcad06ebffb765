package graph

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// row is an access with its nodes as numbers.
type row struct {
	to     uint32
	id     AccessID
	state  State
	weight float64
}

// Build returns the snapshot of window w. The order of accesses does not matter. An access given twice for one flow
// counts once, with the more important state and the larger weight. Build keeps nothing of the slice.
func Build(w lineage.Window, accesses []Access) *Snapshot {
	s := &Snapshot{window: w}
	ends := s.number(accesses)
	s.fillOut(accesses, ends)
	s.fillIn()
	return s
}

// vertex is a node, or one lane of it.
type vertex struct {
	node lineage.Node
	lane string
}

// arrivals are the vertices in the order in which accesses name them.
type arrivals struct {
	order    []vertex
	numbered []uint32                // those without a lane by the caller's numbers, plus one
	named    map[lineage.Node]uint32 // those without a lane or a number
	laned    map[vertex]uint32
}

// of returns the place of a vertex, new if need be.
func (a *arrivals) of(n lineage.Node, number uint32, lane string) uint32 {
	next := uint32(len(a.order))
	switch {
	case lane != "":
		if i, ok := a.laned[vertex{n, lane}]; ok {
			return i
		}
		a.laned[vertex{n, lane}] = next
	case number > 0:
		if missing := int(number) + 1 - len(a.numbered); missing > 0 {
			a.numbered = append(a.numbered, make([]uint32, missing)...)
		}
		if i := a.numbered[number]; i > 0 {
			return i - 1
		}
		a.numbered[number] = next + 1
	default:
		if i, ok := a.named[n]; ok {
			return i
		}
		a.named[n] = next
	}
	a.order = append(a.order, vertex{n, lane})
	return next
}

// number gives the vertices their numbers, and returns the two of each access.
func (s *Snapshot) number(accesses []Access) [][2]uint32 {
	all := arrivals{order: make([]vertex, 0, len(accesses)), named: map[lineage.Node]uint32{}, laned: map[vertex]uint32{}}
	ends := make([][2]uint32, len(accesses))
	for i := range accesses {
		a := &accesses[i]
		ends[i] = [2]uint32{all.of(a.From, a.FromNumber, a.FromLane), all.of(a.To, a.ToNumber, a.ToLane)}
	}
	order := all.order
	sorted := make([]uint32, len(order))
	for i := range sorted {
		sorted[i] = uint32(i)
	}
	slices.SortFunc(sorted, func(a, b uint32) int {
		return cmp.Or(compareNodes(order[a].node, order[b].node), strings.Compare(order[a].lane, order[b].lane))
	})
	place := make([]uint32, len(order))
	s.nodes = make([]lineage.Node, 0, len(order))
	for i, arrival := range sorted {
		if i == 0 || order[arrival] != order[sorted[i-1]] { // else it came with another number
			s.nodes = append(s.nodes, order[arrival].node)
		}
		place[arrival] = uint32(len(s.nodes) - 1)
	}
	s.distinct = len(s.nodes)
	if len(all.laned) > 0 {
		s.lead = make([]uint32, len(s.nodes))
		for i, n := range s.nodes {
			if s.lead[i] = uint32(i); i > 0 && s.nodes[i-1] == n {
				s.lead[i] = s.lead[i-1]
				s.distinct--
			}
		}
		if s.distinct == len(s.nodes) {
			s.lead = nil
		}
	}
	for i := range ends {
		ends[i] = [2]uint32{place[ends[i][0]], place[ends[i][1]]}
	}
	return ends
}

// fillOut groups the accesses into edges. They are sorted whole first, so that a sum of weights does not depend on
// their order.
func (s *Snapshot) fillOut(accesses []Access, ends [][2]uint32) {
	off := make([]uint32, len(s.nodes)+1)
	for _, e := range ends {
		off[e[0]+1]++
	}
	for n := range s.nodes {
		off[n+1] += off[n]
	}
	rows, next := make([]row, len(accesses)), slices.Clone(off)
	for i, e := range ends {
		a := &accesses[i]
		// The comparison is false for NaN too.
		weight := 0.0
		if a.Weight > 0 {
			weight = a.Weight
		}
		rows[next[e[0]]] = row{to: e[1], id: a.ID, state: a.State, weight: weight}
		next[e[0]]++
	}

	s.outOff = make([]uint32, len(s.nodes)+1)
	s.access = make([]AccessID, 0, len(rows))
	for n := range s.nodes {
		of := rows[off[n]:off[n+1]]
		slices.SortFunc(of, compareRows)
		for i, r := range of {
			first := i == 0 || of[i-1].to != r.to
			if !first && of[i-1].id == r.id {
				// compareRows put the more important one first; its state and the larger weight are in the edge already
				continue
			}
			if first {
				s.outTo = append(s.outTo, r.to)
				s.state = append(s.state, Inactive)
				s.weight = append(s.weight, 0)
				s.accOff = append(s.accOff, uint32(len(s.access)))
			}
			e := len(s.outTo) - 1
			if r.state.rank() > s.state[e].rank() {
				s.state[e] = r.state
			}
			s.weight[e] += largest(of[i:])
			s.access = append(s.access, r.id)
		}
		s.outOff[n+1] = uint32(len(s.outTo))
	}
	s.accOff = append(s.accOff, uint32(len(s.access)))
}

// compareRows orders by edge, then access, then the more important state.
func compareRows(a, b row) int {
	return cmp.Or(cmp.Compare(a.to, b.to), cmp.Compare(a.id, b.id), cmp.Compare(b.state.rank(), a.state.rank()), cmp.Compare(b.weight, a.weight))
}

// largest returns the largest weight among the rows that repeat the first one's access.
func largest(rows []row) float64 {
	w := rows[0].weight
	for _, r := range rows[1:] {
		if r.to != rows[0].to || r.id != rows[0].id {
			break
		}
		w = max(w, r.weight)
	}
	return w
}

// fillIn turns the outward adjacency round. Going through the edges by from leaves each node's inward ones sorted by
// from.
func (s *Snapshot) fillIn() {
	s.inOff = make([]uint32, len(s.nodes)+1)
	for _, to := range s.outTo {
		s.inOff[to+1]++
	}
	for n := range s.nodes {
		s.inOff[n+1] += s.inOff[n]
	}
	s.inFrom, s.inEdge = make([]uint32, len(s.outTo)), make([]uint32, len(s.outTo))
	next := slices.Clone(s.inOff)
	for n := range s.nodes {
		for e := s.outOff[n]; e < s.outOff[n+1]; e++ {
			i := next[s.outTo[e]]
			next[s.outTo[e]]++
			s.inFrom[i], s.inEdge[i] = uint32(n), e
		}
	}
}
