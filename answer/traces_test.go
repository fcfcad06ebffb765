package answer_test

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// How long traces take to a topic is the mean of those that were sampled, of any window, and not known where none was,
// which is not nothing. It makes no flow, and of a topic itself nothing is another for it.
func TestEndToEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		paid := topic("paid")
		since := func(name string) lineage.Access {
			return lineage.Access{Topic: paid, Client: lineage.Client{Mover: lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: name}}}
		}
		took := func(name string, millis, traces int64) filling {
			return func(o *lineage.Observation) {
				level(since(name), lineage.TraceMillis, millis)(o)
				level(since(name), lineage.Traces, traces)(o)
			}
		}
		w.observe("west", "headers", 1, took("orders", 0, 0)) // before anybody told of the topic itself
		for n := 1; n <= 40; n++ {
			fill := []filling{w.moved(self(topic("orders")), lineage.NoEvidence, 5), w.moved(self(paid), lineage.NoEvidence, 7), level(self(paid), lineage.LogBytes, 700)}
			fill = append(fill, w.moved(writes(topic("orders"), producer(7)), lineage.ProducerState, 5), w.moved(writes(paid, producer(8)), lineage.ProducerState, 7))
			if n == 1 {
				fill = append(fill, facts(clusterFact(2), topicFact(topic("orders")), topicFact(paid)))
			}
			w.observe("west", "ends", n, fill...)
			switch n {
			case 1:
			case 10:
				w.observe("west", "headers", n, took("orders", 600, 3))
			case 12:
				w.observe("west", "headers", n, took("orders", 600, 4)) // it took no time: that is a time
			case 20:
				w.observe("west", "headers", n, took("orders", 3600, 5))
			case 32:
				w.observe("west", "headers", n, took("returns", 0, 0))
			case 33:
				w.observe("west", "headers", n, took("returns", 4000, 2), took("orders", 3700, 6))
			default:
				w.observe("west", "headers", n)
			}
		}
		time.Sleep(time.Until(round(40)) + time.Second)
		a := answers(w.store)
		f := func(what string, from, to int, want float64, words ...string) {
			t.Helper()
			in, step := answer.Between(round(from), round(to)), time.Duration(to-from)*tick
			node := view(t, a, answer.Between(round(1), round(40)), answer.All).Rows([]lineage.Node{topicNode("paid")}, nil).Node(topicNode("paid"))
			points, _, err := node.Series(t.Context(), answer.EndToEnd, in, &step)
			if err != nil || len(points) != 1 {
				t.Fatalf("%s: %+v, %v", what, points, err)
			}
			bound, err := node.Bound(t.Context(), answer.EndToEnd, in)
			v := view(t, a, in, answer.All)
			top, unknown, topErr := v.Top(t.Context(), answer.EndToEnd, lineage.TopicNode)
			if err != nil || topErr != nil {
				t.Fatal(err, topErr)
			}
			if want < 0 {
				if points[0].Value != nil || bound != "" || len(top) > 0 || unknown != 2 {
					t.Errorf("%s: %+v, %q, %v, %d", what, points, bound, top, unknown)
				}
				return
			}
			if got := points[0].Value; got == nil || *got < want-1e-9 || *got > want+1e-9 || len(top) != 1 || math.Abs(top[0].Value-*got) > 1e-9 || top[0].Node != topicNode("paid") || unknown != 1 {
				t.Errorf("%s: %v, %v, %d not known; want %g", what, got, top, unknown, want)
			}
			for _, x := range words {
				if !strings.HasPrefix(bound, "estimated: ") || !strings.Contains(bound, x) || v.Bound(topicNode("paid"), answer.EndToEnd) != bound {
					t.Errorf("%s: %q, want %q", what, bound, x)
				}
			}
		}
		f("some", 5, 15, 0.15, "of 4 traces sampled since topic orders")
		f("none", 13, 19, -1)
		f("no time", 11, 13, 0, "of 1 traces")
		f("all of one", 5, 25, 0.72, "of 5 traces sampled since topic orders")
		f("of two", 30, 35, 4.1/3, "of 1 traces sampled since topic orders (mean 100ms)", "of 2 traces sampled since topic returns (mean 2s)")
		in := answer.Between(round(5), round(25))
		v := view(t, a, in, answer.All)
		rows := v.Rows([]lineage.Node{topicNode("orders"), topicNode("paid")}, nil)
		if points, _, err := rows.Node(topicNode("orders")).Series(t.Context(), answer.EndToEnd, in, nil); points != nil || err != nil {
			t.Errorf("of a topic that none is named for: %+v, %v", points, err)
		}
		if n, err := rows.Node(topicNode("paid")).Level(t.Context(), lineage.LogBytes); err != nil || n == nil || *n != 700 {
			t.Errorf("its size is %v, %v", n, err)
		}
		all := v.Overview(nil, answer.Filter{IncludeInternal: true}, 1000)
		if all.TotalNodes != 4 || len(all.Flows()) != 2 { // both topics, and who writes them
			t.Errorf("%d nodes, flows %v", all.TotalNodes, all.Flows())
		}
	})
}
