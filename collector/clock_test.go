package collector_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// machine is a machine whose clock can be set. It lives in fake time.
type machine struct {
	begun time.Time
	off   atomic.Int64 // nanoseconds that its clock is ahead of the true time
	log   bytes.Buffer
}

func newMachine() *machine { return &machine{begun: time.Now()} }

func (m *machine) clock(newest time.Time) *collector.Clock {
	return collector.NewClock(10*time.Second, func() time.Time { return time.Now().Add(time.Duration(m.off.Load())) },
		func() time.Duration { return time.Since(m.begun) }, newest, slog.New(slog.NewTextHandler(&m.log, nil)))
}

// watch runs a source by a machine's clock for a while, and sets the clock at some instants.
func (m *machine) watch(t *testing.T, clock *collector.Clock, src collector.Source, dst collector.Sink, d time.Duration, set map[time.Duration]time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for after, off := range set {
		time.AfterFunc(after, func() { m.off.Add(int64(off)) })
	}
	if err := (collector.Runner{Interval: 10 * time.Second, Clock: clock, Log: discard}).Run(ctx, src, dst); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v", err)
	}
}

func rising(t *testing.T, rounds []time.Time) {
	t.Helper()
	for i := 1; i < len(rounds); i++ {
		if !rounds[i].After(rounds[i-1]) {
			t.Errorf("round %v follows %v", rounds[i], rounds[i-1])
		}
	}
}

func allMissing(o lineage.Observation) (reason string) {
	for _, m := range o.Missing {
		if m.All {
			reason = m.Reason
		}
	}
	return reason
}

// A clock that goes back by less than ten ticks is waited for, and the tick that takes so long is a gap.
func TestClockBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := newMachine(), &script{}, &sink{}
		clock := m.clock(time.Time{})
		m.watch(t, clock, src, dst, 190*time.Second, map[time.Duration]time.Duration{63 * time.Second: -45 * time.Second})
		rising(t, dst.rounds)
		if len(dst.rounds) != 6+8 {
			t.Fatalf("%d rounds, want 6 before and 8 after", len(dst.rounds))
		}
		for i, o := range dst.obs {
			if reason := allMissing(o); (reason != "") != (i == 6) || i == 6 && !strings.Contains(reason, "set back by 45s") {
				t.Errorf("round %d is missing for %q", i, reason)
			}
		}
		if !strings.Contains(m.log.String(), "jumped") {
			t.Errorf("the log does not say it: %s", m.log.String())
		}
	})
}

// While the clock has not passed the newest round that is said.
func TestClockBackIsTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine()
		clock := m.clock(time.Time{})
		f := func(troubled bool) {
			t.Helper()
			if got := clock.Trouble(); (got != "") != troubled {
				t.Errorf("trouble is %q", got)
			}
		}
		f(false)
		m.off.Store(int64(-45 * time.Second))
		f(true)
		time.Sleep(50 * time.Second)
		f(false)
	})
}

// A clock that goes ahead by little leaves a gap with its reason, and what advanced is spread over the time that
// passed.
func TestClockAheadByLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, dst := newMachine(), &sink{}
		begun := time.Now()
		src := &commits{script: script{}, since: begun.Add(30 * time.Second)}
		m.watch(t, m.clock(time.Time{}), src, dst, 122*time.Second, map[time.Duration]time.Duration{63 * time.Second: 45 * time.Second})
		rising(t, dst.rounds)
		if len(dst.rounds) != 16 {
			t.Fatalf("%d rounds, want 6 before, 5 that never were and 5 after", len(dst.rounds))
		}
		for i, o := range dst.obs {
			if reason := allMissing(o); (reason != "") != (i >= 6 && i <= 11) || reason != "" && !strings.Contains(reason, "set ahead by 45s") {
				t.Errorf("round %d is missing for %q", i, reason)
			}
		}
		if at := dst.obs[11].Samples[0].Since; !at.IsZero() {
			t.Errorf("a step of the tick that jumped is since %v", at)
		}
		if at := dst.obs[12].Samples[0].Since; !at.Equal(src.since.Add(45 * time.Second)) {
			t.Errorf("a step over the jump is since %v of round %v", at, dst.obs[12].Round)
		}
		if at := dst.obs[5].Samples[0].Since; !at.Equal(src.since) {
			t.Errorf("a step before the jump is since %v", at)
		}
	})
}

// commits is a source whose only counter advanced since an instant.
type commits struct {
	script
	since time.Time
}

func (c *commits) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	obs := c.script.Observe(ctx, round)
	obs[0].Interval = 10 * time.Second
	if round.After(c.since) {
		obs[0].Samples = []lineage.Sample{{Value: 1, Since: c.since}}
	}
	return obs
}

