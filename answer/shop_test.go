package answer_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const east lineage.ClusterID = "e4stZq2LQm-9xw"

// inEast is a topic of the other cluster.
func inEast(name string) lineage.Topic {
	t := topic(name)
	t.Cluster = east
	return t
}

func eastFact() lineage.Fact {
	f := clusterFact(1)
	f.Key.Source, f.Cluster = "east", &lineage.ClusterFact{ID: east, Brokers: 1, Controller: 1, Topics: 1, Groups: -1}
	return f
}

func eastTopic(name string) lineage.Fact {
	f := topicFact(inEast(name))
	f.Key.Source = "east"
	return f
}

func groupFact(g *lineage.GroupFact) lineage.Fact {
	return lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: g.Ref.Group}, Group: g}
}

// gone is the fact of what is no more.
func gone(f lineage.Fact) lineage.Fact { return lineage.Fact{Key: f.Key, Gone: true} }

func unidentified(name string) lineage.Node {
	return lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: name}
}

// shop is a world of two clusters over twenty rounds. In the west orders are written and read by billing, which is
// somewhat late, and by audit, whose members have left it far behind; payments are slower, and billing later there;
// quiet is only there; __consumer_offsets is Kafka's own; old was written until it was deleted in round 10. In the east
// there are orders too, and a reader of whom no lag is told.
func shop(t testing.TB) *world {
	w := newWorld(t)
	orders, payments, quiet, books, old := topic("orders"), topic("payments"), topic("quiet"), topic("__consumer_offsets"), topic("old")
	own := topicFact(books)
	own.Topic.Internal = true
	for n := 1; n <= 20; n++ {
		ends := []filling{
			w.moved(self(orders), lineage.NoEvidence, 100), w.moved(self(payments), lineage.NoEvidence, 10),
			w.moved(self(quiet), lineage.NoEvidence, 0), w.moved(self(books), lineage.NoEvidence, 7),
			level(self(orders), lineage.LogBytes, 5000), level(self(orders), lineage.Retained, 100),
		}
		producers := []filling{
			w.moved(writes(orders, producer(1)), lineage.ProducerState, 100), w.moved(writes(payments, producer(2)), lineage.ProducerState, 10),
			w.moved(writes(books, producer(3)), lineage.ProducerState, 7),
		}
		groups := []filling{
			w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 100), level(reads(orders, group("billing")), lineage.Lag, 5), level(reads(orders, group("billing")), lineage.Live, 1),
			w.moved(reads(payments, group("billing")), lineage.GroupOffsets, 10), level(reads(payments, group("billing")), lineage.Lag, 50), level(reads(payments, group("billing")), lineage.Live, 1),
			level(reads(orders, group("audit")), lineage.Lag, 5000), level(reads(orders, group("audit")), lineage.Live, 0),
		}
		if n <= 4 {
			groups = append(groups, w.moved(reads(orders, group("audit")), lineage.GroupOffsets, 1))
		}
		if n <= 8 {
			ends, producers = append(ends, w.moved(self(old), lineage.NoEvidence, 3)), append(producers, w.moved(writes(old, producer(4)), lineage.ProducerState, 3))
		}
		switch n {
		case 1:
			ends = append(ends, facts(clusterFact(5), topicFact(orders), topicFact(payments), topicFact(quiet), own, topicFact(old)))
			groups = append(groups, facts(groupFact(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: "billing"}, Type: "Classic", Protocol: "consumer", State: "Stable"})))
		case 10:
			ends = append(ends, facts(gone(topicFact(old))))
		}
		w.observe("west", "end-offsets", n, ends...)
		w.observe("west", "producers", n, producers...)
		w.observe("west", "groups", n, groups...)
		there := []filling{w.moved(self(inEast("orders")), lineage.NoEvidence, 20), w.moved(reads(inEast("orders"), group("replay")), lineage.GroupOffsets, 20)}
		if n == 1 {
			there = append(there, facts(eastFact(), eastTopic("orders")))
		}
		w.observe("east", "all", n, there...)
	}
	return w
}

// owned says who answers for nodes, by id.
type owned struct {
	people
	owners map[string]string
	tags   map[string][]string
}

func (o *owned) Describe(n lineage.Node) (string, []string) { return o.owners[n.ID()], o.tags[n.ID()] }

// shopkeepers are the owners of the shop.
var shopkeepers = &owned{
	owners: map[string]string{"topic:west/orders": "Team-Shop", "application:west/billing": "team-money", "topic:east/orders": "team-shop"},
	tags:   map[string][]string{"topic:west/payments": {"PCI", "tier-1"}, "application:west/billing": {"tier-1"}},
}

// shopAnswers answers of the shop, whose owners are known. north is configured, and was never reached.
func shopAnswers(w *world) *answer.Answers {
	return answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return shopkeepers },
		Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "east", Name: "east"}, {Source: "north", Name: "north"}},
	})
}

// inShop runs a test after the shop's last round, with the view of all of it.
func inShop(t *testing.T, test func(t *testing.T, a *answer.Answers, v *answer.View)) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t)
		time.Sleep(time.Until(round(20)))
		a := shopAnswers(w)
		test(t, a, view(t, a, answer.Between(round(0), round(20)), answer.All))
	})
}

// ids are the ids of nodes, without their clusters where that is the west.
func ids(nodes []lineage.Node) string {
	var out []string
	for _, n := range nodes {
		out = append(out, strings.Replace(n.ID(), ":west/", ":", 1))
	}
	return strings.Join(out, " ")
}

func found(t testing.TB, v *answer.View, s answer.Search) string {
	t.Helper()
	placed, err := v.Search(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []lineage.Node
	for _, p := range placed {
		nodes = append(nodes, p.Node)
	}
	return ids(nodes)
}

// sorted are the keys of a set.
func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }
