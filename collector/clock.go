package collector

import (
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Clock is the time by which rounds are dated. It is the machine's, as long as that goes as time really passes, which
// the monotonic clock tells. Where the machine's clock jumps, Clock says so and decides:
//
//   - Ahead by little (jumpSmall): it is followed at once. The instants that never were are a gap.
//   - Back by little: it is followed at once, and no round is taken until it has passed the newest one.
//   - Ahead by more: it is followed once it has stood for clockDoubt. Until then rounds go on by the time that has
//     really passed, so that a clock which is corrected meanwhile has harmed nothing.
//   - Back by more: it is not followed, since rounds that are held can't be taken again. Rounds go on by the time that
//     has really passed, and that is said until the clocks agree again.
//
// All sources of a process share one, so that their rounds are of the same instants. Its methods may be called by any
// goroutine.
type Clock struct {
	tick  time.Duration
	wall  func() time.Time
	spent func() time.Duration // time that has really passed, since some instant; never goes back
	log   *slog.Logger
	floor time.Time // the newest round that was held at the start

	mu     sync.Mutex // guards all that follows
	base   time.Time  // what this clock said when at had passed
	at     time.Duration
	high   time.Time     // the latest that it ever said
	ahead  time.Duration // of the machine's clock, while that is in doubt; 0: it is not
	since  time.Duration // when that was seen
	behind time.Duration // of the machine's clock, which is not followed
	shifts []Shift       // the newest few, the newest last
	count  int           // of all shifts
}

// Shift is a step of the clock: the instant From was followed at once by From plus By.
type Shift struct {
	From time.Time
	By   time.Duration // below zero: the clock went back, and From is the latest that it had said
}

const (
	// jumpSmall is the jump that is followed at once: ten ticks, and a minute at least.
	jumpSmall      = time.Minute
	jumpSmallTicks = 10
	// clockDoubt is for how long a clock that went far ahead must stand until it is followed: longer than a wrong
	// answer of a time server lives, and short beside what is lost when the past few minutes bear wrong dates.
	clockDoubt = 5 * time.Minute
	// A clock that is off by less than this part of a tick is being disciplined and did not jump.
	driftShare = 20
	// shiftsKept is how many steps of the clock are remembered for samples that reach back over them.
	shiftsKept = 16
)

// NewClock makes a clock. wall is the machine's and spent the time that has really passed since any instant, suspended
// time included; nil: the process's own. newest is the newest round that is held, zero when there is none: rounds go on
// after it.
func NewClock(tick time.Duration, wall func() time.Time, spent func() time.Duration, newest time.Time, log *slog.Logger) *Clock {
	if wall == nil {
		wall = time.Now
	}
	if spent == nil {
		begun := time.Now()
		spent = func() time.Duration { return time.Since(begun) }
	}
	c := &Clock{tick: tick, wall: wall, spent: spent, log: log, floor: newest.Round(0).UTC()}
	c.base, c.at = c.read()
	c.high = c.base
	if d := c.floor.Sub(c.base); d > c.small() {
		c.base = c.floor // the next round comes after it
	}
	c.high = later(c.high, c.floor)
	return c
}

// read reads both clocks at one instant.
func (c *Clock) read() (wall time.Time, spent time.Duration) {
	for range 5 { // a process that was stopped in between would see a jump where there is none
		before := c.spent()
		wall, spent = c.wall().Round(0).UTC(), c.spent()
		if spent-before < c.tick/driftShare/2 {
			break
		}
	}
	return wall, spent
}

func (c *Clock) small() time.Duration { return max(jumpSmall, jumpSmallTicks*c.tick) }

// Now returns what time it is. It may go back by little, see Clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, _ := c.now()
	return now
}

// now returns what time it is, and what the machine's clock says. It needs mu.
func (c *Clock) now() (now, wall time.Time) {
	wall, spent := c.read()
	now = c.base.Add(spent - c.at)
	switch off := wall.Sub(now); {
	case off.Abs() <= c.tick/driftShare:
		c.agree()
		now = wall
	case off.Abs() <= c.small():
		c.agree()
		c.shift(now, wall)
		now = wall
	case off < 0:
		if c.differs(c.behind, off) {
			c.behind = -off.Round(time.Second)
			c.log.Error("the machine's clock is far behind the newest rounds: they are dated by the time that has really passed", "behind", c.behind, "machine", wall, "newest", c.high)
		}
		c.ahead = 0
	case c.ahead == 0 || c.differs(c.ahead, off):
		c.ahead, c.behind, c.since = off.Round(time.Second), 0, spent
		c.log.Error("the machine's clock went far ahead: it is followed if it stands", "ahead", c.ahead, "machine", wall, "after", clockDoubt)
	case spent-c.since >= clockDoubt:
		c.agree()
		c.shift(now, wall)
		now = wall
	}
	c.base, c.at = now, spent
	c.high = later(c.high, now)
	return now, wall
}

// differs reports whether a clock is off by something else than was known.
func (c *Clock) differs(known, off time.Duration) bool {
	return (off.Abs() - known).Abs() > c.small()
}

func (c *Clock) agree() {
	if c.ahead != 0 || c.behind != 0 {
		c.log.Info("the machine's clock is followed again")
	}
	c.ahead, c.behind = 0, 0
}

// shift notes that the clock is followed over a jump.
func (c *Clock) shift(now, wall time.Time) {
	s := Shift{From: now, By: wall.Sub(now)}
	if s.By < 0 {
		s.From = c.high
	}
	c.log.Warn("the machine's clock jumped", "by", s.By.Round(time.Millisecond), "from", s.From, "to", wall)
	c.shifts = append(c.shifts, s)
	c.shifts = c.shifts[max(0, len(c.shifts)-shiftsKept):]
	c.count++
}

// Trouble says what is wrong with the machine's clock now; empty: nothing is.
func (c *Clock) Trouble() string {
	if c == nil {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, _ := c.now()
	if held := c.high.Sub(now); held > c.tick && c.high.After(now) {
		return "the machine's clock went back: no round is taken until it has passed the newest one"
	}
	return c.doubt()
}

// doubt says why the machine's clock is not followed; empty: it is. It needs mu.
func (c *Clock) doubt() string {
	switch {
	case c.ahead != 0:
		return fmt.Sprintf("the machine's clock went ahead by %s at once: rounds are dated by the time that has really passed, until it has stood for %s", c.ahead, clockDoubt)
	case c.behind != 0:
		return fmt.Sprintf("the machine's clock is %s behind the newest rounds: they are dated by the time that has really passed, and so by as much too late", c.behind)
	}
	return ""
}

// clockState is a clock as a round finds it.
type clockState struct {
	now    time.Time
	skew   time.Duration // of this clock over the machine's
	doubt  string
	shifts []Shift // all that are remembered
	count  int     // of all there ever were
}

func (c *Clock) state() clockState {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, wall := c.now()
	return clockState{now: now, skew: now.Sub(wall), doubt: c.doubt(), shifts: append([]Shift(nil), c.shifts...), count: c.count}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
