package answer_test

import (
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// TestRoundsThatAreSaidLate: rounds are missed while the process stands still, and are said to be when it goes on, just
// before the next reading. What moved is spread over the time that passed, and no rate is over the moment in between.
func TestRoundsThatAreSaidLate(t *testing.T) {
	w := newWorld(t)
	orders := topic("orders")
	writer := writes(orders, producer(7))
	late := func(o *lineage.Observation) { o.At = round(8).Add(10 * time.Millisecond) }
	for n := 1; n <= 12; n++ {
		fill := []filling{facts(clusterFact(1), topicFact(orders))}
		switch {
		case n >= 5 && n < 8:
			w.moved(self(orders), lineage.NoEvidence, 200)
			w.moved(writer, lineage.ProducerState, 200)
			fill = []filling{missing("the round before took longer than the interval"), late}
		default:
			fill = append(fill, w.moved(self(orders), lineage.NoEvidence, 200), w.moved(writer, lineage.ProducerState, 200))
		}
		if n == 8 {
			fill = append(fill, func(o *lineage.Observation) {
				o.At = round(8).Add(20 * time.Millisecond)
				for i := range o.Samples {
					o.Samples[i].Since = round(4)
				}
			})
		}
		w.observe("west", "end-offsets", n, fill...)
	}
	a := answer.New(answer.Options{
		History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		Now: func() time.Time { return round(12).Add(time.Second) },
	})
	for n := 8; n <= 12; n++ {
		v := view(t, a, answer.Between(round(n-1), round(n)), answer.All)
		writers, _ := v.Usage(topicNode("orders"))
		if len(writers) != 1 {
			t.Fatalf("in round %d the writers are %v", n, writers)
		}
		rows := v.Rows([]lineage.Node{writers[0].From, writers[0].To}, writers)
		if rate := rows.Flow(writers[0]).RecordsPerSecond(); rate == nil || *rate < 19 || *rate > 21 {
			t.Errorf("in round %d the rate is %v, want 20", n, orNothing(rate))
		}
	}
}

func orNothing(x *float64) any {
	if x == nil {
		return "not known"
	}
	return *x
}
