package answer_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// A connector that tells of itself is one node with what Connect tells, also of what it said before Connect was asked
// and once it is deleted, with the runs of all its tasks. What it was called is another's that is called so now.
func TestConnectorThatTellsOfItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		connector := func(name string) lineage.Node {
			return lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: name}
		}
		task := func(n int) lineage.Node {
			return lineage.Node{Scope: "shop", Kind: lineage.StreamJobNode, Name: fmt.Sprint("shop.", n)}
		}
		is := func(name string, also ...lineage.Node) lineage.Fact {
			f := lineage.Fact{Key: lineage.FactKey{Source: "connect-west", Kind: lineage.ConnectorFacts, Name: name}, Gone: len(also) == 0}
			if !f.Gone {
				f.Connector = &lineage.ConnectorFact{Kafka: west, Type: "source", State: "RUNNING", Also: also}
			}
			return f
		}
		orders, byName, table := topic("orders"), lineage.Topic{Cluster: west, Name: "orders"}, lineage.Dataset{Namespace: "postgres://db:5432", Name: "shop.public.orders"}
		says := func(n lineage.Node, e lineage.EvidenceKind) filling {
			return func(o *lineage.Observation) {
				o.Sightings = append(o.Sightings, lineage.Sighting{Access: lineage.Access{Topic: byName, Op: lineage.Write, Client: lineage.Client{Mover: n}}, Evidence: e, Moved: true},
					lineage.Sighting{Access: lineage.Access{Op: lineage.Read, Client: lineage.Client{Mover: n}, Dataset: table}, Evidence: e, Moved: true})
			}
		}
		ran := func(n int, ids ...string) lineage.Fact {
			f := &lineage.RunsFact{Job: task(n), Integration: "DEBEZIUM", Ends: []lineage.Node{table.Node(), {Scope: string(west), Kind: lineage.TopicNode, Name: "orders"}}}
			for i, id := range ids {
				f.Runs = append(f.Runs, lineage.Run{ID: id, State: lineage.RunGoesOn, First: round(2*i + n), Reads: []int{0}, Writes: []int{1}})
			}
			return lineage.Fact{Key: lineage.FactKey{Source: "openlineage", Kind: lineage.RunFacts, Name: task(n).ID()}, Runs: f}
		}
		w.observe("west", "all", 1, facts(clusterFact(1), topicFact(orders)), w.moved(lineage.Access{Topic: orders}, lineage.NoEvidence, 5))
		w.observe("openlineage", "events", 1, says(task(0), lineage.OpenLineage), facts(ran(0, "b"), ran(1, "a")))
		w.observe("connect-west", "connectors", 2, facts(is("inventory", task(0), task(1))), says(connector("inventory"), lineage.Connect))
		for n := 2; n <= 8; n++ {
			w.observe("west", "all", n, w.moved(lineage.Access{Topic: orders}, lineage.NoEvidence, 5))
			w.observe("openlineage", "events", n, says(task(n%2), lineage.OpenLineage))
		}
		w.observe("connect-west", "connectors", 5, facts(is("inventory")))
		w.observe("connect-west", "connectors", 7, facts(is("later", task(0), task(1))))
		time.Sleep(time.Until(round(8)))
		f := func(what string, until int, want lineage.Node, kinds ...lineage.EvidenceKind) {
			t.Helper()
			v := named(t, w, answer.Between(round(0), round(until)))
			if v.Has(task(0)) || v.Has(task(1)) || !v.Has(want) {
				t.Errorf("%s: it is not one node", what)
			}
			out := lineage.Flow{From: want, To: topicNode("orders")}
			var got []lineage.EvidenceKind
			evidence, err := v.Rows(nil, []lineage.Flow{out}).Flow(out).Evidence(t.Context())
			if err != nil {
				t.Error(err)
			}
			for _, e := range evidence {
				got = append(got, e.Kind)
			}
			slices.Sort(got)
			if !slices.Equal(got, kinds) {
				t.Errorf("%s: it writes by %v, want %v", what, got, kinds)
			}
			runs, err := v.Runs(t.Context(), want)
			if err != nil || runs == nil || len(runs.Runs) != 2 || runs.Runs[0].ID != "a" || runs.Ends[runs.Runs[0].Writes[0]].Name != "orders" || runs.Ends[runs.Runs[1].Reads[0]] != table.Node() {
				t.Errorf("%s: its runs are %+v, %v", what, runs, err)
			}
		}
		f("both tell of it", 4, connector("inventory"), lineage.Connect, lineage.OpenLineage)
		f("it is deleted", 6, connector("inventory"), lineage.Connect, lineage.OpenLineage)
		f("another has its name", 8, connector("later"), lineage.OpenLineage)
	})
}

// A connector's own events name its tables and its topics apart. Which table a topic is of Connect's configuration
// tells: what the connector says besides leads to no other.
func TestConnectorThatTellsOfItselfLeadsNowhereElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		connector := lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "inventory"}
		task := lineage.Node{Scope: "shop", Kind: lineage.StreamJobNode, Name: "shop.0"}
		table := func(name string) lineage.Dataset {
			return lineage.Dataset{Namespace: "postgres://db:5432", Name: "shop.public." + name}
		}
		does := func(n lineage.Node, e lineage.EvidenceKind, op lineage.Op, topic string, set lineage.Dataset) filling {
			a := lineage.Access{Op: op, Client: lineage.Client{Mover: n}, Dataset: set}
			if topic != "" {
				a.Topic = lineage.Topic{Cluster: west, Name: topic}
			}
			return func(o *lineage.Observation) {
				o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: e, Moved: true})
			}
		}
		w.observe("west", "all", 1, facts(clusterFact(1), topicFact(topic("orders")), topicFact(topic("customers"))))
		fact := lineage.Fact{Key: lineage.FactKey{Source: "connect-west", Kind: lineage.ConnectorFacts, Name: "inventory"}, Connector: &lineage.ConnectorFact{Kafka: west, Type: "source", State: "RUNNING", Also: []lineage.Node{task}}}
		all := []filling{facts(fact)}
		var own []filling
		for _, name := range []string{"orders", "customers"} {
			all = append(all, does(connector, lineage.Connect, lineage.Write, name, lineage.Dataset{}), does(connector, lineage.Connect, lineage.Read, name, table(name)))
			own = append(own, does(task, lineage.OpenLineage, lineage.Write, name, lineage.Dataset{}), does(task, lineage.OpenLineage, lineage.Read, "", table(name)))
		}
		w.observe("connect-west", "connectors", 1, all...)
		w.observe("openlineage", "events", 2, own...)
		time.Sleep(time.Until(round(2)))
		v := named(t, w, answer.Between(round(0), round(2)))
		for _, name := range []string{"orders", "customers"} {
			want := []lineage.Node{connector, topicNode(name), table(name).Node()}
			for _, q := range []graph.Query{{Roots: []lineage.Node{table(name).Node()}, Direction: graph.Downstream}, {Roots: []lineage.Node{topicNode(name)}, Direction: graph.Upstream}} {
				q.Depth, q.Limit = 9, 100
				got := v.Walk(q, answer.Filter{IncludeInactive: true}).Nodes
				slices.SortFunc(got, lineage.Node.Compare)
				slices.SortFunc(want, lineage.Node.Compare)
				if !slices.Equal(got, want) {
					t.Errorf("%v of %s: %v, want %v", q.Direction, name, got, want)
				}
			}
		}
	})
}
