package identity

import (
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

func TestAlike(t *testing.T) {
	r := mustNew(t, Rules{})
	app := func(scope, name string, u lineage.Usage) lineage.Usage {
		u.Node = lineage.Node{Scope: scope, Kind: lineage.ApplicationNode, Name: name}
		return u
	}
	reader := func(name string) lineage.Usage {
		return app("shop", name, lineage.Usage{Reads: true, Groups: []string{name}})
	}
	writer := func(name string) lineage.Usage {
		return app("shop", name, lineage.Usage{Writes: true, Transactionals: []string{name + "-1", name + "-2"}})
	}
	f := func(what string, all []lineage.Usage, want ...string) {
		t.Helper()
		var got []string
		for _, p := range r.Alike(all) {
			got = append(got, p.A.Name+" & "+p.B.Name)
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	f("roles and spelling apart", []lineage.Usage{writer("refund_writer"), reader("Refund-Reader")}, "Refund-Reader & refund_writer")
	f("another name", []lineage.Usage{reader("refund-reader"), writer("returns-writer")})
	f("a digit is another name", []lineage.Usage{reader("etl-1-reader"), writer("etl-2-writer")})
	f("nothing but roles", []lineage.Usage{reader("consumer-group"), writer("producer")})
	f("three of them", []lineage.Usage{reader("a-reader"), writer("a-writer"), reader("a-consumer")})
	f("nobody's name", []lineage.Usage{reader("anonymous"), writer("anonymous-writer"), reader("demo-reader"), writer("demo-writer"), reader("test"), writer("test-writer")}, "demo-reader & demo-writer")
	f("both read", []lineage.Usage{reader("a-reader"), reader("a-consumer")})
	both := writer("a-writer")
	both.Reads = true
	f("one reads and writes", []lineage.Usage{reader("a-reader"), both})
	f("another environment", []lineage.Usage{reader("a-reader"), app("test", "a-writer", lineage.Usage{Writes: true, ClientIDs: []string{"a-writer"}})})
	f("a stream job", []lineage.Usage{reader("a-reader"), {Node: lineage.Node{Scope: "shop", Kind: lineage.StreamJobNode, Name: "a-writer"}, Writes: true}})
	f("a writer that no rule could name", []lineage.Usage{reader("a-reader"), app("shop", "a-writer", lineage.Usage{Writes: true})})
}

// A group that is made for each run is known by what its runs share.
func TestAlikeRuleOfRuns(t *testing.T) {
	reader := lineage.Usage{Node: lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "refund-reader"}, Reads: true, Groups: []string{"refund-reader-" + id1, "refund-reader-" + id2}}
	writer := lineage.Usage{Node: lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "refund-writer"}, Writes: true, Transactionals: []string{"refund-writer-1"}}
	pairs := mustNew(t, Rules{}).Alike([]lineage.Usage{reader, writer})
	if len(pairs) != 1 || !strings.Contains(pairs[0].Rule, "{group: '^refund-reader[-_.:@#/].*$'}") {
		t.Errorf("%+v", pairs)
	}
}

// The rule that is offered makes them one, the instances to come too.
func TestAlikeRuleJoins(t *testing.T) {
	reader := lineage.Usage{Node: lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "refund.reader"}, Reads: true, Groups: []string{"refund.reader"}}
	writer := lineage.Usage{Node: lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "refund-writer"}, Writes: true, Transactionals: []string{"refund-writer-1"}}
	pairs := mustNew(t, Rules{}).Alike([]lineage.Usage{reader, writer})
	if len(pairs) != 1 {
		t.Fatalf("%d pairs", len(pairs))
	}
	rule := func(at string) string { // the value after a key in the YAML, between quotes
		_, rest, _ := strings.Cut(pairs[0].Rule, at)
		value, _, _ := strings.Cut(strings.TrimPrefix(rest, "'"), "'")
		return value
	}
	r := mustNew(t, Rules{Applications: []Rule{
		{Group: re(rule("group: ")), Name: rule("name: ")}, {TransactionalID: re(rule("transactional_id: ")), Name: rule("name: ")},
	}})
	cluster := lineage.Cluster{Name: "west", Environment: "shop"}
	name := func(c lineage.Client) string {
		n, _ := r.Resolve(cluster, lineage.Access{Topic: lineage.Topic{Name: "t"}, Op: lineage.Write, Client: c}, lineage.Known{})
		return n.Name
	}
	for _, c := range []lineage.Client{{Group: "refund.reader"}, {TransactionalID: "refund-writer-1"}, {TransactionalID: "refund-writer-7"}} {
		if got := name(c); got != "refund" {
			t.Errorf("%+v is %q after the rule:\n%s", c, got, pairs[0].Rule)
		}
	}
	if got := name(lineage.Client{Group: "refundXreader"}); got == "refund" {
		t.Errorf("the rule takes in %q:\n%s", "refundXreader", pairs[0].Rule)
	}
}
