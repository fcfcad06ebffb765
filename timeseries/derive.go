package timeseries

import (
	"cmp"
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
)

// words are what was said of a derived series: the newest of sealed blocks, and those of open ones, which may change.
type words struct {
	sealed lineage.Word // At is when it was said last
	since  int64        // since when it is said
	open   []saying
	round  uint64 // the settling that last derived the series
}

// saying is what was said at a tick and, maybe, at others up to last.
type saying struct {
	lineage.Word
	last int64
}

// after drops what was said after a tick.
func (w *words) after(tick int64) {
	w.open = w.open[:sort.Search(len(w.open), func(i int) bool { return w.open[i].At > tick })]
	if n := len(w.open); n > 0 {
		w.open[n-1].last = min(w.open[n-1].last, tick)
	}
}

func (w *words) say(y lineage.Word) {
	if n := len(w.open); n > 0 && w.open[n-1].Text == y.Text {
		w.open[n-1].last = y.At
		return
	}
	w.open = append(w.open, saying{y, y.At})
}

// seal keeps the newest of what was said up to a tick.
func (w *words) seal(tick int64) {
	n := sort.Search(len(w.open), func(i int) bool { return w.open[i].At > tick })
	if n == 0 {
		return
	}
	w.since = w.at(tick).At
	x := w.open[n-1]
	w.sealed = lineage.Word{At: min(x.last, tick), Text: x.Text}
	if x.last > tick { // it is said of open blocks too
		n--
	}
	w.open = slices.Clone(w.open[n:])
}

func (w *words) newest() lineage.Word {
	if n := len(w.open); n > 0 {
		return lineage.Word{At: w.open[n-1].last, Text: w.open[n-1].Text}
	}
	return w.sealed
}

// keep puts what was settled in the place of what lay after a tick.
func (e *engine) keep(x *ledger, after int64, settled derivations) {
	e.ledgers.round++
	for _, counters := range [...]bool{true, false} { // of whom nothing is counted any more nothing is pending
		for i := range settled {
			if y := &settled[i]; y.Metric.Counter() == counters {
				if s := e.keepSeries(x, after, y); s != nil {
					x.out[s].round = e.ledgers.round
				}
			}
		}
		for s, w := range x.out {
			if s.key.Metric.Counter() == counters && w.round != e.ledgers.round {
				e.renew(x, s, after, nil)
				e.credit(s.subject, s.key.Evidence)
				e.touch(x.say(s, after, nil))
			}
		}
	}
	for s := range x.out {
		if !s.any() { // it turned out to be another's
			e.underive(x, s)
		}
	}
}

// underive takes a derived series away of which nothing is left. It needs mu for writing.
func (e *engine) underive(x *ledger, s *series) {
	x.unsay(s)
	s.subject.removeSeries(s)
	delete(x.out, s)
	e.touch(s.touches(e.firstSeen(s.subject) - 1))
}

// keepSeries keeps one derived series; nil: there is nothing to keep.
func (e *engine) keepSeries(x *ledger, after int64, y *derivation) *series {
	s := e.derivedOf(&y.Access, y.Metric, y.Evidence)
	last := int64(0)
	if s != nil {
		if !s.derived {
			return nil // a source counts it by itself, and what was told is never changed
		}
		last = s.at(after)
	}
	readings := y.Readings
	if y.Metric == lineage.Pending {
		readings = e.counted(&y.Access, readings)
	}
	var samples []sample
	by := y.by[len(y.by)-len(readings):]
	for i, r := range readings {
		value, ok := y.next(last, r)
		if !ok {
			continue
		}
		last = value
		samples = append(samples, sample{value: value, tick: r.To, span: int32(spanOf(r)), estimated: r.Estimated, src: by[i]})
	}
	switch {
	case s != nil:
	case len(samples) == 0:
		return nil
	default:
		s = e.newDerived(&y.Access, y.Metric, y.Evidence, samples[0].tick)
	}
	if s.ledger = x; x.out[s] == nil {
		x.out[s] = &words{}
	}
	was := s.source(e.sources)
	e.renew(x, s, after, samples)
	if now := s.source(e.sources); was != nil && was != now {
		e.touch(0) // the newest source speaks for times in which no other wrote
	}
	if len(samples) > 0 {
		e.subject(s.subject.entry, samples[len(samples)-1].tick)
	}
	e.credit(s.subject, y.Evidence)
	e.touch(x.say(s, after, y.Words))
	return s
}

// credit names whose word a kind of evidence rests on that was derived alone: whose the newest sample is, as it is
// derived now, and not as it was before more was known. Where observations told of the kind as well it is who told
// last, whatever was derived of it.
func (e *engine) credit(x *subject, kind lineage.EvidenceKind) {
	var newest *series
	for _, s := range x.series {
		switch {
		case s.key.Evidence != kind || !s.any():
		case !s.derived:
			return
		case newest == nil || s.head.newest.tick > newest.head.newest.tick:
			newest = s
		}
	}
	if newest == nil || kind == lineage.NoEvidence {
		return
	}
	p := x.support(kind)
	if p.sighted != never {
		return
	}
	p.src, p.srcTick = newest.source(e.sources), cmp.Or(newest.head.newest.tick, e.sealed)
}

// next returns the total or the level after a reading; ok is false where it says nothing new. That of no advance says
// that there may have been one, of who was counted before.
func (y *derivation) next(last int64, r lineage.Reading) (value int64, ok bool) {
	if y.Metric.Counter() {
		value = last + r.Value
		return value, value != last || value != 0
	}
	return r.Value, r.Value != last
}

