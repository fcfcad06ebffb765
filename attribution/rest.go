package attribution

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// eliminationDoubt is what an elimination cannot exclude.
const eliminationDoubt = "at most: counted by elimination: the only known writer without a count; a writer without idempotence and without a name could hide in it"

// nobody stands for those who wrote what nobody accounts for.
var nobody = lineage.Client{Kind: lineage.Remainder}

// candidates are those who may have written what is left of a step.
type candidates struct {
	movers []lineage.Node // that are known to have run then, and that nothing counts
	blind  []string       // sources of which nobody knows what they would tell
	unseen bool           // whether one of them wrote could not be seen
	waits  bool           // a source is late that may still say so
}

// rests gives what claims leave of each step to the mover that alone can have written it, else to nobody.
func (s *settling) rests() {
	var waits map[lineage.Client]map[int64]bool // by step's end
	for i := range s.steps {
		x := &s.steps[i]
		c := s.candidates(x)
		if c.waits && x.rest() > 0 {
			if waits == nil {
				waits = map[lineage.Client]map[int64]bool{}
			}
			s.wait(x, c, waits)
			continue
		}
		if s.alone(x, c) && x.left.Value > 0 {
			s.debit(x, x.by, lineage.Client{Mover: c.movers[0]}, lineage.Elimination, x.left.Value, true, s.eliminated(x))
			x.left = lineage.Reading{}
		}
		s.leave(x, c)
	}
	s.pending(waits)
}

// alone reports whether one mover alone can have written what is left.
func (s *settling) alone(x *step, c candidates) bool {
	return len(c.movers) == 1 && !c.unseen && !x.beyond
}

// eliminated says why what is left of a step is a bound of the mover that alone can have written it: where its topic is
// known to have more left than is told, it is no most.
func (s *settling) eliminated(x *step) string {
	if note := s.note(x); lineage.BoundsOf(note).Least {
		return both(note, eliminationDoubt)
	}
	return eliminationDoubt
}

// note is what was said of what is left of a step; empty: nothing, or it is known otherwise.
func (s *settling) note(x *step) string {
	i, there := slices.BinarySearchFunc(s.Notes, x.to, func(n lineage.Word, at int64) int { return cmp.Compare(n.At, at) })
	if !there || x.looked {
		return ""
	}
	return s.Notes[i].Text
}

// leave gives the rest of a step to nobody. An estimate of nothing says that there may have been something.
func (s *settling) leave(x *step, c candidates) {
	estimated := x.left.Estimated || x.mixed.Estimated
	if x.rest() == 0 && !estimated {
		return
	}
	why := ""
	if x.rest() > 0 {
		why = c.doubt(x)
	}
	if s.logged && x.rest() > 0 {
		estimated, why = true, both(whyTail, why)
	}
	if x.twice {
		estimated, why = true, both(whyTaken, why)
	}
	why = both(s.note(x), why)
	s.debit(x, x.by, nobody, lineage.EndOffsets, x.rest(), estimated, why)
}

// doubt says why records are nobody's although movers are known to write the topic.
func (c *candidates) doubt(x *step) string {
	names := make([]string, 0, len(c.movers)+len(c.blind))
	for _, m := range c.movers {
		names = append(names, strings.ToLower(m.Kind.String())+" "+m.Scope+"/"+m.Name)
	}
	for _, b := range c.blind {
		names = append(names, "whatever runs on "+b)
	}
	switch {
	case len(names) == 0:
		return ""
	case c.unseen || x.beyond:
		return lineage.UnseenWriters + some(names)
	case x.mixed.Value > 0:
		return "candidates, besides writers whose records the producer state could not tell apart: " + some(names)
	default:
		return "candidates: " + some(names)
	}
}

