package timeseries

import (
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
)

// missing is what a round did not see. Equal ones are one in memory, since an outage repeats the same long list every
// tick.
type missing struct {
	list   []lineage.Missing
	all    bool
	share  float64 // of all together, at most 1
	topics map[lineage.Topic]struct{}
	groups map[lineage.GroupRef]struct{}
	code   string // the list's encoding
}

func newMissing(list []lineage.Missing, code string) *missing {
	m := &missing{list: list, code: code, topics: map[lineage.Topic]struct{}{}, groups: map[lineage.GroupRef]struct{}{}}
	for _, x := range list {
		m.all = m.all || x.All
		m.share += x.Share
		for _, t := range x.Topics {
			m.topics[t] = struct{}{}
		}
		for _, g := range x.Groups {
			m.groups[g] = struct{}{}
		}
	}
	m.share = min(m.share, 1)
	return m
}

// names reports whether the list names the topic or the group of an access.
func (m *missing) names(a *lineage.Access) bool {
	if _, ok := m.topics[a.Topic]; ok {
		return true
	}
	if a.Client.Group == "" {
		return false
	}
	_, ok := m.groups[lineage.GroupRef{Cluster: a.Topic.Cluster, Group: a.Client.Group}]
	return ok
}

// miss returns the one missing of a list; nil for an empty one. It needs mu for writing.
func (e *engine) miss(list []lineage.Missing) *missing {
	if len(list) == 0 {
		return nil
	}
	if slices.ContainsFunc(list, func(m lineage.Missing) bool { return m.All && m.Share != 1 }) {
		list = slices.Clone(list)
		for i := range list {
			if list[i].All {
				list[i].Share = 1
			}
		}
	}
	code := encodeMissing(list)
	m := e.misses[code]
	if m == nil {
		m = newMissing((&reader{b: []byte(code)}).missing(), code)
		e.misses[code] = m
	}
	return m
}

// span is a run of ticks (a, b] that one or more rounds cover. Without miss it was observed wholly; else each covering
// round has one.
type span struct {
	a, b int64
	miss []*missing
}

// track is what one source observed around a window.
type track struct {
	clock
	lo, hi   int64
	rounds   []round // that say something about the window, by tick
	anchors  []anchor
	spans    []span     // by tick, disjoint, within (lo, hi]
	distinct []*missing // that occur in spans
	byMask   map[uint64]*runs
	whole    *runs // of all accesses, where no missing occurs
	newest   round // of the source, at whatever time
	near     int   // the anchor that offset found last: who asks goes through time
}

// newTrack needs the rounds with tick > lo and start < hi, by tick; before is the round before the first of them, if
// there is one.
func newTrack(c clock, lo, hi int64, before anchor, rounds []round, newest round) *track {
	t := &track{clock: c, lo: lo, hi: hi, byMask: map[uint64]*runs{}, newest: newest, rounds: rounds}
	t.anchors = make([]anchor, 0, len(rounds)+1)
	if before.tick > 0 {
		t.anchors = append(t.anchors, before)
	}
	overlap := false
	end := int64(0)
	for _, r := range rounds {
		t.anchors = append(t.anchors, r.anchor)
		overlap = overlap || r.start() < end
		end = r.tick
	}
	if overlap {
		t.sweep(rounds)
	} else {
		for _, r := range rounds {
			var m []*missing
			if r.miss != nil {
				m = []*missing{r.miss}
			}
			t.push(r.start(), r.tick, m)
		}
	}
	for _, s := range t.spans {
		for _, m := range s.miss {
			if !slices.Contains(t.distinct, m) {
				t.distinct = append(t.distinct, m)
			}
		}
	}
	return t
}

