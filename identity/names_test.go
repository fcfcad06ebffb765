package identity

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// scene is a cluster of groups with the client.ids of their members, and what else was seen in it.
type scene struct {
	groups map[string][]string
	kinds  map[string]string // types of groups, Classic where none stands
	topics []string
	done   []lineage.Access
	rules  Rules
}

func (s scene) knowledge(live bool) lineage.Knowledge {
	k := NewKnowledge(func(id lineage.ClusterID) lineage.Cluster {
		return lineage.Cluster{ID: id, Name: "west", Environment: "shop"}
	})
	for g, ids := range s.groups {
		kind := s.kinds[g]
		if kind == "" {
			kind = "Classic"
		}
		f := members(g, kind, ids...)
		if !live {
			f.Members = nil
		}
		k.AddGroup(f)
		for _, id := range ids {
			k.AddAccess(onTopic("orders", lineage.Read, lineage.Client{Group: g, Member: id + "-m", ClientID: id, Host: "/10.0.0.1"}))
		}
	}
	for _, t := range s.topics {
		k.AddTopic(west.ID, t)
	}
	for _, a := range s.done {
		k.AddAccess(a)
	}
	return k
}

// names checks what each access resolves to, while the groups' members live and after they left.
func (s scene) names(t *testing.T, want map[lineage.Client]string) {
	t.Helper()
	r := mustNew(t, s.rules)
	for _, live := range []bool{true, false} {
		k := s.knowledge(live)
		for c, id := range want {
			a := onTopic("orders", lineage.Read, c)
			if c.Group == "" {
				a.Op = lineage.Write
			}
			if n, by := r.Resolve(west, a, k.Of(a)); n.ID() != id || by == "" {
				t.Errorf("live %v: %+v: got %s by %q, want %s", live, c, n.ID(), by, id)
			}
		}
	}
}

func group(g string) lineage.Client   { return lineage.Client{Group: g} }
func txn(id string) lineage.Client    { return lineage.Client{TransactionalID: id} }
func named1(id string) lineage.Client { return lineage.Client{ClientID: id} }

// Each row of the reference of real clients' default names.
func TestConventionsOfRealClients(t *testing.T) {
	const nobody = "unidentified:west/orders"
	s := scene{
		groups: map[string][]string{
			"jv-static": {"consumer-jv-static-jv-1", "consumer-jv-static-jv-2"}, "jv": {"consumer-jv-1"}, "shared": {"consumer-shared-1"},
			"anonymous." + id1: {"stock-cache-2"}, "anonymous." + id2: {"consumer-anonymous." + id2 + "-1"}, id1: {"tail-ui"}, id2: {"rdkafka"}, id3: {"faststream-0.7.8"},
			"cache-loader-7d9f8c6b5d-x2k4p": {"rdkafka"}, "cache-loader-7d9f8c6b5d-bvgkt": {"rdkafka"}, "default": {"stock-view"}, "my-group": {"price-view-1", "price-view-2"}, "test": {"rdkafka"},
			"BYTEWAX_IGNORED": {"flow-3"}, "quix-exact": {"rdkafka"}, "quix-copy": {"rdkafka"}, "faust-wordcount": {"faust-0.15.3"}, "orders": {"sarama"}, "fn.in": nil, "go-reader": {"loader@node7 (github.com/segmentio/kafka-go)"},
			"7f9c6d5b-1111-4222-8333-444455556666": {"loader@node7 (github.com/segmentio/kafka-go)"},
		},
		topics: []string{"in", "orders.in", "repartition__quix-copy--orders--by-user", "changelog__quix-copy--orders--sums", "faust-wordcount-words-changelog", "faust-wordcount-__assignor-__leader"},
	}
	s.done = []lineage.Access{
		onTopic("changelog__quix-copy--orders--sums", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(7)}),
		onTopic("repartition__quix-copy--orders--by-user", lineage.Write, txn(id3)),
		onTopic("faust-wordcount-words-changelog", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(8)}),
		onTopic("__consumer_offsets", lineage.Write, lineage.Client{Group: "quix-exact", TransactionalID: id2}),
		onTopic("in", lineage.Read, group("orders")),
	}
	s.names(t, map[lineage.Client]string{
		named1("rdkafka"): nobody, named1("kafka-python-3.0.12"): nobody, named1("kafka-python-producer-1"): nobody, named1("aiokafka-0.14.0"): nobody, named1("aiokafka-producer-1"): nobody,
		named1("faststream-0.7.8"): nobody, named1("faust-0.15.3"): nobody, named1(""): nobody, named1("sarama"): nobody, named1("kgo"): nobody, named1("kafkajs"): nobody, named1("producer-3"): nobody,
		group("faust-wordcount"):             "streamjob:west/faust-wordcount",
		{Producer: lineage.KnownProducer(8)}: "streamjob:west/faust-wordcount",
		txn(id2):                             "application:shop/quix-exact",
		txn(id3):                             "streamjob:west/quix-copy",
		{Producer: lineage.KnownProducer(7)}: "streamjob:west/quix-copy",
		group("quix-copy"):                   "streamjob:west/quix-copy",
		group("BYTEWAX_IGNORED"):             "application:shop/flow",
		named1("loader@node7 (github.com/segmentio/kafka-go)"): "application:shop/loader",
		group("go-reader"): "application:shop/go-reader",
		group("7f9c6d5b-1111-4222-8333-444455556666"): "application:shop/loader",
		named1("consumer-jv-static-jv-1"):             "application:shop/jv-static",
		named1("consumer-jv-1"):                       "application:shop/jv",
		named1("consumer-shared-1"):                   "application:shop/shared",
		group("jv-static"):                            "application:shop/jv-static",
		group("anonymous." + id1):                     "application:shop/stock-cache",
		group("anonymous." + id2):                     "application:shop/anonymous",
		group(id1):                                    "application:shop/tail-ui",
		group(id3):                                    "application:shop/anonymous",
		group("cache-loader-7d9f8c6b5d-x2k4p"):        "application:shop/cache-loader",
		group("cache-loader-7d9f8c6b5d-bvgkt"):        "application:shop/cache-loader",
		group("default"):                              "application:shop/stock-view",
		group("my-group"):                             "application:shop/price-view",
		// a name that names nobody is no more than its cluster's
		group("test"):              "application:west/test",
		txn("flinktx-fn.out-0-7"):  "application:shop/flinktx-fn.out",
		txn("tx-order-service-0"):  "application:shop/order-service",
		txn("txn-refunds-12"):      "application:shop/refunds",
		txn("orderTx-orders.in.2"): "application:shop/orders",
		txn("orders.in.0"):         "application:shop/orders",
		txn("reader.5"):            "application:shop/reader.5",
	})
}

