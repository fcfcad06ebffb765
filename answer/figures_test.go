package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// TestTotalsOutlastGaps scrapes what a topic appended through gaps of some rounds: what a gap hid comes with the first
// reading after it, no scrape tells less than the one before nor more than was appended, and after a reading it is all.
func TestTotalsOutlastGaps(t *testing.T) {
	for _, every := range []int{1, 2, 3, 5, 7, 50} {
		w := newWorld(t)
		orders := topic("orders")
		n, appended := 0, int64(0)
		a := answer.New(answer.Options{
			History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
			Now: func() time.Time { return round(n).Add(time.Second) },
		})
		see := func(fill ...filling) {
			n++
			w.observe("west", "end-offsets", n, fill...)
		}
		read := 0 // the round of the last reading
		good := func() {
			appended += 10
			see(since(read, w.moved(self(orders), lineage.NoEvidence, 10)))
			read = n
		}
		var totals answer.Totals
		var last float64
		scrape := func() float64 {
			v := view(t, a, answer.Span{}, answer.All)
			got, err := totals.Add(t.Context(), v)
			if err != nil {
				t.Fatal(err)
			}
			is := totalOf(got, topicNode("orders"))
			if is < last || is > float64(appended) {
				t.Errorf("every %d, round %d: %v after %v; %d were appended", every, n, is, last, appended)
			}
			last = is
			return is
		}
		see(facts(clusterFact(1), topicFact(orders)), w.moved(self(orders), lineage.NoEvidence, 10))
		for range 29 {
			see(w.moved(self(orders), lineage.NoEvidence, 10))
		}
		read = n
		scrape() // it counts from here
		for range 3 {
			good()
		}
		scrape()
		for _, gap := range []int{3, 1, 40, 4, 6, 9} {
			for range gap {
				appended += 10
				w.moved(self(orders), lineage.NoEvidence, 10) // it moves, and nobody sees it
				see(missing("down"))
				if n%every == 0 {
					scrape()
				}
			}
			for range 100 {
				good()
				if n%every == 0 {
					if is := scrape(); is != float64(appended) {
						t.Errorf("every %d, round %d, after a gap of %d: %v of %d", every, n, gap, is, appended)
					}
				}
			}
		}
	}
}

