package identity

import (
	"fmt"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

func node1(scope string, kind lineage.NodeKind, name string) lineage.Node {
	return lineage.Node{Scope: scope, Kind: kind, Name: name}
}

func onTopic(topic string, op lineage.Op, c lineage.Client) lineage.Access {
	return lineage.Access{Topic: lineage.Topic{Cluster: west.ID, ID: lineage.TopicID{9}, Name: topic}, Op: op, Client: c}
}

// world is a cluster with a Streams application of each protocol, two connectors and a plain group.
func someKnowledge() lineage.Knowledge {
	k := NewKnowledge(nil)
	k.AddGroup(members("wc", "Streams", "wc-"+id1+"-StreamThread-1-consumer"))
	k.AddGroup(members("old-wc", "Classic")) // nobody is in it; its topics tell
	k.AddGroup(members("old", "Classic"))    // the beginning of another's name
	k.AddGroup(members("connect-jdbc", "Classic", "connector-consumer-jdbc-0"))
	k.AddGroup(members("own-group", "Classic"))
	k.AddGroup(members("billing", "Consumer", "billing-svc-1", "billing-svc-2", "rdkafka"))
	k.AddGroup(members("a", "Consumer", "twin-1"))
	k.AddGroup(members("b", "Consumer", "twin-2"))
	k.AddGroup(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west.ID, Group: "connect-west"}, Type: "Classic", Protocol: "connect"})
	for _, t := range []string{"orders", "wc-counts-changelog", "wc-counts-repartition", "old-wc-store-changelog", "nobody-x-changelog", "connect-west-changelog", "changelog"} {
		k.AddTopic(west.ID, t)
	}
	k.AddConnector(node1("connect-west", lineage.ConnectorNode, "jdbc"), west.ID, &lineage.ConnectorFact{Type: "sink", Group: "connect-jdbc"})
	k.AddConnector(node1("connect-west", lineage.ConnectorNode, "own"), west.ID, &lineage.ConnectorFact{Type: "sink", Group: "own-group"})
	k.AddConnector(node1("connect-west", lineage.ConnectorNode, "deleted"), west.ID, nil)
	k.AddConnector(node1("connect-west", lineage.ConnectorNode, "db"), west.ID, &lineage.ConnectorFact{Type: "source"})
	k.AddConnector(node1("connect-west", lineage.ConnectorNode, "my-db"), west.ID, &lineage.ConnectorFact{Type: "source"})
	k.AddConnector(node1("connect-west", lineage.ConnectorNode, "mm"), west.ID, &lineage.ConnectorFact{Type: "source", Replicator: node1("west", lineage.ReplicatorNode, "east->west")})
	k.AddAccess(onTopic("wc-counts-changelog", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(0)}))
	k.AddAccess(onTopic("wc-counts-repartition", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(0)}))
	k.AddAccess(onTopic("wc-counts-changelog", lineage.Read, lineage.Client{Producer: lineage.KnownProducer(5)}))
	k.AddAccess(onTopic("nobody-x-changelog", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(6)}))
	return k
}

