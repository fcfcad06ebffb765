package api

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/answer"
)

// Timeline is the schema's type of that name.
type Timeline struct {
	Buckets        []TimelineBucket
	Width          time.Duration
	Nodes, LeftOut int
	Detail         *string

	is *answer.Timeline
}

// Window answers window.
func (t *Timeline) Window() *ResolvedWindow { return shownWindow(t.is.View.Window()) }

// Coverage answers coverage.
func (t *Timeline) Coverage() *Coverage { return coverageOf(t.is.View, t.is.Scope...) }

// timelineArgs are the arguments of the root field timeline.
type timelineArgs struct {
	window  WindowInput
	roots   []string
	cluster *string
	buckets int
}

// timeline answers the root field of that name.
func (a *resolver) timeline(ctx context.Context, args timelineArgs) (*Timeline, error) {
	if len(args.roots) > mostRoots {
		return nil, badInput("timeline: at most %d roots", mostRoots)
	}
	ask := answer.TimelineAsk{Buckets: args.buckets}
	for _, id := range args.roots {
		n, err := parseNode(id)
		if err != nil {
			return nil, err
		}
		ask.Roots = append(ask.Roots, n)
	}
	if args.cluster != nil {
		ask.Cluster = *args.cluster
	}
	span, err := args.window.span()
	if err != nil {
		return nil, err
	}
	is, err := a.answers.Timeline(ctx, span, ask, answer.All)
	if err != nil {
		return nil, err
	}
	return shownTimeline(is), nil
}

// Timeline answers timeline.
func (c *Cluster) Timeline(ctx context.Context, window WindowInput, buckets int) (*Timeline, error) {
	span, err := window.span()
	if err != nil {
		return nil, err
	}
	is, err := c.is.Timeline(ctx, span, buckets)
	if err != nil {
		return nil, err
	}
	return shownTimeline(is), nil
}

func shownTimeline(is *answer.Timeline) *Timeline {
	t := &Timeline{Buckets: make([]TimelineBucket, len(is.Buckets)), Width: is.Width, Nodes: is.Nodes, LeftOut: is.LeftOut, Detail: textOrNil(is.Detail), is: is}
	for i, b := range is.Buckets {
		shown := TimelineBucket{Start: b.Start, RecordsPerSecond: b.Rate, AtLeast: b.AtLeast, ObservedFraction: b.Observed, Events: make([]EventCount, len(b.Events))}
		for j, e := range b.Events {
			shown.Events[j] = EventCount{Type: e.Type, Count: e.Count}
		}
		t.Buckets[i] = shown
	}
	return t
}
