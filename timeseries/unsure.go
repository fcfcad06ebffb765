package timeseries

import (
	"cmp"
	"hash/crc32"
	"math"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// What a subject had counted is not known any more when the file is lost that it was put away in. When it is seen again
// nobody knows how much of its total is new: it begins there. Else all that it ever counted would look like the advance
// of one round. Of who rested for longer than anything is kept the totals are remembered, and nothing else.

// unsure are subjects that are not held any more. Part of the format.
type unsure struct {
	file   int64     // the number of their file, whose totals are not known; 0: they were in memory
	last   int64     // before which they were seen last
	half   bool      // only the first halves of the sums are known, since no more than their file's sums can be read
	sums   []wideSum // of their accesses, sorted
	totals []total   // of those that were in memory, sorted
}

// wideSum is a checksum of an access that is not at hand any more, so that nothing but the sum says who is meant: with
// 32 bits, where 262,144 are remembered, one in 16,000 who are new would be taken for one of them, and would begin
// where it is. The first half is sumOf's.
type wideSum uint64

const firstHalf = wideSum(math.MaxUint32) << 32

func wideSumOf(a *lineage.Access) wideSum {
	var w writer
	w.access(*a)
	return wideSum(crc32.Checksum(w.b, castagnoli))<<32 | wideSum(crc32.ChecksumIEEE(w.b))
}

// halves are sums of which the second half is not known.
func halves(sums []uint32) []wideSum {
	out := make([]wideSum, len(sums))
	for i, s := range sums {
		out[i] = wideSum(s) << 32
	}
	return out
}

// named returns a sum as the list has it.
func (x *unsure) named(sum wideSum) wideSum {
	if x.half {
		sum &= firstHalf
	}
	return sum
}

// total is what a series had counted.
type total struct {
	sum      wideSum // of its access
	metric   lineage.Metric
	evidence lineage.EvidenceKind
	value    int64
}

func compareTotals(a, b total) int {
	return cmp.Or(cmp.Compare(a.sum, b.sum), cmp.Compare(a.metric, b.metric), cmp.Compare(a.evidence, b.evidence))
}

// maxUnsure bounds the sums that are kept, of some bytes each: the oldest go.
const maxUnsure = 1 << 18

// noTotal is the base of a counter whose total is not known: none is greater, so that the first that is told advances
// nothing.
const noTotal = math.MaxInt64

// doubt notes who is not held any more. It needs mu for writing.
func (e *engine) doubt(x unsure) {
	if len(x.sums) == 0 || slices.ContainsFunc(e.unsure, x.equal) { // again, from the log
		return
	}
	n := len(x.sums)
	for _, y := range e.unsure {
		n += len(y.sums)
	}
	all := slices.Clone(e.unsure)
	for ; n > maxUnsure && len(all) > 0; all = all[1:] {
		n -= len(all[0].sums)
	}
	e.unsure = append(all, x)
}

func (x unsure) equal(y unsure) bool {
	return x.file == y.file && x.last == y.last && x.half == y.half && slices.Equal(x.sums, y.sums)
}

// add takes a subject that is beyond retention.
func (x *unsure) add(s *subject) {
	sum := wideSumOf(&s.entry.access)
	x.sums = append(x.sums, sum)
	for _, y := range s.series {
		if y.key.Metric.Counter() && y.sealed && !y.derived {
			x.totals = append(x.totals, total{sum, y.key.Metric, y.key.Evidence, y.base})
		}
	}
}

// retired remembers who is beyond retention. It needs mu for writing.
func (e *engine) retired(x unsure) {
	slices.Sort(x.sums)
	slices.SortFunc(x.totals, compareTotals)
	e.doubt(x)
}

// doubted returns the newest of unsure that a subject may be of, and that is of a time that fits; nil for none. It
// needs mu.
func (e *engine) doubted(sum wideSum, fits func(last int64) bool) *unsure {
	for i := len(e.unsure) - 1; i >= 0; i-- {
		x := &e.unsure[i]
		if _, ok := slices.BinarySearch(x.sums, x.named(sum)); ok && fits(x.last) {
			return x
		}
	}
	return nil
}

// begin has a counter that is new begin with what its subject had counted when it was held last, or where that is not
// known, or more than its source tells now, with the first total that is told. It needs mu for writing.
func (e *engine) begin(s *series, src *source, told int64) {
	if len(e.unsure) == 0 || !s.key.Metric.Counter() {
		return
	}
	sum := wideSumOf(&s.subject.entry.access)
	x := e.doubted(sum, func(last int64) bool { return s.subject.first > last })
	if x == nil {
		return
	}
	base := int64(noTotal)
	if x.file == 0 {
		i, ok := slices.BinarySearchFunc(x.totals, total{x.named(sum), s.key.Metric, s.key.Evidence, 0}, compareTotals)
		if !ok {
			return
		}
		if x.totals[i].value <= told {
			base = x.totals[i].value
		}
	}
	s.base, s.sealed, s.src = base, true, src
}

// begins reports whether the next sample says where a counter is, and not how it advanced.
func (s *series) begins() bool {
	return s.key.Metric.Counter() && s.sealed && s.base == noTotal && !s.head.any()
}

// beginAnew does the same for a subject that is known from an older file, when a later one is lost. It needs mu.
func (e *engine) beginAnew(s *subject) {
	if len(e.unsure) == 0 || e.doubted(wideSumOf(&s.entry.access), func(last int64) bool { return last > s.last }) == nil {
		return
	}
	for _, x := range s.series {
		if x.key.Metric.Counter() && x.sealed {
			x.base = noTotal
		}
	}
}

// unsureFile reports whether it is known who was in a file that is lost. It needs mu.
func (e *engine) unsureFile(number int64) bool {
	return slices.ContainsFunc(e.unsure, func(x unsure) bool { return x.file == number })
}

// unsure writes all but whether only the first halves are known: of those the second ones are not written.
func (w *writer) unsure(x unsure) {
	shift := x.shift()
	w.uint(uint64(x.file))
	w.uint(uint64(x.last))
	w.uint(uint64(len(x.sums)))
	before := wideSum(0)
	for _, s := range x.sums {
		w.uint(uint64(s-before) >> shift)
		before = s
	}
	w.uint(uint64(len(x.totals)))
	before = 0
	for _, t := range x.totals {
		w.uint(uint64(t.sum-before) >> shift)
		w.byte(byte(t.metric))
		w.byte(byte(t.evidence))
		w.int(t.value)
		before = t.sum
	}
}

// shift is by how many bits sums are shorter where they are written.
func (x *unsure) shift() int {
	if x.half {
		return 32
	}
	return 0
}

func (r *reader) unsure(half bool) unsure {
	x := unsure{file: r.tick(), last: r.tick(), half: half}
	shift := x.shift()
	at := uint64(0)
	sum := func() wideSum {
		step := r.uint()
		if step > (math.MaxUint64>>shift)-at {
			r.fail("a sum is out of range")
		}
		at += step
		return wideSum(at) << shift
	}
	for range r.count(1) {
		if x.sums = append(x.sums, sum()); r.err != nil {
			break
		}
	}
	at = 0
	for range r.count(4) {
		if x.totals = append(x.totals, total{sum(), r.metric(), r.evidence(), r.int()}); r.err != nil {
			break
		}
	}
	return x
}

// halved is what older versions can read, and understand as they always did: by halves. Whose totals nothing
// tells apart any more begins with the first that is told.
func (x unsure) halved() unsure {
	if x.half {
		return x
	}
	out := unsure{file: x.file, last: x.last, half: true, sums: make([]wideSum, len(x.sums))}
	for i, s := range x.sums {
		out.sums[i] = s & firstHalf
	}
	out.sums = slices.Compact(out.sums)
	all := slices.Clone(x.totals)
	for i := range all {
		all[i].sum &= firstHalf
	}
	slices.SortFunc(all, compareTotals)
	for _, t := range all {
		if n := len(out.totals) - 1; n < 0 || compareTotals(out.totals[n], t) != 0 {
			out.totals = append(out.totals, t)
		} else if out.totals[n].value != t.value {
			out.totals[n].value = noTotal
		}
	}
	return out
}

// encodeAway writes all of them. States of before had them in their section of losses alone, with half of each sum.
func encodeAway(all []unsure) []byte {
	var w writer
	w.uint(uint64(len(all)))
	for _, x := range all {
		w.bool(x.half)
		w.unsure(x)
	}
	return w.b
}

func decodeAway(content []byte) (out []unsure, err error) {
	r := reader{b: content}
	for range r.count(5) {
		out = append(out, r.unsure(r.bool()))
	}
	return out, r.end()
}
