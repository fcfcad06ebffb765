package identity

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

var (
	west   = lineage.Cluster{ID: "kLtvXk9tQ5", Name: "west", Environment: "shop"}
	orders = lineage.Topic{Cluster: "kLtvXk9tQ5", ID: lineage.TopicID{1}, Name: "orders"}
)

func access(op lineage.Op, c lineage.Client) lineage.Access {
	return lineage.Access{Topic: orders, Op: op, Client: c}
}

func members(group, kind string, clientIDs ...string) *lineage.GroupFact {
	f := &lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west.ID, Group: group}, Type: kind, MembersKnown: true}
	for _, id := range clientIDs {
		f.Members = append(f.Members, lineage.Member{ID: id + "-m", ClientID: id, Host: "/10.0.0.1"})
	}
	return f
}

func mustNew(t testing.TB, r Rules) *Resolver {
	t.Helper()
	out, err := New(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func re(s string) *regexp.Regexp { return regexp.MustCompile(s) }

const id1 = "764c8806-3f7b-4b2e-9a7d-0d6f8a1b2c3d"

func TestReads(t *testing.T) {
	r := mustNew(t, Rules{})
	f := func(c lineage.Client, g *lineage.GroupFact, name, by string) {
		t.Helper()
		n, words := r.Resolve(west, access(lineage.Read, c), lineage.Known{Group: g})
		want := lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: name}
		if by == "Kafka Streams convention" { // a cluster owns its group
			want = lineage.Node{Scope: "west", Kind: lineage.StreamJobNode, Name: name}
		}
		if n != want || words != by {
			t.Errorf("%+v: got %s by %q, want %s by %q", c, n.ID(), words, want.ID(), by)
		}
	}
	group := func(g string) lineage.Client { return lineage.Client{Group: g} }
	f(group("billing"), nil, "billing", "group id")
	f(group("billing"), members("billing", "Classic", "console-consumer"), "billing", "group id")
	f(group("billing"), members("billing", "Consumer", "rdkafka", "consumer-billing-1"), "billing", "group id")
	f(group("c1-g"), members("c1-g", "Share", "c-share-1"), "c1-g", "group id")
	f(group("orders-1"), nil, "orders-1", "group id") // people number programs
	f(group(id1), nil, "anonymous", byRun)
	f(group(id1), members(id1, "Classic", "tail-ui"), "tail-ui", "member client.id")
	f(lineage.Client{Group: id1, Member: "m", ClientID: "tail-ui-2"}, nil, "tail-ui", "member client.id")
	f(group("billing-"+id1), nil, "billing", "group id without what was made for one run")
	f(group("wordcount"), members("wordcount", "Classic", "billing-1"), "wordcount", "group id")
	f(group("wc"), members("wc", "Classic", "wc-"+id1+"-StreamThread-1-consumer"), "wc", "Kafka Streams convention")
	f(group("wc"), members("wc", "Streams"), "wc", "Kafka Streams convention")
	f(group("wc"), members("wc", "Consumer", "custom-StreamThread-2-consumer"), "wc", "Kafka Streams convention")
	f(group("connect-file-out"), members("connect-file-out", "Classic", "connector-consumer-file-out-0"), "connect-file-out", "Kafka Connect convention")
	f(group("connect-file-out"), nil, "connect-file-out", "group id")
	f(group("own"), members("own", "Classic", "connector-consumer-jdbc-sink-12"), "connect-jdbc-sink", "Kafka Connect convention")
	f(group("console-consumer-41233"), nil, "console-consumer", "Kafka tool convention")
	f(group("perf-consumer-7"), nil, "perf-consumer", "Kafka tool convention")
	f(group("spark-kafka-source-"+id1+"--1423-driver-0"), nil, "spark-kafka-source", "Spark convention")
	// Facts of another group say nothing.
	f(group("wc"), members("other", "Streams"), "wc", "group id")
	// Readers without a group, as other sources see them.
	f(lineage.Client{ClientID: "consumer-audit-3"}, nil, "audit", "Java default client.id")
	f(lineage.Client{ClientID: "reporter-2"}, nil, "reporter", "client.id")
	f(lineage.Client{ClientID: "west->east|MirrorSourceConnector-0|replication-consumer"}, nil, "west->east", "MirrorMaker 2 convention")
	f(lineage.Client{ClientID: "loader@node7 (github.com/segmentio/kafka-go)"}, nil, "loader", "kafka-go default client.id")
}

func TestWrites(t *testing.T) {
	r := mustNew(t, Rules{})
	f := func(c lineage.Client, name, by string) {
		t.Helper()
		n, words := r.Resolve(west, access(lineage.Write, c), lineage.Known{})
		want := lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: name}
		if by == "Kafka Streams convention" { // a cluster owns its group
			want = lineage.Node{Scope: "west", Kind: lineage.StreamJobNode, Name: name}
		}
		if n != want || words != by {
			t.Errorf("%+v: got %s by %q, want %s by %q", c, n.ID(), words, want.ID(), by)
		}
	}
	f(lineage.Client{TransactionalID: "orders-tx-1"}, "orders-tx", "transactional.id")
	f(lineage.Client{TransactionalID: "wc-" + id1 + "-3"}, "wc", "transactional.id") // Streams, exactly once v2
	f(lineage.Client{TransactionalID: "wc-0_1"}, "wc", "transactional.id")           // Streams, exactly once
	// Flink: prefix, subtask, checkpoint
	f(lineage.Client{TransactionalID: "enrich-7-1234"}, "enrich", "transactional.id")
	f(lineage.Client{TransactionalID: "Sink: out-cbc357ccb763df2852fee8c4fc7d55f2-12"}, "Sink: out", "transactional.id")
	f(lineage.Client{TransactionalID: "tx-0", ClientID: "shop-web-1"}, "shop-web", "client.id")
	f(lineage.Client{ClientID: "wc-" + id1 + "-StreamThread-1-producer"}, "wc", "Kafka Streams convention")
	f(lineage.Client{ClientID: "wc-" + id1 + "-StreamThread-1-0_1-producer"}, "wc", "Kafka Streams convention")
	f(lineage.Client{ClientID: "wc-" + id1 + "-admin"}, "wc", "Kafka Streams convention")
	f(lineage.Client{ClientID: "connector-producer-file-in-0"}, "connect-file-in", "Kafka Connect convention")
	f(lineage.Client{ClientID: "connector-dlq-producer-file-out-0"}, "connect-file-out", "Kafka Connect convention")
	f(lineage.Client{ClientID: "alice-app"}, "alice-app", "client.id")
	f(lineage.Client{ClientID: "alice-app-10.1.2.3", Host: "/10.1.2.3"}, "alice-app", "client.id")
	f(lineage.Client{ClientID: "alice-app@build7", Host: "build7"}, "alice-app", "client.id")
}

