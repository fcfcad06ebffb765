package answer_test

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// most is a count that is an estimate.
func most(x lineage.Access, m lineage.Metric, e lineage.EvidenceKind, total int64) filling {
	return func(o *lineage.Observation) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: x, Metric: m, Evidence: e, Value: total, Estimated: true})
	}
}

// transacts is a transactional producer in round n, whose count is at most.
func transacts(x lineage.Topic, n int) []filling {
	of := writes(x, lineage.Client{TransactionalID: "pay-1"})
	return []filling{most(of, lineage.Records, lineage.Transaction, int64(10*n)), sighted(of, lineage.Transaction, "at most: markers")}
}

// What a writer without idempotence wrote at once with one whose count is at most is in that one's, or taken for a
// marker: then the unidentified's count, of producers that nobody names, is no less than it says, and no more is known.
func TestUnidentifiedBesideWhoIsAtMost(t *testing.T) {
	for name, c := range map[string]struct {
		beside  func(x lineage.Topic, n int) []filling
		at      [2]int // the window's rounds: the nameless producer wrote in the third
		records string
		bound   bool
	}{
		"nobody else":                       {nil, [2]int{1, 5}, "4", false},
		"a transactional producer, at most": {transacts, [2]int{1, 5}, "4", true},
		"a transactional producer, at most, while the nameless one rests": {transacts, [2]int{4, 6}, "", true},
		"a transactional producer, exactly": {func(x lineage.Topic, n int) []filling {
			return []filling{counts(writes(x, lineage.Client{TransactionalID: "pay-1"}), lineage.Records, lineage.Transaction, int64(10*n))}
		}, [2]int{1, 5}, "4", false},
		"what was taken for markers at most": {func(x lineage.Topic, n int) []filling {
			return []filling{
				counts(writes(x, lineage.Client{TransactionalID: "pay-1"}), lineage.Records, lineage.Transaction, int64(10*n)),
				most(self(x), lineage.Markers, lineage.NoEvidence, int64(3*n)),
			}
		}, [2]int{1, 5}, "4", true},
		"a producer, at least, whose own are left for nobody": {func(x lineage.Topic, n int) []filling {
			of := writes(x, lineage.Client{ClientID: "shop", Producer: lineage.KnownProducer(9)})
			return []filling{most(of, lineage.Records, lineage.ProducerState, int64(5*n)), sighted(of, lineage.ProducerState, "at least: what it wrote while nobody listed it")}
		}, [2]int{1, 5}, "4", false},
		"a producer, at most and then at least": {func(x lineage.Topic, n int) []filling {
			of := writes(x, lineage.Client{ClientID: "shop", Producer: lineage.KnownProducer(9)})
			why := map[bool]string{true: "at most: another's may be among these", false: "at least: what it wrote while nobody listed it"}[n <= 3]
			return []filling{most(of, lineage.Records, lineage.ProducerState, int64(5*n)), sighted(of, lineage.ProducerState, why)}
		}, [2]int{1, 5}, "4", true},
		"what was taken for markers, where headers count them": {func(x lineage.Topic, n int) []filling {
			return []filling{
				most(self(x), lineage.Markers, lineage.NoEvidence, int64(3*n)), counts(self(x), lineage.Markers, lineage.BatchHeader, int64(2*n)),
			}
		}, [2]int{1, 5}, "4", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				x := topic("orders")
				for n := 1; n <= 6; n++ {
					fill := []filling{
						counts(self(x), lineage.Appended, lineage.NoEvidence, int64(20*n)),
						counts(writes(x, producer(7)), lineage.Records, lineage.ProducerState, int64(map[bool]int{true: 4}[n >= 3])),
					}
					if c.beside != nil {
						fill = append(fill, c.beside(x, n)...)
					}
					if n == 1 {
						fill = append(fill, facts(clusterFact(1), topicFact(x)))
					}
					w.observe("west", "producers", n, fill...)
				}
				time.Sleep(time.Until(round(6)) + time.Second)
				f := lineage.Flow{From: lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: "orders"}, To: topicNode("orders")}
				who := resolver(t)
				a := answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
				v := view(t, a, answer.Between(round(c.at[0]), round(c.at[1])), answer.All)
				flow := v.Rows(nil, []lineage.Flow{f}).Flow(f)
				es, err := flow.Evidence(t.Context())
				if err != nil || len(es) == 0 {
					t.Fatalf("%d pieces of evidence, %v", len(es), err)
				}
				bound := strings.Contains(es[0].Detail, "at least: records of a writer that leaves no trace")
				switch n := flow.Records(); {
				case c.records == "" && (n != nil || flow.Active() != nil):
					t.Errorf("%v records, active %v: want that neither is known", *n, flow.Active())
				case c.records != "" && (n == nil || *n != 4 || flow.Estimated() != c.bound):
					t.Errorf("records %v, estimated %v", n, flow.Estimated())
				}
				if bound != c.bound {
					t.Errorf("a bound: %v, %q", bound, es[0].Detail)
				}
				b, err := v.Balance(t.Context(), topicNode("orders"))
				if err != nil {
					t.Fatal(err)
				}
				for _, wrote := range b.Writers {
					if n, exact := wrote.Produced.Exact(); wrote.Flow == f && (exact == c.bound || exact && n != 4) {
						t.Errorf("balance: %d, exact %v", n, exact)
					}
				}
			})
		})
	}
}

