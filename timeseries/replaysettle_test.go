package timeseries

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/lineage"
)

// TestReplaySettlesAtItsEnd tells of writers in an order that is not that of time, seals, settles anew and saves in
// between, and opens what a kill at any point leaves: all that is derived, said, waited for and still to be settled
// anew is what it was. What the log holds is settled when it was read, and not again with each of its frames.
func TestReplaySettlesAtItsEnd(t *testing.T) {
	t.Parallel()
	looked, late := 0, 0
	seeds := uint64(3)
	if raced {
		seeds = 1
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 79))
		const rounds = 130
		obs := lateWorld(r, rounds)
		order, when := make([]int, len(obs)), make([]int, len(obs))
		for i := range obs {
			order[i], when[i] = i, int(obs[i].Round.Sub(testStart)/lateTick)+r.IntN(14)
		}
		slices.SortStableFunc(order, func(a, b int) int { return when[a] - when[b] })
		calls, o := 0, lateOptions()
		o.Settle = func(l *lineage.Ledger) ([]lineage.Settled, int64) {
			calls++
			return attribution.Settle(l)
		}
		dir := inMemory(t)
		s, err := Open(dir, o)
		must(t, err)
		frames := 0
		for n, i := range order {
			must(t, s.Append(t.Context(), obs[i]))
			if frames++; n%61 == 60 {
				must(t, s.Maintain(t.Context(), lateAt(when[i])))
				frames = 0
			}
			if r.IntN(30) > 0 {
				continue
			}
			killed := inMemory(t)
			must(t, os.CopyFS(killed, os.DirFS(dir)))
			calls = 0
			again, err := Open(killed, o)
			must(t, err)
			blocks := int((again.newest()-again.firstInHead())/again.blockTicks[rawTier]) + 2
			if most := 2 * blocks * len(again.ledgers.of); calls > most {
				t.Errorf("seed %d: after %d observations %d frames at least were read, and %d times something was settled, want at most %d", seed, n+1, frames, calls, most)
			}
			if got, want := derivedText(again.engine), derivedText(s.engine); got != want {
				t.Fatalf("seed %d: after %d observations and a kill\n%s\nis derived, and not\n%s", seed, n+1, only(got, want), only(want, got))
			}
			if got, want := ledgersText(again.ledgers), ledgersText(s.ledgers); got != want {
				t.Fatalf("seed %d: after %d observations and a kill\n%s\nis known, and not\n%s", seed, n+1, only(got, want), only(want, got))
			}
			if got, want := accountOf(t, again, rounds), accountOf(t, s, rounds); got != want {
				t.Fatalf("seed %d: after %d observations and a kill the account is\n%s\nand not\n%s", seed, n+1, only(got, want), only(want, got))
			}
			looked, late = looked+1, late+len(s.ledgers.late)
			must(t, again.Close())
		}
		must(t, s.Close())
	}
	if looked < 8*int(seeds) || late == 0 {
		t.Errorf("%d looks, %d topics were to be settled anew: this shows little", looked, late)
	}
}