func TestUnidentified(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{{ClientID: re(".*"), Group: re(".*"), Name: "all"}, {Principal: re(""), Name: "any"}}})
	f := func(op lineage.Op, c lineage.Client) {
		t.Helper()
		n, words := r.Resolve(west, access(op, c), lineage.Known{})
		if want := (lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: "orders"}); n != want || words != "no name seen" {
			t.Errorf("%+v: got %s by %q, want %s", c, n.ID(), words, want.ID())
		}
	}
	f(lineage.Write, lineage.Client{})
	f(lineage.Write, lineage.Client{Producer: lineage.KnownProducer(7), Host: "/10.0.0.1"})
	f(lineage.Write, lineage.Client{Kind: lineage.Remainder})
	f(lineage.Write, lineage.Client{Kind: lineage.Others, ClientID: "shop"})
	for _, id := range []string{
		"rdkafka", "sarama", "kgo", "Sarama", "kafkajs", "kafka-python-2.0.2", "kafka-python-producer-1", "aiokafka-0.12.0",
		"aiokafka-producer-3", "producer-1", "producer-12", "consumer-1", "consumer-null-1", "adminclient-4", "rdkafka-3", "rdkafka#producer-1",
		"faust-1.10.4", "librdkafka", "producer", "producer-" + id1, id1, "0", "42", "d41d8cd98f00b204e9800998ecf8427e", "tx-1",
		"confluent-kafka-dotnet-2",
	} {
		f(lineage.Write, lineage.Client{ClientID: id})
	}
}

