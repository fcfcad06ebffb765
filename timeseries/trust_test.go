package timeseries

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// wrongClock is a store whose two clocks the test sets.
type wrongClock struct {
	*Disk
	wall  time.Time
	spent time.Duration
	n     int // rounds that were appended
}

func openWrong(t *testing.T, dir string, wall time.Time) *wrongClock {
	t.Helper()
	w := &wrongClock{wall: wall}
	o := testOpts
	o.Retention = Retention{Raw: 3 * time.Hour, Minute: 6 * time.Hour, Hour: 12 * time.Hour}
	o.Spent = func() time.Duration { return w.spent }
	var err error
	w.Disk, err = Open(dir, o)
	must(t, err)
	t.Cleanup(func() { must(t, w.Close()) })
	return w
}

// pass lets minutes pass on both clocks, with a round and a maintenance in each.
func (w *wrongClock) pass(t *testing.T, minutes int) {
	t.Helper()
	for range minutes {
		w.wall, w.spent, w.n = w.wall.Add(time.Minute), w.spent+time.Minute, w.n+1
		must(t, w.Append(context.Background(), testRound(w.n)))
		must(t, w.Maintain(context.Background(), w.wall))
	}
}

// gaps returns how much of the time since the start is not held.
func (w *wrongClock) gaps(t *testing.T) int {
	t.Helper()
	got, err := w.Window(context.Background(), store.Ask{Window: lineage.Window{Start: testStart, End: testStart.Add(time.Duration(w.n) * time.Minute)}, Coverage: true})
	must(t, err)
	return len(got.Coverage().Gaps)
}

// TestClockAhead has the wall clock ahead by a day, a month and two years for a minute: nothing that is held goes, the
// clock is said to be in doubt, and the rounds after the correction are taken.
func TestClockAhead(t *testing.T) {
	for _, ahead := range []time.Duration{day, 30 * day, 730 * day} {
		w := openWrong(t, t.TempDir(), testStart)
		w.pass(t, 150)
		if w.sealed == 0 {
			t.Fatal("nothing was sealed: the test does not see what a clock does")
		}
		blocks, floors := len(w.tiers[rawTier].blocks), w.tiers[rawTier].floor
		right := w.wall
		w.wall = w.wall.Add(ahead)
		for range 6 {
			w.wall, w.spent = w.wall.Add(10*time.Second), w.spent+10*time.Second
			must(t, w.Maintain(context.Background(), w.wall))
		}
		if len(w.tiers[rawTier].blocks) != blocks || w.tiers[rawTier].floor != floors {
			t.Errorf("%s ahead: %d blocks of %d are left", ahead, len(w.tiers[rawTier].blocks), blocks)
		}
		if h := w.Health(); len(h) != 1 {
			t.Errorf("%s ahead: health %q", ahead, h)
		}
		w.wall = right.Add(time.Minute)
		w.n++
		must(t, w.Append(context.Background(), testRound(w.n)))
		w.pass(t, 30)
		if h := w.Health(); len(h) != 0 || w.gaps(t) != 0 {
			t.Errorf("%s ahead: after the correction %d gaps, health %q", ahead, w.gaps(t), h)
		}
	}
}

// TestClockIsBelievedInTheEnd has a clock that jumped go on evenly: after an hour it is the time.
func TestClockIsBelievedInTheEnd(t *testing.T) {
	w := openWrong(t, t.TempDir(), testStart)
	w.pass(t, 150)
	w.wall = w.wall.Add(day)
	for range 59 {
		w.wall, w.spent = w.wall.Add(time.Minute), w.spent+time.Minute
		must(t, w.Maintain(context.Background(), w.wall))
		if len(w.Health()) != 1 {
			t.Fatalf("health %q", w.Health())
		}
	}
	for range 3 {
		w.wall, w.spent = w.wall.Add(time.Minute), w.spent+time.Minute
		must(t, w.Maintain(context.Background(), w.wall))
	}
	if len(w.Health()) != 0 || w.tiers[rawTier].floor == 0 {
		t.Errorf("health %q, raw blocks dropped up to %d", w.Health(), w.tiers[rawTier].floor)
	}
}

// TestClockAtTheStart opens a store with a clock that is far from the newest round: it waits; and does not after a
// short stop.
func TestClockAtTheStart(t *testing.T) {
	for _, c := range []struct {
		off    time.Duration
		doubts int
	}{{5 * time.Minute, 0}, {50 * time.Minute, 0}, {2 * day, 1}, {-day, 1}} {
		dir := t.TempDir()
		w := openWrong(t, dir, testStart)
		w.pass(t, 150)
		must(t, w.Close())
		again := openWrong(t, dir, w.wall.Add(c.off))
		before := len(again.tiers[rawTier].blocks)
		o := testRound(w.n + 1) // the first that this process writes is dated by its own clock
		o.Round = again.wall
		if err := again.Append(context.Background(), o); err != nil && !errors.Is(err, ErrTooOld) {
			t.Fatal(err)
		}
		must(t, again.Maintain(context.Background(), again.wall))
		if h := again.Health(); len(h) != c.doubts || c.doubts > 0 && len(again.tiers[rawTier].blocks) != before {
			t.Errorf("%s after the newest round: health %q, %d blocks of %d", c.off, h, len(again.tiers[rawTier].blocks), before)
		}
	}
}

// TestRoundFarAhead has one round a year ahead of the others: those after it are taken.
func TestRoundFarAhead(t *testing.T) {
	w := openWrong(t, t.TempDir(), testStart)
	w.pass(t, 30)
	must(t, w.Append(context.Background(), testRound(365*24*60)))
	must(t, w.Maintain(context.Background(), w.wall.Add(365*day)))
	w.pass(t, 60)
	if err := w.Append(context.Background(), testRound(w.n+1)); errors.Is(err, ErrTooOld) || err != nil {
		t.Errorf("after a round a year ahead: %v", err)
	}
	if n := w.gaps(t); n != 0 {
		t.Errorf("%d gaps", n)
	}
}
