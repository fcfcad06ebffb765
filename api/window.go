package api

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
)

const (
	// lookback is how far back a flow that is silent in the window is still drawn, from the schema.
	lookback = 7 * 24 * time.Hour
	// longestWindow bounds the work of a question. No retention in use comes near it.
	longestWindow = 10 * 366 * 24 * time.Hour
	// defaultLast is the window of questions that name none.
	defaultLast = 10 * time.Minute
)

// WindowInput is the schema's input Window.
type WindowInput struct {
	Start *time.Time
	End   *time.Time
	Last  *time.Duration
	At    *time.Time
}

// window checks what a client asked for and returns it as the history can answer it.
func (a *answerer) window(in WindowInput, r *request) (lineage.Resolved, error) {
	var w lineage.Window
	switch {
	case in.Last != nil && (in.Start != nil || in.End != nil || in.At != nil),
		in.At != nil && (in.Start != nil || in.End != nil):
		return lineage.Resolved{}, badInput("window: give exactly one of last, or start with end, or at")
	case in.Last != nil:
		if *in.Last <= 0 {
			return lineage.Resolved{}, badInput("window: last must be more than nothing")
		}
		if *in.Last > longestWindow {
			return lineage.Resolved{}, badInput("window: last is longer than ten years")
		}
		w.End = r.instant(a.now)
		w.Start = w.End.Add(-*in.Last)
	case in.At != nil:
		// [at, at+tick) ends on the tick after; only the tick that holds the instant is asked for.
		w.Start = in.At.Truncate(a.history.Tick())
		w.End = w.Start.Add(a.history.Tick())
	case in.Start != nil && in.End != nil:
		w = lineage.Window{Start: *in.Start, End: *in.End}
		if w.Empty() {
			return lineage.Resolved{}, badInput("window: start must be before end")
		}
		if w.Duration() > longestWindow {
			return lineage.Resolved{}, badInput("window: longer than ten years")
		}
	case in.Start != nil:
		return lineage.Resolved{}, badInput("window: start without end")
	case in.End != nil:
		return lineage.Resolved{}, badInput("window: end without start")
	default:
		return lineage.Resolved{}, badInput("window: give one of last, or start with end, or at")
	}
	return a.history.Resolve(w), nil
}

// now returns the end of the newest tick that can be answered: the newest round that every live cluster has, which is that of this tick or,
// while that is under way, of the one before. A cluster that stopped reporting does not hold it back.
func (a *answerer) now() time.Time {
	tick := a.history.Tick()
	floor := time.Now().UTC().Truncate(tick)
	live := 0
	for _, last := range a.history.Latest() {
		if last.Before(floor.Add(-tick)) {
			continue // stopped, or more than a round behind
		}
		if live++; last.Before(floor) {
			return floor.Add(-tick)
		}
	}
	if live == 0 {
		return floor.Add(-tick)
	}
	return floor
}

// ResolvedWindow is the schema's type of that name.
type ResolvedWindow struct {
	Start time.Time
	End   time.Time
	Step  time.Duration
}

func shownWindow(w lineage.Resolved) *ResolvedWindow {
	return &ResolvedWindow{Start: w.Start, End: w.End, Step: w.Step}
}
