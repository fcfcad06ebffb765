package graph

import (
	"cmp"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// Numbered is an Access whose ends are known by their numbers on a roll, each that of its lane.
type Numbered struct {
	From, To uint32
	ID       AccessID
	State    State
	Weight   float64
}

// Build returns the snapshot of window w. The order of accesses does not matter. An access given twice for one flow
// counts once, with the more important state and the larger weight. Build keeps nothing of the slice.
func Build(w lineage.Window, accesses []Access) *Snapshot {
	r, rows := NewRoll(), make([]Numbered, len(accesses))
	for i := range accesses {
		a := &accesses[i]
		rows[i] = Numbered{From: r.Number(a.From, a.FromLane), To: r.Number(a.To, a.ToLane), ID: a.ID, State: a.State, Weight: a.Weight}
	}
	return r.Build(w, rows)
}

// Build is the function of that name for accesses by the numbers of the roll, which all of them must be. It is counting
// and no comparison of names, and quicker still where the accesses come by their ids.
func (r *Roll) Build(w lineage.Window, accesses []Numbered) *Snapshot {
	s := &Snapshot{window: w}
	byID := func(a, b Numbered) int { return cmp.Compare(a.ID, b.ID) }
	if !slices.IsSortedFunc(accesses, byID) { // so that a sum of weights does not depend on their order
		accesses = slices.Clone(accesses)
		slices.SortFunc(accesses, byID)
	}
	s.fillOut(sortRows(r.enter(s, accesses), len(s.numbers), accesses))
	s.fillIn()
	return s
}

// sortRows returns the accesses by from, then to, by their numbers among n vertices; those of one flow as they came. It
// is sorted by counting, the lesser key first.
func sortRows(place []uint32, n int, accesses []Numbered) []Numbered {
	byTo, byFrom := make([]uint32, n+1), make([]uint32, n+1)
	for i := range accesses {
		byTo[place[accesses[i].To]+1]++
		byFrom[place[accesses[i].From]+1]++
	}
	sumUp(byTo)
	sumUp(byFrom)
	rows, out := make([]Numbered, len(accesses)), make([]Numbered, len(accesses))
	for i := range accesses {
		a := &accesses[i]
		x := Numbered{From: place[a.From], To: place[a.To], ID: a.ID, State: a.State}
		if a.Weight > 0 { // which NaN is not
			x.Weight = a.Weight
		}
		at := &byTo[x.To]
		rows[*at] = x
		*at++
	}
	for i := range rows {
		at := &byFrom[rows[i].From]
		out[*at] = rows[i]
		*at++
	}
	return out
}

// sumUp makes of how many there are of each, one place further on, where each begins.
func sumUp(counts []uint32) {
	for i := 1; i < len(counts); i++ {
		counts[i] += counts[i-1]
	}
}

// fillOut makes edges of the accesses, which are by from, then to, then id.
func (s *Snapshot) fillOut(rows []Numbered) {
	edges := 0
	for i := range rows {
		if begins(rows, i) {
			edges++
		}
	}
	s.outOff, s.outTo = make([]uint32, len(s.numbers)+1), make([]uint32, edges)
	s.state, s.weight = make([]State, edges), make([]float64, edges)
	s.accOff, s.access = make([]uint32, edges+1), make([]AccessID, 0, len(rows))
	e := -1
	for i := range rows {
		x := &rows[i]
		first := begins(rows, i)
		if first {
			e++
			s.outTo[e], s.accOff[e] = x.To, uint32(len(s.access))
			s.outOff[x.From+1]++
		}
		if x.State.rank() > s.state[e].rank() {
			s.state[e] = x.State
		}
		if !first && rows[i-1].ID == x.ID {
			continue // its largest weight is counted
		}
		s.weight[e] += largest(rows[i:])
		s.access = append(s.access, x.ID)
	}
	s.accOff[edges] = uint32(len(s.access))
	sumUp(s.outOff)
}

// begins reports whether a row is the first of its edge.
func begins(rows []Numbered, i int) bool {
	return i == 0 || rows[i].From != rows[i-1].From || rows[i].To != rows[i-1].To
}

// largest returns the largest weight among the rows that repeat the first one's access.
func largest(rows []Numbered) float64 {
	w := rows[0].Weight
	for i := 1; i < len(rows) && rows[i].ID == rows[0].ID && !begins(rows, i); i++ {
		w = max(w, rows[i].Weight)
	}
	return w
}

// fillIn turns the outward adjacency round. Going through the edges by from leaves each node's inward ones sorted by
// from.
func (s *Snapshot) fillIn() {
	s.inOff = make([]uint32, len(s.numbers)+1)
	for _, to := range s.outTo {
		s.inOff[to+1]++
	}
	sumUp(s.inOff)
	s.inFrom, s.inEdge = make([]uint32, len(s.outTo)), make([]uint32, len(s.outTo))
	next := slices.Clone(s.inOff)
	for n := range s.numbers {
		for e := s.outOff[n]; e < s.outOff[n+1]; e++ {
			i := next[s.outTo[e]]
			next[s.outTo[e]]++
			s.inFrom[i], s.inEdge[i] = uint32(n), e
		}
	}
}
