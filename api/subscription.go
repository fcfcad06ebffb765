package api

import (
	"context"

	"github.com/lineaged/lineaged/answer"
)

// LineageVersion answers lineageVersion.
func (q *query) LineageVersion(ctx context.Context, window WindowInput) (*LineageVersion, error) {
	span, err := window.span()
	if err != nil {
		return nil, err
	}
	m, err := q.a.answers.Moment(ctx, span)
	if err != nil {
		return nil, err
	}
	return shownMoment(m), nil
}

func shownMoment(m answer.Moment) *LineageVersion {
	return &LineageVersion{Version: m.Version, Window: shownWindow(m.Window), Newest: m.Newest}
}

// Subscription returns the fields that are subscribed to.
func (a *resolver) Subscription() SubscriptionResolver { return &subscription{a} }

type subscription struct{ a *resolver }

// LineageChanged answers lineageChanged until ctx ends, in a goroutine of the connection that asks.
func (s *subscription) LineageChanged(ctx context.Context, window WindowInput) (<-chan *LineageVersion, error) {
	span, err := window.span()
	if err != nil {
		return nil, err
	}
	// What makes no sense is said here: later there is no place for an error.
	if _, err := s.a.answers.Moment(ctx, span); err != nil {
		return nil, err
	}
	told := make(chan *LineageVersion)
	connectionOf(ctx).run.Go(func() {
		defer close(told)
		for m, err := range s.a.answers.Watch(ctx, span) {
			if err != nil {
				s.a.log.ErrorContext(ctx, "watch a window", "error", err)
				return
			}
			select {
			case told <- shownMoment(m):
			case <-ctx.Done():
				return
			}
		}
	})
	return told, nil
}
