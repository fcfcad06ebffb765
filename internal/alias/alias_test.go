package alias_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/lineage"
)

// known are three clusters: west by a list and what its brokers advertise, east, and one that was not reached yet.
func known() []lineage.KnownCluster {
	return []lineage.KnownCluster{
		{Source: "west", ID: "W-1", Reported: "W-1", Bootstrap: []string{"B1:9092", "b2:9092"}, Advertised: []string{"10.0.0.1:9092", "b1.example.com:9093", "[fd00::1]:9092", "shared:9092"}, Topics: []string{"lines", "orders"}},
		{Source: "east", ID: "lkc-9", Reported: "lkc-9", Bootstrap: []string{"e1:9092"}, Advertised: []string{"shared:9092"}, Topics: []string{"west.orders"}},
		{Source: "new", Bootstrap: []string{"n1:9092"}},
	}
}

// told is an answer in a line.
func told(a alias.Answer) string {
	if a.Told() {
		return fmt.Sprintf("%s by %s %s", a.Cluster, a.How, a.Matched)
	}
	return fmt.Sprintf("%s %v: %s; %s", a.Problem, a.Candidates, a.Why, a.Rule)
}

// The spellings of reference/openlineage.md, section 7: each is the cluster, or is named with what would settle it.
func TestSpellingsOfTheReference(t *testing.T) {
	r := alias.New(known(), []lineage.ClusterRule{{Spelling: "kafka://prod-kafka", Cluster: "west"}, {Spelling: "kafka://unknown:unknown", From: "inventory", Cluster: "east"}})
	f := func(spelling, from, want string) {
		t.Helper()
		if got := told(r.Resolve(alias.Question{Spelling: spelling, From: from})); got != want {
			t.Errorf("%q from %q is\n  %s, not\n  %s", spelling, from, got, want)
		}
	}
	f("kafka://b1:9092", "", "west by CONFIGURED b1:9092")                         // the specification, Flink, Spark
	f("kafka://b1:9092 ", "", "west by CONFIGURED b1:9092")                        // Flink does not trim
	f("kafka://b1.example.com:9093", "", "west by ADVERTISED b1.example.com:9093") // by what Kafka says
	f("kafka://b1:9092,b2:9092", "", "west by CONFIGURED b1:9092")                 // Debezium: the whole list
	f("kafka://gone:9092;b2:9092", "", "west by CONFIGURED b2:9092")
	f("kafka://unknown:unknown", "inventory", "east by RULE kafka://unknown:unknown")
	f("kafka://unknown:unknown", "other", `NO_ADDRESS []: it names no address: "unknown:unknown"; cluster_aliases: [{spelling: 'kafka://unknown:unknown', from: 'other', cluster: 'NAME'}]`)
	// Spark, SASL_SSL://
	f("kafka://null:-1", "job", `NO_ADDRESS []: it names no address: "null:-1"; cluster_aliases: [{spelling: 'kafka://null:-1', from: 'job', cluster: 'NAME'}]`)
	// Flink, null
	f("kafka://", "job", `NO_ADDRESS []: it names no address; cluster_aliases: [{spelling: 'kafka://', from: 'job', cluster: 'NAME'}]`)
	// a resolver of namespaces
	f("kafka://prod-kafka", "", "west by RULE kafka://prod-kafka")
	f("kafka://test-kafka", "", `NOT_WATCHED []: no watched cluster has that name or id, and it holds no port; cluster_aliases: [{spelling: 'kafka://test-kafka', cluster: 'NAME'}]`)
	f("confluent://env-1/lkc-9", "", "east by CLUSTER_ID lkc-9") // lineage-bridge
	f("confluent://env-1/lkc-8", "", `NOT_WATCHED []: no watched cluster has that name or id, and it holds no port; cluster_aliases: [{spelling: 'confluent://env-1/lkc-8', cluster: 'NAME'}]`)
	f("urn:li:dataset:(urn:li:dataPlatform:kafka,east.orders.v1,PROD)", "", "east by NAME east")
	f("urn:li:dataset:(urn:li:dataPlatform:kafka,west.orders,PROD)", "", `AMBIGUOUS [east west]: it may be the topic "orders" of the instance "west", or the topic "west.orders" of "east"; cluster_aliases: [{spelling: 'urn:li:dataset:(urn:li:dataPlatform:kafka,west.orders,PROD)', cluster: 'NAME'}]`)
	f("urn:li:dataset:(urn:li:dataPlatform:kafka,orders,PROD)", "", `NO_ADDRESS []: a URN without a platform instance names no cluster; cluster_aliases: [{spelling: 'urn:li:dataset:(urn:li:dataPlatform:kafka,orders,PROD)', cluster: 'NAME'}]`)
	// OpenMetadata
	f("kafka_service.orders", "", `NOT_WATCHED []: no watched cluster has that name or id, and it holds no port; cluster_aliases: [{spelling: 'kafka_service.orders', cluster: 'NAME'}]`)
}

