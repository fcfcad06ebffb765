package timeseries

import (
	"math"
	"testing"
	"time"

	"github.com/lineaged/lineaged/store"
)

// TestClock holds the arithmetic of ticks at its edges.
func TestClock(t *testing.T) {
	c := newClock(10 * time.Second)
	floor := func(at time.Time, want int64) {
		t.Helper()
		if got := c.floor(at); got != want {
			t.Errorf("floor(%s) is %d, want %d", at, got, want)
		}
	}
	floor(time.Time{}, 0)
	floor(time.Unix(-1, 0), 0)
	floor(time.Unix(0, 0), 0)
	floor(time.Unix(9, 999_999_999), 0)
	floor(time.Unix(10, 0), 1)
	floor(time.Unix(19, 999_999_999), 1)
	floor(time.Unix(math.MaxInt32, 0), math.MaxInt32/10)
	last := c.floor(store.LastInstant)
	floor(store.LastInstant.Add(time.Hour), last)
	floor(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), last)
	if c.at(last).After(store.LastInstant) || c.at(last+1).Before(store.LastInstant) {
		t.Errorf("the last tick is at %s", c.at(last))
	}

	aligned := func(at time.Time, want bool) {
		t.Helper()
		if got := c.aligned(at); got != want {
			t.Errorf("aligned(%s) is %t", at, got)
		}
	}
	aligned(time.Unix(0, 0), false) // a round covers the tick before it
	aligned(time.Unix(10, 0), true)
	aligned(time.Unix(10, 1), false)
	aligned(time.Unix(-10, 0), false)
	aligned(time.Time{}, false)
	aligned(store.LastInstant.Add(time.Second).Truncate(10*time.Second).Add(10*time.Second), false)

	block := func(tier int, tick, want int64) {
		t.Helper()
		if got := c.block(tier, tick); got != want || tick <= got || tick > got+c.blockTicks[tier] {
			t.Errorf("tick %d is in the block of tier %d at %d, want %d", tick, tier, got, want)
		}
	}
	block(rawTier, 1, 0)
	block(rawTier, 360, 0) // a block is (start, end]
	block(rawTier, 361, 360)
	block(minuteTier, 8640, 0)
	block(minuteTier, 8641, 8640)
	block(hourTier, 86400, 0)
	block(hourTier, 86401, 86400)
}

// TestClocksAgree holds for all ticks that are allowed that a coarser step or block consists of whole finer ones.
func TestClocksAgree(t *testing.T) {
	for _, tick := range []time.Duration{
		time.Millisecond, 250 * time.Millisecond, time.Second, 5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second,
		time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour,
	} {
		if _, err := (Options{Tick: tick}).withDefaults(); err != nil {
			t.Errorf("%s: %v", tick, err)
			continue
		}
		c := newClock(tick)
		for tier := range tiers {
			if c.blockTicks[tier]%c.stepTicks[tier] != 0 || c.stepTicks[tier] < 1 {
				t.Errorf("%s: blocks of tier %d have %d ticks, and steps %d", tick, tier, c.blockTicks[tier], c.stepTicks[tier])
			}
			if tier > 0 && (c.blockTicks[tier]%c.blockTicks[tier-1] != 0 || c.stepTicks[tier]%c.stepTicks[tier-1] != 0) {
				t.Errorf("%s: a block of tier %d is no whole number of those before", tick, tier)
			}
		}
		if c.sealTicks <= c.markTicks {
			t.Errorf("%s: a block is sealed before what may mark it can have come", tick)
		}
		last := c.floor(store.LastInstant)
		for _, x := range []int64{1, 2, 59, 60, 61, last / 3, last / 2, last - 1} {
			at := c.at(x)
			if !c.aligned(at) || c.floor(at) != x || c.floor(at.Add(tick-1)) != x || c.floor(at.Add(-1)) != x-1 {
				t.Errorf("%s: tick %d is at %s, which is %d", tick, x, at, c.floor(at))
			}
			for tier := range tiers {
				if d := c.down(tier, x); d > x || d%c.stepTicks[tier] != 0 || x-d >= c.stepTicks[tier] {
					t.Errorf("%s: %d down to tier %d is %d", tick, x, tier, d)
				}
			}
		}
	}
	for _, tick := range []time.Duration{-time.Second, 1, 999 * time.Microsecond, 7 * time.Second, 90 * time.Second, 7 * time.Minute, 2 * time.Hour, day} {
		if _, err := (Options{Tick: tick}).withDefaults(); err == nil {
			t.Errorf("a tick of %s is taken", tick)
		}
	}
}
