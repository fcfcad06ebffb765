package answer_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// sharing is a world of two Connect clusters with a sink of one name: what the group read of lines is shared out by
// tasks, what it read of orders is ca's alone. From round 10 on cb can't be asked; the sink of cc was paused all the
// time.
func sharing(t testing.TB) *world {
	w := newWorld(t)
	lines, orders := topic("lines"), topic("orders")
	w.observe("west", "end-offsets", 1, facts(clusterFact(2), topicFact(lines), topicFact(orders)))
	for n := 1; n <= 20; n++ {
		w.observe("west", "groups", n, w.moved(reads(lines, group("connect-s")), lineage.GroupOffsets, 15), w.moved(reads(orders, group("connect-s")), lineage.GroupOffsets, 2),
			level(reads(lines, group("connect-s")), lineage.Lag, 7))
		if n > 1 {
			w.observe("west", "end-offsets", n)
		}
		for connect, tasks := range map[string]int{"ca": 1, "cb": 2, "cc": 1} {
			if connect == "cb" && n >= 10 {
				w.observe(connect, "connectors", n, missing("status 401"))
				continue
			}
			node := lineage.Node{Scope: connect, Kind: lineage.ConnectorNode, Name: "s"}
			fill := []filling{sighted(reads(nameOnly(lines), by(node)), lineage.Connect, "class x")}
			if n == 1 {
				state := "RUNNING"
				if connect == "cc" {
					state = "PAUSED"
				}
				f := connectorFact(node, "sink", state)
				f.Connector.Tasks = nil
				for id := range tasks {
					f.Connector.Tasks = append(f.Connector.Tasks, lineage.Task{ID: id, State: state, Worker: "127.0.0.1:8083"})
				}
				fill = append(fill, facts(f))
			}
			if connect == "ca" {
				fill = append(fill, sighted(reads(nameOnly(orders), by(node)), lineage.Connect, "class x"))
			}
			w.observe(connect, "connectors", n, fill...)
		}
	}
	return w
}

func TestSinksOfOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sharing(t)
		time.Sleep(time.Until(midnight.Add(20 * tick)))
		v := named(t, w, answer.Between(round(10), round(20)), "ca", "cb", "cc")
		read := func(topic string) map[string]answer.Flow {
			out := map[string]answer.Flow{}
			_, readers := v.Usage(topicNode(topic))
			rows := v.Rows(nil, v.Walk(graph.Query{Roots: []lineage.Node{topicNode(topic)}, Direction: graph.Downstream, Depth: 1, Limit: 100}, answer.Filter{}).Flows())
			for _, f := range readers {
				out[f.To.ID()] = rows.Flow(f)
			}
			return out
		}
		got := read("lines")
		lag := int64(0)
		for to, want := range map[string]int64{"connector:ca/s": 50, "connector:cb/s": 100} {
			f, ok := got[to]
			if !ok {
				t.Fatalf("%s does not read: %v", to, got)
			}
			if n := f.Records(); n == nil || *n != want || !f.Estimated() || f.Active() == nil || !*f.Active() {
				t.Errorf("%s: got %v, want %d, estimated", to, n, want)
			}
			if !slices.ContainsFunc(evidenceOf(t, f), func(e answer.Evidence) bool {
				return e.Kind == lineage.GroupOffsets && strings.Contains(e.Detail, "at most") && strings.Contains(e.Detail, "ca/s and cb/s")
			}) {
				t.Errorf("%s: nobody says that it is a share: %+v", to, evidenceOf(t, f))
			}
			n, err := f.Lag(t.Context())
			if err != nil || n == nil {
				t.Fatalf("%s: lag %v, %v", to, n, err)
			}
			lag += *n
		}
		if lag != 7 {
			t.Errorf("they lag by %d together, the group by 7", lag)
		}
		if f, ok := got["connector:cc/s"]; ok && (f.Active() == nil || *f.Active()) {
			t.Errorf("a paused sink moves: %v", f.Active())
		}
		if len(got) > 3 {
			t.Errorf("others read too: %v", got)
		}
		got = read("orders")
		if f, ok := got["connector:ca/s"]; !ok || f.Records() == nil || *f.Records() != 20 || f.Estimated() || len(got) != 1 {
			t.Errorf("orders: got %v", got)
		}
	})
}
