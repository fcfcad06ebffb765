package timeseries

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// probe is one series of a query.
type probe struct {
	key     seriesKey
	access  *lineage.Access
	src     *source // of the newest sample
	base    int64
	sealed  bool
	head    *head  // a copy
	pending *probe // the subject's Pending gauge, if the same source writes it
	runs    *runs
	runsOf  uint16
}

// probe needs mu. It returns nil for a series that nothing is held of.
func (e *engine) probe(key seriesKey, up awake) *probe {
	s := e.find(key, up)
	if s == nil || !s.any() {
		return nil
	}
	p := e.probeOf(s)
	if key.Metric.Counter() {
		if g := s.subject.find(lineage.Pending, lineage.NoEvidence); g != nil {
			if q := e.probeOf(g); q.src == p.src {
				p.pending = q
			}
		}
	}
	return p
}

func (e *engine) probeOf(s *series) *probe {
	p := e.probeValue(s, &heads{})
	return &p
}

// probeValue needs mu.
func (e *engine) probeValue(s *series, room *heads) probe {
	return probe{
		key: s.key, access: &s.subject.entry.access, src: s.source(e.sources), base: s.base, sealed: s.sealed, head: room.copyOf(&s.head),
	}
}

// heads is room for copies of heads: a query takes those of many series at once, and of most of what is sealed none.
type heads []head

// mostHeads is how many copies are made room for at once.
const mostHeads = 1024

var noHead head

// copyOf returns a copy that stays as it is.
func (r *heads) copyOf(h *head) *head {
	if !h.any() {
		return &noHead
	}
	if len(*r) == cap(*r) {
		*r = make(heads, 0, min(2*cap(*r)+1, mostHeads))
	}
	*r = append(*r, *h)
	return &(*r)[len(*r)-1]
}

// find needs mu.
func (e *engine) find(key seriesKey, up awake) *series {
	if s := e.subjectOf(key.Subject, up); s != nil {
		return s.find(key.Metric, key.Evidence)
	}
	return nil
}

// probes needs mu; parallel to keys.
func (e *engine) probes(keys []seriesKey, up awake) []*probe {
	out := make([]*probe, len(keys))
	for i, k := range keys {
		out[i] = e.probe(k, up)
	}
	return out
}

// step is one advance of a counter: from the total at from to that at tick, by delta.
type step struct {
	from, tick int64
	delta      int64
	estimated  bool
	src        uint16
}

// headSteps walks the advances of the head that touch (lo, hi], until visit returns false.
func (p *probe) headSteps(lo, hi int64, visit func(step) (more bool)) {
	p.head.steps(p.base, lo, hi, visit)
}

// after returns a cursor over the samples of the head after a tick. The base is zero for a series without sealed ones.
func (p *probe) after(tick int64) cursor { return p.head.after(tick, p.base) }

// blockSteps walks the advances in the i-th block of the cover that touch (lo, hi], until visit returns false.
func (v *view) blockSteps(i int, p *probe, visit func(step) (more bool)) error {
	b := v.cover[i]
	x, err := v.entry(i, p.key)
	if err != nil || x == nil || x.samples == 0 || x.reach >= v.hi {
		return err
	}
	points, err := v.blockPoints(b, x)
	if err != nil {
		return err
	}
	if v.lo > b.meta.start {
		points = points[sort.Search(len(points), func(i int) bool { return b.meta.start+int64(points[i].tick) > v.lo }):]
	}
	for _, q := range points {
		tick := b.meta.start + int64(q.tick)
		from := tick - q.width()
		if from >= v.hi {
			continue
		}
		if !visit(step{from: from, tick: tick, delta: q.value, estimated: q.estimated(), src: x.src}) {
			return nil
		}
	}
	return nil
}

// steps walks all advances of a counter that touch the window, by time. What visit returns ends the walk of a block, or
// of the head, when it is false.
func (v *view) steps(p *probe, visit func(step) (more bool)) error {
	for i, b := range v.cover {
		if b.meta.end <= v.lo || b.meta.sampleMin >= v.hi {
			continue
		}
		if err := v.blockSteps(i, p, visit); err != nil {
			return err
		}
	}
	v.openSteps(p, visit)
	return nil
}

// parts walks the window block by block, with the source that wrote the series there: open blocks as they will be when
// they are sealed.
func (v *view) parts(p *probe, visit func(lo, hi int64, r *runs)) error {
	at := v.lo
	part := func(to int64, src uint16) error {
		if to <= at {
			return nil
		}
		r, err := v.runs(p, src)
		if err == nil {
			visit(at, to, r)
			at = to
		}
		return err
	}
	for i, b := range v.cover {
		if b.meta.end <= v.lo || b.meta.start >= v.hi {
			continue
		}
		x, err := v.entry(i, p.key)
		if err != nil {
			return err
		}
		if x == nil || x.src == p.src.id { // nothing else wrote it: part of the run that ends with the newest source's
			continue
		}
		if err := part(min(max(b.meta.start, v.lo), v.hi), p.src.id); err != nil {
			return err
		}
		if err := part(min(b.meta.end, v.hi), x.src); err != nil {
			return err
		}
	}
	for _, x := range v.openBlocks(p) {
		if x.end <= v.lo || x.start >= v.hi || x.src == p.src.id {
			continue
		}
		if err := part(max(x.start, v.lo), p.src.id); err != nil {
			return err
		}
		if err := part(min(x.end, v.hi), x.src); err != nil {
			return err
		}
	}
	return part(v.hi, p.src.id)
}