func TestKnowledge(t *testing.T) {
	r, k := mustNew(t, Rules{}), someKnowledge()
	app := func(name string) lineage.Node { return node1("shop", lineage.ApplicationNode, name) }
	job := func(name string) lineage.Node { return node1("west", lineage.StreamJobNode, name) }
	conn := func(name string) lineage.Node { return node1("connect-west", lineage.ConnectorNode, name) }
	nobody := func(topic string) lineage.Node { return node1("west", lineage.UnidentifiedNode, topic) }
	for _, x := range []struct {
		topic string
		op    lineage.Op
		c     lineage.Client
		want  lineage.Node
		by    string
	}{
		{"orders", lineage.Read, lineage.Client{Group: "wc"}, job("wc"), "Kafka Streams group"},
		{"orders", lineage.Read, lineage.Client{Group: "old-wc"}, job("old-wc"), "Kafka Streams group"},
		{"orders", lineage.Read, lineage.Client{Group: "old"}, app("old"), "group id"},
		{"orders", lineage.Read, lineage.Client{Group: "connect-west"}, app("connect-west"), "group id"},
		{"words-out", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(0)}, job("wc"), "producer id that writes wc-counts-changelog"},
		// it only read
		{"words-out", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(5)}, nobody("words-out"), lineage.ByNothing},
		// no such group
		{"words-out", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(6)}, nobody("words-out"), lineage.ByNothing},
		{"words-out", lineage.Write, lineage.Client{TransactionalID: "wc-" + id1 + "-1"}, job("wc"), "Kafka Streams application.id"},
		{"orders", lineage.Read, lineage.Client{Group: "connect-jdbc"}, conn("jdbc"), "Kafka Connect"},
		{"orders", lineage.Read, lineage.Client{Group: "connect-jdbc", Member: "m", ClientID: "connector-consumer-jdbc-0"}, conn("jdbc"), "Kafka Connect"},
		{"orders", lineage.Read, lineage.Client{Group: "own-group"}, conn("own"), "Kafka Connect"},
		{"orders", lineage.Read, lineage.Client{Group: "connect-deleted"}, conn("deleted"), "Kafka Connect"},
		{"rows", lineage.Write, lineage.Client{TransactionalID: "connect-west-my-db-0"}, conn("my-db"), "Kafka Connect"},
		{"rows", lineage.Write, lineage.Client{TransactionalID: "connect-west-db-12"}, conn("db"), "Kafka Connect"},
		{"rows", lineage.Write, lineage.Client{TransactionalID: "connect-west-mm-0"}, node1("west", lineage.ReplicatorNode, "east->west"), "MirrorMaker 2"},
		{"rows", lineage.Write, lineage.Client{TransactionalID: "db-0"}, app("db"), "transactional.id"},
		{"bills", lineage.Write, lineage.Client{TransactionalID: "billing-svc-7"}, app("billing"), "member client.id"},
		{"bills", lineage.Write, lineage.Client{ClientID: "billing-svc-1"}, app("billing"), "member client.id"},
		{"bills", lineage.Write, lineage.Client{ClientID: "rdkafka"}, nobody("bills"), lineage.ByNothing},
		{"bills", lineage.Write, lineage.Client{ClientID: "twin-3"}, app("twin"), "client.id"}, // two groups bear it
		{"rows", lineage.Write, lineage.Client{Mover: conn("db")}, conn("db"), "Kafka Connect"},
	} {
		a := onTopic(x.topic, x.op, x.c)
		if n, by := r.Resolve(west, a, k.Of(a)); n != x.want || by != x.by {
			t.Errorf("%s %+v: got %s by %q, want %s by %q", x.topic, x.c, n.ID(), by, x.want.ID(), x.by)
		}
	}
	for topic, want := range map[string]string{"wc-counts-changelog": "wc", "old-wc-store-changelog": "old-wc", "nobody-x-changelog": "", "connect-west-changelog": "", "orders": ""} {
		if got, ok := k.Inner(west.ID, topic); got != want || ok != (want != "") {
			t.Errorf("%s is an inner topic of %q, want %q", topic, got, want)
		}
	}
	if _, ok := k.Inner("another", "wc-counts-changelog"); ok {
		t.Error("a topic of another cluster is an inner topic")
	}
}

// A rule names what is not known to have a name of its own; to what has, it gives an owner.
func TestRulesAndMovers(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{
		{Group: re(`^(wc)$`), Name: "$1", Owner: "team-words"},
		{Group: re(`^old-wc$`), Name: "legacy"},
		{Group: re(`^connect-`), Name: "all-connectors"},
		{ClientID: re(`^billing-svc`), Name: "money"},
	}})
	k := someKnowledge()
	for _, x := range []struct {
		c    lineage.Client
		want string
	}{
		{lineage.Client{Group: "wc"}, "streamjob:west/wc"},
		{lineage.Client{Group: "old-wc"}, "application:shop/legacy"},
		{lineage.Client{Group: "connect-jdbc"}, "connector:connect-west/jdbc"},
		{lineage.Client{Group: "billing"}, "application:shop/money"},
		// the member's name leads to the group, and the rule names that
		{lineage.Client{TransactionalID: "billing-svc-1"}, "application:shop/money"},
	} {
		a := onTopic("orders", lineage.Read, x.c)
		if n, by := r.Resolve(west, a, k.Of(a)); n.ID() != x.want {
			t.Errorf("%+v: got %s by %q, want %s", x.c, n.ID(), by, x.want)
		}
	}
}

