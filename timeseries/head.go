package timeseries

import "slices"

// sample is one reading in an open block.
type sample struct {
	value     int64
	tick      int64
	span      int32 // ticks from Since to the round, at least 1
	estimated bool
	src       uint16
}

// subtotalLen is how many samples of a head are summed up together. The sums take 3 % of what the samples take, and a
// query walks at most this many samples at either end of its window.
const subtotalLen = 32

// subtotal is what samples of a head that follow one another say together, as an indexEntry does of a sealed block.
type subtotal struct {
	sum       int64 // what a counter advanced
	reach     int64 // the earliest Since, a tick
	src       uint16
	mixed     bool // sources: src is only one of several
	estimated bool // of a part at least
}

// add puts a sample in its place. Of two samples of one round (two sources, or a source that repeats itself) the
// greater value stands, then the lesser source.
func (s *series) add(x sample, sources []*source) {
	i := len(s.head)
	for i > 0 && s.head[i-1].tick >= x.tick {
		i--
	}
	to := i
	if i < len(s.head) && s.head[i].tick == x.tick {
		if !x.outranks(s.head[i], sources) {
			return
		}
		to++
	}
	s.splice(i, to, x)
}

func (x sample) outranks(y sample, sources []*source) bool {
	switch {
	case x.value != y.value:
		return x.value > y.value
	case x.src != y.src:
		return less(sources[x.src].name, sources[y.src].name)
	case x.span != y.span:
		return x.span > y.span
	default:
		return x.estimated && !y.estimated
	}
}

// splice puts samples in the place of those from the i-th to before the j-th. What was handed out stays as it is.
func (s *series) splice(i, j int, samples ...sample) {
	if i == len(s.head) {
		s.head = append(s.head, samples...)
	} else {
		out := append(make([]sample, 0, len(s.head)+len(samples)+8), s.head[:i]...)
		s.head = append(append(out, samples...), s.head[j:]...)
		s.subtotals = slices.Clip(s.subtotals[:min(max(i-s.lead, 0)/subtotalLen, len(s.subtotals))])
	}
	for _, x := range samples {
		s.maxSpan = max(s.maxSpan, int64(x.span))
	}
	s.sumUp()
}

// drop takes the first n samples away, whose last is the base from now on.
func (s *series) drop(n int, sources []*source) {
	last := s.head[n-1]
	s.base, s.sealed, s.src = last.value, true, sources[last.src]
	s.head = slices.Clone(s.head[n:])
	s.maxSpan = 0
	for _, x := range s.head {
		s.maxSpan = max(s.maxSpan, int64(x.span))
	}
	gone := min((max(n-s.lead, 0)+subtotalLen-1)/subtotalLen, len(s.subtotals))
	s.lead = min(max(s.lead+gone*subtotalLen-n, 0), len(s.head))
	s.subtotals = slices.Clone(s.subtotals[gone:])
}

// sumUp sums up what there is of whole subtotals.
func (s *series) sumUp() {
	if !s.key.Metric.Counter() {
		return
	}
	for {
		from := s.lead + len(s.subtotals)*subtotalLen
		if from+subtotalLen > len(s.head) {
			return
		}
		x := subtotal{reach: never, src: s.head[from].src}
		before := s.base
		if from > 0 {
			before = s.head[from-1].value
		}
		for _, y := range s.head[from : from+subtotalLen] {
			x.sum += advance(before, y.value)
			x.reach = min(x.reach, y.tick-int64(y.span))
			x.mixed = x.mixed || y.src != x.src
			x.estimated = x.estimated || y.estimated
			before = y.value
		}
		s.subtotals = append(s.subtotals, x)
	}
}

// advance is what a counter went up by between two totals; a lower total is a reset and advances nothing.
func advance(before, after int64) int64 {
	if after < before {
		return 0
	}
	return after - before
}
