package timeseries

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// The reasons of gaps that no observation explains.
const (
	nothingRecorded = "nothing was recorded: lineaged was not running, or did not watch this yet"
	notRunning      = "nothing was recorded: lineaged was not running, or could not store"
	expectedSilent  = "nothing was recorded of a source that was expected, while others went on"
)

// sourceColumns says what each source observed of the window, by name. told is what facts say of them.
func (v *view) sourceColumns(told map[lineage.Source][]expectation) ([]store.SourceCoverage, error) {
	sources, err := v.coveredSources(told, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	going := v.running(sources)
	out := make([]store.SourceCoverage, len(sources))
	for i, c := range sources {
		c.walk(going)
		out[i] = store.SourceCoverage{Source: c.name, Expected: c.expected, Seen: c.seen, Gaps: c.gaps}
	}
	if len(out) == 0 { // nobody is left who could say it
		for _, x := range v.lost {
			w := lineage.Window{Start: v.at(max(x.a, v.lo)), End: v.at(min(x.b, v.hi))}
			name := lineage.Source{Cluster: x.source.Cluster, Name: cmp.Or(x.source.Name, storeSource)}
			out = append(out, store.SourceCoverage{
				Source: name, Expected: float64(min(x.b, v.hi) - max(x.a, v.lo)),
				Gaps: []lineage.Gap{{Source: name, Window: w, Reason: x.reason}},
			})
		}
	}
	slices.SortFunc(out, func(a, b store.SourceCoverage) int {
		return cmp.Or(strings.Compare(a.Source.Cluster, b.Source.Cluster), strings.Compare(a.Source.Name, b.Source.Name))
	})
	return out, nil
}

// expectation is what a fact says of a source for the ticks after its own.
type expectation struct {
	tick int64
	lineage.SourceFact
}

// expectations returns what facts about sources say of them up to a tick, by time. It needs mu.
func expectations(lines []*factLine, until int64) map[lineage.Source][]expectation {
	out := map[lineage.Source][]expectation{}
	for _, line := range lines {
		key := line.key()
		var list []expectation
		var all []*factVersion
		for i := range line.past {
			all = append(all, line.pastVersion(i))
		}
		for i := range line.versions {
			all = append(all, &line.versions[i])
		}
		for _, x := range all {
			switch {
			case x.tick > until:
			case x.fact.Gone:
				list = append(list, expectation{x.tick, lineage.SourceFact{State: lineage.SourceRetired}})
			default:
				list = append(list, expectation{x.tick, *x.fact.Source})
			}
		}
		if len(list) > 0 {
			out[lineage.Source{Cluster: key.Source, Name: key.Name}] = list
		}
	}
	return out
}

// coveredSources returns the sources that count in the window, each with when it was expected and when it observed.
func (v *view) coveredSources(told map[lineage.Source][]expectation, of func(cluster string) bool) ([]*sourceCoverage, error) {
	latest, ended := int64(0), map[string]int64{}
	for _, h := range v.heads {
		latest = max(latest, h.newest.tick)
		ended[h.name.Cluster] = max(ended[h.name.Cluster], h.newest.tick)
	}
	var out []*sourceCoverage
	for id, h := range v.heads {
		facts := told[h.name]
		delete(told, h.name)
		switch {
		case !of(h.name.Cluster) || h.newest.tick == 0 && len(facts) == 0:
			continue
		case len(facts) == 0 && h.newest.tick <= v.lo && latest > h.newest.tick+2*int64(h.newest.span):
			continue
		}
		t, err := v.track(uint16(id))
		if err != nil {
			return nil, err
		}
		c := v.covered(h.name, t, facts, h.newest.tick > 0)
		c.ended = ended[h.name.Cluster]
		out = append(out, c)
	}
	for name, facts := range told { // of which nothing was ever observed
		out = append(out, v.covered(name, newTrack(v.clock, v.lo, v.hi, anchor{}, nil, round{}), facts, false))
	}
	return slices.DeleteFunc(out, func(c *sourceCoverage) bool { return len(c.due) == 0 && len(c.track.spans) == 0 }), nil
}

// covered cuts a source's expectations to the window. One that has observed is expected from the window's start, also
// before anything was told of it.
func (v *view) covered(name lineage.Source, t *track, facts []expectation, observed bool) *sourceCoverage {
	c := &sourceCoverage{track: t, name: name, lost: v.lost}
	due := func(a, b int64) {
		if a, b = max(a, v.lo), min(b, v.hi); a < b {
			c.due = append(c.due, tickRange{a, b})
		}
	}
	until := v.hi
	if len(facts) > 0 {
		until = facts[0].tick
	}
	if observed {
		due(v.lo, until)
	}
	for i, f := range facts {
		until = v.hi
		if i+1 < len(facts) {
			until = facts[i+1].tick
		}
		if f.State != lineage.SourceExpected {
			continue
		}
		due(f.tick, until)
		c.told = append(c.told, tickRange{f.tick, until})
		if c.next.tick < f.tick {
			c.next = round{anchor: anchor{tick: f.tick}, span: int32(min(int64(f.Interval/v.step), maxSpanTicks))}
		}
	}
	if c.next.tick < t.newest.tick {
		c.next = t.newest
	}
	return c
}

// running returns when lineaged is seen to have run, as disjoint ranges by time: a round of any source shows it for as
// long as the fastest of all takes. What a slow round covers besides may reach back over a stop.
func (v *view) running(sources []*sourceCoverage) []tickRange {
	least := int64(maxSpanTicks)
	for _, h := range v.heads {
		if h.newest.tick > 0 {
			least = min(least, int64(h.newest.span))
		}
	}
	for _, c := range sources {
		for _, r := range c.track.rounds {
			least = min(least, int64(r.span))
		}
	}
	least = max(least, v.stepTicks[v.tier]) // a round of a coarse step is there for any round in it
	var all []tickRange
	for _, c := range sources {
		for _, r := range c.track.rounds {
			all = append(all, tickRange{r.tick - min(int64(r.span), least), r.tick})
		}
	}
	slices.SortFunc(all, func(a, b tickRange) int { return cmp.Compare(a.a, b.a) })
	var out []tickRange
	for _, r := range all {
		if n := len(out); n > 0 && r.a <= out[n-1].b {
			out[n-1].b = max(out[n-1].b, r.b)
		} else {
			out = append(out, r)
		}
	}
	return out
}

// sourceCoverage adds up one source's part of a window, in ticks.
type sourceCoverage struct {
	track          *track
	name           lineage.Source
	due            []tickRange // when it is expected, disjoint, by time, within the window
	told           []tickRange // when a fact says so
	next           round       // after which its next round is due
	ended          int64       // newest round of any source of its cluster
	expected, seen float64
	gaps           []lineage.Gap
	lost           []lostSpan
	open           map[string]int // the last gap of each reason
}

// walk goes through the window. going is when lineaged ran.
func (c *sourceCoverage) walk(going []tickRange) {
	c.open = map[string]int{}
	t := c.track
	hi := t.hi
	// A source that is not overdue has no gap after its newest round. A round may take up to a tick to arrive, so it is
	// overdue only after the instant it is due at, or when others of its cluster have ended that round.
	if n := c.next; n.tick < hi && hi <= n.tick+int64(n.span) && (hi < n.tick+int64(n.span) || c.ended < hi) {
		hi = max(n.tick, t.lo)
		defer c.failed(hi, t.hi)
	}
	at := t.lo
	for _, s := range t.spans {
		c.hole(at, min(s.a, hi), going)
		at = s.b
		best := best(s.miss)
		if best == nil {
			c.expected += float64(s.b - s.a)
			c.seen += float64(s.b - s.a)
			continue
		}
		c.missed(s.a, s.b, best)
	}
	c.hole(at, hi, going)
}

// missed is a stretch (a, b] of which the source saw a part at best. Where it is off nobody waits for the rest; what it
// saw of a coarse step in which it was switched off it saw before.
func (c *sourceCoverage) missed(a, b int64, best *missing) {
	seen := float64(b-a) * (1 - best.share)
	overlap(c.due, a, b, func(a, b int64, due bool) {
		if !due {
			return
		}
		part := min(seen, float64(b-a))
		c.expected, c.seen, seen = c.expected+float64(b-a), c.seen+part, seen-part
		for _, m := range best.list {
			c.gap(a, b, m.Reason)
		}
	})
}

// failed is the time (a, b] after the newest round in which the next is not due yet. Where that round saw all it is no
// gap; where it saw nothing, nothing is known until the next.
func (c *sourceCoverage) failed(a, b int64) {
	m := c.next.miss
	if m == nil || !m.all {
		return
	}
	overlap(c.due, a, b, func(a, b int64, due bool) {
		if !due {
			return
		}
		c.expected += float64(b - a)
		for _, x := range m.list {
			c.gap(a, b, x.Reason)
		}
	})
}

// hole is a stretch (a, b] without a round. Where the source was expected it is a gap.
func (c *sourceCoverage) hole(a, b int64, going []tickRange) {
	overlap(c.due, a, b, func(a, b int64, due bool) {
		if !due {
			return
		}
		c.expected += float64(b - a)
		overlap(c.told, a, b, func(a, b int64, told bool) {
			if !told {
				c.blank(a, b, nothingRecorded)
				return
			}
			overlap(going, a, b, func(a, b int64, others bool) {
				if others {
					c.blank(a, b, expectedSilent)
				} else {
					c.blank(a, b, notRunning)
				}
			})
		})
	})
}

// overlap cuts (a, b] where it enters and leaves the ranges, which are disjoint and by time, and says of each piece
// whether it lies in one.
func overlap(ranges []tickRange, a, b int64, visit func(a, b int64, in bool)) {
	for _, r := range ranges {
		lo, hi := max(r.a, a), min(r.b, b)
		if lo >= hi {
			continue
		}
		if a < lo {
			visit(a, lo, false)
		}
		visit(lo, hi, true)
		a = hi
	}
	if a < b {
		visit(a, b, false)
	}
}

// blank notes that no round covers (a, b]: for the reason that the store knows of where it does, else for the one
// given.
func (c *sourceCoverage) blank(a, b int64, reason string) {
	c.explained(a, b, 0, func(a, b int64) {
		// A round that is lost reaches as far beyond what the store knows to be lost as it took.
		c.explained(a, b, int64(c.track.newest.span), func(a, b int64) { c.gap(a, b, reason) })
	})
}

// explained notes the parts of (a, b] that a loss of the store explains, and hands the others on.
func (c *sourceCoverage) explained(a, b, slack int64, rest func(a, b int64)) {
	for _, x := range c.lost {
		if lo, hi := max(x.a-slack, a), min(x.b+slack, b); lo < hi && x.of(c.name) {
			rest(a, lo)
			c.gap(lo, hi, x.reason)
			a = hi
		}
	}
	if a < b {
		rest(a, b)
	}
}

// best returns the least missing of the rounds that cover a tick, nil when one of them missed nothing.
func best(all []*missing) *missing {
	var out *missing
	share := math.Inf(1)
	for _, m := range all {
		if m.share < share || m.share == share && m.code < out.code {
			out, share = m, m.share
		}
	}
	return out
}

// gap notes that something was not seen in (a, b], and joins it to the gap of that reason that ends there.
func (c *sourceCoverage) gap(a, b int64, reason string) {
	if a >= b {
		return
	}
	start, end := c.track.at(a), c.track.at(b)
	if i, ok := c.open[reason]; ok && !c.gaps[i].Window.End.Before(start) {
		c.gaps[i].Window.End = end
		return
	}
	c.open[reason] = len(c.gaps)
	c.gaps = append(c.gaps, lineage.Gap{Source: c.name, Window: lineage.Window{Start: start, End: end}, Reason: reason})
}