// id2 has two ends here: a group of a reader, and a transactional.id.
const (
	id2 = "0a1b2c3d-0000-4111-8222-333344445555"
	id3 = "9f8e7d6c-0000-4111-8222-333344445555"
)

// A group is named without what was made for one run; numbers tell programs apart.
func TestGroupsOfOneRun(t *testing.T) {
	f := func(g, want string) {
		t.Helper()
		a := access(lineage.Read, group(g))
		if n, by := mustNew(t, Rules{}).Resolve(west, a, lineage.Known{}); n.ID() != "application:"+want || by == "" {
			t.Errorf("%q: got %s by %q, want %s", g, n.ID(), by, want)
		}
	}
	f("notifier-"+id1, "shop/notifier")
	f("notifier."+strings.ToUpper(id1), "shop/notifier")
	f("notifier_"+strings.ReplaceAll(id1, "-", ""), "shop/notifier")
	f("notifier-"+id1+"-0", "shop/notifier")
	f("notifier-2-"+id1, "shop/notifier-2") // the number is a person's
	f("web-7f9c6d5b8-x2lq4", "shop/web")
	f("report-28471230-x2lq4", "shop/report") // a cron job's pod
	f("web-7f9c6d5b8-x2lq4-"+id1, "shop/web")
	f("cache-ip-10-0-3-7", "shop/cache")
	f("cache-ip-10-0-3-7.eu-west-1.compute.internal", "shop/cache")
	f("cache-10.0.3.7", "shop/cache")
	f("feed-3f2a9b8c7d6e", "shop/feed") // a container's name
	f("feed-i-0a1b2c3d4e5f60718", "shop/feed")
	f("feed-01ARZ3NDEKTSV4RRFFQ69G5FAV", "shop/feed")
	f("inventory-0.inventory.shop.svc.cluster.local", "shop/inventory")
	f("replay-1718000000123", "shop/replay") // the instant it was started, in milliseconds
	// set off otherwise, or not at all
	for _, g := range []string{"notifier " + id1, "notifier$" + id1, "notifier" + id1, "notifier(" + id1 + ")", "notifier-{" + id1 + "}", "notifier=" + id1 + "-3", id1 + "-notifier", id1 + ":notifier", "notifier-" + id1 + "." + id2} {
		f(g, "shop/notifier")
	}
	f("notifier-"+id1+"-server", "shop/notifier-server") // NestJS puts a word behind the group's id
	f("shop."+id1+".orders", "shop/shop.orders")
	f("shop("+id1+")orders", "shop/shop-orders")
	f(id1+"-orders-1", "shop/orders-1") // the number is a person's
	f("orders-"+id1+"-eu-west-1", "shop/orders-eu-west-1")
	f("{"+id1+"}", "shop/anonymous")
	f("group-"+id1+"-client", "shop/anonymous")
	// the instant it was started
	for _, at := range []string{"2026-11-29T15:20:00Z", "20261129T152000", "20261129t152000z", "2026-11-29T15:20:00.123+01:00", "2026-11-29-15-20-00", "20261129_152000", "20261129152000", "1718000000123456"} {
		f("report-"+at, "shop/report")
	}
	f("manual__2026-11-29T15:20:00+00:00", "shop/manual") // Airflow
	f("anonymous."+id1, "shop/anonymous")
	f(id1, "shop/anonymous")
	f("3f2a9b8c7d6e", "shop/anonymous")
	f("consumer-"+id1, "shop/anonymous")
	f("anonymous", "shop/anonymous")
	for _, own := range []string{
		"orders-1", "orders-2", "orders", "team-42", "1", "42", "billing-eu-west-1", "billing-v2", "orders-v-2", "app-1.2.3", "crypto-deadbeef", "facade-feed-cafe", "vault-bcdfg", "fluentd-x2x4q", "orders-20240611", "orders-2024-06-11T15", "orders-20991399152000",
		"orders-202406111030", "tenant-1500000001", "a-b-c", "orders-7d4b9c6f5d", "link-00", "link-12", "shop.web.v1", "release-2024-06-11", "report-28471230", "report-28471230-alpha", "svc-3f2a9b8c", "svc-deadbeefcafe", "api-v2-fdbdc-bvgkt", "shop-prod-eu-west-1", "shop-blue", "shop-green", "ip-10", "node-10-0", "sha256",
	} {
		f(own, "shop/"+own)
	}
	for _, placeholder := range []string{"default", "test", "my-group", "group", "consumer-group", "BYTEWAX_IGNORED", "my-consumer-group", "test-group", "consumer", "Default", "my_app", "myGroup"} {
		f(placeholder, "west/"+placeholder)
	}
	for _, own := range []string{"test-1", "group-7", "my-orders", "testing-lab", "default-pricing", "groups-of-users", "consumer-loans"} {
		f(own, "shop/"+own)
	}
}