func spanOf(r lineage.Reading) int64 { return min(max(r.To-r.From, 1), maxSpanTicks) }

// derivedOf returns a series of an access, nil when there is none. It needs mu, or commit.
func (e *engine) derivedOf(a *lineage.Access, m lineage.Metric, k lineage.EvidenceKind) *series {
	if ent := e.entries.of(a); ent != nil && ent.subject != nil {
		return ent.subject.find(m, k)
	}
	return nil
}

// counted returns a gauge's readings from the block on in which something of its subject was derived to be counted
// first. It needs mu.
func (e *engine) counted(a *lineage.Access, readings []lineage.Reading) []lineage.Reading {
	first := int64(never)
	if ent := e.entries.of(a); ent != nil && ent.subject != nil {
		for _, s := range ent.subject.series {
			switch {
			case !s.derived || !s.key.Metric.Counter():
			case s.sealed && s.base > 0:
				return readings
			case s.head.any():
				first = min(first, s.head.firstTick())
			}
		}
	}
	if first == never {
		return nil
	}
	return readings[sort.Search(len(readings), func(i int) bool { return readings[i].To > e.block(rawTier, first) }):]
}

// newDerived makes a series. It needs commit, and mu for writing.
func (e *engine) newDerived(a *lineage.Access, m lineage.Metric, k lineage.EvidenceKind, tick int64) *series {
	ent := e.entries.of(a)
	if ent == nil {
		ent = &entry{access: *a}
		e.entries.put(ent)
	}
	sub := e.subject(ent, tick)
	s := &series{key: seriesKey{Subject: sub.id, Metric: m, Evidence: k}, subject: sub, derived: true}
	sub.addSeries(s)
	e.listSeries(s)
	e.touch(e.firstSeen(sub) - 1) // a subject that was there has one more
	return s
}

// any reports whether a series ever had a sample.
func (s *series) any() bool { return s.sealed || s.head.any() }

// touches returns the tick after which answers change when a series does after a tick: links hold for all windows.
func (s *series) touches(after int64) int64 {
	if s.key.Metric == lineage.Linked {
		return 0
	}
	return after
}

// renew puts samples in the place of those after a tick.
func (e *engine) renew(x *ledger, s *series, after int64, samples []sample) {
	old, same := s.head.since(after), 0
	for same < min(len(old), len(samples)) && old[same] == samples[same] {
		same++
	}
	for _, y := range [...][]sample{old[same:], samples[same:]} {
		for _, z := range y { // a later one may reach further back
			from := z.tick - int64(z.span)
			e.touch(s.touches(from))
			if e.marked(from, z.tick).a < e.ledgers.closed && s.key.Metric.Moves() { // a sealed block marks it too
				e.ledgers.remark(x, from)
			}
		}
	}
	for same > 0 && (same < len(old) && old[same].tick == old[same-1].tick || same < len(samples) && samples[same].tick == old[same-1].tick) {
		same-- // one tick may have several, which stay or go together
	}
	if same > 0 {
		after = old[same-1].tick
	}
	s.head.truncate(after, s.base)
	for _, y := range samples[same:] {
		e.reaches(y.tick - int64(y.span))
		s.head.push(y, s.base)
	}
}

// say keeps what is said of a derived series from a tick on. The newest stands as its evidence's detail. It returns the
// tick after which something else stands than did; never: nowhere.
func (x *ledger) say(s *series, after int64, said []lineage.Word) (changed int64) {
	w := x.out[s]
	if s.key.Evidence == lineage.NoEvidence || !s.any() {
		return never
	}
	p := x.speak(s)
	was := slices.Clone(w.open)
	w.after(after)
	for _, y := range said {
		w.say(y)
	}
	p.detail, p.detailTick, p.since = w.newest().Text, w.newest().At, w.at(never).At
	changed = never
	for i := range max(len(was), len(w.open)) {
		switch {
		case i >= len(was):
			changed = min(changed, w.open[i].At-1)
		case i >= len(w.open) || was[i].Word != w.open[i].Word:
			changed = min(changed, was[i].At-1)
			if i < len(w.open) {
				changed = min(changed, w.open[i].At-1)
			}
		}
	}
	return changed
}

// speak has the words of a derived series stand as its evidence's detail.
func (x *ledger) speak(s *series) *support {
	w, p := x.out[s], s.subject.support(s.key.Evidence)
	switch {
	case p.said == nil: // as it was saved
		w.sealed, w.since = lineage.Word{At: p.detailTick, Text: p.detail}, p.since
	case p.said != w: // there was nothing of it for a while
		w.sealed, w.since = p.said.sealed, p.said.since
	}
	p.said = w
	return p
}

// unsay takes back what was said of a derived series of which nothing is left. What a source told since of its subject
// with the same kind of evidence stands, and what it told before stands again.
func (x *ledger) unsay(s *series) {
	w, p := x.out[s], s.subject.supported(s.key.Evidence)
	if w == nil || p == nil || p.said != w {
		return
	}
	p.said = nil
	if now := w.newest(); p.detail != now.Text && p.detailTick > now.At {
		return
	}
	if p.sighted == never {
		w.sealed, w.since = lineage.Word{}, 0
	}
	p.detail, p.detailTick, p.since = w.sealed.Text, w.sealed.At, w.since
}
