package graph

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"github.com/lineaged/lineaged/lineage"
)

// Roll numbers the nodes of all windows, each once and for good, and keeps them in the package's order: names are
// compared when they are new, and not once a window, so that building a window's graph is counting (see Roll.Build). It
// forgets nothing, and whoever keeps one bounds it by Len. It may be used from any number of goroutines.
type Roll struct {
	mu    sync.Mutex              // guards the fields below
	of    map[lineage.Node]uint32 // without a lane, as nearly all are
	laned map[vertex]uint32
	names []vertex // by number; it only grows at its end, so that what there is may be read without the lock
	order order    // may lack the newest
}

// vertex is a node, or one lane of it.
type vertex struct {
	node lineage.Node
	lane string
}

// order is the order of a roll's first numbers. It never changes.
type order struct {
	sorted []uint32 // the numbers
	rank   []uint32 // the place of each among them
}

// NewRoll returns a roll of nobody.
func NewRoll() *Roll { return &Roll{of: map[lineage.Node]uint32{}, laned: map[vertex]uint32{}} }

// Number returns the number of a node's lane, which is new if need be. See Access for what a lane is.
func (r *Roll) Number(n lineage.Node, lane string) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := uint32(len(r.names))
	if lane == "" {
		if i, ok := r.of[n]; ok {
			return i
		}
		r.of[n] = next
	} else {
		if i, ok := r.laned[vertex{n, lane}]; ok {
			return i
		}
		r.laned[vertex{n, lane}] = next
	}
	r.names = append(r.names, vertex{n, lane})
	return next
}

// Len returns how many numbers were given.
func (r *Roll) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.names)
}

// inOrder returns what is on the roll, and the order of all of it.
func (r *Roll) inOrder() ([]vertex, order) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.order.rank) < len(r.names) {
		r.order = r.order.with(r.names)
	}
	return r.names, r.order
}

// with returns the order of all names, which are those of o and more behind them. Those are sorted and put in between:
// it compares as often as there are new ones, and copies the rest.
func (o order) with(names []vertex) order {
	fresh := make([]uint32, len(names)-len(o.rank))
	for i := range fresh {
		fresh[i] = uint32(len(o.rank) + i)
	}
	slices.SortFunc(fresh, func(a, b uint32) int { return compareVertices(&names[a], &names[b]) })
	out := order{sorted: make([]uint32, 0, len(names)), rank: make([]uint32, len(names))}
	rest := o.sorted
	for _, n := range fresh {
		at, _ := slices.BinarySearchFunc(rest, n, func(m, n uint32) int { return compareVertices(&names[m], &names[n]) })
		out.sorted = append(append(out.sorted, rest[:at]...), n)
		rest = rest[at:]
	}
	out.sorted = append(out.sorted, rest...)
	for i, n := range out.sorted {
		out.rank[n] = uint32(i)
	}
	return out
}

func compareVertices(a, b *vertex) int {
	return cmp.Or(compareNodes(a.node, b.node), strings.Compare(a.lane, b.lane))
}

// enter gives s the vertices that accesses have, and returns their numbers in s by their numbers on the roll.
func (r *Roll) enter(s *Snapshot, accesses []Numbered) (place []uint32) {
	names, o := r.inOrder()
	used, count := newBitset(len(names)), 0
	for i := range accesses {
		used.add(o.rank[accesses[i].From])
		used.add(o.rank[accesses[i].To])
	}
	for _, word := range used {
		count += bits.OnesCount64(word)
	}
	s.names, s.numbers = names, make([]uint32, 0, count)
	place = make([]uint32, len(names))
	for w, word := range used {
		for ; word != 0; word &= word - 1 {
			n := o.sorted[w<<6+bits.TrailingZeros64(word)]
			place[n] = uint32(len(s.numbers))
			s.numbers = append(s.numbers, n)
		}
	}
	s.findLanes()
	return place
}

// findLanes finds which vertices are of one node. They follow one another, and all but the first have a lane.
func (s *Snapshot) findLanes() {
	s.distinct = len(s.numbers)
	for i := 1; i < len(s.numbers); i++ {
		v := &s.names[s.numbers[i]]
		if v.lane == "" || s.node(uint32(i-1)) != v.node {
			continue
		}
		if s.lead == nil {
			s.lead = make([]uint32, len(s.numbers))
			for j := range s.lead {
				s.lead[j] = uint32(j)
			}
		}
		s.lead[i] = s.lead[i-1]
		s.distinct--
	}
}
