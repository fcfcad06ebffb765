package answer

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

const (
	// lookback is how far back a flow that is silent in the window is still drawn, from the schema.
	lookback = 7 * 24 * time.Hour
	// longestWindow bounds the work of a question. No retention in use comes near it.
	longestWindow = 10 * 366 * 24 * time.Hour
	// UsualSpan is the window of questions that name none.
	UsualSpan = 10 * time.Minute
)

// Span is a time that is asked about. The zero value is the time of questions that name none: the last ten minutes.
type Span struct {
	of         spanKind
	last       time.Duration
	start, end time.Time // end: not of an instant
}

type spanKind uint8

const (
	unnamedSpan spanKind = iota
	lastSpan
	instantSpan
	wholeSpan
)

// Last is the time that ends with the newest tick which can be answered.
func Last(d time.Duration) Span { return Span{of: lastSpan, last: d} }

// At is the tick that holds an instant.
func At(t time.Time) Span { return Span{of: instantSpan, start: t} }

// Between is the half-open time from start to end.
func Between(start, end time.Time) Span { return Span{of: wholeSpan, start: start, end: end} }

// resolve checks what somebody asked for and returns it as the store can answer it.
func resolve(in Span, state store.State, now func() time.Time, r *together) (lineage.Resolved, error) {
	var w lineage.Window
	switch in.of {
	case unnamedSpan, lastSpan:
		last := in.last
		if in.of == unnamedSpan {
			last = UsualSpan
		}
		if last <= 0 {
			return lineage.Resolved{}, senseless("window: last must be more than nothing")
		}
		if last > longestWindow {
			return lineage.Resolved{}, senseless("window: last is longer than ten years")
		}
		w.End = r.instant(func() time.Time { return newestTick(state, now()) })
		w.Start = w.End.Add(-last)
	case instantSpan:
		// [at, at+tick) ends on the tick after; only the tick that holds the instant is asked for.
		w.Start = in.start.Truncate(state.Tick)
		w.End = w.Start.Add(state.Tick)
		if newest := present(state, now()); w.Start.After(newest) {
			return lineage.Resolved{}, senseless("window: at %s is in the future: it is %s", in.start.UTC().Format(time.RFC3339), newest.UTC().Format(time.RFC3339))
		}
	case wholeSpan:
		w = lineage.Window{Start: in.start, End: in.end}
		if w.Empty() {
			return lineage.Resolved{}, senseless("window: start must be before end")
		}
		if w.Duration() > longestWindow {
			return lineage.Resolved{}, senseless("window: longer than ten years")
		}
		if newest := present(state, now()); w.Start.After(newest) {
			return lineage.Resolved{}, senseless("window: start %s is in the future: it is %s", in.start.UTC().Format(time.RFC3339), newest.UTC().Format(time.RFC3339))
		}
	}
	return state.Resolve(w), nil
}

// present is the time after which everything is in the future: it is later than the machine's clock where that went
// back.
func present(state store.State, now time.Time) time.Time {
	if newest := state.Newest(); newest.After(now) {
		return newest
	}
	return now
}

// newestTick returns the end of the newest tick that can be answered: the newest round that all sources of every live
// cluster have ended, which is that of this tick or, while that is under way, of the one before. A cluster that stopped
// reporting does not hold it back.
func newestTick(state store.State, now time.Time) time.Time {
	tick := state.Tick
	floor := now.UTC().Truncate(tick)
	live := 0
	for _, c := range state.Clusters {
		last := c.Ended
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