// TestTotalsOfASlowSource scrapes in every round what is read in every third, late by some seconds, and with a gap:
// each reading counts once and wholly.
func TestTotalsOfASlowSource(t *testing.T) {
	w := newWorld(t)
	orders := topic("orders")
	n := 0
	a := answer.New(answer.Options{
		History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		Now: func() time.Time { return round(n).Add(5 * time.Second) },
	})
	slow := func(o *lineage.Observation) { o.Interval, o.At = 3*tick, o.At.Add(time.Duration(n%5)*time.Second) }
	w.observe("west", "end-offsets", 0, facts(clusterFact(1), topicFact(orders)), w.moved(self(orders), lineage.NoEvidence, 7), slow)
	var totals answer.Totals
	var last float64
	read, begun, seen := 0.0, false, 0
	for n = 1; n <= 120; n++ {
		w.observe("west", "groups", n)
		if n%3 == 0 {
			move := since(seen, w.moved(self(orders), lineage.NoEvidence, 7))
			if n > 60 && n < 75 {
				move = missing("down")
			} else {
				seen = n
			}
			w.observe("west", "end-offsets", n, move, slow)
		}
		if n < 30 {
			continue
		}
		v := view(t, a, answer.Span{}, answer.All)
		got, err := totals.Add(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if begun && n%3 == 0 {
			read += 7
		}
		begun = true
		is := totalOf(got, topicNode("orders"))
		if is < last || is > read || n%3 == 0 && (n <= 60 || n >= 75) && is != read {
			t.Errorf("round %d: %v after %v, of %v that were read", n, is, last, read)
		}
		last = is
	}
}

// since says that a counter was last read in round n.
func since(n int, f filling) filling {
	return func(o *lineage.Observation) {
		f(o)
		o.Samples[len(o.Samples)-1].Since = round(n)
	}
}

func totalOf(all []answer.Total, topic lineage.Node) float64 {
	for _, t := range all {
		if t.Topic == topic {
			return t.Records
		}
	}
	return 0
}

// TestLagOfAWholeGroup has a group that commits on one topic, and whose member has another assigned on which it never
// committed: how far it is behind in all nobody knows, be it nothing on the one.
func TestLagOfAWholeGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders, payments := topic("orders"), topic("payments")
		fill := []filling{facts(clusterFact(1), topicFact(orders), topicFact(payments))}
		for _, name := range []string{"both", "half"} {
			x := reads(orders, group(name))
			fill = append(fill, w.moved(x, lineage.GroupOffsets, 1), level(x, lineage.Lag, 0), level(x, lineage.LagMillis, 0))
		}
		also := reads(payments, group("both"))
		fill = append(fill, w.moved(also, lineage.GroupOffsets, 1), level(also, lineage.Lag, 7), level(also, lineage.LagMillis, 500),
			sighted(reads(payments, lineage.Client{Group: "half", Member: "m-1"}), lineage.GroupMembership, ""))
		w.observe("west", "all", 1, fill...)
		time.Sleep(time.Until(round(1)))
		v := view(t, answers(w.store), answer.Between(round(0), round(1)), answer.All)
		groups, lags, err := v.GroupLags(t.Context())
		if err != nil || len(groups) != 2 || len(lags) != 4 {
			t.Fatalf("%v, %v, %v", groups, lags, err)
		}
		if g := groups[0]; g.Group != "both" || g.Records == nil || *g.Records != 7 || g.Seconds == nil || *g.Seconds != 0.5 {
			t.Errorf("%s is behind by %v", g.Group, known(g.Records))
		}
		if g := groups[1]; g.Group != "half" || g.Records != nil || g.Seconds != nil {
			t.Errorf("%s is behind by %s records and %s s, of a topic that nobody told of", g.Group, known(g.Records), known(g.Seconds))
		}
		for name, want := range map[string]string{"both": "7", "half": "null"} {
			lag, err := v.Rows([]lineage.Node{application(name)}, nil).Node(application(name)).Groups()[0].Lag(t.Context())
			if got := known(lag); err != nil || got != want {
				t.Errorf("%s is behind by %s, %v, want %s", name, got, err, want)
			}
		}
	})
}

// TestLagOfReplicators has a replicator that copies two topics, and of which it is known only of one how far it is
// behind; whose a group is is told beside it.
func TestLagOfReplicators(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders, payments := topic("orders"), topic("payments")
		mover := lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"}
		far, near := reads(orders, by(mover)), reads(payments, by(mover))
		w.observe("west", "all", 1, facts(clusterFact(1), topicFact(orders), topicFact(payments), replicatorFact("west", mover, lineage.ReplicatorFact{Source: west})),
			w.moved(far, lineage.Mirror, 5), level(far, lineage.Lag, 12), level(far, lineage.LagMillis, 2500), w.moved(near, lineage.Mirror, 5),
			w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 1))
		time.Sleep(time.Until(round(1)))
		v := view(t, answers(w.store), answer.Between(round(0), round(1)), answer.All)
		lags, err := v.CopyLags(t.Context())
		if err != nil || len(lags) != 2 {
			t.Fatalf("%v, %v", lags, err)
		}
		if l := lags[0]; l.Replicator != mover || l.Topic != topicNode("orders") || l.Records == nil || *l.Records != 12 || l.Seconds == nil || *l.Seconds != 2.5 {
			t.Errorf("%+v", l)
		}
		if l := lags[1]; l.Topic != topicNode("payments") || l.Records != nil || l.Seconds != nil {
			t.Errorf("of a topic of which it is not known: %+v", l)
		}
		groups, _, err := v.GroupLags(t.Context())
		if err != nil || len(groups) != 1 || len(groups[0].Nodes) != 1 || groups[0].Nodes[0] != application("billing") {
			t.Errorf("%+v, %v", groups, err)
		}
	})
}
