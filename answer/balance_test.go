package answer_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
)

// TestBalanceLaw asks for the account of windows of worlds of which it is known what really happened: readers that
// skip, are set back, read again and stop, retention that is faster than they are, compaction, transactions, commits
// that come seldom, and a collector that is not always there. No answer contradicts what happened: each number is
// exact, or a bound that holds.
func TestBalanceLaw(t *testing.T) {
	const rounds = 40
	closed, stalled := 0, 0
	exact, all := map[string]int{}, map[string]int{}
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 17))
			w := newAccounted(t, r, topicKind(seed)%topicKinds)
			w.run(rounds)
			time.Sleep(time.Until(round(rounds)) + time.Second)
			a := answers(w.store)
			for range 12 {
				from := 1 + r.IntN(rounds-2)
				to := from + 1 + r.IntN(rounds-from)
				v := view(t, a, answer.Between(round(from), round(to)), answer.All)
				b, err := v.Balance(t.Context(), topicNode("orders"))
				if err != nil {
					t.Fatal(err)
				}
				if len(b.Readers) != 1 {
					t.Fatalf("%d readers", len(b.Readers))
				}
				was, is, x := w.rounds[from], w.rounds[to], b.Readers[0]
				where := fmt.Sprintf("seed %d, kind %d, rounds %d to %d", seed, w.kind, from, to)
				for _, c := range []struct {
					name  string
					said  answer.Tally
					truth int64
				}{
					{"produced", b.Produced, is.produced - was.produced},
					{"opening", x.Opening, was.waits},
					{"read", x.Read, is.read - was.read},
					{"skipped", x.Skipped, is.skipped - was.skipped},
					{"lost", x.Lost, is.lost - was.lost},
					{"closing", x.Closing, is.waits},
					{"returned", x.Returned, is.returned - was.returned},
					{"surplus", x.Surplus, w.readAgain(from, to)},
				} {
					all[c.name]++
					if n, ok := c.said.Exact(); ok {
						exact[c.name]++
						if n != c.truth {
							t.Errorf("%s: %s is %d, said is %d exactly", where, c.name, c.truth, n)
						}
					} else if len(c.said.Doubts.List()) == 0 {
						t.Errorf("%s: %s is not exact and nobody says why", where, c.name)
					}
					if n, ok := c.said.AtLeast(); ok && n > c.truth {
						t.Errorf("%s: %s is %d, said is at least %d: %s", where, c.name, c.truth, n, c.said.Doubts.Words())
					}
					if n, ok := c.said.AtMost(); ok && n < c.truth {
						t.Errorf("%s: %s is %d, said is at most %d: %s", where, c.name, c.truth, n, c.said.Doubts.Words())
					}
				}
				if x.AddsUp != nil {
					closed++
				}
				if x.Stalled != nil && *x.Stalled {
					stalled++
				}
				if x.AddsUp != nil && !*x.AddsUp {
					t.Errorf("%s: the account does not add up: %+v", where, x.Account)
				}
				if rests := is.read+is.skipped == was.read+was.skipped; x.Stalled != nil && *x.Stalled != (rests && is.waits > 0) {
					t.Errorf("%s: stalled is %v, and it read %d", where, *x.Stalled, is.read-was.read)
				}
			}
		})
	}
	if t.Logf("%d accounts add up, %d readers stalled", closed, stalled); closed < 120 || stalled == 0 {
		t.Errorf("%d accounts add up, %d readers stalled", closed, stalled)
	}
	for name, n := range all {
		t.Logf("%s: exact in %d of %d", name, exact[name], n)
		if exact[name] < n/25 {
			t.Errorf("%s: exact in %d of %d", name, exact[name], n)
		}
	}
}
