package answer

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// UsageGroupBy is by what the uses of a report are summed up.
type UsageGroupBy uint8

// The ways to group.
const (
	UsageNotGrouped    UsageGroupBy = iota
	UsageByTopic                    // also those that nobody used
	UsageByApplication              // whoever wrote or read
	UsageByOwner                    // of who wrote or read, not of the topic
	UsageByCluster                  // of the topic
	UsageByDay                      // in UTC
)

// UsageVolume is how much was written or read. Nil: not known of any; AtLeast: of some it is not known, or of a part of
// the time nobody was asked.
type UsageVolume struct {
	Records, Bytes     *int64
	Estimated, AtLeast bool
	Loose              bool // an estimate that is not at least is among it
}

// NoLess is TopicUse.NoLess of the sum.
func (s *UsageVolume) NoLess() bool { return noLess(s.Records, s.AtLeast, s.Loose) }

func (s *UsageVolume) add(u *TopicUse) {
	addKnown(&s.Records, u.Records)
	addKnown(&s.Bytes, u.Bytes)
	s.Estimated = s.Estimated || u.Estimated
	s.AtLeast, s.Loose = s.AtLeast || u.AtLeast, s.Loose || u.Loose
}

// UsageGroup is what uses add up to. Key is empty of what has none, as no owner.
type UsageGroup struct {
	Key                      string
	Topics, Writers, Readers int
	Written, Read            UsageVolume
	First, Last              time.Time
	// Derived: of uses of topics to which the tag of the report only comes; those that bear it are in none of them.
	Derived bool
	// Observed is of a day: which part of it was observed; nil: of others.
	Observed *float64

	topics, writers, readers map[string]bool
	observed                 observing
	short                    bool // of a part of it nothing was asked
}

