package answer_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// TestCommonIsAsAnew asks for windows of a world in which for most of the time nothing but records move, at times less
// than that or all that can change: who has what views have in common from the one before says the same, to the byte,
// as who has answered nothing yet.
func TestCommonIsAsAnew(t *testing.T) {
	common, all := 0, 0
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 77))
			w := newChanging(t, r)
			rules := func() answer.Identity { return w.rules }
			shared := w.answers(rules)
			shared.Keep(1)          // each window is built
			shared.KeepNumbers(100) // and at times begins with other numbers
			w.observe("west", "end-offsets", 1, facts(clusterFact(2)))
			newest := 1
			for range 60 {
				stir := r.IntN(4) == 0
				for range 1 + r.IntN(4) {
					newest++
					w.clock = round(newest).Add(time.Second)
					if stir {
						w.something(newest)
					} else {
						w.calm(newest)
					}
				}
				if r.IntN(20) == 0 {
					w.rename()
				}
				for range 3 {
					end := newest - r.IntN(min(newest, 8))
					in := answer.Between(round(end-1-r.IntN(min(end, 30))), round(end))
					before := shared.InCommon()
					v := view(t, shared, in, answer.All)
					got, want := w.all(v), w.all(view(t, w.answers(rules), in, answer.All))
					if all++; before(v) {
						common++
					}
					if got != want {
						t.Fatalf("seed %d, round %d, window %v: in common (%v)\n%.3000s\nanew\n%.3000s", seed, newest, in, before(v), got, want)
					}
				}
			}
		})
	}
	if common < all/4 || common > all*9/10 {
		t.Errorf("%d of %d windows had it from the one before: both are to be tried", common, all)
	}
}

// calm writes one round in which some of those who are there move records, or say that they did not.
func (c *changing) calm(n int) {
	all := slices.SortedFunc(maps.Keys(c.totals), func(a, b lineage.Sample) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
	var fill []filling
	for _, s := range all {
		if c.r.IntN(3) == 0 {
			fill = append(fill, c.moved(s.Subject, s.Evidence, int64(c.r.IntN(4))))
		}
	}
	c.observe("west", []string{"end-offsets", "groups", "producers"}[c.r.IntN(3)], n, fill...)
}
