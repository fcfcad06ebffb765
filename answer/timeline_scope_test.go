package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// What is asked of a cluster that was never reached is not answered with what others do.
func TestTimelineOfNeverReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newChain(t)
		for n := 1; n <= 60; n++ {
			w.goesOn(n, "obim", happened(lineage.Event{Type: lineage.ConfigChanged, Topic: w.orders}))
		}
		time.Sleep(60*tick + time.Second)
		a := answer.New(answer.Options{History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "north", Name: "north"}}})
		x, err := a.Timeline(t.Context(), answer.Between(round(30), round(60)), answer.TimelineAsk{Cluster: "north", Buckets: 5}, answer.All)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range x.Buckets {
			if got := inFigures(b); got != "- 0.00" {
				t.Errorf("%s", got)
			}
		}
	})
}

// A root that is named twice is one.
func TestTimelineOfRootNamedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := timelineWorld(t)
		n := topicNode("orders")
		x, err := a.Timeline(t.Context(), answer.Between(round(66), round(78)), answer.TimelineAsk{Roots: []lineage.Node{n, n}, Buckets: 2}, answer.All)
		if err != nil {
			t.Fatal(err)
		}
		if got := inFigures(x.Buckets[1]); got != "10 1.00" || x.Nodes != 1 {
			t.Errorf("%s of %d", got, x.Nodes)
		}
	})
}

// What is lost of a source of one cluster is no event of another.
func TestTimelineOfSourcesElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stock := topic("stock")
		stock.Cluster = east
		for n := 1; n <= 60; n++ {
			var fill []filling
			if n == 1 {
				fill = append(fill, facts(clusterFact(1), topicFact(topic("orders"))))
			}
			w.observe("west", "ends", n, append(fill, w.moved(self(topic("orders")), lineage.NoEvidence, 10))...)
			fill = nil
			if n == 1 {
				fill = append(fill, facts(eastFact()))
			}
			if n == 40 {
				fill = append(fill, happened(lineage.Event{Type: lineage.SourceLost, Detail: "east/ends: no broker answers"}))
			}
			w.observe("east", "ends", n, append(fill, w.moved(self(stock), lineage.NoEvidence, 10))...)
		}
		time.Sleep(60*tick + time.Second)
		a := answer.New(answer.Options{History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "east", Name: "east"}}})
		for cluster, want := range map[string]int{"west": 0, "east": 1} {
			x, err := a.Timeline(t.Context(), answer.Between(round(30), round(60)), answer.TimelineAsk{Cluster: cluster, Buckets: 5}, answer.All)
			if err != nil {
				t.Fatal(err)
			}
			events := 0
			for _, b := range x.Buckets {
				for _, e := range b.Events {
					events += e.Count
				}
			}
			if events != want {
				t.Errorf("%s: %d", cluster, events)
			}
		}
	})
}

// A root of another cluster is none of the one that is asked for.
func TestTimelineOfRootElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := timelineWorld(t)
		stock := lineage.Node{Scope: "east", Kind: lineage.TopicNode, Name: "stock"}
		for cluster, want := range map[string]string{"west": "- 1.00", "east": "5 1.00"} {
			x, err := a.Timeline(t.Context(), answer.Between(round(96), round(108)), answer.TimelineAsk{Roots: []lineage.Node{stock}, Cluster: cluster, Buckets: 2}, answer.All)
			if err != nil {
				t.Fatal(err)
			}
			if got := inFigures(x.Buckets[1]); got != want {
				t.Errorf("%s: %s", cluster, got)
			}
		}
	})
}

// What is kept of timelines counts among what views hold.
func TestTimelinesAreWeighed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := timelineWorld(t)
		in := answer.Between(round(20), round(120))
		ask := func(root string) {
			if _, err := a.Timeline(t.Context(), in, answer.TimelineAsk{Roots: []lineage.Node{topicNode(root)}, Buckets: 100}, answer.All); err != nil {
				t.Fatal(err)
			}
		}
		ask("orders")
		before, views := a.Held()
		for _, root := range []string{"a", "b", "c", "d"} {
			ask(root)
		}
		after, same := a.Held()
		if views != same || after-before < 4*100*50 {
			t.Errorf("%d views hold %d bytes, and %d with four timelines more", same, before, after)
		}
	})
}
