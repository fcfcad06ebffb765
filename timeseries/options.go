package timeseries

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Options says how a store keeps what it is given. The zero value of each field means its default.
type Options struct {
	// Tick is the base step of all rounds: a divisor of a minute, or whole minutes that divide an hour. Default 10 s. A
	// data folder keeps the tick it was made with.
	Tick time.Duration
	// Retention of the tiers; default 2, 30 and 400 days. Blocks are dropped whole, and only after the next coarser
	// tier holds what is in them.
	Retention Retention
	// MinFree is the free space in bytes that is left on the file system; default 512 MiB, and a twentieth of a smaller
	// one. Only Open looks at it.
	MinFree int64
	// Spent returns the time that really passed since any instant, suspended time included: no setting of a clock
	// changes it. Maintain compares with it what it is told. nil: it believes what it is told.
	Spent func() time.Duration
	// Settle derives what no source counts from what all told of a topic's writing in a part of one block; nil: nothing
	// is derived. It is pure, keeps nothing of what it is given, and may be called by two goroutines at once.
	Settle func(*lineage.Ledger) (settled []lineage.Settled, open int64)
	// Log gets what an operator may want to know; default slog.Default().
	Log *slog.Logger

	hook      func(op, path string) error // of files; only tests set it
	fast, dry bool                        // see files
	silentFor time.Duration               // after which a subject is put away; only tests set it
	crowd     int                         // see the constant of that name; only tests set it
	recent    int                         // see recentSums; only tests set it
}

// defaultTick is the tick where nothing is said.
const defaultTick = 10 * time.Second

const (
	day = 24 * time.Hour
	// markSpan is the longest advance that counts as movement in each of its ticks. A longer one says only that records
	// moved somewhere in it, and a window inside it must not claim them.
	markSpan = 10 * time.Minute
	// sealAfter is how long a raw block stays open after its end: evidence of any of its instants may come an hour
	// late. It exceeds markSpan, so that an advance over a block's end still marks the block.
	sealAfter = time.Hour + 15*time.Minute
)

func (o Options) withDefaults() (Options, error) {
	if o.Tick == 0 {
		o.Tick = defaultTick
	}
	if o.Retention == (Retention{}) {
		o.Retention = Retention{Raw: 2 * day, Minute: 30 * day, Hour: 400 * day}
	}
	if o.silentFor == 0 {
		o.silentFor = silentFor
	}
	if o.crowd == 0 {
		o.crowd = crowd
	}
	if o.recent == 0 {
		o.recent = recentSums
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Tick < time.Millisecond || (time.Minute%o.Tick != 0 && (o.Tick%time.Minute != 0 || time.Hour%o.Tick != 0)) {
		return o, fmt.Errorf("timeseries: tick %s is neither a divisor of a minute nor whole minutes that divide an hour", o.Tick)
	}
	if r := o.Retention; r.Raw <= 0 || r.Minute < r.Raw || r.Hour < r.Minute {
		return o, errors.New("timeseries: each retention must be above zero and at least its predecessor: raw, minute, hour")
	}
	return o, nil
}

// The tiers, finest first. Their numbers are part of the storage format.
const (
	rawTier = iota
	minuteTier
	hourTier
	tiers
)

// clock converts between instants and ticks. Tick t is the instant t × step after 1970, and stands for the span (t-1,
// t].
type clock struct {
	step time.Duration
	// stepTicks and blockTicks are the step and the length of a block of each tier, in ticks.
	stepTicks, blockTicks [tiers]int64
	markTicks, sealTicks  int64
}

func newClock(step time.Duration) clock {
	minute := max(step, time.Minute)
	c := clock{step: step, markTicks: int64(markSpan / step), sealTicks: int64(sealAfter / step)}
	c.stepTicks = [tiers]int64{1, int64(minute / step), int64(time.Hour / step)}
	c.blockTicks = [tiers]int64{int64(time.Hour / step), int64(day / step), int64(10 * day / step)}
	return c
}

// floor returns the newest tick at or before t, never below zero.
func (c clock) floor(t time.Time) int64 {
	if t.Before(time.Unix(0, 0)) {
		return 0
	}
	if t.After(store.LastInstant) {
		t = store.LastInstant
	}
	return t.UnixNano() / int64(c.step)
}

// at returns the instant of a tick.
func (c clock) at(tick int64) time.Time { return time.Unix(0, tick*int64(c.step)).UTC() }

// aligned reports whether t is the instant of a tick after 1970.
func (c clock) aligned(t time.Time) bool {
	return t.After(time.Unix(0, 0)) && t.Before(store.LastInstant) && t.UnixNano()%int64(c.step) == 0
}

func (c clock) duration(ticks int64) time.Duration { return time.Duration(ticks) * c.step }

// block returns the start of the block of a tier that holds tick t, which lies in (start, start+length].
func (c clock) block(tier int, t int64) int64 {
	n := c.blockTicks[tier]
	return (t - 1) / n * n
}

// down rounds a tick down to the step of a tier.
func (c clock) down(tier int, t int64) int64 { return t - t%c.stepTicks[tier] }
