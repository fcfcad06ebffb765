package attribution

import (
	"cmp"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// This file holds curves against each other: what the broker counts of a producer id, what a source counts of a client,
// and what nobody counted. Two that are one differ by little. Who is said to be no other must differ by more than a
// source may err by: a push is lost, or what was sent twice is counted twice.

// Of 4,000 random worlds (TestConcludedIsTrue) these conclude nothing that is wrong, and 82 % of what there is. Nor is
// anything wrong that they conclude where sources err (TestConcludedBesideTheNameless, TestConcludedThoughSourcesErr).
const (
	alike     = 0.05 // what two curves may differ by, of the whole, to be one
	unlike    = 0.12 // what they differ by at least to be two
	slack     = 3    // ticks by which two sources may see the same apart
	fewest    = 10   // records from which curves say something
	certain   = 0.5  // of the whole, what a producer id wrote for certain in the time that a source tells of
	plausible = 0.75 // the part of what a client claims that it wrote at least, whatever it sent twice
)

// fit is how two curves differ, as a part of the whole: the most at any of the source's readings.
type fit struct {
	by    float64
	least float64 // the least that it would be, were a push lost, or counted twice
	shown bool    // it is enough to show that they are one, if they differ by little
}

var unfit = fit{by: unlimited, least: unlimited}

// fit holds the growth of what a source counts of a client against that of a producer id, at any of the source's
// readings, over the time of these. What one saw a few ticks before the other is no difference. Where next to nothing
// is certain to lie in that time, as of a burst no longer than these few ticks beside which the id wrote more, the two
// may be one, and nothing shows that they are.
func (s *settling) fit(p, c *lineage.Told) fit {
	if len(c.Readings) == 0 {
		return unfit
	}
	from, to := c.Readings[0].From, c.Readings[len(c.Readings)-1].To
	mine := func(a, b int64) float64 { return grown(p.Readings, a, b) }
	whole := max(grown(c.Readings, from, to), mine(from-slack, to+slack))
	if whole < fewest {
		return unfit
	}
	first, last := from+slack, to-slack // what lies between them is in the source's time
	if s.rested(p, from-2*slack, from-slack) {
		first = from - slack
	}
	if s.rested(p, to+slack, to+2*slack) {
		last = to + slack
	}
	bands, sum, steps := make([]band, 0, len(c.Readings)+1), 0.0, 0
	before := from // the end of the reading before
	for _, r := range c.Readings {
		sum += float64(r.Value)
		if r.Value > 0 {
			steps++
		}
		x := band{low: mine(first, r.To-slack) - sum, high: mine(from-slack, r.To+slack) - sum, twice: float64(r.Value)}
		if r.From > before {
			x.lost = mine(before-slack, r.From+slack)
		}
		bands, before = append(bands, x), max(before, r.To)
	}
	sure := mine(first, last)
	bands = append(bands, band{low: sure - sum, high: mine(from-slack, to+slack) - sum})
	if first < from {
		bands[0].lost = mine(first, from+slack)
	}
	if last > to {
		bands[len(bands)-1].lost = mine(to-slack, last)
	}
	out := fit{differ(bands) / whole, differByMore(bands) / whole, steps > 1 && sure >= certain*whole}
	if steps < 2 {
		out.by = unlimited
	}
	return out
}

// band is what a producer id wrote at least and at most up to a reading of a client's source, less what that counted.
type band struct {
	low, high float64
	lost      float64 // what the id wrote at most in the time before the reading of which the source tells nothing
	twice     float64 // what the source counts with the reading, and may have counted before
}

// differ is the most by which a source counts too much or too little at a reading.
func differ(bands []band) (most float64) {
	for i := range bands {
		most = max(most, bands[i].low, -bands[i].high)
	}
	return most
}

// differByMore is the least that differ would be, were something lost before one reading, or counted twice with it.
func differByMore(bands []band) float64 {
	least, low, high, most := unlimited, -unlimited, unlimited, differ(bands)
	before := make([]float64, len(bands)+1) // what those before each differ by
	for i := range bands {
		before[i+1] = max(before[i], bands[i].low, -bands[i].high)
	}
	for i := len(bands) - 1; i >= 0; i-- {
		x := &bands[i]
		low, high = max(low, x.low), min(high, x.high)
		by := max(-x.twice, min((low+high)/2, x.lost))
		least = min(least, max(before[i], low-by, by-high))
	}
	return min(least, most)
}

// rested reports whether a producer id was seen to write nothing in (from, to].
func (s *settling) rested(p *lineage.Told, from, to int64) bool {
	return from >= s.After && to <= s.Until && s.Lookers[p.By].Saw(&p.Access, from, to) && grown(p.Readings, from, to) == 0
}

// best returns the client that a producer id's curve is alike, where no other client's nearly is; -1: there is none.
func best(fits []fit) int {
	at := slices.IndexFunc(fits, func(f fit) bool { return f.shown && f.by <= alike })
	for j, f := range fits {
		if j != at && f.by <= alike {
			return -1
		}
	}
	return at
}

// another reports whether a client's curve may be that of another producer id than one.
func another(fits [][]fit, one, client int) bool {
	for i := range fits {
		if f := fits[i][client]; i != one && (f.by < unlike || f.least <= alike) {
			return true
		}
	}
	return false
}

// remainder is what nobody counted wrote, by step.
func (s *settling) remainder() []lineage.Reading {
	out := make([]lineage.Reading, len(s.steps))
	for i := range s.steps {
		out[i] = lineage.Reading{From: s.steps[i].from, To: s.steps[i].to, Value: s.steps[i].rest()}
	}
	return out
}

// within reports whether all that a source counts of a client may be among what nobody counted: that a producer id grew
// in the same way is no evidence then, since somebody who pushes nothing may have written beside the client. Some of
// it, or the largest of its pushes, may be counted twice.
func within(c *lineage.Told, rest []lineage.Reading) bool {
	sum, twice, from := 0.0, 0.0, c.Readings[0].From
	for _, r := range c.Readings {
		sum += float64(r.Value)
		twice = max(twice, float64(r.Value))
		if min(sum*plausible, sum-twice) > grown(rest, from-slack, r.To+slack) {
			return false
		}
	}
	return true
}

// grown is what readings say of (from, to], spread evenly over each.
func grown(readings []lineage.Reading, from, to int64) (n float64) {
	i, _ := slices.BinarySearchFunc(readings, from+1, func(r lineage.Reading, t int64) int { return cmp.Compare(r.To, t) })
	for ; i < len(readings) && readings[i].From < to; i++ {
		r := readings[i]
		if part := min(r.To, to) - max(r.From, from); part > 0 {
			n += float64(r.Value) * float64(part) / float64(max(r.To-r.From, 1))
		}
	}
	return n
}