func TestSpellings(t *testing.T) {
	r := alias.New(known(), nil)
	f := func(spelling, want string) {
		t.Helper()
		if got, _, _ := strings.Cut(told(r.Resolve(alias.Question{Spelling: spelling})), ": "); got != want {
			t.Errorf("%q is %s, not %s", spelling, got, want)
		}
	}
	f("SASL_SSL://b1:9092", "west by CONFIGURED b1:9092")
	f("kafka://SASL_SSL://B1:9092/", "west by CONFIGURED b1:9092")
	f("EXTERNAL://e1:9092,INTERNAL://e2:9092", "east by CONFIGURED e1:9092")
	f(" b9:9092 , b2:09092 ", "west by CONFIGURED b2:9092")
	f("b1.example.com.:9093", "west by ADVERTISED b1.example.com:9093")
	f("kafka://[FD00:0::1]:9092", "west by ADVERTISED [fd00::1]:9092")
	f("kafka://user:se,c/r@t@b1:9092", "west by CONFIGURED b1:9092")
	f("kafka://WEST", "west by NAME WEST")
	f("W-1", "west by CLUSTER_ID W-1")
	f("w-1", "NOT_WATCHED []") // an id is spelled exactly
	f("kafka://n1:9092", "new by CONFIGURED n1:9092")
	f("kafka://shared:9092", "AMBIGUOUS [east west]")
	f("kafka://b1:9092,e1:9092", "AMBIGUOUS [east west]")
	f("kafka://b1:9093", "NOT_WATCHED [west]") // the host is known, the port is not
	f("kafka://b1", "NOT_WATCHED [west]")
	f("kafka://b1:99999", "NO_ADDRESS []")
	f("${file:/etc/kafka:servers}", "NO_ADDRESS []")
	f("", "NO_ADDRESS []")
	f("postgres://b1:9092", "NOT_KAFKA []")
	f("urn:li:dataset:(urn:li:dataPlatform:hive,west.orders,PROD)", "NOT_KAFKA []")
	f(strings.Repeat("x", 10_000), "NO_ADDRESS []")
}

func TestNameBesidesAddresses(t *testing.T) {
	r := alias.New(known(), nil)
	f := func(q alias.Question, want string) {
		t.Helper()
		if got, _, _ := strings.Cut(told(r.Resolve(q)), ": "); got != want {
			t.Errorf("%+v is %s, not %s", q, got, want)
		}
	}
	f(alias.Question{Name: "east"}, "east by NAME east")
	f(alias.Question{Spelling: "far:1", Name: "east"}, "east by NAME east")
	// an address says more than a name
	f(alias.Question{Spelling: "b1:9092", Name: "east"}, "west by CONFIGURED b1:9092")
	f(alias.Question{Spelling: "shared:9092", Name: "east"}, "east by NAME east")
	f(alias.Question{Spelling: "shared:9092", Name: "new"}, "AMBIGUOUS [east west]") // of which it is none
	f(alias.Question{Spelling: "far:1", Name: "lost"}, "NOT_WATCHED []")
}

// kafka:9092 is an address of every docker-compose file: it is a cluster's own only where that has the topics.
func TestLocalAddressesNeedTheirTopics(t *testing.T) {
	r := alias.New(known(), nil)
	f := func(spelling string, topics []string, want string) {
		t.Helper()
		if got, _, _ := strings.Cut(told(r.Resolve(alias.Question{Spelling: spelling, Topics: topics})), ": "); got != want {
			t.Errorf("%q with %v is %s, not %s", spelling, topics, got, want)
		}
	}
	f("kafka://b1:9092", []string{"orders", "gone"}, "west by CONFIGURED b1:9092")
	f("kafka://b1:9092", []string{"strange"}, "CONFLICTING [west]")
	f("kafka://10.0.0.1:9092", []string{"strange"}, "CONFLICTING [west]")
	f("kafka://b1.example.com:9093", []string{"strange"}, "west by ADVERTISED b1.example.com:9093")
	f("kafka://n1:9092", []string{"strange"}, "new by CONFIGURED n1:9092") // whose topics are not known
	// a name besides is no answer to that: another network's may have the same
	for name, want := range map[string]string{"west": "CONFLICTING [west]", "east": "CONFLICTING [west]"} {
		if got, _, _ := strings.Cut(told(r.Resolve(alias.Question{Spelling: "kafka://b1:9092", Name: name, Topics: []string{"strange"}})), ": "); got != want {
			t.Errorf("of %s it is %s, not %s", name, got, want)
		}
	}
}