// Who reads and is named by nothing, as by the empty group id, is somebody, and none of the topic's writers: else the
// topic would feed itself.
func TestReadersWithoutAName(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{{ClientID: re(".*"), Group: re(".*"), Name: "all"}, {Principal: re(""), Name: "any"}}})
	for _, c := range []lineage.Client{{}, {ClientID: "rdkafka"}, {ClientID: "consumer-1", Host: "/10.0.0.1"}} {
		n, words := r.Resolve(west, access(lineage.Read, c), lineage.Known{})
		if want := (lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "anonymous"}); n != want || words != lineage.ByNothing {
			t.Errorf("%+v: got %s by %q, want %s", c, n.ID(), words, want.ID())
		}
	}
}

func TestTopicItself(t *testing.T) {
	n, words := mustNew(t, Rules{}).Resolve(west, lineage.Access{Topic: orders}, lineage.Known{})
	if want := (lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}); n != want || words != "topic" {
		t.Errorf("got %s by %q, want %s", n.ID(), words, want.ID())
	}
}

// Scopes are never empty, whatever was configured.
func TestScopes(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{{Group: re("^each$"), Name: "each", PerCluster: true}}})
	f := func(c lineage.Cluster, group, want string) {
		t.Helper()
		if n, _ := r.Resolve(c, access(lineage.Read, lineage.Client{Group: group}), lineage.Known{}); n.ID() != want {
			t.Errorf("%+v: got %s, want %s", c, n.ID(), want)
		}
	}
	f(west, "billing", "application:shop/billing")
	f(west, "each", "application:west/each")
	f(lineage.Cluster{ID: "x1", Name: "east"}, "billing", "application:east/billing")
	f(lineage.Cluster{ID: "x1"}, "billing", "application:x1/billing")
	f(lineage.Cluster{}, "billing", "application:unknown/billing")
}

func TestInstanceless(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := instanceless(in, ""); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	// Made up by a machine.
	f("shop-web-1", "shop-web")
	f("shop_web_12", "shop_web")
	f("payments-"+id1, "payments")
	f("payments."+strings.ToUpper(id1), "payments")
	f("payments-"+id1+"-0", "payments")
	f("payments-3f2a9b8c7d6e", "payments")
	f("orders-api-7d4b9c6f5d-x2x4q", "orders-api")
	f("orders-api-6799fc88d8-bvgkt", "orders-api")
	f("orders-api-7d4b9c6f5d-x2x4q-1", "orders-api")
	f("inventory-0.inventory.shop.svc.cluster.local", "inventory")
	f("inventory-2.inventory.shop.svc", "inventory")
	f("loader-ip-10-0-1-23", "loader")
	f("loader-ip-10-0-1-23.eu-west-1.compute.internal", "loader")
	f("loader-10.0.1.23", "loader")
	f("loader@10.0.1.23:9092", "loader")
	f("importer-thread-7", "importer")
	f("importer#3", "importer")
	f("etl-2-17", "etl")
	f("batch-1699999999999", "batch")
	// Chosen by people.
	for _, name := range []string{
		"orders", "orders-v2", "orders-v-2", "orders_v_2", "app-1.2.3", "shop.web.v1", "s3-sink", "http2", "log4j", "team-42-loader", "billing-eu-west-1", "billing-us-gov-east-1",
		"orders-hdfs2", "orders-stg42", "fluentd-x2x4q", "orders-api-prod", "a-b-c", "crypto-deadbeef", "node.js", "west->east", "vault-bcdfg",
		"reader.5", "mobile-api-2x", "0-leading", "orders-7d4b9c6f5d", "sha256", "Zahlungen-Süd",
	} {
		f(name, name)
	}
	f("orders-v2-3", "orders-v2")
	f("billing-eu-west-1-0", "billing-eu-west-1")
	// Nothing is left.
	f("-1", "")
	f("", "")
	f(" ", "")
}

// Every kind of suffix is there for a reason.
func TestEachSuffix(t *testing.T) {
	names := []string{
		"a-" + id1, "a-3f2a9b8c7d6e", "a-i-0a1b2c3d4e5f60718", "a-01ARZ3NDEKTSV4RRFFQ69G5FAV", "a-7d4b9c6f5d-x2x4q", "a-28471230-x2lq4", "a.a.shop.svc", "a-ip-10-0-1-23.ec2.internal", "a-10.0.1.23", "a-1699999999999", "a-20261129T152000Z", "a-thread-7", "a-7",
	}
	for i, s := range suffixes {
		for j, name := range names {
			if i == j && s.start(name) == len(name) {
				t.Errorf("%s does not match %q", s.what, name)
			}
		}
	}
}