// A rule that renames an application's group renames the application, its producers included.
func TestRuleRenamesAllOfAnApplication(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{{Group: re(`^old-wc$`), Name: "legacy"}, {ClientID: re(`^wc-`), Name: "words"}}})
	k := NewKnowledge(nil)
	k.AddGroup(members("wc", "Streams", "wc-"+id1+"-StreamThread-1-consumer"))
	k.AddGroup(members("old-wc", "Classic"))
	for i, n := range []string{"wc-c-changelog", "old-wc-c-changelog"} {
		k.AddTopic(west.ID, n)
		k.AddAccess(onTopic(n, lineage.Write, lineage.Client{Producer: lineage.KnownProducer(int64(i))}))
	}
	for want, clients := range map[string][]lineage.Client{
		"application:shop/words":  {{Group: "wc"}, {Producer: lineage.KnownProducer(0)}, {TransactionalID: "wc-" + id1 + "-1"}},
		"application:shop/legacy": {{Group: "old-wc"}, {Producer: lineage.KnownProducer(1)}, {TransactionalID: "old-wc-" + id1 + "-1"}},
	} {
		for _, c := range clients {
			a := onTopic("x", lineage.Write, c)
			if n, by := r.Resolve(west, a, k.Of(a)); n.ID() != want {
				t.Errorf("%+v: got %s by %q, want %s", c, n.ID(), by, want)
			}
		}
	}
}

// Names that merely look like Kafka's conventions are nobody's but their owner's.
func TestLooksLikeAMover(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{{TransactionalID: re(`^shop-`), Name: "shop"}}})
	k := NewKnowledge(nil)
	k.AddGroup(members("orders", "Classic", "consumer-orders-1"))
	k.AddGroup(members("db", "Classic", "my-java-1"))
	k.AddGroup(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west.ID, Group: "workers"}, Type: "Classic", Protocol: "connect"})
	k.AddConnector(node1("c", lineage.ConnectorNode, "orders"), west.ID, &lineage.ConnectorFact{Type: "sink", Group: "connect-orders"})
	k.AddConnector(node1("c", lineage.ConnectorNode, "lines"), west.ID, &lineage.ConnectorFact{Type: "source"})
	k.AddReplicator(&lineage.ReplicatorFact{Node: node1("west", lineage.ReplicatorNode, "east->west"), SourceAlias: "east", TargetAlias: "west", Target: west.ID})
	for i, n := range []string{"orders-changelog", "db-users-changelog"} {
		// an empty store's name; a group whose member is no Streams thread
		k.AddTopic(west.ID, n)
		k.AddAccess(onTopic(n, lineage.Write, lineage.Client{Producer: lineage.KnownProducer(int64(i))}))
		if app, ok := k.Inner(west.ID, n); ok {
			t.Errorf("%s is an inner topic of %s", n, app)
		}
	}
	for _, x := range []struct {
		c    lineage.Client
		want string
	}{
		{lineage.Client{Group: "orders"}, "application:shop/orders"},
		{lineage.Client{Group: "db"}, "application:shop/db"},
		{lineage.Client{Producer: lineage.KnownProducer(0)}, "unidentified:west/x"},
		{lineage.Client{Producer: lineage.KnownProducer(1)}, "unidentified:west/x"},
		{lineage.Client{TransactionalID: "shop-orders-1"}, "application:shop/shop"},
		// not Connect's group.id in front
		{lineage.Client{TransactionalID: "pay-lines-1"}, "application:shop/pay-lines"},
		// a sink writes nothing so
		{lineage.Client{TransactionalID: "workers-orders-1"}, "application:shop/workers-orders"},
		{lineage.Client{TransactionalID: "workers-lines-1"}, "connector:c/lines"},
		{lineage.Client{TransactionalID: "east-mm2-MirrorSourceConnector-0"}, "replicator:west/east-%3Ewest"},
	} {
		a := onTopic("x", lineage.Write, x.c)
		if n, by := r.Resolve(west, a, k.Of(a)); n.ID() != x.want {
			t.Errorf("%+v: got %s by %q, want %s", x.c, n.ID(), by, x.want)
		}
	}
}