// All that is said of one who may have written more than it is counted says so: of two of one topic, in what differs
// from a time before, in walks, ranks and reports.
func TestWhatMayHaveWrittenMoreIsSoEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		x := topic("orders")
		for n := 1; n <= 8; n++ {
			wrote := int64(4 * min(n, 4)) // and then rests
			rest, first := writes(x, lineage.Client{Kind: lineage.Remainder}), writes(x, producer(7))
			w.observe("west", "producers", n, append(transacts(x, n),
				facts(clusterFact(1), topicFact(x)), counts(self(x), lineage.Appended, lineage.NoEvidence, int64(40*n)),
				counts(rest, lineage.Records, lineage.EndOffsets, wrote),
				most(first, lineage.Records, lineage.ProducerState, wrote), sighted(first, lineage.ProducerState, "at most: first seen"),
				counts(writes(x, lineage.Client{ClientID: "rdkafka", Producer: lineage.KnownProducer(8)}), lineage.Records, lineage.ProducerState, wrote),
			)...)
		}
		time.Sleep(time.Until(round(8)) + time.Second)
		who := resolver(t, identity.Rule{Unidentified: regexp.MustCompile("^west/orders$"), ClientID: regexp.MustCompile("^rdkafka$"), Name: "batch"})
		a := answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
		nobody, batch := lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: "orders"}, lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: "batch"}

		v := view(t, a, between(1, 4), answer.All)
		for _, n := range []lineage.Node{nobody, batch} {
			f := lineage.Flow{From: n, To: topicNode("orders")}
			if !v.Rows(nil, []lineage.Flow{f}).Flow(f).Estimated() || v.Bound(n, answer.RecordsOut) == "" {
				t.Errorf("%s is exact", n)
			}
		}
		got := useLines(reportOf(t, a, between(1, 4), answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TopicScope, Name: topicNode("orders").ID()}}))
		const want = `application:west/batch writes topic:west/orders: 12 at least 1-4
application:west/pay writes topic:west/orders: 30 1-4
unidentified:west/orders writes topic:west/orders: 24 1-4`
		if got != want {
			t.Errorf("the report is\n%s\nwant\n%s", got, want)
		}
		if got := toldDiff(diffOf(t, a, answer.DiffAsk{Before: between(1, 4), After: between(5, 8)})); got != "?batch>orders ?orders>orders" {
			t.Errorf("what differs is %q", got)
		}
		rests := view(t, a, between(5, 8), answer.All).Walk(graph.Query{Roots: []lineage.Node{topicNode("orders")}, Direction: graph.Upstream, Depth: 1, Limit: 100}, answer.Filter{})
		if len(rests.Nodes) != 4 {
			t.Errorf("a walk has %v", rests.Nodes)
		}
	})
}
