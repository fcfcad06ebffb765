package api_test

import (
	"fmt"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// nameless is a world of thirty rounds in which nobody names who writes alerts: fraud reads payments, which come in
// bursts, and writes an alert for every tenth; it is restarted once. audit reads the same at its leisure. The desk may
// write alerts, and was never seen. Who writes payments evenly has no name either, and leaves no trace.
func nameless(t testing.TB) *world {
	w := newWorld(t)
	payments, alerts, ticks := topic(west, "payments", 1), topic(west, "alerts", 2), topic(west, "ticks", 3)
	member := func(name string, life int) lineage.Client {
		return lineage.Client{Group: name, Member: fmt.Sprintf("%s-%d", name, life), ClientID: name, Host: "/10.0.0.1", Principal: "User:" + name}
	}
	for n := 1; n <= 30; n++ {
		burst, life := int64(100+(n*n*37)%400), 1
		if n > 15 {
			life = 2
		}
		var fill []func(*lineage.Observation)
		if n == 1 {
			rules := []lineage.Permission{
				{Topic: "alerts", Principal: "User:desk", Host: "*", Operation: "WRITE", Allowed: true},
				{Topic: "alerts", Principal: "User:fraud", Host: "*", Operation: "WRITE", Allowed: true},
			}
			fill = append(fill, facts(
				clusterFact("west", west, 3, 2), topicFact("west", payments), topicFact("west", alerts), topicFact("west", ticks),
				groupFact("fraud", "Classic", "Stable"), groupFact("audit", "Classic", "Stable"),
				lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.PermissionFacts}, Permission: &lineage.PermissionFact{Rules: rules}},
			))
		}
		fill = append(fill,
			w.moved(self(payments), lineage.NoEvidence, burst), w.moved(self(alerts), lineage.NoEvidence, burst/10), w.moved(self(ticks), lineage.NoEvidence, 50),
			w.moved(writes(payments, lineage.Client{TransactionalID: "till"}), lineage.Transaction, burst),
			w.moved(writes(alerts, producer(int64(4+life))), lineage.ProducerState, burst/10), w.moved(writes(ticks, producer(9)), lineage.ProducerState, 50),
		)
		w.observe("west", "end-offsets", n, fill...)
		w.observe("west", "groups", n,
			w.moved(reads(payments, group("fraud")), lineage.GroupOffsets, burst), w.moved(reads(payments, group("audit")), lineage.GroupOffsets, int64(150+(n*71)%100)),
			sighted(reads(payments, member("fraud", life)), lineage.GroupMembership, ""), sighted(reads(payments, member("audit", 1)), lineage.GroupMembership, ""))
	}
	return w
}
