package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A source that sees nothing for one reason after another sees nothing.
func TestFindingsOfBlindnessForChangingReasons(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newChain(t)
		for n := 1; n <= 120; n++ {
			if n <= 90 {
				w.goesOn(n, "obim")
			} else {
				w.observe("west", "all", n, missing([]string{"no broker answers", "connection refused"}[n%2]))
			}
		}
		time.Sleep(time.Until(round(120)))
		v := view(t, answers(w.store), answer.Between(round(60), round(120)), answer.All)
		want := "RISK UNOBSERVED west no broker answers 90\n4 unknown"
		found := findings(t, v, answer.FindingAsk{})
		if got := wrong(found); got != want || found.List[0].Observed != 0 {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

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

// Stacks and groups have no states of their own.
func TestGroupsHaveNoFlowStates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 60, 12)
		time.Sleep(60*tick + time.Second)
		v := view(t, answers(w.store), answer.Last(10*time.Minute), answer.All)
		g, walk, err := v.Grouped(t.Context(), answer.GroupByCluster, nil, false, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range walk.Nodes {
			states, err := g.Rows(walk.Nodes, nil).Node(n).FlowStates(t.Context())
			if err != nil || len(states) > 0 {
				t.Errorf("%s: %v, %v", n.ID(), states, err)
			}
		}
	})
}

// A source that sees a part is told from one that sees nothing, and keeps nothing else from being known.
func TestFindingsOfPartBlindness(t *testing.T) {
	for name, c := range map[string]struct {
		unseen string
		want   string
	}{
		"others":        {"else", "RISK UNOBSERVED west broker 2 does not answer 90"},
		"one of theirs": {"invoices", "RISK UNOBSERVED west broker 2 does not answer 90\n2 unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newChain(t)
				for n := 1; n <= 120; n++ {
					var fill []filling
					if n > 90 {
						fill = append(fill, func(o *lineage.Observation) {
							o.Missing = append(o.Missing, lineage.Missing{Reason: "broker 2 does not answer", Share: 0.25, Topics: []lineage.Topic{topic(c.unseen)}})
						})
					}
					w.goesOn(n, "obim", fill...)
				}
				time.Sleep(time.Until(round(120)))
				v := view(t, answers(w.store), answer.Between(round(60), round(120)), answer.All)
				found := findings(t, v, answer.FindingAsk{})
				if got := wrong(found); got != c.want || found.List[0].Observed != 0.75 {
					t.Errorf("got %v seen,\n%s\nwant\n%s", found.List[0].Observed, got, c.want)
				}
			})
		})
	}
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
