package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Sealed is how much of what is said of a topic in a window stands in the ledger.
type Sealed struct {
	Periods    Period    // from the first closed one that touches the window to the last
	Count      int       // of these periods
	Amendments int       // that say something else of the topic, or of what was observed of its cluster
	Amended    time.Time // when the newest of them was written; zero: none was
	Final      time.Time // until when amendments of these periods can come
	Settled    bool      // nothing of the window can change any more
	Provable   time.Time // from when on it can be proved: what is before is not held any more; zero: all of it
}

// Sealed returns how much of a window is closed of a topic, by its node's id. Where no period of it is closed it is
// ErrNothing.
func (l *Log) Sealed(ctx context.Context, topic string, start, end time.Time) (Sealed, error) {
	l.mu.Lock()
	r := l.reader()
	l.mu.Unlock()
	return r.sealed(ctx, ID(topic), Period{Start: At(start), End: At(end)})
}

func (r *Reader) sealed(ctx context.Context, topic string, w Period) (out Sealed, err error) {
	var all []closed // the newest first
	for c, err := range r.backward() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return Sealed{}, fmt.Errorf("read the chain of periods: %w", err)
		}
		all = append(all, c)
		if c.Kind == kindPeriod && !c.Period.End.After(w.Start.Time) {
			break
		}
	}
	slices.Reverse(all)
	out.Provable = provableFrom(all, w)
	s := settling{window: w}
	for _, c := range all {
		if s.take(c); !w.meets(c.Period) {
			continue
		}
		if err := out.take(ctx, r, c, topic); err != nil {
			return Sealed{}, err
		}
	}
	if out.Count == 0 {
		return Sealed{}, ErrNothing
	}
	out.Final, out.Settled = s.final.Time, s.settled
	return out, nil
}

// take takes in a close entry of the window.
func (s *Sealed) take(ctx context.Context, r *Reader, c closed, topic string) error {
	if c.Kind == kindPeriod {
		if s.Count == 0 {
			s.Periods.Start = c.Period.Start
		}
		s.Periods.End = c.Period.End
		s.Count++
		return nil
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("read amendments: %w", err)
	}
	_, of := c.coverageOf(topic)
	if !of {
		_, part, err := r.directoryOf(c, topic)
		if err != nil {
			return err
		}
		_, of = part.rowOf(topic)
	}
	if of {
		s.Amendments++
		s.Amended = c.Closed.Time
	}
	return nil
}
