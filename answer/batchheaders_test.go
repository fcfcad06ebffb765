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

// What goes into a topic is exact where the headers counted the markers among it, in all of the window of the series.
func TestHeadersCountMarkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		known, counted := int64(0), int64(0)
		markers := func(e lineage.EvidenceKind, n int64) filling {
			return func(o *lineage.Observation) {
				o.Samples = append(o.Samples, lineage.Sample{Subject: self(orders), Metric: lineage.Markers, Evidence: e, Value: n})
			}
		}
		for n := 1; n <= 40; n++ {
			known, counted = known+10, counted+30
			fill := []filling{w.moved(self(orders), lineage.NoEvidence, 100), markers(lineage.NoEvidence, known), w.moved(writes(orders, producer(7)), lineage.ProducerState, 1)}
			if n == 1 {
				fill = append(fill, facts(clusterFact(1), topicFact(orders)))
			}
			w.observe("west", "ends", n, fill...)
			if n >= 10 && n != 25 {
				w.observe("west", "headers", n, markers(lineage.BatchHeader, counted))
			} else if n == 25 {
				w.observe("west", "headers", n, missing("the budget falls short"))
			}
		}
		time.Sleep(time.Until(round(40)) + time.Second)
		a := answers(w.store)
		f := func(what string, from, to int, want float64, exact bool) {
			t.Helper()
			in := answer.Between(round(from), round(to))
			v := view(t, a, in, answer.All)
			top, _, err := v.Top(t.Context(), answer.RecordsIn, lineage.TopicNode)
			if err != nil || len(top) != 1 {
				t.Fatalf("%v, %v", top, err)
			}
			if got := top[0].Value; got < want-0.01 || got > want+0.01 || (v.Bound(topicNode("orders"), answer.RecordsIn) == "") != exact {
				t.Errorf("%s: %g a second, %q; want %g, exact %v", what, got, v.Bound(topicNode("orders"), answer.RecordsIn), want, exact)
			}
			// asked for from an answer of another window
			node := view(t, a, answer.Between(round(1), round(40)), answer.All).Rows([]lineage.Node{topicNode("orders")}, nil).Node(topicNode("orders"))
			step := time.Duration(to-from) * tick
			points, _, err := node.Series(t.Context(), answer.RecordsIn, in, &step)
			if err != nil || len(points) != 1 || points[0].Value == nil {
				t.Fatalf("%+v, %v", points, err)
			}
			bound, err := node.Bound(t.Context(), answer.RecordsIn, in)
			if got := *points[0].Value; err != nil || got < want-0.01 || got > want+0.01 || (bound == "") != exact {
				t.Errorf("%s: its series is %g, %q, %v", what, got, bound, err)
			}
		}
		f("all was looked at", 15, 20, 7, true)
		f("not from its beginning", 5, 20, 9, false)
		f("a gap", 20, 28, 9, false)
	})
}
