package identity

import (
	"fmt"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// twoSinks are the sinks called s of two Connect clusters, of which one reads what the other does not.
func twoSinks(a, b []lineage.Task) lineage.Knowledge {
	k := NewKnowledge(nil)
	k.AddGroup(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west.ID, Group: "connect-s"}, Type: "Classic", Protocol: "consumer"})
	for _, x := range []struct {
		connect string
		topics  []string
		tasks   []lineage.Task
	}{{"ca", []string{"both", "only-a"}, a}, {"cb", []string{"both", "only-b"}, b}} {
		n := node1(x.connect, lineage.ConnectorNode, "s")
		k.AddConnector(n, west.ID, &lineage.ConnectorFact{Type: "sink", Group: "connect-s", State: "RUNNING", Tasks: x.tasks})
		for _, topic := range x.topics {
			a := onTopic(topic, lineage.Read, lineage.Client{Mover: n})
			a.Topic.ID = lineage.TopicID{}
			k.AddAccess(a)
		}
	}
	return k
}

func tasksAt(workers ...string) (out []lineage.Task) {
	for i, w := range workers {
		out = append(out, lineage.Task{ID: i, State: "RUNNING", Worker: w})
	}
	return out
}

// What two sinks of one name read is whose topic it is, whose task, whose worker; else it is both's, and never one's
// alone.
func TestTwoSinksOfOneName(t *testing.T) {
	ca, cb := node1("ca", lineage.ConnectorNode, "s"), node1("cb", lineage.ConnectorNode, "s")
	f := func(k lineage.Knowledge, topic string, c lineage.Client, want ...lineage.Node) {
		t.Helper()
		c.Group = "connect-s"
		got := k.Of(onTopic(topic, lineage.Read, c))
		all := got.Sharers
		if got.Connector.Kind != lineage.NoKind {
			all = append(all, got.Connector)
		}
		if fmt.Sprint(all) != fmt.Sprint(want) {
			t.Errorf("%s %+v: got %v, want %v", topic, c, all, want)
		}
	}
	member := func(id, host string) lineage.Client {
		return lineage.Client{Member: "m-" + id + host, ClientID: "connector-consumer-s-" + id, Host: host}
	}
	k := twoSinks(tasksAt("127.0.0.1:1", "127.0.0.1:1"), tasksAt("127.0.0.1:2"))
	f(k, "only-a", lineage.Client{}, ca)
	f(k, "only-b", lineage.Client{}, cb)
	f(k, "both", lineage.Client{}, ca, cb)
	f(k, "unheard", lineage.Client{}, ca, cb)
	f(k, "both", member("0", "/127.0.0.1"), ca, cb) // one machine
	f(k, "both", member("1", "/127.0.0.1"), ca)     // the other has one task
	f(k, "both", member("7", "/127.0.0.1"), ca, cb)
	f(k, "both", lineage.Client{Member: "x", ClientID: "mine"}, ca, cb)
	k = twoSinks(tasksAt("10.0.0.1:8083"), tasksAt("10.0.0.2:8083"))
	f(k, "both", member("0", "/10.0.0.1"), ca)
	f(k, "both", member("0", "/10.0.0.2"), cb)
	f(k, "both", member("0", "/10.0.0.3"), ca, cb)
	k = twoSinks(tasksAt("10.0.0.1:8083"), tasksAt("worker-b:8083"))
	f(k, "both", member("0", "/10.0.0.1"), ca, cb) // worker-b may be there too

	k = twoSinks(tasksAt("10.0.0.1:8083"), nil)
	k.AddConnector(node1("cc", lineage.ConnectorNode, "s"), west.ID, nil)
	f(k, "both", lineage.Client{}, ca, cb) // one that is gone claims nothing that others have
}

// So it is with source connectors of one name that write with transactional.ids: which worker group is which Connect
// cluster's nobody says.
func TestTwoSourcesOfOneName(t *testing.T) {
	k := NewKnowledge(nil)
	for _, g := range []string{"workers-a", "workers-b"} {
		k.AddGroup(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west.ID, Group: g}, Type: "Classic", Protocol: "connect"})
	}
	for _, c := range []string{"ca", "cb"} {
		n := node1(c, lineage.ConnectorNode, "s")
		k.AddConnector(n, west.ID, &lineage.ConnectorFact{Type: "source", Tasks: tasksAt("w:1")})
		for _, topic := range []string{"both", "only-" + c} {
			k.AddAccess(onTopic(topic, lineage.Write, lineage.Client{Mover: n}))
			d := onTopic("data", lineage.Write, lineage.Client{Mover: n}) // joined with a dataset, and not written
			d.Dataset = lineage.Dataset{Namespace: "file", Name: "/in"}
			k.AddAccess(d)
		}
	}
	for topic, want := range map[string]string{"both": "[] ca,cb", "data": "[] ca,cb", "only-ca": "[ca]", "only-cb": "[cb]"} {
		known := k.Of(onTopic(topic, lineage.Write, lineage.Client{TransactionalID: "workers-a-s-0"}))
		got := "[" + known.Connector.Scope + "]"
		for i, n := range known.Sharers {
			got += map[bool]string{true: " ", false: ","}[i == 0] + n.Scope
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", topic, got, want)
		}
	}
}

// Two members of one task say that somebody else has a sink of that name.
func TestCrowdedGroup(t *testing.T) {
	f := func(want bool, clientIDs ...string) {
		t.Helper()
		k := NewKnowledge(nil)
		g := &lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west.ID, Group: "connect-s"}, Type: "Classic"}
		for i, id := range clientIDs {
			g.Members = append(g.Members, lineage.Member{ID: fmt.Sprint(i), ClientID: id})
		}
		k.AddGroup(g)
		k.AddConnector(node1("ca", lineage.ConnectorNode, "s"), west.ID, &lineage.ConnectorFact{Type: "sink", Group: "connect-s", Tasks: tasksAt("w:1", "w:1")})
		a := onTopic("t", lineage.Read, lineage.Client{Group: "connect-s"})
		if got := k.Of(a); got.Crowded != want || got.Connector.Scope != "ca" {
			t.Errorf("%v: got %+v", clientIDs, got)
		}
	}
	f(false)
	f(false, "connector-consumer-s-0", "connector-consumer-s-1")
	f(true, "connector-consumer-s-0", "connector-consumer-s-1", "connector-consumer-s-0")
	f(false, "mine", "mine") // an override of both

	k := twoSinks(tasksAt("w:1"), tasksAt("w:2"))
	g := &lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west.ID, Group: "connect-s"}, Type: "Classic"}
	for i, want := range []bool{false, false, true} { // of two sinks that are known each has a task 0
		g.Members = append(g.Members, lineage.Member{ID: fmt.Sprint(i), ClientID: "connector-consumer-s-0"})
		k.AddGroup(g)
		if got := k.Of(onTopic("only-a", lineage.Read, lineage.Client{Group: "connect-s"})); got.Connector.Scope != "ca" || got.Crowded != want {
			t.Errorf("%d members of task 0: got %+v", i+1, got)
		}
	}
}