func (g *UsageGroup) add(u *TopicUse) {
	if g.topics == nil {
		g.topics, g.writers, g.readers = map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	g.topics[u.Topic.ID] = true
	if u.Write {
		g.writers[u.Node.ID] = true
		g.Written.add(u)
	} else {
		g.readers[u.Node.ID] = true
		g.Read.add(u)
	}
	if !u.First.IsZero() && (g.First.IsZero() || u.First.Before(g.First)) {
		g.First = u.First
	}
	g.Last = laterOf(g.Last, u.Last)
	g.Topics, g.Writers, g.Readers = len(g.topics), len(g.writers), len(g.readers)
}

// NoLess reports whether what is told of a group, written and read, is no less than what moved, and not too much.
func (g *UsageGroup) NoLess() bool {
	w, r := &g.Written, &g.Read
	loose := w.Loose && w.Records != nil || r.Loose && r.Records != nil
	return (w.NoLess() || r.NoLess()) && !loose
}

// least says that there may have been more, written and read.
func (g *UsageGroup) least() { g.Written.AtLeast, g.Read.AtLeast = true, true }

// collected is what the parts of a report say, added up.
type collected struct {
	question UsageQuestion
	uses     map[useKey]TopicUse
	days     map[groupOf]*UsageGroup
}

// groupOf is which group a use is summed up in.
type groupOf struct {
	key     string
	derived bool
}

func newCollected(q UsageQuestion) *collected {
	return &collected{q, map[useKey]TopicUse{}, map[groupOf]*UsageGroup{}}
}

func (c *collected) take(uses []TopicUse) error {
	for i := range uses {
		if err := c.takeOne(&uses[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *collected) takeOne(u *TopicUse) error {
	u.Derived = !c.question.Scope.Covers(u)
	is, ok := c.uses[u.key()]
	if !ok {
		if len(c.uses) >= mostUses {
			return tooManyUses(c.question.Scope)
		}
		c.uses[u.key()] = *u
		return nil
	}
	is.add(u)
	c.uses[u.key()] = is
	return nil
}

func (c *collected) day(at time.Time, derived bool) *UsageGroup {
	key := groupOf{at.UTC().Truncate(24 * time.Hour).Format(time.DateOnly), derived}
	g := c.days[key]
	if g == nil {
		g = &UsageGroup{Key: key.key, Derived: derived}
		c.days[key] = g
	}
	return g
}

func (c *collected) intoDay(at time.Time, u *TopicUse) {
	if c.question.GroupBy == UsageByDay {
		c.day(at, !c.question.Scope.Covers(u)).add(u)
	}
}

// observedDay takes in what one source observed of a day. What is derived the ledger was not asked for.
func (c *collected) observedDay(at time.Time, of time.Duration, fraction float64, by UsageSource) {
	if c.question.GroupBy != UsageByDay {
		return
	}
	for _, derived := range []bool{false, true} {
		g := c.day(at, derived)
		if derived && by == Sealed {
			fraction, g.short = 0, true
		}
		g.observed.add(of, fraction)
		g.Observed = new(g.observed.of(g.observed.all))
	}
}

// groupsOf sums up what a report lists.
func (c *collected) groupsOf(r *UsageReport) (out []UsageGroup) {
	if c.question.GroupBy == UsageNotGrouped {
		return nil
	}
	groups := map[groupOf]*UsageGroup{}
	at := func(key string, derived bool) *UsageGroup {
		k := groupOf{key, derived}
		if groups[k] == nil {
			groups[k] = &UsageGroup{Key: key, Derived: derived}
		}
		return groups[k]
	}
	if c.question.GroupBy == UsageByDay {
		for key, day := range c.days {
			if key.derived && day.Topics == 0 {
				continue // that there is no such topic is no day without use
			}
			if day.short {
				day.least()
			}
			groups[key] = day
		}
	} else {
		for i := range r.Uses {
			u := &r.Uses[i]
			at(groupKey(c.question.GroupBy, u), u.Derived).add(u)
		}
	}
	if c.question.GroupBy == UsageByTopic { // also those that nobody used
		for i := range r.Topics {
			t := &r.Topics[i]
			if groups[groupOf{t.ID, false}] == nil && groups[groupOf{t.ID, true}] == nil {
				at(t.ID, t.Way != nil).Topics = 1
			}
		}
	}
	if r.unasked() && c.question.GroupBy != UsageByDay {
		for key, g := range groups {
			if key.derived {
				g.least()
			}
		}
	}
	order := func(a, b *UsageGroup) int { // what has no key comes last
		return cmp.Or(cmp.Compare(min(len(b.Key), 1), min(len(a.Key), 1)), strings.Compare(a.Key, b.Key), boolOrder(!a.Derived, !b.Derived))
	}
	for _, g := range slices.SortedFunc(maps.Values(groups), order) {
		out = append(out, *g)
	}
	return out
}

func groupKey(by UsageGroupBy, u *TopicUse) string {
	switch by {
	case UsageByTopic:
		return u.Topic.ID
	case UsageByApplication:
		return u.Node.ID
	case UsageByOwner:
		return u.Node.Owner
	default:
		return u.Topic.Scope
	}
}

// Sum adds up what is written and what is read, how many topics are used, and by how many: of a tag of what bears it.
func (r *UsageReport) Sum() UsageGroup { return r.sum(false) }

// SumDerived adds up the same of topics to which the report's tag only comes. nil: it is of no tag, or they were not
// asked for, or not known since nothing of the window is the store's.
func (r *UsageReport) SumDerived() *UsageGroup {
	if r.spread == nil {
		return nil
	}
	return new(r.sum(true))
}

func (r *UsageReport) sum(derived bool) UsageGroup {
	g := UsageGroup{Derived: derived}
	for i := range r.Uses {
		if r.Uses[i].Derived == derived {
			g.add(&r.Uses[i])
		}
	}
	if derived && r.unasked() {
		g.least()
	}
	return g
}

// observing adds up which part of some time was observed.
type observing struct {
	all  time.Duration
	seen float64 // seconds
}

func (o *observing) add(of time.Duration, fraction float64) {
	o.all += of
	o.seen += of.Seconds() * fraction
}

func (o *observing) of(all time.Duration) float64 {
	if all <= 0 {
		return 0
	}
	return min(o.seen/all.Seconds(), 1)
}