// candidates looks who may have written a step's records: who ran at its beginning or in it. Who tells of movers and
// has not told of the step's end yet is waited for where it is late by no more than the step, or is known to have one
// that may write the topic; who has long said nothing is switched off.
func (s *settling) candidates(x *step) (c candidates) {
	now := s.Lookers[x.by].Newest
	for _, t := range s.movers {
		by, mover := &s.Lookers[t.By], t.Access.Client.Mover
		if by.Last(x.to) < x.to-s.Silent {
			continue
		}
		ran, unknown, may := s.during(t, x)
		if mover.Name == "" && unknown { // it stands for whatever its source would tell
			c.unseen = true
			c.blind = append(c.blind, mover.Scope)
			continue
		}
		if by.Newest < x.to && (may || by.Newest >= x.from) {
			c.waits = c.waits || now-x.to < s.Patience && x.to > s.Decided
			ran, unknown = ran || may, unknown || may
		}
		if mover.Name == "" || !ran || s.writers.counted(t.Access.Client) {
			continue
		}
		c.unseen = c.unseen || unknown || t.Access.Topic.Name == ""
		c.movers = append(c.movers, mover)
	}
	slices.SortFunc(c.movers, lineage.Node.Compare)
	c.movers = slices.Compact(c.movers)
	slices.Sort(c.blind)
	c.blind = slices.Compact(c.blind)
	return c
}

// during says of a mover whether it ran in a step or at its beginning, whether that is not known, and whether it may
// run as far as was last told.
func (s *settling) during(t *lineage.Told, x *step) (ran, unknown, may bool) {
	note := func(level int64) {
		ran = ran || level != 0
		unknown = unknown || level == lineage.Unknown
		may = level != 0
	}
	level := t.Level
	for _, r := range t.Readings {
		if r.To <= x.from {
			level = r.Value
		}
	}
	note(level)
	for _, r := range t.Readings {
		if r.To > x.from && r.To <= x.to {
			note(r.Value)
		}
	}
	if ran && !s.Lookers[t.By].Saw(&t.Access, x.from, x.to) {
		unknown = true
	}
	return ran, unknown, may
}

// wait notes a step that is nobody's yet: of whom its records may be they are not all that is counted.
func (s *settling) wait(x *step, c candidates, waits map[lineage.Client]map[int64]bool) {
	if s.open == 0 {
		s.open = x.to
	}
	note := func(who lineage.Client) {
		if waits[who] == nil {
			waits[who] = map[int64]bool{}
		}
		waits[who][x.to] = true
	}
	note(nobody)
	for _, m := range c.movers {
		note(lineage.Client{Mover: m})
	}
}

// pending tells of whom records may be that nobody was given: those of steps that wait, and, of nobody, those that a
// source says to be veiled. It is told at each step, for a store to keep what changes.
func (s *settling) pending(waits map[lineage.Client]map[int64]bool) {
	if s.veils != nil && waits[nobody] == nil {
		if waits == nil {
			waits = map[lineage.Client]map[int64]bool{}
		}
		waits[nobody] = map[int64]bool{}
	}
	for who, at := range waits {
		d := s.derived(who, lineage.Pending, lineage.NoEvidence, 0)
		tell := func(by int, t, level int64) {
			d.By = by
			d.Readings = append(d.Readings, lineage.Reading{From: t - 1, To: t, Value: level})
		}
		veil, rest := int64(0), []lineage.Reading(nil)
		if who == nobody && s.veils != nil {
			veil, rest = s.veils.Level, s.veils.Readings
		}
		waiting := int64(0)
		for i := range s.steps {
			x := &s.steps[i]
			for len(rest) > 0 && rest[0].To <= x.to {
				if veil = rest[0].Value; rest[0].To < x.to {
					tell(s.veils.By, rest[0].To, max(waiting, veil))
				}
				rest = rest[1:]
			}
			waiting = 0
			if at[x.to] {
				waiting = 1
			}
			if x.looked { // nothing is hidden in another's count
				tell(x.by, x.to, waiting)
				continue
			}
			tell(x.by, x.to, max(waiting, veil))
		}
		for _, r := range rest {
			tell(s.veils.By, r.To, max(waiting, r.Value))
		}
	}
}

// mulDiv is a × b / c, for 0 ≤ b ≤ c and 0 ≤ a, without overflow.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(q)
}

// both joins two reasons.
func both(a, b string) string {
	switch {
	case a == "" || strings.Contains(b, a):
		return b
	case b == "" || strings.Contains(a, b):
		return a
	}
	return a + "; " + b
}

// some names the first few of names, for a sentence.
func some(names []string) string {
	const most = 5
	slices.Sort(names)
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
