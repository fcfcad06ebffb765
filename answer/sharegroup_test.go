package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A share group is looked at more seldom than its topic, so that at a window's ends it stood elsewhere than it was
// seen: an account that does not close by it is no proof that something is wrong.
func TestBalanceOfAShareGroup(t *testing.T) {
	for what, read := range map[string]func(n int) int64{
		"it keeps up": func(n int) int64 { return int64(100 * n) },
		"it rests":    func(int) int64 { return 10 },
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := topic("orders")
				r := reads(o, group("audit"))
				w := newWorld(t)
				f := topicFact(o)
				f.Topic.Configs = []lineage.Config{}
				for n := 1; n <= 30; n++ {
					w.observe("west", "ends", n, counts(self(o), lineage.Appended, lineage.NoEvidence, int64(100*n)), facts(clusterFact(1), f))
					if n%3 == 0 {
						w.observe("west", "share-groups", n, counts(r, lineage.Records, lineage.ShareOffsets, read(n)), level(r, lineage.Lag, int64(100*n)-read(n)), func(obs *lineage.Observation) {
							obs.Interval = 3 * tick
						})
					}
				}
				time.Sleep(time.Until(round(30)) + time.Second)
				for from := 6; from < 9; from++ {
					for to := 18; to < 21; to++ {
						b, err := view(t, answers(w.store), answer.Between(round(from), round(to)), answer.All).Balance(t.Context(), topicNode("orders"))
						if err != nil || len(b.Readers) != 1 {
							t.Fatalf("%d readers, %v", len(b.Readers), err)
						}
						a := b.Readers[0].Account
						if aligned := from == 6 && to == 18; a.AddsUp != nil && !*a.AddsUp || aligned && a.AddsUp == nil {
							t.Errorf("from %d to %d it adds up: %v, %+v", from, to, a.AddsUp, a)
						}
					}
				}
			})
		})
	}
}