func TestRules(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{
		{ClientID: re(`^(shop-[a-z]+)-\d+$`), Name: "$1"},
		{Principal: re(`^User:billing$`), Name: "billing"},
		{Group: re(`^g-(.*)$`), ClientID: re(`^worker`), Name: "both-${1}_x"},
		{TransactionalID: re(`^([a-z]+)-([a-z]+)-`), Name: "$2.$1"},
		{Group: re(`^opt(-[a-z]+)?$`), Name: "$1"},
		{Group: re(`part`), Name: "unanchored"},
	}})
	f := func(c lineage.Client, g *lineage.GroupFact, name, by string) {
		t.Helper()
		n, words := r.Resolve(west, access(lineage.Read, c), lineage.Known{Group: g})
		if n.Name != name || words != by {
			t.Errorf("%+v: got %q by %q, want %q by %q", c, n.Name, words, name, by)
		}
	}
	f(lineage.Client{ClientID: "shop-web-3"}, nil, "shop-web", `rule 1: client_id ^(shop-[a-z]+)-\d+$`)
	f(lineage.Client{ClientID: "shop-3"}, nil, "shop", "client.id")
	f(lineage.Client{ClientID: "x", Principal: "User:billing"}, nil, "billing", "rule 2: principal ^User:billing$")
	f(lineage.Client{Group: "g-a", Principal: "User:billing"}, nil, "billing", "rule 2: principal ^User:billing$")
	// A group's members count, the one first by name where they differ.
	f(lineage.Client{Group: "web"}, members("web", "Classic", "rdkafka", "shop-b-1", "shop-a-2"), "shop-a", `rule 1: client_id ^(shop-[a-z]+)-\d+$`)
	f(lineage.Client{Group: "web"}, members("else", "Classic", "shop-a-2"), "web", "group id")
	f(lineage.Client{Group: "g-x"}, members("g-x", "Classic", "worker-1"), "both-x_x", "rule 3: client_id ^worker, group ^g-(.*)$")
	f(lineage.Client{Group: "g-x"}, members("g-x", "Classic", "other"), "g-x", "group id")
	f(lineage.Client{TransactionalID: "ab-cd-9"}, nil, "cd.ab", `rule 4: transactional_id ^([a-z]+)-([a-z]+)-`)
	f(lineage.Client{Group: "opt-a"}, nil, "-a", `rule 5: group ^opt(-[a-z]+)?$`)
	f(lineage.Client{Group: "opt"}, nil, "opt", "group id") // an empty name names nobody
	f(lineage.Client{Group: "a-part-b"}, nil, "unanchored", "rule 6: group part")
	// A rule of the user's comes before every convention.
	f(lineage.Client{Group: "part"}, members("part", "Streams"), "unanchored", "rule 6: group part")
}

