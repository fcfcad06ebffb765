package api_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestIntoATopicAtMost asks for what goes into a topic that is written in transactions, in a ranking and a series: it
// is without the markers that are known, and says that it is a bound. What comes out of it says nothing of the kind.
func TestIntoATopicAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		x := topic(west, "orders", 1)
		for n := 1; n <= 3; n++ {
			w.observe("west", "all", n, facts(clusterFact("west", west, 1, 0), topicFact("west", x)), w.moved(self(x), lineage.NoEvidence, 60),
				level(self(x), lineage.Markers, int64(10*n)))
		}
		time.Sleep(time.Until(round(3)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		type series struct {
			Detail *string
			Points []struct{ Value float64 }
		}
		top := answerOf[struct {
			Top struct {
				Ranked []struct {
					Value  float64
					Detail *string
					Node   struct{ In, Out *series }
				}
			}
		}](t, h, `{top(metric: RECORDS_IN_PER_SECOND, by: TOPIC, window: {last: "20s"}) {ranked {value detail node {
			in: series(metric: RECORDS_IN_PER_SECOND, window: {last: "20s"}, step: "20s") {detail points {value}}
			out: series(metric: RECORDS_OUT_PER_SECOND, window: {last: "20s"}) {detail points {value}}}}}}`, "").Top.Ranked
		if len(top) != 1 || top[0].Value != 5 || top[0].Node.In.Points[0].Value != 5 {
			t.Fatalf("%+v, want 5 records a second", top)
		}
		for _, detail := range []*string{top[0].Detail, top[0].Node.In.Detail} {
			if detail == nil || !strings.HasPrefix(*detail, "at most: ") {
				t.Errorf("nothing says that it is a bound: %v", detail)
			}
		}
		if out := top[0].Node.Out; out != nil && out.Detail != nil {
			t.Errorf("what comes out: %s", *out.Detail)
		}
	})
}
