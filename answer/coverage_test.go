package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// Of a cluster that nobody watches nothing is observed, however well others are: that all was seen of it is not said.
func TestCoverageOfAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 10, 1)
		time.Sleep(time.Until(round(10)) + time.Second)
		v := view(t, answers(w.store), answer.Between(round(1), round(10)), answer.All)
		for _, c := range []struct {
			of       []lineage.ClusterID
			complete bool
			fraction float64
			gaps     int
		}{
			{nil, true, 1, 0},
			{[]lineage.ClusterID{west}, true, 1, 0},
			{[]lineage.ClusterID{west, west}, true, 1, 0},
			{[]lineage.ClusterID{west, "strange"}, false, 0.5, 1},
			{[]lineage.ClusterID{"strange", west, "strange", "stranger"}, false, 1. / 3, 2},
			{[]lineage.ClusterID{"strange"}, false, 0, 0},
		} {
			if got := v.Coverage(c.of...); got.Complete != c.complete || got.ObservedFraction != c.fraction || len(got.Gaps) != c.gaps {
				t.Errorf("of %v: %+v", c.of, got)
			}
		}
	})
}
