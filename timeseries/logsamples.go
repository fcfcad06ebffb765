package timeseries

import (
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// The samples of a record stand in the log as columns: which series, what is not as usual, and how the values differ
// from the newest of their series in the segment. A source names its series in much the same order each round, so most
// of which they are is said by one number.

// loggedSeries is a series that the current segment has defined, and what it last said of it.
type loggedSeries struct {
	last     int64
	usual    usual // of how far the values are apart
	next     uint32
	metric   lineage.Metric
	evidence lineage.EvidenceKind
}

// seriesOf returns the number of a sample's series in the current segment, and defines it where it is new.
func (l *appendLog) seriesOf(w *writer, x *recordSample) (number uint32) {
	t := &l.tables
	if ent := x.entry; ent.segment == l.current.number+1 {
		for n := ent.logged; n > 0; n = t.series[n-1].next {
			if s := &t.series[n-1]; s.metric == x.metric && s.evidence == x.evidence {
				return n - 1
			}
		}
	}
	w.reserve()
	w.bool(true)
	l.entry(w, x.entry)
	w.byte(byte(x.metric))
	w.byte(byte(x.evidence))
	t.series = append(t.series, loggedSeries{next: x.entry.logged, metric: x.metric, evidence: x.evidence})
	x.entry.logged = uint32(len(t.series))
	return x.entry.logged - 1
}

// samples writes the samples of a record.
func (l *appendLog) samples(w *writer, r *record) {
	t := &l.tables
	t.series = slices.Grow(t.series, max(len(r.samples)-len(t.series), 0))
	numbers := slices.Grow(l.numbers[:0], len(r.samples))
	for i := range r.samples {
		numbers = append(numbers, l.seriesOf(w, &r.samples[i]))
	}
	l.numbers = numbers
	w.bool(false) // no more are defined
	w.uint(uint64(len(numbers)))
	next := uint32(0)
	for i := 0; i < len(numbers); {
		j := i + 1
		for j < len(numbers) && numbers[j] == numbers[j-1]+1 {
			j++
		}
		w.run(int64(numbers[i])-int64(next), j-i)
		i, next = j, numbers[j-1]+1
	}
	w.unlike(r)
	values := bitWriter{b: l.values[:0]}
	for i := range r.samples {
		x, s := &r.samples[i], &t.series[numbers[i]]
		by := zigzag(x.value - s.last)
		if counts := x.metric.Counter(); counts && x.value >= s.last && by&1 == 0 {
			if by /= 2; !values.number(by, s.usual) {
				values.large(by * 2)
			}
		} else if counts || !values.number(by, s.usual) {
			values.large(by)
		}
		if s.last != 0 { // else it is not the first, which says nothing of the others
			s.usual.saw(by)
		}
		s.last = x.value
	}
	l.values = values.end()
	w.bytes(l.values)
}

// run writes that so many series follow one another, the first of which is so many after the one that was next.
func (w *writer) run(after int64, n int) {
	code := zigzag(after) << 1
	if n == 1 {
		w.uint(code)
		return
	}
	w.uint(code | 1)
	w.uint(uint64(n))
}

func (r *reader) run() (after int64, n uint64) {
	code := r.uint()
	if code&1 == 0 {
		return unzigzag(code >> 1), 1
	}
	return unzigzag(code >> 1), r.uint()
}

// unlike writes the samples whose span is not the round's, or that are estimated.
func (w *writer) unlike(r *record) {
	unlike := func(x *recordSample) bool { return x.estimated || x.span != r.round.span }
	n, next := 0, 0
	for i := range r.samples {
		if unlike(&r.samples[i]) {
			n++
		}
	}
	w.uint(uint64(n))
	for i := range r.samples {
		if x := &r.samples[i]; unlike(x) {
			w.reserve()
			w.uint(uint64(i - next))
			code := uint64(x.span) << 1
			if x.estimated {
				code |= 1
			}
			w.uint(code)
			next = i + 1
		}
	}
}

func zigzag(x int64) uint64   { return uint64(x)<<1 ^ uint64(x>>63) }
func unzigzag(x uint64) int64 { return int64(x>>1) ^ -int64(x&1) }

// readSeries is a series that a segment has defined.
type readSeries struct {
	entry    *entry
	series   *series // once it is there
	last     int64
	usual    usual
	metric   lineage.Metric
	evidence lineage.EvidenceKind
}

// decodeSamples reads what samples wrote.
func (e *engine) decodeSamples(r *reader, t *replayTables, round round) []recordSample {
	for r.bool() {
		s := readSeries{entry: e.decodeEntry(r, t), metric: r.metric(), evidence: r.evidence()}
		if r.err != nil {
			return nil
		}
		t.series = append(t.series, s)
	}
	n := r.uint()
	if n > 8*uint64(len(r.b)) { // each has a bit at least
		r.fail("a count exceeds what follows")
		return nil
	}
	numbers := t.numbers[:0]
	for next := int64(0); uint64(len(numbers)) < n; {
		after, many := r.run()
		if after < -next || after > int64(len(t.series))-next || many == 0 || many > n-uint64(len(numbers)) || many > uint64(int64(len(t.series))-next-after) {
			r.fail("a series that the segment has not defined")
			return nil
		}
		for next += after; many > 0; many-- {
			numbers = append(numbers, uint32(next))
			next++
		}
	}
	t.numbers = numbers
	out := t.room(len(numbers))
	for i := range out {
		out[i].span, out[i].estimated = round.span, false
	}
	if r.unlike(out); r.err != nil {
		return nil
	}
	values := newBitReader(r.bytes())
	for i := range out {
		s, x := &t.series[numbers[i]], &out[i]
		by, large := values.number(s.usual)
		if counts := s.metric.Counter(); counts && (!large || by&1 == 0) {
			if large {
				by /= 2
			}
			x.value = s.last + int64(by)
		} else {
			x.value = s.last + unzigzag(by)
		}
		if s.last != 0 {
			s.usual.saw(by)
		}
		s.last = x.value
		if s.series == nil && s.entry.subject != nil {
			s.find()
		}
		x.entry, x.series, x.metric, x.evidence = s.entry, s.series, s.metric, s.evidence
	}
	if values.end() != nil {
		r.fail("values are cut off, or go on")
	}
	return out
}

// find looks the series up. What is derived may go again.
func (s *readSeries) find() {
	if x := s.entry.subject.find(s.metric, s.evidence); x != nil && !x.derived {
		s.series = x
	}
}

func (r *reader) unlike(all []recordSample) {
	next := uint64(0)
	for range r.count(2) {
		i := r.uint()
		code := r.uint()
		if i >= uint64(len(all))-next || code>>1 == 0 || code>>1 > maxSpanTicks {
			r.fail("a sample that is not there, or its span, is out of range")
			return
		}
		next += i + 1
		all[next-1].span, all[next-1].estimated = int32(code>>1), code&1 == 1
	}
}
