package answer_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// partly is a world in which a program writes to two topics: to one of them without a name, where a transactional
// producer's count may hold what it wrote. In rounds 3 to 5 it is not known what it wrote there.
func partly(t *testing.T) (batch lineage.Node, a *answer.Answers) {
	t.Helper()
	w := newWorld(t)
	orders, returns := topic("orders"), topic("returns")
	rest, most, exact, other := int64(0), int64(0), int64(0), int64(0)
	for n := 1; n <= 8; n++ {
		rest += []int64{4, 0, 0, 0, 0, 4, 0, 0}[n-1]
		hides := []int64{0, 0, 3, 0, 3, 3, 0, 0}[n-1]
		most += hides
		other += []int64{10, 10, 10, 0, 0, 10, 0, 0}[n-1]
		exact += 10
		pay := lineage.Sample{Subject: writes(orders, lineage.Client{TransactionalID: "pay-1"}), Metric: lineage.Records, Evidence: lineage.Transaction, Value: most, Estimated: hides > 0}
		w.observe("west", "all", n, facts(clusterFact(1), topicFact(orders), topicFact(returns)),
			counts(self(orders), lineage.Appended, lineage.NoEvidence, int64(20*n)), counts(self(returns), lineage.Appended, lineage.NoEvidence, int64(20*n)),
			counts(writes(orders, lineage.Client{Kind: lineage.Remainder}), lineage.Records, lineage.EndOffsets, rest),
			counts(writes(returns, lineage.Client{ClientID: "rdkafka", Producer: lineage.KnownProducer(8)}), lineage.Records, lineage.ProducerState, other),
			counts(reads(returns, group("billing")), lineage.Records, lineage.GroupOffsets, exact),
			func(o *lineage.Observation) { o.Samples = append(o.Samples, pay) },
		)
	}
	time.Sleep(time.Until(round(8)) + time.Second)
	who := resolver(t, identity.Rule{Unidentified: regexp.MustCompile("^west/orders$"), Name: "batch"}, identity.Rule{ClientID: regexp.MustCompile("^rdkafka$"), Name: "batch"})
	a = answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
	return lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: "batch"}, a
}

// least spells a value of which more may have moved.
func least(x *float64, of float64, more bool) string {
	switch {
	case x == nil && more:
		return "?+"
	case x == nil:
		return "?"
	case more:
		return spell(new(*x*of)) + "+"
	}
	return spell(new(*x * of))
}

// A step of a sum is no less than its known parts say where one is not known, and not known where these rested; where
// one may be more than it is counted, so may the sum.
func TestStepsOfSumsThatLackAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batch, a := partly(t)
		const want = "14 10 10+ 0 ? 14+ 0 0"
		in, step := answer.Between(round(0), round(8)), tick
		v := view(t, a, in, answer.All)
		for _, m := range []answer.Metric{answer.RecordRate, answer.RecordsOut} {
			var got []string
			all, _, err := v.Rows([]lineage.Node{batch}, nil).Node(batch).Series(t.Context(), m, in, &step)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range all {
				got = append(got, least(p.Value, tick.Seconds(), p.AtLeast))
			}
			if got := strings.Join(got, " "); got != want {
				t.Errorf("metric %d: %s, want %s", m, got, want)
			}
		}
		line, err := a.Timeline(t.Context(), in, answer.TimelineAsk{Roots: []lineage.Node{batch}, Buckets: 8}, answer.All)
		if err != nil || line.Width != tick {
			t.Fatal(err, line.Width)
		}
		var got []string
		for _, b := range line.Buckets {
			got = append(got, least(b.Rate, tick.Seconds(), b.AtLeast))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("the timeline is %s, want %s", got, want)
		}
	})
}

// Of who may have written more without a name no sum is measured, where nothing is counted.
func TestMeasuresThatLackAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batch, a := partly(t)
		v := view(t, a, answer.Between(round(0), round(8)), answer.All)
		all, err := v.MeasuredBy(t.Context(), answer.MeasuredWrites)
		if err != nil {
			t.Fatal(err)
		}
		var steps []lineage.Window
		for n := range 8 {
			steps = append(steps, lineage.Window{Start: round(n), End: round(n + 1)})
		}
		told := map[string]string{}
		err = v.Measure(t.Context(), all, steps, false, func(i int, values []answer.Reading) error {
			for _, x := range values {
				switch {
				case all[i].Node != batch:
				case x.Known:
					told[all[i].Topic.Name] += " " + spell(&x.Value)
				case x.Lacks:
					told[all[i].Topic.Name] += " lacks"
				default:
					told[all[i].Topic.Name] += " -"
				}
			}
			return nil
		})
		if err != nil || told["orders"] != " 4 0 lacks 0 lacks 4 0 0" || told["returns"] != " 10 10 10 0 0 10 0 0" {
			t.Errorf("%v, %v", told, err)
		}
	})
}