// Numbers that tell groups apart tell clients apart.
func TestKnownGroupsFirst(t *testing.T) {
	s := scene{groups: map[string][]string{"orders-1": nil, "orders-2": nil, "etl": nil, "etl-3": nil, "etl-4": nil, "tx-router": nil, "solo-7": nil, "web-7f9c6d5b8-x2lq4": nil}}
	want := map[lineage.Client]string{
		txn("orders-1"): "application:shop/orders-1", txn("orders-2"): "application:shop/orders-2", txn("orders-1-4"): "application:shop/orders-1", txn("orders-9"): "application:shop/orders-9",
		txn("orders-9-0"): "application:shop/orders-9", named1("orders-2-" + id1): "application:shop/orders-2", txn("etl-9"): "application:shop/etl", txn("etl-3-0"): "application:shop/etl-3",
		txn("tx-router-0"): "application:shop/tx-router", txn("tx-orders-2-0"): "application:shop/orders-2", txn("solo-1"): "application:shop/solo", txn("plain-1"): "application:shop/plain", txn("web-4"): "application:shop/web",
	}
	for i := range 13 {
		name := fmt.Sprintf("link-%02d", i)
		s.groups[name] = []string{name + "-0"}
		want[group(name)], want[txn(name+"-1")], want[named1(name+"-3")] = "application:shop/"+name, "application:shop/"+name, "application:shop/"+name
	}
	want[txn("link-13-1")] = "application:shop/link-13" // its like are told apart
	s.names(t, want)
}

// Two programs are never one because nobody named their groups.
func TestNamelessGroupsStayApart(t *testing.T) {
	s := scene{groups: map[string][]string{
		id1: {"pricing-1"}, id2: {"fraud-1"}, "test": {"alpha-1", "beta-1"}, "default": {"alpha-7"}, "anonymous." + id3: {"alpha-1", "beta-1"}, "my-app": {"kgo", "gamma-2"}, "group": nil,
	}}
	s.done = []lineage.Access{
		onTopic("payments", lineage.Read, lineage.Client{Group: "test", Member: "alpha-1-m", ClientID: "alpha-1", Host: "/10.0.0.1"}),
		onTopic("refunds", lineage.Read, lineage.Client{Group: "test", Member: "beta-1-m", ClientID: "beta-1", Host: "/10.0.0.1"}),
	}
	s.names(t, map[lineage.Client]string{
		group(id1): "application:shop/pricing", group(id2): "application:shop/fraud", group("test"): "application:west/test", group("default"): "application:shop/alpha",
		group("anonymous." + id3): "application:shop/anonymous", group("my-app"): "application:shop/gamma", group("group"): "application:west/group",
		{Group: "test", Member: "alpha-1-m", ClientID: "alpha-1", Host: "/10.0.0.1"}: "application:west/test",
	})
	// Several programs that call their groups alike are told apart by what they read.
	r, k := mustNew(t, Rules{}), s.knowledge(true)
	for topic, want := range map[string]string{"payments": "application:shop/alpha", "refunds": "application:shop/beta"} {
		a := onTopic(topic, lineage.Read, group("test"))
		if n, by := r.Resolve(west, a, k.Of(a)); n.ID() != want {
			t.Errorf("test on %s: got %s by %q, want %s", topic, n.ID(), by, want)
		}
	}
}

