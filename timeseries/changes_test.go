package timeseries

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/store"
)

// TestChangesForgetNothing adds random changes, far more than are remembered: of no window is the version older than
// that of the newest change that touched it, and what is remembered stays in order.
func TestChangesForgetNothing(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 8))
		at := func(tick int64) time.Time { return testStart.Add(time.Duration(tick) * time.Second) }
		const span = 4000
		exact := make([]store.Version, span+1) // by the tick that a window ends at
		var list []store.Change
		for v := store.Version(1); v <= 3000; v++ {
			after := int64(v) * span / 3000
			switch r.IntN(10) {
			case 0: // late
				after = r.Int64N(after + 1)
			case 1:
				after = max(after-r.Int64N(200), 0)
			}
			before := slices.Clone(list)
			next := addChange(list, store.Change{After: at(after), Version: v})
			if !slices.Equal(list, before) {
				t.Fatalf("seed %d: what was handed out changed", seed)
			}
			list = next
			for i := after + 1; i <= span; i++ {
				exact[i] = v
			}
			if len(list) > changesKept+1 {
				t.Fatalf("seed %d: %d changes are kept", seed, len(list))
			}
			for i := 1; i < len(list); i++ {
				if !list[i-1].After.Before(list[i].After) || list[i-1].Version >= list[i].Version {
					t.Fatalf("seed %d: %v comes before %v", seed, list[i-1], list[i])
				}
			}
			if v%50 > 0 {
				continue
			}
			newest := list[len(list)-1].Version
			for end := int64(1); end <= span; end += 1 + r.Int64N(40) {
				got := store.Version(0)
				for _, c := range list {
					if c.After.Before(at(end)) {
						got = c.Version
					}
				}
				if got < exact[end] || got > newest {
					t.Fatalf("seed %d: after %d changes the version of a window that ends at %d is %d, and it changed with %d", seed, v, end, got, exact[end])
				}
			}
		}
	}
}