// sweep handles rounds that cover a tick together, as when a source's cadence changes.
func (t *track) sweep(rounds []round) {
	var cuts []int64
	longest := int64(0)
	for _, r := range rounds {
		cuts = append(cuts, r.start(), r.tick)
		longest = max(longest, int64(r.span))
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	for i := 1; i < len(cuts); i++ {
		a, b := cuts[i-1], cuts[i]
		var m []*missing
		covered, whole := false, false
		first, _ := findRound(rounds, b)
		for _, r := range rounds[first:] {
			if r.tick-longest >= b {
				break
			}
			if r.start() <= a {
				covered = true
				whole = whole || r.miss == nil
				m = append(m, r.miss)
			}
		}
		if whole {
			m = nil
		}
		if covered {
			t.push(a, b, m)
		}
	}
}

// push adds a span, cut to the window, and joins it to its neighbour when both were observed wholly.
func (t *track) push(a, b int64, m []*missing) {
	a, b = max(a, t.lo), min(b, t.hi)
	if a >= b {
		return
	}
	if n := len(t.spans); n > 0 && len(m) == 0 && len(t.spans[n-1].miss) == 0 && t.spans[n-1].b == a {
		t.spans[n-1].b = b
		return
	}
	t.spans = append(t.spans, span{a: a, b: b, miss: m})
}

// offset returns how long after the instant of a tick its readings were taken, in nanoseconds: interpolated between
// rounds, and the nearest round's beyond them.
func (t *track) offset(tick int64) int64 {
	n := len(t.anchors)
	if n == 0 {
		return 0
	}
	i := t.anchorAt(tick)
	switch {
	case i == n:
		return t.anchors[n-1].offset
	case i == 0 || t.anchors[i].tick == tick:
		return t.anchors[i].offset
	}
	p, q := t.anchors[i-1], t.anchors[i]
	d, k, width := q.offset-p.offset, tick-p.tick, q.tick-p.tick
	return p.offset + d/width*k + d%width*k/width // in two parts, so that nothing overflows
}

// anchorAt returns the first anchor at or after a tick, how many there are when there is none.
func (t *track) anchorAt(tick int64) int {
	for i := max(t.near-1, 0); i <= min(t.near+2, len(t.anchors)); i++ {
		if (i == len(t.anchors) || t.anchors[i].tick >= tick) && (i == 0 || t.anchors[i-1].tick < tick) {
			t.near = i
			return i
		}
	}
	t.near = sort.Search(len(t.anchors), func(i int) bool { return t.anchors[i].tick >= tick })
	return t.near
}

// runs is when a subject was observed by a source.
type runs struct {
	track *track
	spans []tickRange // disjoint, by tick
	ticks []int64     // ticks before each span
	nanos []int64     // real time before each span, less the offset at its start
}

// tickRange is the ticks (a, b].
type tickRange struct{ a, b int64 }

// runs returns when the subject of an access was observed. Subjects that no missing names share theirs.
func (t *track) runs(a *lineage.Access) *runs {
	if t.whole != nil {
		return t.whole
	}
	mask, cacheable := uint64(0), len(t.distinct) <= 64
	for i, m := range t.distinct {
		if m.all || m.names(a) {
			mask |= 1 << (uint(i) % 64)
		}
	}
	if r := t.byMask[mask]; cacheable && r != nil {
		return r
	}
	r := &runs{track: t}
	for _, s := range t.spans {
		if len(s.miss) > 0 && !slices.ContainsFunc(s.miss, func(m *missing) bool { return m == nil || !m.all && !m.names(a) }) {
			continue
		}
		if n := len(r.spans); n > 0 && r.spans[n-1].b == s.a {
			r.spans[n-1].b = s.b
		} else {
			r.spans = append(r.spans, tickRange{s.a, s.b})
		}
	}
	ticks, nanos := int64(0), int64(0)
	for _, s := range r.spans {
		r.ticks, r.nanos = append(r.ticks, ticks), append(r.nanos, nanos-t.offset(s.a))
		ticks += s.b - s.a
		nanos += t.real(s.a, s.b)
	}
	if cacheable {
		t.byMask[mask] = r
	}
	if len(t.distinct) == 0 {
		t.whole = r
	}
	return r
}

// real returns the time between the readings of two ticks, in nanoseconds.
func (t *track) real(a, b int64) int64 {
	return (b-a)*int64(t.step) + t.offset(b) - t.offset(a)
}

// within returns how many observed ticks (x, y] holds.
func (r *runs) within(x, y int64) int64 {
	if len(r.spans) == 1 { // by far the most frequent
		return max(min(y, r.spans[0].b)-max(x, r.spans[0].a), 0)
	}
	return r.before(y) - r.before(x)
}

func (r *runs) before(x int64) int64 {
	i := r.at(x)
	if i < 0 {
		return 0
	}
	return r.ticks[i] + min(x, r.spans[i].b) - r.spans[i].a
}

// at returns the last span that starts before x, -1 when there is none.
func (r *runs) at(x int64) int {
	if len(r.spans) == 1 && r.spans[0].a < x {
		return 0
	}
	return sort.Search(len(r.spans), func(i int) bool { return r.spans[i].a >= x }) - 1
}

// realWithin returns the observed time in (x, y], in nanoseconds between real readings.
func (r *runs) realWithin(x, y int64) int64 {
	if x >= y {
		return 0
	}
	return r.realBefore(y) - r.realBefore(x)
}

func (r *runs) realBefore(x int64) int64 {
	i := r.at(x)
	if i < 0 {
		return 0
	}
	x = min(x, r.spans[i].b)
	return r.nanos[i] + (x-r.spans[i].a)*int64(r.track.step) + r.track.offset(x)
}

// observed reports whether tick x was observed.
func (r *runs) observed(x int64) bool {
	i := r.at(x)
	return i >= 0 && x <= r.spans[i].b
}

// carried is like observed, and holds also while the source's next reading after its newest is not due yet.
func (r *runs) carried(x int64, a *lineage.Access) bool {
	if r.observed(x) {
		return true
	}
	n := r.track.newest
	return n.tick > 0 && x > n.tick && x <= n.tick+int64(n.span) && (n.miss == nil || !n.miss.all && !n.miss.names(a))
}

// last returns the newest tick in (x, y] that carried holds for; ok is false when there is none.
func (r *runs) last(x, y int64, a *lineage.Access) (tick int64, ok bool) {
	if r.carried(y, a) {
		return y, true
	}
	if n := r.track.newest; n.tick > 0 && y > n.tick+int64(n.span) && n.tick+int64(n.span) > x && r.carried(n.tick+int64(n.span), a) {
		return n.tick + int64(n.span), true
	}
	i := r.at(y)
	if i < 0 || r.spans[i].b <= x {
		return 0, false
	}
	return min(y, r.spans[i].b), true
}
