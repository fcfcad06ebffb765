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

// UsageVolume is how much was written or read. Nil: not known of any; AtLeast: of some it is not known.
type UsageVolume struct {
	Records, Bytes     *int64
	Estimated, AtLeast bool
}

func (s *UsageVolume) add(u *TopicUse) {
	addKnown(&s.Records, u.Records)
	addKnown(&s.Bytes, u.Bytes)
	s.Estimated = s.Estimated || u.Estimated
	s.AtLeast = s.AtLeast || u.AtLeast
}

// UsageGroup is what uses add up to. Key is empty of what has none, as no owner.
type UsageGroup struct {
	Key                      string
	Topics, Writers, Readers int
	Written, Read            UsageVolume
	First, Last              time.Time
	// Observed is of a day: which part of it was observed; nil: of others.
	Observed *float64

	topics, writers, readers map[string]bool
	observed                 observing
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

// collected is what the parts of a report say, added up.
type collected struct {
	question UsageQuestion
	uses     map[useKey]TopicUse
	days     map[time.Time]*UsageGroup
}

func newCollected(q UsageQuestion) *collected {
	return &collected{q, map[useKey]TopicUse{}, map[time.Time]*UsageGroup{}}
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

func (c *collected) day(at time.Time) *UsageGroup {
	at = at.UTC().Truncate(24 * time.Hour)
	g := c.days[at]
	if g == nil {
		g = &UsageGroup{Key: at.Format(time.DateOnly)}
		c.days[at] = g
	}
	return g
}

func (c *collected) intoDay(at time.Time, u *TopicUse) {
	if c.question.GroupBy == UsageByDay {
		c.day(at).add(u)
	}
}

func (c *collected) observedDay(at time.Time, of time.Duration, fraction float64) {
	if c.question.GroupBy == UsageByDay {
		g := c.day(at)
		g.observed.add(of, fraction)
		g.Observed = new(g.observed.of(g.observed.all))
	}
}

// groupsOf sums up what a report lists.
func (c *collected) groupsOf(r *UsageReport) (out []UsageGroup) {
	if c.question.GroupBy == UsageNotGrouped {
		return nil
	}
	groups := map[string]*UsageGroup{}
	at := func(key string) *UsageGroup {
		if groups[key] == nil {
			groups[key] = &UsageGroup{Key: key}
		}
		return groups[key]
	}
	switch c.question.GroupBy {
	case UsageByDay:
		for _, day := range c.days {
			groups[day.Key] = day
		}
	case UsageByTopic:
		for _, t := range r.Topics {
			at(t.ID).Topics = 1
		}
	default:
	}
	if c.question.GroupBy != UsageByDay {
		for i := range r.Uses {
			u := &r.Uses[i]
			at(groupKey(c.question.GroupBy, u)).add(u)
		}
	}
	order := func(a, b *UsageGroup) int { // what has no key comes last
		return cmp.Or(cmp.Compare(min(len(b.Key), 1), min(len(a.Key), 1)), strings.Compare(a.Key, b.Key))
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

// Sum adds up what is written and what is read, how many topics are used, and by how many.
func (r *UsageReport) Sum() UsageGroup {
	var g UsageGroup
	for i := range r.Uses {
		g.add(&r.Uses[i])
	}
	return g
}