func TestBadRules(t *testing.T) {
	f := func(r Rules, want string) {
		t.Helper()
		if _, err := New(r); err == nil || err.Error() != want {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
	rule := func(r Rule) Rules { return Rules{Applications: []Rule{{Group: re("x"), Name: "x"}, r}} }
	f(rule(Rule{Name: "a"}), "applications[1].match: has no pattern")
	f(rule(Rule{Group: re("a")}), "applications[1].name: is not set")
	f(rule(Rule{Group: re("a"), Name: "topic:west/orders"}), `applications[1].name: "topic:west/orders": is the id of a node that neither writes nor reads: topic`)
	f(rule(Rule{Unidentified: re("a"), Name: "dataset:postgres%3A%2F%2Fdb/shop"}), `applications[1].name: "dataset:postgres%3A%2F%2Fdb/shop": is the id of a node that neither writes nor reads: dataset`)
	name := func(pattern, name, problem string) {
		t.Helper()
		f(rule(Rule{Group: re(pattern), Name: name}), fmt.Sprintf("applications[1].name: %q: %s", name, problem))
	}
	name("a", "$1", "speaks of $1, and the first pattern of this rule with groups has 0")
	name("(a)", "${2}", "speaks of ${2}, and the first pattern of this rule with groups has 1")
	name("(a)", "$0", "speaks of $0, and the first pattern of this rule with groups has 1")
	name("(a)", "$99999999999999999999", "speaks of $99999999999999999999, and the first pattern of this rule with groups has 1")
	const plain = "a $ stands before neither a group's number, as in $1 and ${1}, nor another $, which makes it a plain one"
	for _, bad := range []string{"$", "a$", "$x", "${x}", "${1", "${}", "${x", "$1$", "$$$", "$ 1", "${-1}"} {
		name("(a)", bad, plain)
	}
	f(rule(Rule{ClientID: re("a"), Group: re("(b)"), TransactionalID: re("(c)(d)"), Name: "$2"}),
		`applications[1].name: "$2": speaks of $2, and the first pattern of this rule with groups has 1`)
	f(Rules{Topics: []TopicRule{{Owner: "a"}}}, "topics[0].match: has no pattern")
	f(Rules{Nodes: []NodeRule{{Match: re("a")}, {Owner: "a"}}}, "nodes[1].match: has no pattern")
}

// Two dollars are one, wherever they stand.
func TestDollarsInNames(t *testing.T) {
	f := func(name, want string) {
		t.Helper()
		r := mustNew(t, Rules{Applications: []Rule{{Group: re("^g-(.*)$"), Name: name}}})
		if n, _ := r.Resolve(west, access(lineage.Read, lineage.Client{Group: "g-x"}), lineage.Known{}); n.Name != want {
			t.Errorf("%s gives %q, want %q", name, n.Name, want)
		}
	}
	f("$$", "$")
	f("$$1", "$1")
	f("$$$1", "$x")
	f("a$$b$${1}", "a$b${1}")
	f("$1_$$", "x_$")
	f("${1}1", "x1")
}

func TestDescribe(t *testing.T) {
	r := mustNew(t, Rules{
		Applications: []Rule{
			{ClientID: re(`^(shop-[a-z]+)-\d+$`), Name: "$1", Owner: "team-shop", Tags: []string{"tier-1"}},
			{Principal: re(`^User:billing$`), Name: "billing", Owner: "team-money"},
			{Group: re(`(?i)(^acme|^umbrella)-x`), Name: "corp.${1}.etl", Owner: "team-corp"},
			{ClientID: re(`.`), Group: re(`^shop-web$`), Name: "shop-web", Owner: "never reached"},
		},
		Topics: []TopicRule{
			{Match: re("^customers"), Owner: "team-crm", Tags: []string{"pii"}},
			{Match: re("s$"), Owner: "team-s"},
		},
		Nodes: []NodeRule{
			{Match: re("^connector:connect-west/jdbc"), Owner: "team-etl", Tags: []string{"sink"}},
			{Match: re("^dataset:.*%2Fcustomers$"), Tags: []string{"pii"}},
			{Match: re("^replicator:east/west->east$"), Owner: "team-mirror"}, // as people write it
			{Match: re("^(topic:west|application)/|:west/"), Owner: "team-west", Tags: []string{"west"}},
		},
	})
	f := func(id, owner string, tags ...string) {
		t.Helper()
		n, err := lineage.ParseNodeID(id)
		if err != nil {
			t.Fatal(err)
		}
		if o, tt := r.Describe(n); o != owner || !slices.Equal(tt, tags) {
			t.Errorf("%s: got %q %q, want %q %q", id, o, tt, owner, tags)
		}
		says := r.Says(n)
		if o, tt := says[lineage.Slot{Field: lineage.OwnerField}].Texts, says[lineage.Slot{Field: lineage.TagsField}].Texts; strings.Join(o, "") != owner || !slices.Equal(tt, tags) {
			t.Errorf("%s: rules say %q %q, want %q %q", id, o, tt, owner, tags)
		}
	}
	f("application:shop/shop-web", "team-shop", "tier-1")
	f("application:shop/shop-web-2", "")
	f("application:shop/xshop-web", "")
	f("application:shop/billing", "team-money")
	f("application:shop/corp.ACME.etl", "team-corp")
	f("application:shop/corpXacme.etl", "")
	f("topic:west/customers", "team-crm", "pii")
	f("topic:west/orders", "team-s", "west") // what the rule of its kind leaves open
	f("topic:west/order", "team-west", "west")
	f("topic:east/order", "")
	f("unidentified:west/customers", "team-west", "west")
	f("connector:connect-west/jdbc-out", "team-etl", "sink")
	f("connector:connect-west/billing", "")
	f("streamjob:east/shop-web", "team-shop", "tier-1")
	f("replicator:west/east-%3Ewest", "team-west", "west")
	f("replicator:east/west-%3Eeast", "team-mirror")
	f("dataset:postgres%3A%2F%2Fdb%3A5432/shop%2Fcustomers", "", "pii")
}

// What a rule names, it describes.
func TestDescribeWhatRulesName(t *testing.T) {
	for _, p := range []string{`^(a+|b)c`, `(?i)(abc|c?)`, `((a)|(b))c?$`, `(^a\b.c)`, `([^-]+)-`, `(.*)`, `(?s)(a.c)$`, `(\x41|\pL+)`} {
		r := mustNew(t, Rules{Applications: []Rule{{Group: re(p), Name: "x$1", Owner: "me"}}})
		named := 0
		for _, g := range []string{"ac", "aac", "bc", "ABC", "abc", "a c", "a\nc", "c", "b", "ab-c", "A", "éa-", "x.y"} {
			n, by := r.Resolve(west, access(lineage.Read, lineage.Client{Group: g}), lineage.Known{})
			if !strings.HasPrefix(by, "rule 1") {
				continue
			}
			named++
			if owner, _ := r.Describe(n); owner != "me" {
				t.Errorf("%s names %q, and does not describe it", p, n.Name)
			}
		}
		if named == 0 {
			t.Errorf("%s named nothing", p)
		}
	}
}

func FuzzResolve(f *testing.F) {
	f.Add("wc-"+id1+"-StreamThread-1-producer", "wc", "orders-tx-1", "User:a", "/10.0.0.1", "Streams", "orders", byte(1))
	f.Add("connector-producer-a-0", "", "", "", "", "", "", byte(5))
	f.Add("a@b (github.com/segmentio/kafka-go)", "spark-kafka-source-"+id1, "\xff/%->", "", "host", "", "a/b", byte(2))
	rules := Rules{Applications: []Rule{
		{ClientID: re(`^(x.*)-(y)?`), Name: "a$2-$1"},
		{Group: re(`^(.*?)/`), Principal: re(`a`), Name: "$1", PerCluster: true},
	}}
	f.Fuzz(func(t *testing.T, clientID, group, tx, principal, host, kind, topic string, how byte) {
		r := mustNew(t, rules)
		c := lineage.Cluster{Name: principal, Environment: kind}
		a := lineage.Access{Topic: lineage.Topic{Name: topic}, Op: lineage.Op(how % 3), Client: lineage.Client{
			Kind: lineage.ClientKind(how / 3 % 3), ClientID: clientID, Group: group, TransactionalID: tx, Principal: principal, Host: host,
		}}
		fact := &lineage.GroupFact{Ref: lineage.GroupRef{Group: group}, Type: kind, Members: []lineage.Member{{ClientID: host}, {ClientID: tx}, {ClientID: clientID}}}
		n, by := r.Resolve(c, a, lineage.Known{Group: fact})
		if back, err := lineage.ParseNodeID(n.ID()); err != nil || back != n {
			t.Fatalf("%q does not come back: %+v, %v", n.ID(), back, err)
		}
		slices.Reverse(fact.Members)
		if n2, by2 := mustNew(t, rules).Resolve(c, a, lineage.Known{Group: fact}); n2 != n || by2 != by {
			t.Fatalf("%+v by %q, and the other time %+v by %q", n, by, n2, by2)
		}
		if by == "" {
			t.Fatal("nothing says who decided")
		}
		r.Describe(n)
	})
}

func BenchmarkResolve(b *testing.B) {
	r := mustNew(b, Rules{Applications: []Rule{{ClientID: re(`^(shop-[a-z]+)-\d+$`), Name: "$1"}, {Principal: re(`^User:billing$`), Name: "billing"}}})
	a := access(lineage.Write, lineage.Client{ClientID: "orders-api-7d4b9c6f5d-x2x4q", Host: "/10.0.0.1"})
	b.ReportAllocs()
	for b.Loop() {
		r.Resolve(west, a, lineage.Known{})
	}
}
