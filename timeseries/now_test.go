package timeseries_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// TestOldVersionsStand lets many rounds pass: the version of a window that is long past hardly ever changes, although
// not all changes are remembered.
func TestOldVersionsStand(t *testing.T) {
	s := timeseries.NewMemory(timeseries.Options{Tick: time.Second, Log: slog.New(slog.DiscardHandler)})
	defer func() { _ = s.Close() }()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	old, later := lineage.Window{Start: at(10), End: at(20)}, lineage.Window{Start: at(800), End: at(900)}
	changed, last := map[lineage.Window]int{}, map[lineage.Window]store.Version{}
	var state store.State
	for n := 1; n <= 4000; n++ {
		o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "all"}, Round: at(n), Interval: time.Second}
		err := s.Append(t.Context(), o)
		if err == nil {
			state, err = s.State(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []lineage.Window{old, later} {
			if v := state.VersionOf(store.Ask{Window: w}); v != last[w] {
				last[w] = v
				if n > 1000 {
					changed[w]++
				}
			}
		}
	}
	if changed[old] > 4 || changed[later] > 6 {
		t.Errorf("in 3,000 rounds after them an old window changed %d times, a later one %d times", changed[old], changed[later])
	}
	if n := len(state.Changes); n > 600 {
		t.Errorf("%d changes are remembered", n)
	}
}
