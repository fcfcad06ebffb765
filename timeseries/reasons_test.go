package timeseries

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/lineaged/lineaged/store/storetest"
)

// TestBoundsOfWindowsOverTiers has days of steps bounded by turns, in the head, in raw blocks and in both coarser
// tiers, over restarts, and from a backup of a store that is open: in no window a count is called a bound that the
// truth is beyond, and where no step reaches over an end the reasons are those that were told.
func TestBoundsOfWindowsOverTiers(t *testing.T) {
	t.Parallel()
	const rounds, hour = 210 * 120, 120
	said := map[string]int{}
	for seed := range uint64(2) {
		r := rand.New(rand.NewPCG(seed, 80))
		o := testOpts
		o.Tick, o.MinFree, o.Retention = 30*time.Second, 1, Retention{Raw: 5 * time.Hour, Minute: 30 * time.Hour, Hour: 1000 * time.Hour}
		h := storetest.NewBounded(r, testStart, o.Tick, rounds)
		dir := inMemory(t)
		s, err := Open(dir, o)
		must(t, err)
		for n := 0; n < rounds; n += hour {
			must(t, s.Append(t.Context(), h.Observations[n:n+hour]...))
			must(t, s.Maintain(t.Context(), testStart.Add(time.Duration(n+hour)*o.Tick)))
			if n/hour%30 < 29 {
				continue
			}
			h.HoldUntil(t, s, r, 40, n+hour, said)
			to, back := filepath.Join(inMemory(t), "backup"), filepath.Join(inMemory(t), "restored")
			// As a crash leaves it: its head is in the log alone.
			_, err = backup(t.Context(), dir, to, files{}, freeSpace)
			must(t, err)
			_, err = Restore(t.Context(), to, back)
			must(t, err)
			restored, err := Open(back, o)
			must(t, err)
			h.HoldUntil(t, restored, r, 40, n+hour, said)
			must(t, restored.Close())
			must(t, s.Close())
			s, err = Open(dir, o)
			must(t, err)
			h.HoldUntil(t, s, r, 40, n+hour, said)
		}
		h.Hold(t, s, r, 200, said)
		must(t, s.Close())
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
