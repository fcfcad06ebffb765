package timeseries

import (
	"slices"
	"sort"

	"github.com/lineaged/lineaged/lineage"
)

// What a source says of an access in words stands until it says something else. Of most it says one thing for ever: so
// what is kept of all is the newest, and since when it stands, and only of those of whom more was said in open blocks
// what was said when. Sealed blocks hold what changed in them (blockdetails.go).

// detailLine is what was told of an access by one kind of evidence in open blocks. It does not hang on the order in
// which that came.
type detailLine struct {
	base  lineage.Word // what stood at the end of the sealed blocks, At is since when; zero: nothing
	spans []detailSpan // by tick, apart
}

// detailSpan is one detail, told at first, at last, and at each step between; step is 0 where it was told once.
type detailSpan struct {
	first, last, step int64
	text              string
}

// tell keeps what was told at a tick. Of two at one tick the lesser stands.
func (l *detailLine) tell(tick int64, text string) {
	i := sort.Search(len(l.spans), func(i int) bool { return l.spans[i].last >= tick })
	if i < len(l.spans) && l.spans[i].first <= tick {
		if s := l.spans[i]; !s.tells(tick) || text < s.text {
			l.spans = slices.Replace(l.spans, i, i+1, s.around(tick, text)...)
		}
		return
	}
	if i == 0 || !l.spans[i-1].extend(tick, text) {
		l.spans = slices.Insert(l.spans, i, detailSpan{first: tick, last: tick, text: text})
	}
}

// extend reports whether what is told at a later tick is more of the span.
func (s *detailSpan) extend(tick int64, text string) bool {
	switch {
	case s.text != text:
		return false
	case s.step == 0:
		s.step = tick - s.first
	case tick-s.last != s.step:
		return false
	}
	s.last = tick
	return true
}

// tells reports whether the span's detail was told at a tick between its first and its last.
func (s detailSpan) tells(tick int64) bool { return s.step == 0 || (tick-s.first)%s.step == 0 }

// around puts what was told at a tick between the first and the last into the place of what the span tells there.
func (s detailSpan) around(tick int64, text string) (out []detailSpan) {
	if tick > s.first {
		left := s
		left.last -= (s.last - tick + s.step) / s.step * s.step
		out = append(out, left.tidy())
	}
	out = append(out, detailSpan{first: tick, last: tick, text: text})
	if tick < s.last {
		out = append(out, s.after(tick))
	}
	return out
}

// after returns what the span tells after a tick before its last.
func (s detailSpan) after(tick int64) detailSpan {
	if tick >= s.first {
		s.first += (tick - s.first + s.step) / s.step * s.step
	}
	return s.tidy()
}

func (s detailSpan) tidy() detailSpan {
	if s.first == s.last {
		s.step = 0
	}
	return s
}

// each visits what stood when, from the first change up to a tick on.
func (l *detailLine) each(until int64, visit func(lineage.Word)) {
	text := l.base.Text
	for _, s := range l.spans {
		if s.first > until {
			break
		}
		if s.text != text {
			text = s.text
			visit(lineage.Word{At: s.first, Text: text})
		}
	}
}

// at returns what stood at a tick, and since when.
func (l *detailLine) at(tick int64) lineage.Word {
	w := l.base
	l.each(tick, func(now lineage.Word) { w = now })
	return w
}

// seal drops what was told up to a tick but for what stands there.
func (l *detailLine) seal(end int64) {
	l.base = l.at(end)
	i := sort.Search(len(l.spans), func(i int) bool { return l.spans[i].last > end })
	if l.spans = slices.Clone(l.spans[i:]); len(l.spans) > 0 {
		l.spans[0] = l.spans[0].after(end)
	}
}

// tell keeps a detail that was told in open blocks; sealed is the end of the others.
func (p *support) tell(tick, sealed int64, detail string) {
	switch {
	case p.said != nil: // what is derived of it stands
		if tick > p.detailTick || tick == p.detailTick && detail < p.detail {
			p.detail, p.detailTick, p.since = detail, tick, tick
		}
		return
	case p.line != nil:
	case p.detail == "":
		p.detail, p.detailTick, p.since = detail, tick, tick
		return
	case detail == p.detail && tick == p.detailTick:
		return
	case detail == p.detail && p.detailTick <= sealed:
		p.detailTick = tick
		return
	default:
		p.line = &detailLine{}
		if p.since <= sealed {
			p.line.base = lineage.Word{At: p.since, Text: p.detail}
		}
		if p.detailTick > sealed {
			p.line.tell(p.detailTick, p.detail)
		}
	}
	p.line.tell(tick, detail)
	newest := p.line.spans[len(p.line.spans)-1]
	p.detail, p.detailTick, p.since = newest.text, newest.last, p.line.at(never).At
}

// sealDetails drops what was told up to a tick, which a block holds.
func (p *support) sealDetails(end int64) {
	if p.line == nil {
		return
	}
	if p.line.seal(end); len(p.line.spans) == 0 {
		p.line = nil
	}
}

// detailAt returns what stood at the end of the sealed blocks or at a tick after it, and since when.
func (p *support) detailAt(tick int64) lineage.Word {
	switch {
	case tick >= p.since:
		return lineage.Word{At: p.since, Text: p.detail}
	case p.said != nil:
		return p.said.at(tick)
	case p.line != nil:
		return p.line.at(tick)
	}
	return lineage.Word{}
}

// changes returns what stood at the end of the sealed blocks, and what changed after it up to a tick.
func (p *support) changes(sealed, until int64) (base lineage.Word, out []lineage.Word) {
	base = p.detailAt(sealed)
	switch {
	case p.said != nil:
		text := base.Text
		for _, y := range p.said.open {
			if y.At <= until && y.Text != text {
				text = y.Text
				out = append(out, y.Word)
			}
		}
	case p.line != nil:
		p.line.each(until, func(w lineage.Word) { out = append(out, w) })
	case p.since > sealed && p.since <= until && p.detail != "":
		out = append(out, lineage.Word{At: p.since, Text: p.detail})
	}
	return base, out
}

// saved returns what stands of it in the saved state: what was told in open blocks is in the log.
func (p *support) saved() lineage.Word {
	switch {
	case p.said != nil: // what is said of open blocks is derived again
		return p.said.sealed
	case p.line != nil:
		return p.line.base
	}
	return lineage.Word{At: p.since, Text: p.detail}
}

// at returns what stood at the end of the sealed blocks or at a tick after it, and since when.
func (w *words) at(tick int64) lineage.Word {
	n := sort.Search(len(w.open), func(i int) bool { return w.open[i].At > tick })
	switch {
	case n == 0, n == 1 && w.open[0].Text == w.sealed.Text:
		return lineage.Word{At: w.since, Text: w.sealed.Text}
	}
	return w.open[n-1].Word
}
