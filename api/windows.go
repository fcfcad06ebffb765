package api

import (
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// WindowInput is the schema's input Window.
type WindowInput struct {
	Start *time.Time
	End   *time.Time
	Last  *time.Duration
	At    *time.Time
}

// span checks that a client asked for one time, and returns it.
func (in *WindowInput) span() (answer.Span, error) {
	switch {
	case in.Last != nil && (in.Start != nil || in.End != nil || in.At != nil),
		in.At != nil && (in.Start != nil || in.End != nil):
		return answer.Span{}, badInput("window: give exactly one of last, or start with end, or at")
	case in.Last != nil:
		return answer.Last(*in.Last), nil
	case in.At != nil:
		return answer.At(*in.At), nil
	case in.Start != nil && in.End != nil:
		return answer.Between(*in.Start, *in.End), nil
	case in.Start != nil:
		return answer.Span{}, badInput("window: start without end")
	case in.End != nil:
		return answer.Span{}, badInput("window: end without start")
	default:
		return answer.Span{}, badInput("window: give one of last, or start with end, or at")
	}
}

// hours is how long a window is, as it is written: as many periods the ledger may be read for.
func (in *WindowInput) hours() int {
	const most = 100_000 // ten years and more
	switch {
	case in.Last != nil:
		return int(min(*in.Last/time.Hour, most))
	case in.Start != nil && in.End != nil:
		return int(min(max(in.End.Sub(*in.Start)/time.Hour, 0), most))
	default:
		return 0
	}
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
