package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/timeseries"
)

// TestCoverageOfALookbackInCoarseSteps holds that it ends where the window does: what of its last step comes later
// was not missed, though the lookback is held in steps of a minute.
func TestCoverageOfALookbackInCoarseSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := timeseries.NewMemory(timeseries.Options{Tick: tick, Retention: timeseries.Retention{Raw: 90 * time.Minute, Minute: 3 * time.Hour, Hour: 10 * time.Hour}})
		defer s.Close()
		w := &world{t: t, store: s}
		const day, rounds = 8640, 8640 + 720 + 33 // half of its last minute is over
		for n := 1; n <= rounds; n++ {
			if n == 1 || n >= day-720 {
				w.observe("west", "all", n)
			}
		}
		time.Sleep(rounds * tick)
		if err := s.Maintain(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		a := answer.New(answer.Options{History: s, Identity: func() answer.Identity { return shopFiles }})
		v := view(t, a, answer.Between(round(rounds-30), round(rounds)), answer.All)
		if state, err := s.State(t.Context()); err != nil || len(state.Tiers) < 3 || state.Tiers[0].From.Equal(state.Tiers[1].From) {
			t.Fatalf("nothing is held coarsely: %v, %v", state.Tiers, err)
		}
		is, in, err := v.CoverageBack(t.Context())
		if err != nil || !in.End.Equal(round(rounds)) {
			t.Fatalf("%v: %v", in, err)
		}
		for _, g := range is.Gaps {
			if g.Window.End.After(round(day)) { // nobody looked before
				t.Errorf("it has the gap %v", g)
			}
		}
	})
}