func TestRules(t *testing.T) {
	r := alias.New(known(), []lineage.ClusterRule{
		{Spelling: "kafka:9092", Cluster: "west"}, {Spelling: "kafka:9092", From: "jobs-east", Cluster: "east"}, {Spelling: "b1:9092", From: "lab", Cluster: "new"}, {Spelling: "old", Cluster: "gone"},
	})
	f := func(spelling, from, want string) {
		t.Helper()
		if got, _, _ := strings.Cut(told(r.Resolve(alias.Question{Spelling: spelling, From: from, Topics: []string{"strange"}})), ": "); got != want {
			t.Errorf("%q from %q is %s, not %s", spelling, from, got, want)
		}
	}
	f("kafka://kafka:9092", "jobs-east", "east by RULE kafka:9092") // one for the sender counts first
	f("kafka://kafka:9092,k2:9092", "anybody", "west by RULE kafka:9092")
	f("kafka://b1:9092", "lab", "new by RULE b1:9092") // and before what Kafka says
	f("kafka://old", "", "BAD_RULE []")
}

// A suggested rule settles what it was suggested for.
func TestSuggestedRuleSettlesIt(t *testing.T) {
	for _, spelling := range []string{
		"kafka://unknown:unknown", "kafka://null:-1", "kafka://", "kafka://shared:9092", "kafka://x1:1,x2:2", "kafka://prod", "it's\nodd", "confluent://a/b",
		"urn:li:dataset:(urn:li:dataPlatform:kafka,west.orders,PROD)",
	} {
		q := alias.Question{Spelling: spelling, From: "o'job"}
		a := alias.New(known(), nil).Resolve(q)
		if a.Told() || a.Rule == "" {
			t.Errorf("%q is %s", spelling, told(a))
			continue
		}
		rules := rulesOf(t, a.Rule)
		rules[0].Cluster = "west"
		if a := alias.New(known(), rules).Resolve(q); a.Cluster != "west" || a.How != alias.ByRule {
			t.Errorf("with %v %q is %s", rules, spelling, told(a))
		}
	}
}

// Of any clusters with any addresses: one that two have is neither's, whatever stands beside it, and whose it alone is
// does not depend on the order in which clusters are configured.
func TestTwoClustersWithOneAddressNeverMerge(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		var all []lineage.KnownCluster
		owners := map[string][]string{}
		for i := range 2 + rnd.IntN(3) {
			c := lineage.KnownCluster{Source: fmt.Sprintf("c%d", i), ID: lineage.ClusterID(fmt.Sprint(i))}
			for range 1 + rnd.IntN(3) {
				a := fmt.Sprintf("h%d:9092", rnd.IntN(6))
				if rnd.IntN(2) == 0 {
					c.Bootstrap = append(c.Bootstrap, a)
				} else {
					c.Advertised = append(c.Advertised, a)
				}
				if !slices.Contains(owners[a], c.Source) {
					owners[a] = append(owners[a], c.Source)
				}
			}
			all = append(all, c)
		}
		turned := slices.Clone(all)
		slices.Reverse(turned)
		for a, has := range owners {
			for _, clusters := range [][]lineage.KnownCluster{all, turned} {
				got := alias.New(clusters, nil).Resolve(alias.Question{Spelling: "kafka://" + a + ",nowhere:1"})
				if len(has) == 1 && got.Cluster != has[0] || len(has) > 1 && (got.Told() || !slices.Equal(got.Candidates, has)) {
					t.Fatalf("seed %d: %s of %v is %s", seed, a, has, told(got))
				}
			}
		}
	}
}

// A cluster that is configured twice is one, whichever of its addresses is spelled.
func TestOneClusterUnderTwoNames(t *testing.T) {
	r := alias.New([]lineage.KnownCluster{{Source: "a", ID: "X", Bootstrap: []string{"a:1"}, Advertised: []string{"b:1"}}, {Source: "b", ID: "X", Bootstrap: []string{"b:1"}}}, nil)
	for _, s := range []string{"a:1", "b:1", "b", "X"} {
		if a := r.Resolve(alias.Question{Spelling: s}); a.Cluster != "a" {
			t.Errorf("%q is %s", s, told(a))
		}
	}
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{"kafka://b1:9092,b2:9092", "kafka://null:-1", "SASL_SSL://u:geheim@b1:9093", "urn:li:dataset:(urn:li:dataPlatform:kafka,a.b.c,PROD)", "confluent://e/l", "[::1]:9", "\xff,:,;"} {
		f.Add(s)
	}
	r := alias.New(known(), []lineage.ClusterRule{{Spelling: "prod", Cluster: "west"}})
	f.Fuzz(func(t *testing.T, s string) {
		a := r.Resolve(alias.Question{Spelling: s, From: "x"})
		if a.Told() == (a.Problem != "") || a.Told() == (a.Why != "") {
			t.Errorf("%q is %+v", s, a)
		}
		secret := alias.New(known(), nil).Resolve(alias.Question{Spelling: "kafka://u:geheim" + s + "@b1:9092"})
		if secret.Cluster != "west" || strings.Contains(fmt.Sprint(secret), "geheim") {
			t.Errorf("with a password %q is %+v", s, secret)
		}
	})
}
