package answer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// TestRegister follows data of a tag: out of a table by a connector that also moves another one, into a topic, to a
// program that takes it into another cluster, and to one that keeps it.
func TestRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		cdc := lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "cdc"}
		customers, bought := topic("cdc.customers"), topic("cdc.orders")
		copied := lineage.Topic{Cluster: east, Name: "customers"}
		data := func(name, joined string) lineage.Access {
			a := outside(lineage.Read, cdc, lineage.Dataset{Namespace: "postgres://db:5432", Name: name})
			a.Topic.Name = joined
			return a
		}
		lake := lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "lake"}
		kept := topicFact(customers)
		kept.Topic.Configs = []lineage.Config{{Name: "cleanup.policy", Value: "delete"}, {Name: "retention.ms", Value: "86400000"}}
		for n := 1; n <= 20; n++ {
			var there, eastern, movers []filling
			if n == 1 {
				there = append(there, facts(clusterFact(2), kept, topicFact(bought)))
				eastern = append(eastern, facts(eastFact(), eastTopic("customers")))
				movers = append(movers, facts(connectorFact(cdc, "source", "RUNNING"), connectorFact(lake, "sink", "RUNNING")))
			}
			there = append(
				there, w.moved(self(customers), lineage.NoEvidence, 5), w.moved(self(bought), lineage.NoEvidence, 5),
				estimated(w.moved(writes(customers, by(cdc)), lineage.Elimination, 5)), estimated(w.moved(writes(bought, by(cdc)), lineage.Elimination, 5)),
				w.moved(reads(customers, group("etl")), lineage.GroupOffsets, 5), w.moved(reads(customers, group("keeper")), lineage.GroupOffsets, 5),
			)
			eastern = append(eastern, w.moved(self(copied), lineage.NoEvidence, 5), w.moved(writes(copied, group("etl")), lineage.Telemetry, 5))
			movers = append(movers, sighted(data("shop.customers", "cdc.customers"), lineage.Connect, "class x"), sighted(data("shop.orders", "cdc.orders"), lineage.Connect, "class x"))
			there = append(there, w.moved(reads(customers, by(lake)), lineage.GroupOffsets, 5))
			stored := outside(lineage.Write, lake, lineage.Dataset{Namespace: "postgres://db:5432", Name: "lake.customers"})
			stored.Topic.Name = "cdc.customers"
			movers = append(movers, sighted(stored, lineage.Connect, "class y"))
			w.observe("west", "all", n, there...)
			w.observe("east", "all", n, eastern...)
			w.observe("connect-west", "connectors", n, movers...)
		}
		time.Sleep(time.Until(round(20)))
		who := &owned{tags: map[string][]string{"topic:west/cdc.customers": {"pii"}, "application:prod/keeper": {"pii"}}}
		a := answer.New(answer.Options{
			History: w.store, Identity: func() answer.Identity { return who }, Connects: []answer.ConnectConfig{{Name: "connect-west"}},
			Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "prod"}, {Source: "east", Name: "east", Environment: "prod"}},
		})
		r, err := a.Register(t.Context(), answer.Between(round(10), round(20)), "pii", answer.AnySource, false)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, row := range r.Rows {
			line := fmt.Sprintf("%s %t %t:", row.Use.Node.ID, row.Use.Write, row.Crossing)
			for _, p := range row.Places {
				line += fmt.Sprintf(" %s %v %v", p.Node.ID, p.Evidence, p.Active != nil && *p.Active)
			}
			got = append(got, line)
		}
		want := []string{
			// the copy does not bear the tag, which comes to it
			"application:prod/etl true true: topic:west/cdc.customers [GROUP_OFFSETS] true",
			"connector:connect-west/cdc true false: dataset:postgres%3A%2F%2Fdb%3A5432/shop.customers [CONNECT] false",
			"application:prod/etl false true: topic:east/customers [TELEMETRY] true",
			"application:prod/keeper false false:",
			"connector:connect-west/lake false false: dataset:postgres%3A%2F%2Fdb%3A5432/lake.customers [CONNECT] false",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if len(r.Topics) != 2 || r.Topics[0].Topic.Way == nil || r.Topics[1].Retention != "86400000" || r.Topics[1].Cleanup != "delete" || !*r.Topics[1].Used || r.Topics[1].Environment != "prod" {
			t.Errorf("%+v", r.Topics)
		}
		if borne, derived := r.CrossingRows(); borne != 1 || derived != 1 {
			t.Errorf("%d and %d rows cross", borne, derived)
		}
	})
}

// TestRegisterFromTheLedger knows places by what else the ledger says of the same programs.
func TestRegisterFromTheLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := reported(t)
		said := &saidLedger{midnight.Add(-2 * time.Hour), midnight}
		a := w.reporter(func() answer.Ledger { return said })
		r, err := a.Register(t.Context(), answer.Between(midnight.Add(-2*time.Hour), midnight.Add(-time.Hour)), "pii", answer.AnySource, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Rows) != 2 || r.Rows[0].Use.Node.Name != "billing" || r.Rows[0].Count != 1 || r.Rows[0].Places[0].Node.ID != "topic:west/invoices" || r.Rows[1].Count != 0 {
			t.Errorf("%+v", r.Rows)
		}
		if !slices.ContainsFunc(r.Doubts(), func(s string) bool { return strings.Contains(s, "outside Kafka") }) {
			t.Errorf("%q", r.Doubts())
		}
	})
}
