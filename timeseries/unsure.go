package timeseries

import (
	"math"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// What a silent subject had counted is lost with the file that it was put away in. When it is seen again nobody knows
// how much of its total is new: it begins there. Else all that it ever counted would look like the advance of one
// round.

// unsure are the subjects of such a file. Part of the format.
type unsure struct {
	file int64    // its number
	last int64    // the newest round of its subjects
	sums []uint32 // of their accesses, sorted
}

// noTotal is the base of a counter whose total is not known: none is greater, so that the first that is told advances
// nothing.
const noTotal = math.MaxInt64

// doubt notes whose totals are lost. It needs mu for writing.
func (e *engine) doubt(x unsure) {
	if !e.unsureFile(x.file) {
		e.unsure = append(slices.Clip(e.unsure), x)
	}
}

// doubted reports whether a file that is lost had a subject in it, and was of a time that fits. It needs mu.
func (e *engine) doubted(a *lineage.Access, fits func(last int64) bool) bool {
	if len(e.unsure) == 0 {
		return false
	}
	sum := sumOf(a)
	return slices.ContainsFunc(e.unsure, func(x unsure) bool {
		_, ok := slices.BinarySearch(x.sums, sum)
		return ok && fits(x.last)
	})
}

// begin has a counter that is new begin with its first total where what its subject had counted is lost. It needs mu
// for writing.
func (e *engine) begin(s *series, src *source) {
	x := s.subject
	if s.key.Metric.Counter() && e.doubted(&x.entry.access, func(last int64) bool { return x.first > last }) {
		s.base, s.sealed, s.src = noTotal, true, src
	}
}

// begins reports whether the next sample says where a counter is, and not how it advanced.
func (s *series) begins() bool {
	return s.key.Metric.Counter() && s.sealed && s.base == noTotal && len(s.head) == 0
}

// beginAnew does the same for a subject that is known from an older file, when a later one is lost. It
// needs mu.
func (e *engine) beginAnew(s *subject) {
	if !e.doubted(&s.entry.access, func(last int64) bool { return last > s.last }) {
		return
	}
	for _, x := range s.series {
		if x.key.Metric.Counter() && x.sealed {
			x.base = noTotal
		}
	}
}

func (w *writer) unsure(x unsure) {
	w.uint(uint64(x.file))
	w.uint(uint64(x.last))
	w.uint(uint64(len(x.sums)))
	before := uint32(0)
	for _, s := range x.sums {
		w.uint(uint64(s - before))
		before = s
	}
}

func (r *reader) unsure() unsure {
	x := unsure{file: r.tick(), last: r.tick()}
	x.sums = make([]uint32, r.count(1))
	sum := uint64(0)
	for i := range x.sums {
		if sum += r.uint(); sum > math.MaxUint32 {
			r.fail("a sum is out of range")
			break
		}
		x.sums[i] = uint32(sum)
	}
	return x
}

// retireUnsure forgets those of whom nothing after the floor was lost. It needs mu for writing.
func (e *engine) retireUnsure(floor int64) {
	e.unsure = slices.DeleteFunc(slices.Clone(e.unsure), func(x unsure) bool { return x.last <= floor })
}

// unsureFile reports whether it is known whose totals a file had that is lost. It needs mu.
func (e *engine) unsureFile(number int64) bool {
	return slices.ContainsFunc(e.unsure, func(x unsure) bool { return x.file == number })
}
