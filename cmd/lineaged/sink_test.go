package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// refusing is a store whose Append fails with what it is told.
type refusing struct {
	timeseries.Store
	err error
}

func (r *refusing) Append(context.Context, ...lineage.Observation) error { return r.err }
func (r *refusing) Stats() timeseries.Stats                              { return timeseries.Stats{FreeBytes: 7} }

func (r *refusing) Health() (all []string) {
	if r.err != nil {
		all = append(all, r.err.Error())
	}
	return all
}

// A store that does not store is said once when it begins and once when it is over, and to /readyz all the while:
// whatever the reason is.
func TestNotStoringIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	store := &refusing{}
	s := &sink{Store: store, log: slog.New(slog.NewTextHandler(&log, nil))}
	f := func(err error, lines int, troubled bool) {
		t.Helper()
		store.err = err
		if got := s.Append(t.Context()); !errors.Is(got, err) {
			t.Errorf("Append returns %v, want %v", got, err)
		}
		if n := strings.Count(log.String(), "\n"); n != lines {
			t.Errorf("%d lines are logged, want %d:\n%s", n, lines, log.String())
		}
		if got := len(s.trouble()) > 0; got != troubled {
			t.Errorf("trouble is %v, want %v", got, troubled)
		}
	}
	full := fmt.Errorf("append: %w", timeseries.ErrNoSpace)
	f(nil, 0, false)
	f(full, 1, true)
	f(full, 1, true)
	f(nil, 2, false)
	f(errors.New("input/output error"), 3, true)
	f(full, 3, true)
	f(nil, 4, false)
	f(timeseries.ErrTooOld, 4, true)
}

// A cluster that stands in the configuration no longer is waited for no longer; one that does and is silent is a gap.
func TestRetiredSourcesAreNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := timeseries.NewMemory(timeseries.Options{Tick: 10 * time.Second})
		defer func() { _ = store.Close() }()
		begun, log := time.Now(), slog.New(slog.DiscardHandler)
		run := func(d time.Duration, configured string, names ...string) {
			t.Helper()
			var cfg config.Config
			for c := range strings.SplitSeq(configured, " ") {
				cfg.Clusters = append(cfg.Clusters, config.Cluster{Name: c})
			}
			s := &sink{Store: store, clock: collector.NewClock(10*time.Second, nil, nil, storetest.Newest(t, store, "west"), log), log: log}
			if err := s.retire(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			var wg sync.WaitGroup
			for _, name := range names {
				wg.Go(func() {
					_ = (collector.Runner{Interval: 10 * time.Second, Clock: s.clock, Log: log}).Run(ctx, &steady{cluster: name, begun: begun}, s)
				})
			}
			wg.Wait()
		}
		gaps := func(from, to time.Duration) (all []string) {
			t.Helper()
			c := storetest.Ask(t, store, lineage.Window{Start: begun.Add(from), End: begun.Add(to)}).Coverage()
			for _, g := range c.Gaps {
				all = append(all, g.Source.Cluster)
			}
			return all
		}
		run(101*time.Second, "west east", "west", "east")
		if got := gaps(20*time.Second, 100*time.Second); len(got) > 0 {
			t.Errorf("gaps of %v while both observed", got)
		}
		run(3600*time.Second, "west east", "west") // east is silent for an hour
		if got := gaps(1000*time.Second, 3600*time.Second); !slices.Equal(got, []string{"east"}) {
			t.Errorf("gaps of %v while east is silent", got)
		}
		run(1000*time.Second, "west", "west") // and was then taken out
		if got := gaps(3800*time.Second, 4600*time.Second); len(got) > 0 {
			t.Errorf("gaps of %v after east was retired", got)
		}
		run(100*time.Second, "west east", "west", "east") // and is back
		run(1000*time.Second, "west east", "west")
		if got := gaps(5000*time.Second, 5600*time.Second); !slices.Equal(got, []string{"east"}) {
			t.Errorf("gaps of %v while east, which was back, is silent", got)
		}
	})
}
