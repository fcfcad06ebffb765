package attribution

import "github.com/lineaged/lineaged/lineage"

// A request log that is sampled sees some seconds of who writes: too little for curves to be alike, and for who was not
// seen not to be there. But what it saw somebody write is somewhere in what the topic grew by then. Where that is not
// among what is left by whom the broker counts, it is counted; and where one producer id alone that wrote then has no
// name, it is that one's.

const (
	whyHidden = "concluded: what %s saw this client write is not among what was left by those whom the broker counts, so that one of these is this client, and of those that wrote then this producer id alone had no name"

	hidden     = 0.2 // the part of it that may be left, which somebody else wrote
	mostly     = 0.8 // the part of it that the producer id wrote at least
	fewestSeen = 3   // times at which the client was seen
)

// hide returns, of each of some nameless producer ids, the claimants that can only be it.
func (s *settling) hide(nameless []*lineage.Told, claimants []claimant, matched []bool) [][]int {
	out := make([][]int, len(nameless))
	for j := range claimants {
		c := claimants[j].told
		if matched[j] || c.Evidence != lineage.RequestLog {
			continue
		}
		if whole, times := s.counted(c); times < fewestSeen || whole < fewest {
			continue
		}
		at, doubt := -1, false
		for i, p := range nameless {
			some, always := s.wroteWhen(p, c)
			if !some {
				continue
			}
			doubt = doubt || at >= 0 || !always || s.writers.isAnother(p, &claimants[j])
			at = i
		}
		if at >= 0 && !doubt {
			out[at] = append(out[at], j)
		}
	}
	return out
}

// counted returns what a source saw a client write, at how many times; none where it may be among what is left.
func (s *settling) counted(c *lineage.Told) (whole float64, times int) {
	left := 0.0
	for _, r := range c.Readings {
		if r.Value > 0 {
			whole, left, times = whole+float64(r.Value), left+s.leftIn(r.From-1, r.To+1), times+1
		}
	}
	if left > hidden*whole {
		return 0, 0
	}
	return whole, times
}

// leftIn is what nobody counted wrote in the steps that touch (from, to].
func (s *settling) leftIn(from, to int64) (n float64) {
	for i := range s.steps {
		if x := &s.steps[i]; x.from < to && x.to > from {
			n += float64(x.rest())
		}
	}
	return n
}

// wroteWhen reports whether a producer id wrote, or may have, when a source saw a client write, a tick before or after;
// and whether it did so, and enough of it, each time.
func (s *settling) wroteWhen(p, c *lineage.Told) (some, always bool) {
	always = true
	for _, r := range c.Readings {
		if r.Value == 0 {
			continue
		}
		if !s.Lookers[p.By].Saw(&p.Access, r.From-1, r.To+1) { // nobody knows what was left then either
			return true, false
		}
		n := grown(p.Readings, r.From-1, r.To+1)
		some, always = some || n > 0, always && n >= mostly*float64(r.Value)
	}
	return some, always
}
