package timeseries_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lineaged/lineaged/timeseries"
)

// opener opens a store; what it opened before with the same t is what it opens again.
type opener func(t *testing.T, o timeseries.Options) timeseries.Store

var epoch = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)

func TestMemory(t *testing.T) {
	battery(t, func(t *testing.T, o timeseries.Options) timeseries.Store {
		s := timeseries.NewMemory(o)
		t.Cleanup(func() { check(t, s.Close()) })
		return s
	})
}

// battery holds what Store documents, for any implementation.
func battery(t *testing.T, open opener) {
	t.Run("model", func(t *testing.T) { testModel(t, open) })
}

// testModel compares random histories with the model, before and after the blocks are sealed.
func testModel(t *testing.T, open opener) {
	const rounds = 230
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		tick := []time.Duration{time.Minute, 30 * time.Second}[seed%2]
		obs := history(r, epoch, tick, rounds)
		m := newModel(tick, obs)
		s := open(t, timeseries.Options{Tick: tick})
		for _, o := range obs {
			check(t, s.Append(context.Background(), o))
		}
		for range 12 {
			w := randomWindow(r, epoch, tick, rounds)
			compare(t, s, m, w, tick*time.Duration(1+r.IntN(9)))
		}
		for _, after := range []int{90, 140, 230, 400} {
			check(t, s.Maintain(context.Background(), epoch.Add(time.Duration(after)*tick)))
			for range 6 {
				w := randomWindow(r, epoch, tick, rounds)
				compare(t, s, m, w, tick*time.Duration(1+r.IntN(9)))
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