// What a node moved in a window is ranked, and is said to be no less where a part of it is not known; where the others
// rested it is not known.
func TestRanksOfSumsThatLackAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		batch, a := partly(t)
		for _, c := range []struct {
			from, to int
			want     string // of 10 s
			begins   string // what is said of it
		}{
			{1, 2, "10", ""}, {2, 3, "10", "at least: of 1 of 2 flows"}, {3, 4, "0", ""}, {4, 5, "?", "at least: of 1 of 2 flows"}, {5, 6, "14", "at least: of 1 of 2 flows"},
		} {
			v := view(t, a, answer.Between(round(c.from), round(c.to)), answer.All)
			all, unknown, err := v.Top(t.Context(), answer.RecordsOut, lineage.ApplicationNode)
			if err != nil {
				t.Fatal(err)
			}
			got := "?"
			for _, x := range all {
				if x.Node == batch {
					got = spell(new(x.Value * tick.Seconds()))
				}
			}
			bound := v.Bound(batch, answer.RecordsOut)
			if got != c.want || c.want == "?" && unknown == 0 || !strings.HasPrefix(bound, c.begins) || (c.begins == "") != (bound == "") {
				t.Errorf("%d to %d: %s, want %s; %d not known; %q", c.from, c.to, got, c.want, unknown, bound)
			}
		}
	})
}

// A flow of which a counter is not known has moved no less than the others say; a sum of flows too.
func TestFlowsThatLackACounter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		for n := 1; n <= 8; n++ {
			w.observe("west", "ends", n, facts(clusterFact(1), topicFact(orders)), counts(self(orders), lineage.Appended, lineage.NoEvidence, int64(20*n)),
				counts(reads(orders, group("shop")), lineage.Records, lineage.GroupOffsets, int64(10*n)))
			if n <= 3 { // and then nobody looks
				w.observe("west", "shares", n, counts(reads(orders, group("shop-share")), lineage.Records, lineage.ShareOffsets, int64(5*n)))
			} else {
				w.observe("west", "shares", n, missing("down"))
			}
		}
		time.Sleep(time.Until(round(8)) + time.Second)
		who := resolver(t, identity.Rule{Group: regexp.MustCompile("^shop"), Name: "shop"})
		a := answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
		shop := lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: "shop"}
		f := lineage.Flow{From: topicNode("orders"), To: shop}
		for _, c := range []struct {
			from, to int
			records  int64
			bound    bool
		}{{1, 3, 30, false}, {4, 7, 30, true}} {
			v := view(t, a, answer.Between(round(c.from), round(c.to)), answer.All)
			flow := v.Rows(nil, []lineage.Flow{f}).Flow(f)
			es, err := flow.Evidence(t.Context())
			if err != nil || len(es) == 0 {
				t.Fatal(es, err)
			}
			said := strings.Contains(es[0].Detail, "at least: of 1 counter")
			if n := flow.Records(); n == nil || *n != c.records || flow.Estimated() != c.bound || said != c.bound {
				t.Errorf("%d to %d: records %v, estimated %v, %q", c.from, c.to, n, flow.Estimated(), es[0].Detail)
			}
			if lost := flow.Lost(); (lost == nil) != c.bound {
				t.Errorf("%d to %d: lost %v", c.from, c.to, lost)
			}
			r := reportOf(t, a, answer.Between(round(c.from), round(c.to)), answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TopicScope, Name: topicNode("orders").ID()}})
			if sum := r.Sum(); sum.Read.AtLeast != c.bound || sum.Read.Estimated != c.bound {
				t.Errorf("%d to %d: the report has read %+v", c.from, c.to, sum.Read)
			}
			g, walk, err := v.Grouped(t.Context(), answer.GroupByPrefix, nil, answer.Filter{}, 100)
			if err != nil || len(walk.Edges) != 1 {
				t.Fatalf("%v, %v", walk, err)
			}
			between := walk.Edges[0].Flow
			if got := g.Rows(nil, []lineage.Flow{between}).Flow(between); got.Estimated() != c.bound || *got.Records() != c.records {
				t.Errorf("%d to %d: between groups %d, estimated %v", c.from, c.to, *got.Records(), got.Estimated())
			}
		}
	})
}