// openBlock is which source speaks for a series in an open block: that of the last sample in it.
type openBlock struct {
	start, end int64
	src        uint16
}

// openBlocks returns who speaks for a series in the open blocks in which it has samples, by time; nil where all are of
// its newest source.
func (v *view) openBlocks(p *probe) (out []openBlock) {
	if !p.head.several(p.src.id) {
		return nil
	}
	for c := p.after(0); c.next(); {
		start := v.block(rawTier, c.tick)
		if n := len(out); n == 0 || out[n-1].start != start {
			out = append(out, openBlock{start: start, end: start + v.blockTicks[rawTier]})
		}
		out[len(out)-1].src = c.src
	}
	return out
}

// openSteps walks the advances of the head that touch the window, each as of the source that speaks for its block.
func (v *view) openSteps(p *probe, visit func(step) (more bool)) {
	all := v.openBlocks(p)
	if all == nil {
		p.headSteps(v.lo, v.hi, visit)
		return
	}
	i := 0
	p.headSteps(v.lo, v.hi, func(x step) bool {
		for x.tick > all[i].end {
			i++
		}
		x.src = all[i].src
		return visit(x)
	})
}

// amounts returns what each counter advanced in the window; parallel to keys. An unknown key, or a gauge, has Known
// false.
func (e *engine) amounts(ctx context.Context, w lineage.Window, keys []seriesKey) ([]lineage.Amount, error) {
	v, probes, err := e.viewOfSeries(ctx, e.floor(w.Start), e.floor(w.End), keys)
	if err != nil {
		return nil, err
	}
	defer v.end()
	v.asked = len(keys)
	out := make([]lineage.Amount, len(keys))
	for i, p := range probes {
		if p == nil || !p.key.Metric.Counter() {
			continue
		}
		if i%256 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if out[i], _, err = v.amount(p); err != nil {
			return nil, fmt.Errorf("amount of %s of subject %d: %w", p.key.Metric, p.key.Subject, err)
		}
	}
	return out, nil
}

// amountSum adds up advances. Whole numbers are kept apart from shares, so that the sum does not depend on what was
// added at once.
type amountSum struct {
	v                   *view
	whole, wholeSeen    int64
	shared, sharedSeen  float64
	straddling          int64 // the advances of which shared has a part
	told                int64 // of straddling, what was read in the window
	estimated, lastTick bool
}

func (s *amountSum) add(x step, r *runs) {
	a, b := max(x.from, s.v.lo), min(x.tick, s.v.hi)
	if a >= b {
		return
	}
	s.lastTick = s.lastTick || x.from < s.v.until && x.tick >= s.v.until
	s.estimated = s.estimated || x.estimated // that of no advance says that there may have been one
	if x.delta == 0 {
		return
	}
	width := x.tick - x.from
	if b-a == width {
		s.whole += x.delta
	} else {
		s.shared += float64(x.delta) * float64(b-a) / float64(width)
		s.straddling += x.delta
		if x.tick <= s.v.hi {
			s.told += x.delta
		}
	}
	switch seen := r.within(a, b); seen {
	case width:
		s.wholeSeen += x.delta
	case 0:
	default:
		s.sharedSeen += float64(x.delta) * float64(seen) / float64(width)
	}
}

// amount returns what a counter advanced in the window, and how many ticks of it were observed.
func (v *view) amount(p *probe) (a lineage.Amount, ticks int64, err error) {
	s := amountSum{v: v, estimated: slices.ContainsFunc(v.lost, func(x lostSpan) bool { return x.damage })}
	nanos := int64(0)
	var room [2]part // mostly one source wrote it all
	parts := room[:0]
	err = v.parts(p, func(lo, hi int64, r *runs) {
		parts = append(parts, part{lo, hi, r})
		ticks += r.within(lo, hi)
		nanos += r.realWithin(lo, hi)
	})
	if err != nil {
		return lineage.Amount{}, 0, err
	}
	awaits := v.awaits(p, parts)
	for i, b := range v.cover {
		if b.meta.end <= v.lo || b.meta.sampleMin >= v.hi {
			continue
		}
		last := awaits && b.meta.end >= v.until // whether something was told of the last tick is in the samples
		if done, err := v.blockSum(i, p, &s, last); err != nil {
			return lineage.Amount{}, 0, err
		} else if done {
			continue
		}
		var failed error
		err := v.blockSteps(i, p, func(x step) bool {
			failed = v.addStep(&s, p, x)
			return failed == nil
		})
		if err = cmp.Or(err, failed); err != nil {
			return lineage.Amount{}, 0, err
		}
	}
	if err := v.headSum(p, &s, awaits); err != nil {
		return lineage.Amount{}, 0, err
	}
	pending, more, err := v.pendingSince(p)
	if err != nil {
		return lineage.Amount{}, 0, err
	}
	for _, x := range parts {
		nanos -= x.runs.realWithin(max(pending, x.lo), x.hi)
	}
	a = lineage.Amount{
		Total: float64(s.whole) + s.shared, Shared: float64(s.straddling), Within: float64(s.whole), Told: float64(s.whole + s.told), Observed: float64(s.wholeSeen) + s.sharedSeen, ObservedFor: time.Duration(nanos), Estimated: s.estimated,
	}
	a.Known = ticks > 0 || a.Total > 0
	a.Pending = more || !s.lastTick && awaits
	return a, ticks, nil
}

