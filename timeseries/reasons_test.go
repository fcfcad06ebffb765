package timeseries_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// TestBoundsOfWindowsOverTiers has days of steps bounded by turns, in the head, in raw blocks and in both coarser
// tiers, over restarts: in no window a count is called a bound that the truth is beyond, and where no step reaches over
// an end the reasons are those that were told.
func TestBoundsOfWindowsOverTiers(t *testing.T) {
	const tick, rounds, hour = 30 * time.Second, 210 * 120, 120
	said := map[string]int{}
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 80))
		start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		h := storetest.NewBounded(r, start, tick, rounds)
		m := disk()
		o := timeseries.Options{Tick: tick, Retention: timeseries.Retention{Raw: 5 * time.Hour, Minute: 30 * time.Hour, Hour: 1000 * time.Hour}}
		s := m.subject(m.open(t, o), o)
		for n := 0; n < rounds; n += hour {
			check(t, s.Append(t.Context(), h.Observations[n:n+hour]...))
			check(t, s.Maintain(t.Context(), start.Add(time.Duration(n+hour)*tick)))
			if n/hour%30 == 29 {
				h.HoldUntil(t, s, r, 40, n+hour, said)
				next, err := s.Again(t)
				check(t, err)
				s = next
				h.HoldUntil(t, s, r, 40, n+hour, said)
			}
		}
		h.Hold(t, s, r, 200, said)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	for _, what := range []string{"exact", "at most", "at least", "neither", "cut", "by 1m0s", "by 1h0m0s"} {
		if said[what] < 10 {
			t.Errorf("too little is said to hold the law: %v", said)
		}
	}
}
