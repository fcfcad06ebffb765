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
	writer := writes(orders, lineage.Client{ClientID: "a", Principal: "User:alice", Host: "/10.0.0.1"})
	for _, x := range []struct {
		name string
		fact *lineage.PermissionFact
		log  func(w *world)
		want string
	}{
		{"never read", nil, nil, "not known"},
		{"no authorizer", &lineage.PermissionFact{Open: true}, nil, "User:* ALL *: not known, open"},
		{
			"nobody sees who does", &lineage.PermissionFact{Rules: rules}, nil,
			"User:ops ALL *: not known, User:alice WRITE orders-: not known, User:* READ orders-eu: not known, User:alice WRITE orders-eu: not known, User:alice READ orders-eu: not known",
		},
		{"one is seen", &lineage.PermissionFact{Rules: rules}, func(w *world) {
			w.observe("west", "end-offsets", 9, sighted(writer, lineage.Telemetry, ""))
		}, "User:ops ALL *: not known, User:alice WRITE orders-: used, User:* READ orders-eu: not known, User:alice WRITE orders-eu: not known, User:alice READ orders-eu: not known"},
		{"all are seen", &lineage.PermissionFact{Rules: rules}, func(w *world) {
			for n := 1; n <= 10; n++ {
				w.observe("west", "authorizer-log", n, sighted(writer, lineage.AuthorizerLog, ""))
			}
		}, "User:ops ALL *: unused, User:alice WRITE orders-: used, User:* READ orders-eu: unused, User:alice WRITE orders-eu: unused, User:alice READ orders-eu: unused"},
		{"all are seen, but for a while", &lineage.PermissionFact{Rules: rules}, func(w *world) {
			for n := 1; n <= 10; n++ {
				if n == 6 {
					w.observe("west", "authorizer-log", n, missing("the file was gone"))
					continue
				}
				w.observe("west", "authorizer-log", n, sighted(writer, lineage.AuthorizerLog, ""))
			}
		}, "User:ops ALL *: not known, User:alice WRITE orders-: used, User:* READ orders-eu: not known, User:alice WRITE orders-eu: not known, User:alice READ orders-eu: not known"},
	} {
		w := newWorld(t)
		for n := 1; n <= 10; n++ {
			if n == 9 && x.name == "one is seen" {
				continue
			}
			fill := []filling{facts(clusterFact(1), topicFact(orders))}
			if x.fact != nil {
				fill = append(fill, facts(acls(x.fact)))
			}
			w.observe("west", "end-offsets", n, fill...)
		}
		if x.log != nil {
			x.log(w)
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