// Who reads what nobody counts is no part of what is read of a topic, which then is no less.
func TestSumsWithWhoIsNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		for n := 1; n <= 6; n++ {
			fill := []filling{
				facts(clusterFact(1), topicFact(orders)), counts(self(orders), lineage.Appended, lineage.NoEvidence, int64(20*n)),
				counts(reads(orders, group("shop")), lineage.Records, lineage.GroupOffsets, int64(10*n)),
			}
			if n >= 4 {
				fill = append(fill, sighted(reads(orders, lineage.Client{ClientID: "peek"}), lineage.RequestLog, ""))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(6)) + time.Second)
		a := answers(w.store)
		in, step := answer.Between(round(0), round(6)), tick
		v := view(t, a, in, answer.All)
		all, _, err := v.Rows([]lineage.Node{topicNode("orders")}, nil).Node(topicNode("orders")).Series(t.Context(), answer.RecordsOut, in, &step)
		if err != nil {
			t.Fatal(err)
		}
		const want = "10 10 10 10+ 10+ 10+"
		steps := func(all []answer.Point) string {
			var got []string
			for _, p := range all {
				got = append(got, least(p.Value, tick.Seconds(), p.AtLeast))
			}
			return strings.Join(got, " ")
		}
		if got, bound := steps(all), v.Bound(topicNode("orders"), answer.RecordsOut); got != want || !strings.HasPrefix(bound, "at least: of 1 of 2 flows") {
			t.Errorf("read: %s, %q", got, bound)
		}
		g, walk, err := v.Grouped(t.Context(), answer.GroupByCluster, nil, answer.Filter{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range walk.Edges {
			if e.Flow.From.Scope != "cluster-topics" {
				continue
			}
			of, _, err := g.Rows(nil, []lineage.Flow{e.Flow}).Flow(e.Flow).Series(t.Context(), answer.RecordRate, &step)
			if got := steps(of); err != nil || got != want {
				t.Errorf("%s: %s, %v", e.Flow.ID(), got, err)
			}
		}
	})
}

// What waits for who reads at least so fast may be read sooner: when he misses what is lost is no measurement then.
func TestWhoIsStarvedSoonerThanAPartOfHimReads(t *testing.T) {
	for down, want := range map[bool]string{false: "67 s", true: "at least 0 s"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			orders := topic("orders")
			fed, shop, share := writes(orders, group("feeder")), reads(orders, group("shop")), reads(orders, group("shop-share"))
			for n := 1; n <= 8; n++ {
				w.observe("west", "all", n, facts(clusterFact(1), topicFact(orders)), w.moved(self(orders), lineage.NoEvidence, 20), w.moved(fed, lineage.ProducerState, 20),
					w.moved(shop, lineage.GroupOffsets, 10), level(shop, lineage.Lag, 100), level(shop, lineage.LagMillis, 1000))
				if !down || n <= 3 {
					w.observe("west", "shares", n, w.moved(share, lineage.ShareOffsets, 5))
				} else {
					w.observe("west", "shares", n, missing("down"))
				}
			}
			time.Sleep(time.Until(round(8)) + time.Second)
			who := resolver(t, identity.Rule{Group: regexp.MustCompile("^shop"), Name: "shop"}, identity.Rule{Group: regexp.MustCompile("^feeder"), Name: "feeder"})
			a := answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
			v := view(t, a, answer.Between(round(4), round(8)), answer.All)
			lost := lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: "feeder"}
			got := estate{}.lose(t, v, lost.ID())
			after := ""
			for _, s := range got.Starved {
				if s.Node.Name == "shop" {
					after = map[bool]string{true: "", false: "at least "}[s.Exact] + fmt.Sprintf("%.0f s", s.AtLeast)
				}
			}
			if after != want {
				t.Errorf("a source is down: %v: it is starved after %q, want %q", down, after, want)
			}
		})
	}
}