// Who stops is still who he was: the members that a group had are remembered by what they did.
func TestStoppedGroupKeepsItsName(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{{ClientID: re(`^shop-web-`), Name: "web"}}})
	for _, live := range []bool{true, false} {
		k := NewKnowledge(nil)
		had := map[string]string{"filter": "filter-" + id1 + "-StreamThread-1-consumer", "g1": "shop-web-1", "g2": "g2-svc-1"}
		for group, client := range had {
			if live {
				k.AddGroup(members(group, "Classic", client))
			} else {
				k.AddGroup(members(group, "Classic"))
			}
			k.AddAccess(onTopic("x", lineage.Read, lineage.Client{Group: group, Member: client + "-m", ClientID: client, Host: "/10.0.0.1"}))
		}
		for _, x := range []struct {
			c    lineage.Client
			want string
		}{
			{lineage.Client{Group: "filter"}, "streamjob:west/filter"},
			{lineage.Client{Group: "filter", Member: "m", ClientID: had["filter"]}, "streamjob:west/filter"},
			{lineage.Client{Group: "g1"}, "application:shop/web"},
			{lineage.Client{Group: "g1", Member: "m", ClientID: "shop-web-1"}, "application:shop/web"},
			{lineage.Client{TransactionalID: "g2-svc-2"}, "application:shop/g2"},
		} {
			a := onTopic("x", lineage.Read, x.c)
			if n, by := r.Resolve(west, a, k.Of(a)); n.ID() != x.want {
				t.Errorf("live %v: %+v: got %s by %q, want %s", live, x.c, n.ID(), by, x.want)
			}
		}
	}
}

// Who reads in one cluster and writes in another of its environment is one. Clusters of different environments never
// join.
func TestAcrossClusters(t *testing.T) {
	r := mustNew(t, Rules{})
	east := lineage.Cluster{ID: "east-id", Name: "east", Environment: west.Environment}
	test := lineage.Cluster{ID: "test-id", Name: "test", Environment: "test"}
	k := NewKnowledge(func(id lineage.ClusterID) lineage.Cluster {
		for _, c := range []lineage.Cluster{west, east, test} {
			if c.ID == id {
				return c
			}
		}
		t.Errorf("no cluster %s", id)
		return lineage.Cluster{}
	})
	k.AddGroup(members("billing", "Consumer", "billing-svc-1"))
	k.AddGroup(members("wc", "Streams", "wc-"+id1+"-StreamThread-1-consumer"))
	for _, x := range []struct {
		cluster lineage.Cluster
		id      string
		want    string
	}{
		{east, "billing-svc-7", "application:shop/billing"},
		{east, "wc-" + id1 + "-1", "streamjob:west/wc"},
		{test, "billing-svc-7", "application:test/billing-svc"},
		{test, "wc-" + id1 + "-1", "application:test/wc"},
	} {
		a := onTopic("x", lineage.Write, lineage.Client{TransactionalID: x.id})
		a.Topic.Cluster = x.cluster.ID
		if n, by := r.Resolve(x.cluster, a, k.Of(a)); n.ID() != x.want {
			t.Errorf("%s in %s: got %s by %q, want %s", x.id, x.cluster.Name, n.ID(), by, x.want)
		}
	}
}

func BenchmarkKnowledge(b *testing.B) {
	var groups []*lineage.GroupFact
	for i := range 5000 {
		groups = append(groups, members(fmt.Sprintf("group-%d", i), "Classic", fmt.Sprintf("client-%d-1", i)))
	}
	b.ReportAllocs()
	for b.Loop() {
		k := NewKnowledge(nil)
		for _, g := range groups {
			k.AddGroup(g)
		}
		for i := range 10_000 {
			k.AddTopic(west.ID, fmt.Sprintf("group-%d-store-changelog", i))
		}
		k.Inner(west.ID, "orders")
	}
}
