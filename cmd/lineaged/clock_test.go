package main

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// steady is a source of a topic to which 32 records a second are written. It knows no better than other sources when a
// tick is longer than it looks.
type steady struct {
	cluster string    // empty: west
	begun   time.Time // by the true time
	last    time.Time
}

func (s *steady) name() string { return cmp.Or(s.cluster, "west") }

func (s *steady) Restore(context.Context, collector.Sink) error { return nil }

func (s *steady) Missed(round time.Time, reason string) []lineage.Observation {
	return []lineage.Observation{{
		Source: lineage.Source{Cluster: s.name(), Name: "ends"}, Round: round, Interval: 10 * time.Second,
		Missing: []lineage.Missing{{All: true, Reason: reason}},
	}}
}

func (s *steady) Observe(_ context.Context, round time.Time) []lineage.Observation {
	o := lineage.Observation{Source: lineage.Source{Cluster: s.name(), Name: "ends"}, Round: round, Interval: 10 * time.Second}
	x := lineage.Sample{Subject: steadyTopic, Metric: lineage.Appended, Value: int64(32 * time.Since(s.begun).Seconds())}
	if !s.last.IsZero() && s.last.Before(round.Add(-10*time.Second)) {
		x.Since = s.last
	}
	s.last = round
	o.Samples = []lineage.Sample{x}
	return []lineage.Observation{o}
}

var steadyTopic = lineage.Access{Topic: lineage.Topic{Cluster: "W", ID: lineage.TopicID{1}, Name: "orders"}}

// However the machine's clock is set, no observed tick shows a rate that never was, and what is not observed has a
// reason.
func TestClockThatJumpsShowsNoFalseRate(t *testing.T) {
	for name, set := range map[string]map[time.Duration]time.Duration{
		"45 s back":                {63 * time.Second: -45 * time.Second},
		"45 s ahead":               {63 * time.Second: 45 * time.Second},
		"a day ahead for a minute": {63 * time.Second: 24 * time.Hour, 123 * time.Second: -24 * time.Hour},
		"a day back":               {63 * time.Second: -24 * time.Hour},
		"to and fro":               {63 * time.Second: 45 * time.Second, 103 * time.Second: -45 * time.Second, 203 * time.Second: 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				var off atomic.Int64
				clock := collector.NewClock(10*time.Second, func() time.Time { return time.Now().Add(time.Duration(off.Load())) },
					func() time.Duration { return time.Since(begun) }, time.Time{}, slog.New(slog.DiscardHandler))
				for after, d := range set {
					time.AfterFunc(after, func() { off.Add(int64(d)) })
				}
				store := timeseries.NewMemory(timeseries.Options{Tick: 10 * time.Second})
				defer func() { _ = store.Close() }()
				ctx, cancel := context.WithTimeout(t.Context(), 400*time.Second)
				defer cancel()
				_ = (collector.Runner{Interval: 10 * time.Second, Clock: clock, Log: slog.New(slog.DiscardHandler)}).Run(ctx, &steady{begun: begun}, store)
				checkSteady(t, store, lineage.Window{Start: begun.Add(10 * time.Second), End: storetest.Newest(t, store, "west")})
			})
		})
	}
}

func checkSteady(t *testing.T, store timeseries.Store, w lineage.Window) {
	t.Helper()
	got := storetest.Ask(t, store, w)
	all := got.Points(10*time.Second, storetest.Key{Access: steadyTopic, Metric: lineage.Appended})
	unseen := 0
	for _, p := range all {
		if !p.OK {
			unseen++
		} else if p.Value < 31 || p.Value > 33 {
			t.Errorf("at %v: %v records a second, and there were 32", p.At, p.Value)
		}
	}
	if unseen > 14 || len(all) < 30 {
		t.Errorf("%d of %d ticks were not observed", unseen, len(all))
	}
	c := got.Coverage()
	if len(c.Gaps) == 0 {
		t.Error("coverage says nothing")
	}
	for _, g := range c.Gaps {
		if !strings.Contains(g.Reason, "machine's clock") {
			t.Errorf("gap %+v has no reason of its own", g)
		}
	}
}

// What the clock says stands in /readyz.
func TestClockIsTrouble(t *testing.T) {
	off := time.Duration(0)
	clock := collector.NewClock(10*time.Second, func() time.Time { return time.Now().Add(off) }, spent, time.Time{}, slog.New(slog.DiscardHandler))
	s := &sink{clock: clock}
	if got := s.trouble(); len(got) > 0 {
		t.Errorf("trouble %q", got)
	}
	off = 24 * time.Hour
	if got := s.trouble(); len(got) != 1 || !strings.Contains(got[0], "went ahead by 24h") {
		t.Errorf("trouble %q", got)
	}
}

// While the machine's clock is an hour behind the newest rounds, what is asked without a time is what was seen last.
func TestAnswersGoByTheClockOfTheRounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, log := time.Now(), slog.New(slog.DiscardHandler)
		clock := collector.NewClock(10*time.Second, nil, nil, begun.Add(time.Hour), log)
		store := timeseries.NewMemory(timeseries.Options{Tick: 10 * time.Second})
		defer func() { _ = store.Close() }()
		ctx, cancel := context.WithTimeout(t.Context(), 115*time.Second)
		defer cancel()
		_ = (collector.Runner{Interval: 10 * time.Second, Clock: clock, Log: log}).Run(ctx, &steady{begun: begun}, store)
		who, err := newRules(t.Context(), config.Config{}, store, log)
		if err != nil {
			t.Fatal(err)
		}
		v, err := answers(config.Config{}, store, who, &declarations{}, &edits{}, &past{}, clock).View(t.Context(), answer.Last(time.Minute), answer.All)
		if err != nil {
			t.Fatal(err)
		}
		if end := v.Window().End; !end.Equal(begun.Add(time.Hour + 110*time.Second)) {
			t.Errorf("the window ends at %v", end)
		}
	})
}
