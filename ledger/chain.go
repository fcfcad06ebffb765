package ledger

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// closed is a close entry with its index.
type closed struct {
	index int64
	*closeEntry
}

// meets reports whether two spans of time have an instant in common.
func (p Period) meets(o Period) bool {
	return o.Start.Before(p.End.Time) && p.Start.Before(o.End.Time)
}

// settling follows a chain of close entries until a window can't change any more.
type settling struct {
	window  Period
	final   Instant // until when amendments of what was seen of the window can come
	settled bool
}

func (s *settling) take(c closed) {
	if c.Kind != kindPeriod || s.settled {
		return
	}
	if s.window.meets(c.Period) && c.Final.After(s.final.Time) {
		s.final = c.Final
	}
	s.settled = !c.Period.Start.Before(s.window.End.Time) && c.Closed.After(s.final.Time)
}

// sound checks what a close entry says of its own batch.
func (c closed) sound() error {
	first, parts := c.Directory[0], c.Directory[1]
	switch {
	case c.Kind != kindPeriod && c.Kind != kindAmendment:
		return fmt.Errorf("its kind is %q", c.Kind)
	case !c.Period.Start.Before(c.Period.End.Time):
		return errors.New("its period ends before it begins")
	case c.Previous == nil && (c.First != 0 || c.Kind != kindPeriod) || c.Previous != nil && c.First != *c.Previous+1:
		return errors.New("its batch does not begin where the one before ends")
	case c.First < 0 || first < c.First || first >= c.index || parts != c.index-first:
		return errors.New("its directory is not before it")
	}
	for i, p := range c.Coverage {
		if p.index != c.First+int64(i) || p.index >= first || i > 0 && c.Coverage[i-1].cluster >= p.cluster {
			return errors.New("its coverage is not where its batch begins, cluster by cluster")
		}
	}
	return nil
}

// chain is close entries without a hole, the oldest first.
type chain []closed

// add takes in the next close entry, if it goes on where the chain ends.
func (all *chain) add(c closed) error {
	if err := c.sound(); err != nil {
		return err
	}
	before := *all
	if len(before) > 0 && (c.Previous == nil || *c.Previous != before[len(before)-1].index) {
		return errors.New("the chain of close entries has a hole before it")
	}
	*all = append(before, c)
	if c.Kind == kindAmendment {
		return before.amended(c)
	}
	if last, ok := before.period(); ok && !last.End.Equal(c.Period.Start.Time) {
		return fmt.Errorf("its period begins at %s, and the one before ends at %s", c.Period.Start.Format(time.RFC3339), last.End.Format(time.RFC3339))
	}
	return nil
}

// period returns the newest period.
func (all chain) period() (Period, bool) {
	for _, c := range slices.Backward(all) {
		if c.Kind == kindPeriod {
			return c.Period, true
		}
	}
	return Period{}, false
}

// amended checks that an amendment is of a period that was closed and could be amended.
func (all chain) amended(a closed) error {
	if a.Closed.After(a.Final.Time) {
		return errors.New("it was closed when its period could not be amended any more")
	}
	for _, c := range slices.Backward(all) {
		switch {
		case c.Kind != kindPeriod:
		case c.Period == a.Period && c.Final == a.Final:
			return nil
		case c.Period.meets(a.Period):
			return errors.New("it amends another period, or for longer, than was closed")
		case c.Closed.After(a.Final.Time):
			return errors.New("its period could not be amended any more after an entry before it")
		}
	}
	if len(all) > 0 && all[0].Previous != nil && !all[0].Period.Start.Before(a.Period.End.Time) {
		return nil // the period is before the beginning of this part of the chain
	}
	return errors.New("it amends a period that was not closed")
}
