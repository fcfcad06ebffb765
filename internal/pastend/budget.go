package pastend

import (
	"iter"
	"time"
)

// Budget bounds what the histories of many partitions take together. While they fit each may have as many points as one
// alone; else all may have fewer, as many as fit, and of each that has more the oldest are thinned first. What is said
// by it then is coarser, or a bound, as of one that has grown old: nothing else is.
type Budget struct {
	bytes int
	most  int // points that each may have
}

// NewBudget makes a budget of so many bytes.
func NewBudget(bytes int) *Budget { return &Budget{bytes: bytes, most: Most} }

// least is how many points each may have whatever the budget: fewer tell nothing of a rate.
const least = 4

// Add is h.Add within the budget. It returns by how many bytes the history has grown.
func (b *Budget) Add(h *History, at time.Time, offset int64) (grown int) {
	before := h.Bytes()
	h.add(at, offset, b.most)
	return h.Bytes() - before
}

// Fit thins all histories where they take more than the budget, with a quarter to spare so that it is seldom done, and
// gives each more room again where half of the budget is free. held is what all of them take. It reports whether that
// is something else now.
func (b *Budget) Fit(held int, all iter.Seq[*History]) (thinned bool) {
	if held <= b.bytes {
		if held <= b.bytes/2 && b.most < Most {
			b.most = min(2*b.most, Most)
		}
		return false
	}
	of := [Most + 1]int{} // histories, by their points
	for h := range all {
		of[min(len(h.points), Most)]++
	}
	b.most = Most
	for b.most > least && pointBytes*points(&of, b.most) > b.bytes/4*3 {
		b.most--
	}
	for h := range all {
		if h.shorten(b.most); cap(h.points) > len(h.points) {
			h.points = append(make([]endPoint, 0, len(h.points)), h.points...)
		}
	}
	return true
}

// points is how many there are where each history has so many at most.
func points(of *[Most + 1]int, most int) (n int) {
	for have, histories := range of {
		n += histories * min(have, most)
	}
	return n
}
