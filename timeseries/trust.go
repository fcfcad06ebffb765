package timeseries

import (
	"fmt"
	"time"
)

const (
	// trustJump is by how much a clock may differ from the time that really passed, and be believed at once: more than
	// any discipline of a clock, and less than the time for which a block stays open.
	trustJump = 10 * time.Minute
	// trustGap is how far the newest round held may be from now when the store is opened. A longer stop costs nothing
	// but that tidying begins later.
	trustGap = time.Hour
	// trustAfter is how long a clock that jumped must have gone on evenly to be believed.
	trustAfter = time.Hour
)

// trust is which time sealing and retention believe. They do what cannot be taken back, so one clock is not enough:
// what the caller says is compared with the time that really passed, and at first with the newest round that is held.
// In doubt the time goes on from where it was believed last. It belongs to Maintain.
type trust struct {
	spent func() time.Duration // that really passed; nil: nobody knows, and what the caller says is believed
	// held is the newest round that was held when the store was opened, before this process wrote any by its own clock;
	// zero: none. heldAt had been spent then.
	held   time.Time
	heldAt time.Duration

	begun bool
	base  time.Time     // believed when
	at    time.Duration // this had been spent
	// doubt is set while what the caller says is not believed: said is what it said at doubtAt.
	doubt   bool
	said    time.Time
	doubtAt time.Duration
}

// open notes what is held before anything is appended.
func (t *trust) open(newest time.Time) {
	if t.spent != nil {
		t.held, t.heldAt = newest, t.spent()
	}
}

// now returns the time to believe, and says what is wrong with the other; empty: nothing.
func (t *trust) now(says time.Time) (now time.Time, trouble string) {
	if t.spent == nil {
		return says, ""
	}
	spent := t.spent()
	if !t.begun {
		t.begun, t.base, t.at = true, says, spent
		expected := t.held.Add(spent - t.heldAt)
		if gap := says.Sub(expected); !t.held.IsZero() && (gap > trustGap || gap < -trustJump) {
			t.base, t.doubt, t.said, t.doubtAt = expected, true, says, spent
		}
	}
	now = t.base.Add(spent - t.at)
	off := says.Sub(now)
	switch {
	case off.Abs() <= trustJump:
		t.doubt = false
	case !t.doubt || says.Sub(t.said.Add(spent-t.doubtAt)).Abs() > trustJump:
		t.doubt, t.said, t.doubtAt = true, says, spent
	case spent-t.doubtAt >= trustAfter:
		t.doubt = false
	}
	if t.doubt {
		return now, fmt.Sprintf("the clock is %s off the time that passed since the newest rounds: nothing is sealed or deleted by it until it has gone on evenly for %s", off.Round(time.Second), trustAfter)
	}
	t.base, t.at = says, spent
	return says, ""
}

// believed returns the time that sealing and retention go by. It needs the maintain lock.
func (e *engine) believed(says time.Time) time.Time {
	doubted := e.trust.doubt
	now, trouble := e.trust.now(says)
	e.troubleText(clockTrouble, trouble)
	switch {
	case trouble != "" && !doubted:
		e.log.Error("a clock is not believed: nothing is sealed or deleted by it until it has gone on evenly", "clock", says, "believed", now, "for", trustAfter)
	case trouble == "" && doubted:
		e.log.Info("the clock is believed again", "clock", says)
	}
	return now
}
