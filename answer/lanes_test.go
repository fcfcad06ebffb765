package answer_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// A record goes through a connector to what its topic or table is joined with, and to what is of all of them; and a
// sink that failed at once is shown, at rest, with the reason.
func TestWaysThroughAConnector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		cdc := lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "cdc"}
		dead := lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "dead"}
		customers, bought, schema := topic("cdc.customers"), topic("cdc.orders"), topic("cdc")
		data := func(name, joined string) lineage.Access {
			a := outside(lineage.Read, cdc, lineage.Dataset{Namespace: "postgres://db:5432", Name: name})
			a.Topic.Name = joined
			return a
		}
		w.observe("west", "end-offsets", 1, facts(clusterFact(3), topicFact(customers), topicFact(bought), topicFact(schema)))
		for n := 1; n <= 20; n++ {
			var fill []filling
			if n == 1 {
				failed := connectorFact(dead, "sink", "RUNNING")
				failed.Connector.Tasks[0].State = "FAILED"
				fill = append(fill, facts(connectorFact(cdc, "source", "RUNNING"), failed))
			} else {
				w.observe("west", "end-offsets", n, w.moved(self(customers), lineage.NoEvidence, 5))
			}
			fill = append(fill, sighted(reads(nameOnly(customers), by(dead)), lineage.Connect, "class x; configured, and not moving: task 0 FAILED since then"))
			for _, tp := range []lineage.Topic{customers, bought, schema} {
				fill = append(fill, sighted(writes(nameOnly(tp), by(cdc)), lineage.Connect, "class x"))
			}
			w.observe("connect-west", "connectors", n, fill...)
			w.observe("connect-west", "connector-offsets", n, sighted(data("shop.customers", "cdc.customers"), lineage.Connect, "class x"), sighted(data("shop.orders", "cdc.orders"), lineage.Connect, "class x"))
			w.observe("west", "producers", n, estimated(w.moved(writes(customers, by(cdc)), lineage.Elimination, 5)))
		}
		time.Sleep(time.Until(midnight.Add(20 * tick)))
		v := named(t, w, answer.Between(round(10), round(20)), "connect-west")
		data1, data2 := table("shop.customers"), table("shop.orders")
		for _, c := range []struct {
			from      lineage.Node
			direction graph.Direction
			depth     int
			nodes     []lineage.Node
			behind    int // hidden behind the connector, downstream
		}{
			{data1, graph.Downstream, 2, []lineage.Node{data1, cdc, topicNode("cdc.customers"), topicNode("cdc")}, 0},
			{topicNode("cdc.orders"), graph.Upstream, 9, []lineage.Node{topicNode("cdc.orders"), cdc, data2}, 0},
			{topicNode("cdc"), graph.Upstream, 9, []lineage.Node{topicNode("cdc"), cdc, data1, data2}, 2},
		} {
			walk := v.Walk(graph.Query{Roots: []lineage.Node{c.from}, Direction: c.direction, Depth: c.depth, Limit: 100}, answer.Filter{IncludeInactive: true})
			if !slices.Equal(walk.Nodes, c.nodes) {
				t.Errorf("from %s: got %v, want %v", c.from.ID(), walk.Nodes, c.nodes)
			}
			behind := 0
			for _, h := range walk.Hidden {
				if h.Node == cdc {
					behind = h.Downstream
				}
			}
			if c.behind > 0 && behind != c.behind {
				t.Errorf("from %s: %d topics are hidden behind the connector, want %d", c.from.ID(), behind, c.behind)
			}
		}
		f := lineage.Flow{From: topicNode("cdc.customers"), To: dead}
		if !v.HasFlow(f) {
			t.Fatal("the sink that failed is not there")
		}
		is := v.Rows(nil, []lineage.Flow{f}).Flow(f)
		const why = "class x; configured, and not moving: task 0 FAILED since then"
		if es := evidenceOf(t, is); is.Active() == nil || *is.Active() || is.Records() != nil || len(es) != 1 || es[0].Detail != why {
			t.Errorf("the sink that failed: active %v, records %v, %+v", is.Active(), is.Records(), es)
		}
	})
}
