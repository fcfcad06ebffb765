package answer_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// Where the broker's count of a writer is a bound, that of the headers stands, if they were looked at in all of the
// window: not where they were not from its beginning, nor over a gap, nor where they are a bound themselves.
func TestHeadersSettleABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		writer, other := writes(orders, lineage.Client{TransactionalID: "billing-1"}), writes(topic("exact"), producer(7))
		for n := 1; n <= 40; n++ {
			fill := []filling{w.moved(self(orders), lineage.NoEvidence, 12), estimated(w.moved(writer, lineage.Transaction, 12)), sighted(writer, lineage.Transaction, "at most: markers may be among them")}
			fill = append(fill, w.moved(self(topic("exact")), lineage.NoEvidence, 5), w.moved(other, lineage.ProducerState, 5))
			if n == 1 {
				fill = append(fill, facts(clusterFact(2), topicFact(orders), topicFact(topic("exact"))))
			}
			w.observe("west", "producers", n, fill...)
			switch {
			case n < 10:
			case n == 25:
				w.observe("west", "headers", n, missing("the budget falls short"))
			case n == 35:
				w.observe("west", "headers", n, estimated(w.moved(writer, lineage.BatchHeader, 10)))
			default:
				w.observe("west", "headers", n, w.moved(writer, lineage.BatchHeader, 10), w.moved(other, lineage.BatchHeader, 5))
			}
		}
		time.Sleep(time.Until(round(40)) + time.Second)
		a := answers(w.store)
		f := func(what string, from, to int, name string, want int64, exact bool) {
			t.Helper()
			v := view(t, a, answer.Between(round(from), round(to)), answer.All)
			flow := lineage.Flow{From: unidentified(name), To: topicNode(name)}
			x := v.Rows(nil, []lineage.Flow{flow}).Flow(flow)
			detail := ""
			for _, e := range evidenceOf(t, x) {
				detail += e.Detail
			}
			if n := x.Records(); n == nil || *n != want || x.Estimated() == exact || strings.Contains(detail, "at most") == exact {
				t.Errorf("%s: %d records, estimated %v, %q; want %d, exact %v", what, orZero(n), x.Estimated(), detail, want, exact)
			}
		}
		f("all was looked at", 15, 20, "orders", 50, true)
		f("not from its beginning", 5, 20, "orders", 180, false)
		f("a gap", 20, 28, "orders", 96, false)
		f("a bound themselves", 32, 38, "orders", 72, false)
		f("the broker's is exact", 15, 20, "exact", 25, true)
	})
}

func orZero(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}
