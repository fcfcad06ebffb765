package answer_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// TestANameLearnedNowNamesThePast counts a writer by its producer id, and sees a client by its names; much later a link
// says that the two are one. A window of the time before has one writer then, listed once, by its name.
func TestANameLearnedNowNamesThePast(t *testing.T) {
	resolver, err := identity.New(identity.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	n := 0
	a := answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return resolver }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		Now: func() time.Time { return round(n).Add(time.Second) },
	})
	orders := topic("orders")
	seen := writes(orders, lineage.Client{ClientID: "pricing-1", Principal: "User:alice", Host: "10.0.0.1"})
	for n < 12 {
		n++
		w.observe("west", "end-offsets", n, facts(clusterFact(1), topicFact(orders)), w.moved(writes(orders, producer(7)), lineage.ProducerState, 10), sighted(seen, lineage.RequestLog, ""))
	}
	past := answer.Between(round(2), round(8))
	flows := func() (names []string, clients int) {
		v := view(t, a, past, answer.All)
		all := v.Walk(graph.Query{Roots: nodesOf(t, v), Direction: graph.Both, Depth: 9, Limit: 1000}, answer.Filter{})
		rows := v.Rows(all.Nodes, all.Flows())
		for _, is := range all.Flows() {
			f := rows.Flow(is)
			names = append(names, is.From.Name)
			listed, err := f.Clients(t.Context(), 10)
			if err != nil {
				t.Fatal(err)
			}
			clients += len(listed)
			for _, c := range listed {
				if c.JoinedBy.Evidence == lineage.NoEvidence {
					continue
				}
				want := lineage.Client{Producer: lineage.KnownProducer(7), ClientID: "pricing-1", Principal: "User:alice", Host: "10.0.0.1", Software: "kgo/1"}
				if c.Client != want || c.JoinedBy.Evidence != lineage.RequestLog {
					t.Errorf("the client is %+v by %v, want %+v", c.Client, c.JoinedBy.Evidence, want)
				}
				if n := f.Records(); n == nil || *n != 60 {
					t.Errorf("it wrote %v, want 60", n)
				}
			}
		}
		return names, clients
	}
	if names, _ := flows(); len(names) != 2 {
		t.Errorf("before the link the writers are %v, want pricing and nobody", names)
	}
	n++
	link := lineage.Access{Topic: lineage.Topic{Cluster: west}, Op: lineage.Write, Client: seen.Client}
	link.Client.Producer, link.Client.Software = lineage.KnownProducer(7), "kgo/1"
	w.observe("west", "request-log", n, func(o *lineage.Observation) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: link, Metric: lineage.Linked, Evidence: lineage.RequestLog, Value: 1})
	})
	if names, clients := flows(); len(names) != 1 || names[0] != "pricing" || clients != 1 {
		t.Errorf("with the link the writers are %v with %d clients, want pricing with one", names, clients)
	}
}

// TestAPrincipalIsNoProgram: two programs of one user are known by that alone, one reads a topic and the other writes
// one. No walk goes from the first topic to the second.
func TestAPrincipalIsNoProgram(t *testing.T) {
	resolver, err := identity.New(identity.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	in, out := topic("in"), topic("out")
	admin := lineage.Client{Principal: "User:admin", Host: "10.0.0.1"}
	for n := 1; n <= 10; n++ {
		w.observe("west", "end-offsets", n, facts(clusterFact(2), topicFact(in), topicFact(out)), sighted(reads(in, admin), lineage.AuthorizerLog, ""), sighted(writes(out, admin), lineage.AuthorizerLog, ""))
	}
	a := answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return resolver }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		Now: func() time.Time { return round(10).Add(time.Second) },
	})
	v := view(t, a, answer.Between(round(2), round(10)), answer.All)
	for _, x := range []struct {
		root string
		dir  graph.Direction
	}{{"out", graph.Upstream}, {"in", graph.Downstream}} {
		all := v.Walk(graph.Query{Roots: []lineage.Node{topicNode(x.root)}, Direction: x.dir, Depth: 9, Limit: 100}, answer.Filter{IncludeInactive: true})
		if len(all.Nodes) != 2 || len(all.Flows()) != 1 {
			t.Errorf("from %s the walk comes to %v", x.root, all.Nodes)
		}
	}
}

// TestLetInIsNoOneMore: an authorizer saw a principal come, and the request log two programs of it: it was one of them.
// Of another host, or of a principal of which no program is known, it stands by itself.
func TestLetInIsNoOneMore(t *testing.T) {
	resolver, err := identity.New(identity.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	orders, prices := topic("orders"), topic("prices")
	as := func(id, principal, host string) lineage.Client {
		return lineage.Client{ClientID: id, Principal: "User:" + principal, Host: host}
	}
	for n := 1; n <= 10; n++ {
		w.observe("west", "end-offsets", n, facts(clusterFact(2), topicFact(orders), topicFact(prices)), w.moved(self(orders), lineage.NoEvidence, 5))
		w.observe("west", "logs", n,
			movedBy(writes(orders, as("checkout", "alice", "10.0.0.1"))), movedBy(writes(orders, as("importer", "alice", "10.0.0.1"))),
			movedBy(writes(prices, as("feed", "alice", "10.0.0.1"))),
			sighted(writes(orders, as("", "alice", "10.0.0.1")), lineage.AuthorizerLog, ""), sighted(writes(prices, as("", "alice", "10.0.0.1")), lineage.AuthorizerLog, ""),
			sighted(reads(orders, as("", "alice", "10.0.0.1")), lineage.AuthorizerLog, ""), sighted(writes(prices, as("", "alice", "10.0.0.2")), lineage.AuthorizerLog, ""),
			sighted(writes(orders, as("", "bob", "10.0.0.1")), lineage.AuthorizerLog, ""))
	}
	a := answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return resolver }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		Now: func() time.Time { return round(10).Add(time.Second) },
	})
	v := view(t, a, answer.Between(round(2), round(10)), answer.All)
	var got []string
	for _, f := range v.Walk(graph.Query{Roots: []lineage.Node{topicNode("orders"), topicNode("prices")}, Direction: graph.Both, Depth: 1, Limit: 100}, answer.Filter{IncludeInactive: true}).Flows() {
		kinds := ""
		for _, e := range evidenceOf(t, v.Rows(nil, []lineage.Flow{f}).Flow(f)) {
			kinds += " " + e.Kind.String()
		}
		got = append(got, f.From.Name+" to "+f.To.Name+kinds)
	}
	slices.Sort(got)
	want := []string{
		"alice to prices AUTHORIZER_LOG", "bob to orders AUTHORIZER_LOG", "checkout to orders REQUEST_LOG", "feed to prices AUTHORIZER_LOG REQUEST_LOG", "importer to orders REQUEST_LOG",
		"orders to alice AUTHORIZER_LOG",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