// A clock that goes far ahead for a minute harms nothing: rounds go on as time passes, and say why they do not follow.
func TestClockFarAheadForAMinute(t *testing.T) {
	for _, jump := range []time.Duration{24 * time.Hour, 2 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			m, src, dst := newMachine(), &script{}, &sink{}
			clock := m.clock(time.Time{})
			begun := time.Now()
			m.watch(t, clock, src, dst, 245*time.Second, map[time.Duration]time.Duration{63 * time.Second: jump, 123 * time.Second: -jump})
			rising(t, dst.rounds)
			if len(dst.rounds) != 24 {
				t.Errorf("%d rounds in 245 s", len(dst.rounds))
			}
			for i, o := range dst.obs {
				if want := begun.Add(time.Duration(i+1) * 10 * time.Second); !o.Round.Equal(want) || o.At.Sub(o.Round).Abs() > time.Second && !o.At.IsZero() {
					t.Errorf("round %d is dated %v, read at %v", i, o.Round, o.At)
				}
				said := len(o.Missing) > 0 && strings.Contains(o.Missing[0].Reason, "went ahead by "+jump.String())
				if said != (i >= 6 && i < 12) || allMissing(o) != "" {
					t.Errorf("round %d: missing %+v", i, o.Missing)
				}
			}
			if got := m.log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "far ahead") || !strings.Contains(got, "followed again") {
				t.Errorf("the log says %q", got)
			}
			if clock.Trouble() != "" {
				t.Errorf("trouble stays: %s", clock.Trouble())
			}
		})
	}
}

// A clock that was wrong and is corrected by a day is followed once it has stood, and collecting goes on all the while.
func TestClockCorrectedAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := newMachine(), &script{}, &sink{}
		clock := m.clock(time.Time{})
		const day = 24 * time.Hour
		begun := time.Now()
		m.watch(t, clock, src, dst, 605*time.Second, map[time.Duration]time.Duration{63 * time.Second: day})
		rising(t, dst.rounds)
		if len(src.observed) < 59 {
			t.Errorf("%d rounds were observed in 605 s", len(src.observed))
		}
		if last := dst.rounds[len(dst.rounds)-1]; !last.Equal(begun.Add(day + 600*time.Second)) {
			t.Errorf("the newest round is %v", last)
		}
		var gap time.Duration
		for _, o := range dst.obs {
			if allMissing(o) != "" {
				gap += max(o.Interval, 0)
			}
		}
		i := slices.IndexFunc(dst.obs, func(o lineage.Observation) bool { return allMissing(o) != "" })
		if i < 0 || gap < day-1001*time.Second {
			t.Errorf("the gap that never was is said over %v", gap)
		}
	})
}

// A clock that goes far back is not followed: rounds that are held can't be taken again. It is said until the clocks
// agree.
func TestClockFarBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, dst := newMachine(), &script{}, &sink{}
		clock := m.clock(time.Time{})
		const day = 24 * time.Hour
		m.watch(t, clock, src, dst, 605*time.Second, map[time.Duration]time.Duration{63 * time.Second: -day})
		rising(t, dst.rounds)
		if len(dst.rounds) != 60 {
			t.Errorf("%d rounds in 605 s", len(dst.rounds))
		}
		if got := clock.Trouble(); !strings.Contains(got, "24h0m0s behind") {
			t.Errorf("trouble is %q", got)
		}
		m.off.Store(0)
		if got := clock.Trouble(); got != "" {
			t.Errorf("trouble stays after the correction: %q", got)
		}
	})
}

// At a start, rounds go on after the newest that is held, wherever the machine's clock stands.
func TestClockBehindTheNewestRound(t *testing.T) {
	for behind, want := range map[time.Duration]int{-time.Hour: 20, 0: 20, 3 * time.Second: 20, 45 * time.Second: 16, time.Hour: 20} {
		synctest.Test(t, func(t *testing.T) {
			m, src, dst := newMachine(), &script{}, &sink{}
			newest := time.Now().Add(behind).Truncate(10 * time.Second)
			clock := m.clock(newest)
			m.watch(t, clock, src, dst, 205*time.Second, nil)
			rising(t, append([]time.Time{newest}, dst.rounds...))
			if n := len(dst.rounds); n != want {
				t.Errorf("clock %v behind: %d rounds in 205 s, want %d", behind, n, want)
			}
			if got := clock.Trouble(); (got != "") != (behind == time.Hour) {
				t.Errorf("clock %v behind: trouble %q", behind, got)
			}
		})
	}
}
