package answer_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// TestPermitted holds who may against who did: what nobody saw is not known, and not unused.
func TestPermitted(t *testing.T) {
	orders := topic("orders-eu")
	rules := []lineage.Permission{
		{Topic: "*", Principal: "User:ops", Host: "*", Operation: "ALL", Allowed: true},
		{Topic: "orders", Principal: "User:other", Host: "*", Operation: "READ", Allowed: true}, // another topic
		{Topic: "orders-", Prefixed: true, Principal: "User:alice", Host: "*", Operation: "WRITE", Allowed: true},
		{Topic: "orders-eu", Principal: "User:*", Host: "*", Operation: "READ", Allowed: true},
		{Topic: "orders-eu", Principal: "User:alice", Host: "10.0.0.9", Operation: "WRITE", Allowed: true},
		{Topic: "orders-eu", Principal: "User:alice", Host: "*", Operation: "READ", Allowed: false},
	}
	acls := func(f *lineage.PermissionFact) lineage.Fact {
		return lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.PermissionFacts}, Permission: f}
	}
	alice := writes(orders, lineage.Client{ClientID: "a", Principal: "User:alice", Host: "/10.0.0.1"})
	nameless := writes(orders, producer(7))
	entries := &lineage.PermissionFact{Rules: rules}
	usedOf := func(used ...any) string {
		return fmt.Sprintf("User:ops ALL *: %s, User:alice WRITE orders-: %s, User:* READ orders-eu: %s, User:alice WRITE orders-eu: %s, User:alice READ orders-eu: %s", used...)
	}
	for _, x := range []struct {
		name string
		fact *lineage.PermissionFact
		each func(w *world, n int) []filling // of each round
		want string
	}{
		{"never read", nil, nil, "not known"},
		{"no authorizer", &lineage.PermissionFact{Open: true}, nil, "User:* ALL *: not known, open"},
		{"nobody wrote", entries, func(w *world, _ int) []filling {
			return []filling{w.moved(self(orders), lineage.NoEvidence, 0)}
		}, usedOf("not known", "unused", "not known", "unused", "not known")},
		{"one wrote", entries, func(w *world, _ int) []filling {
			return []filling{w.moved(alice, lineage.Telemetry, 5)}
		}, usedOf("not known", "used", "not known", "unused", "not known")},
		{"one wrote, from a host that nobody tells", entries, func(w *world, _ int) []filling {
			return []filling{w.moved(writes(orders, lineage.Client{ClientID: "a", Principal: "User:alice"}), lineage.Telemetry, 5)}
		}, usedOf("not known", "used", "not known", "not known", "not known")},
		{"one whose principal is not known", entries, func(w *world, _ int) []filling {
			return []filling{w.moved(nameless, lineage.ProducerState, 5)}
		}, usedOf("not known", "not known", "not known", "not known", "not known")},
		{"both", entries, func(w *world, _ int) []filling {
			return []filling{w.moved(alice, lineage.Telemetry, 5), w.moved(nameless, lineage.ProducerState, 5)}
		}, usedOf("not known", "used", "not known", "not known", "not known")},
		{"nobody was seen to write, and nobody looked whether it grew", entries, nil, usedOf("not known", "not known", "not known", "not known", "not known")},
		{"nobody was seen to write, and for a while nobody looked", entries, func(_ *world, n int) []filling {
			if n == 6 {
				return []filling{missing("a broker did not answer")}
			}
			return nil
		}, usedOf("not known", "not known", "not known", "not known", "not known")},
		{"one read", entries, func(w *world, _ int) []filling {
			return []filling{w.moved(self(orders), lineage.NoEvidence, 0), w.moved(reads(orders, lineage.Client{ClientID: "o", Principal: "User:ops"}), lineage.Telemetry, 5)}
		}, usedOf("used", "unused", "used", "unused", "not known")},
		{"it grew, and nobody is known to have written", entries, func(w *world, _ int) []filling {
			return []filling{w.moved(self(orders), lineage.NoEvidence, 5)}
		}, usedOf("not known", "not known", "not known", "not known", "not known")},
		{"it is out of sight", entries, func(_ *world, n int) []filling {
			hidden := topicFact(orders)
			if hidden.Topic.Unseen = "its name is not told any more"; n < 4 {
				return nil
			}
			return []filling{facts(hidden)}
		}, usedOf("not known", "not known", "not known", "not known", "not known")},
	} {
		w := newWorld(t)
		for n := 1; n <= 10; n++ {
			fill := []filling{facts(clusterFact(1), topicFact(orders))}
			if x.fact != nil {
				fill = append(fill, facts(acls(x.fact)))
			}
			if x.each != nil {
				fill = append(fill, x.each(w, n)...)
			}
			w.observe("west", "end-offsets", n, fill...)
		}
		a := answer.New(answer.Options{
			History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
			Now: func() time.Time { return round(10).Add(time.Second) },
		})
		got := "not known"
		if all, ok := view(t, a, answer.Between(round(2), round(10)), answer.All).Permitted(topicNode("orders-eu")); ok {
			got = ""
			for _, p := range all {
				used := "not known"
				if p.Used != nil {
					used = map[bool]string{true: "used", false: "unused"}[*p.Used]
				}
				if got != "" {
					got += ", "
				}
				got += fmt.Sprintf("%s %s %s: %s", p.Principal, p.Operation, p.Topic, used)
				if p.Open {
					got += ", open"
				}
			}
		}
		if got != x.want {
			t.Errorf("%s: %s\nwant %s", x.name, got, x.want)
		}
	}
}