// The group whose offsets a transaction moves is the writer's.
func TestGroupOfATransaction(t *testing.T) {
	link := func(g, id string) lineage.Access {
		return onTopic("__consumer_offsets", lineage.Write, lineage.Client{Group: g, TransactionalID: id})
	}
	s := scene{
		groups: map[string][]string{"enrich-in": {"rdkafka"}, "copy": nil, "more": nil, id1: {"kgo"}, "wc": {"wc-" + id2 + "-StreamThread-1-consumer"}, "legacy-g": nil, "test": {"view-1"}},
		rules:  Rules{Applications: []Rule{{Group: re("^legacy-g$"), Name: "legacy"}, {TransactionalID: re("^mine-"), Name: "mine"}}},
		done: []lineage.Access{
			link("enrich-in", id2), link("copy", "x-1"), link("more", "x-1"), link(id1, "payments-0"), link(id1, "payments-1"), link("wc", id3), link("legacy-g", "old-1"), link("copy", "mine-1"), link("test", "tx-0"),
		},
	}
	s.names(t, map[lineage.Client]string{
		txn(id2): "application:shop/enrich-in",
		{Group: "enrich-in", TransactionalID: id2}: "application:shop/enrich-in",
		txn("x-1"):        "application:shop/x", // two groups: it proves nothing
		group("copy"):     "application:shop/copy",
		txn("payments-0"): "application:shop/payments",
		group(id1):        "application:shop/payments",
		txn(id3):          "streamjob:west/wc",
		txn("old-1"):      "application:shop/legacy",
		txn("mine-1"):     "application:shop/mine",
		txn("tx-0"):       "application:shop/view",
	})
}

// Inner topics are only those of groups that exist.
func TestInnerTopicsOfOtherFrameworks(t *testing.T) {
	s := scene{groups: map[string][]string{"q": {"rdkafka"}, "q--r": nil, "f": {"faust-0.15.3"}, "g": nil, "plain": {"svc-1"}, "kept": nil}, kinds: map[string]string{"kept": "Share"}, topics: []string{
		"changelog__q--orders--sums", "repartition__q--orders--x", "changelog__q--r--orders--sums", "changelog__nobody--orders--sums", "changelog__q", "changelog__q--orders", "changelog__kept--a--b",
		"f-words-changelog", "f-__assignor-__leader", "g-__assignor-__leader", "g-words-changelog", "plain-words-changelog", "zz-__assignor-__leader",
	}}
	k := s.knowledge(true)
	for topic, want := range map[string]string{
		"changelog__q--orders--sums": "q", "repartition__q--orders--x": "q", "changelog__q--r--orders--sums": "q--r", "changelog__nobody--orders--sums": "", "changelog__q": "", "changelog__q--orders": "", "changelog__kept--a--b": "",
		"f-words-changelog": "f", "f-__assignor-__leader": "f", "g-__assignor-__leader": "g", "g-words-changelog": "g", "plain-words-changelog": "", "zz-__assignor-__leader": "",
	} {
		if got, ok := k.Inner(west.ID, topic); got != want || ok != (want != "") {
			t.Errorf("%s is an inner topic of %q, want %q", topic, got, want)
		}
	}
	// Who writes inner topics of two applications is neither's: a copy, or a person's tool.
	s.done = []lineage.Access{
		onTopic("changelog__q--orders--sums", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(1)}), onTopic("f-words-changelog", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(1)}),
		onTopic("repartition__q--orders--x", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(2)}), onTopic("changelog__q--orders--sums", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(2)}),
	}
	s.names(t, map[lineage.Client]string{
		{Producer: lineage.KnownProducer(1)}: "unidentified:west/orders", {Producer: lineage.KnownProducer(2)}: "streamjob:west/q",
	})
	// faust's producer leaves no id: what grows its changelog is its own.
	r, k := mustNew(t, Rules{}), s.knowledge(true)
	for topic, want := range map[string]string{"f-words-changelog": "streamjob:west/f", "changelog__q--orders--sums": "unidentified:west/changelog__q--orders--sums", "orders": "unidentified:west/orders"} {
		a := onTopic(topic, lineage.Write, lineage.Client{Kind: lineage.Remainder})
		if n, by := r.Resolve(west, a, k.Of(a)); n.ID() != want {
			t.Errorf("%s: got %s by %q, want %s", topic, n.ID(), by, want)
		}
	}
}