// awaits reports whether a counter's source, which looks more seldom than each tick, has not looked at the window's
// end, or in the last tick of it that can have come, and is not due yet.
func (v *view) awaits(p *probe, parts []part) bool {
	for _, x := range parts {
		if x.lo < v.until && v.until <= x.hi {
			return !x.runs.observed(v.until) && x.runs.carried(v.until, p.access)
		}
	}
	return false
}

func (v *view) addStep(s *amountSum, p *probe, x step) error {
	r, err := v.runs(p, x.src)
	if err == nil {
		s.add(x, r)
	}
	return err
}

// runs returns when a source observed the subject of a series. The probe remembers the last answer, since one source
// writes nearly all of a series.
func (v *view) runs(p *probe, src uint16) (*runs, error) {
	if p.runs != nil && p.runsOf == src {
		return p.runs, nil
	}
	t, err := v.track(src)
	if err != nil {
		return nil, err
	}
	p.runs, p.runsOf = t.runs(p.access), src
	return p.runs, nil
}

// blockSum adds at once what the i-th block of the cover has of the window; done is false when the samples have to be
// looked at: where they do not lie in the window or out of it as a whole, where something was not observed, and where
// they are asked for.
func (v *view) blockSum(i int, p *probe, s *amountSum, samples bool) (done bool, err error) {
	x, err := v.entry(i, p.key)
	if err != nil || x == nil || x.samples == 0 || samples {
		return err == nil && !samples, err
	}
	b := v.cover[i]
	from, to := x.reach, b.meta.end
	part := from < v.lo || to > v.hi
	if part {
		from, to = max(b.meta.start, v.lo), min(to, v.hi)
	}
	if from >= to { // it only reaches back into the window
		return false, nil
	}
	r, err := v.runs(p, x.src)
	if err != nil || r.within(from, to) != to-from {
		return false, err
	}
	sum, estimated := x.sum, x.estimated
	if part {
		t, err := v.advancedIn(i, x)
		if err != nil || t == nil {
			return false, err
		}
		if sum, done = t.within(x.slot, from-b.meta.start, to-b.meta.start); !done {
			return false, nil
		}
		estimated = false
	}
	s.whole += sum
	s.wholeSeen += sum
	s.estimated = s.estimated || estimated
	return true, nil
}

// headSum adds what the head says, by packs where they lie in the window and were observed. awaits: see view.awaits.
func (v *view) headSum(p *probe, s *amountSum, awaits bool) error {
	h := p.head
	if h.several(p.src.id) {
		var failed error
		v.openSteps(p, func(x step) bool {
			failed = v.addStep(s, p, x)
			return failed == nil
		})
		return failed
	}
	for i := h.packAfter(v.lo); i <= len(h.packs); i++ {
		x := h.pack(i)
		if x.n == 0 || x.last <= v.lo || x.first-h.maxSpan >= v.hi {
			return nil
		}
		if !awaits || x.last < v.until { // whether something was told of the last tick is in the samples
			done, err := v.packSum(i, p, s)
			if err != nil {
				return err
			}
			if done {
				continue
			}
		}
		var failed error
		h.packSteps(i, p.base, v.lo, v.hi, func(y step) bool {
			failed = v.addStep(s, p, y)
			return failed == nil
		})
		if failed != nil {
			return failed
		}
	}
	return nil
}

// packSum adds at once what a pack of the head has of the window; done is false when its samples have to be looked at
// one by one, as in blockSum.
func (v *view) packSum(i int, p *probe, s *amountSum) (done bool, err error) {
	x := p.head.pack(i)
	from, to := max(x.reach, v.lo), min(x.last, v.hi)
	r, err := v.runs(p, x.src)
	if err != nil || r.within(from, to) != to-from {
		return false, err
	}
	sum, estimated := x.sum, x.estimated
	if from != x.reach || to != x.last {
		if sum, done = x.within(v.lo, v.hi); !done {
			return false, nil
		}
		estimated = false
	}
	s.whole += sum
	s.wholeSeen += sum
	s.estimated = s.estimated || estimated
	return true, nil
}
