package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A count is the bound that all its steps in the window allow, however the last of them is bounded: neither, where some
// are at most and others at least, or no bound at all. What stood before, and what was said of a step that is exact,
// bounds nothing.
func TestBoundsAreOfAllStepsOfTheWindow(t *testing.T) {
	type told struct {
		estimated bool
		words     string
	}
	exact, atMost, atLeast := told{}, told{true, "at most: reason"}, told{true, "at least: reason"}
	neither, unsaid := told{true, "shared out"}, told{true, ""}
	for name, c := range map[string]struct {
		steps []told // from the second round on
		first int    // the round after which the window begins
		want  lineage.Bounds
		exact bool
	}{
		"at most, then at least":                 {[]told{atMost, atLeast}, 1, lineage.Bounds{Most: true, Least: true}, false},
		"at least, then at most":                 {[]told{atLeast, atMost}, 1, lineage.Bounds{Most: true, Least: true}, false},
		"no bound, then at most":                 {[]told{neither, atMost}, 1, lineage.Bounds{Most: true, Least: true}, false},
		"at most, then no bound":                 {[]told{atMost, neither}, 1, lineage.Bounds{Most: true, Least: true}, false},
		"nothing said, then at most":             {[]told{unsaid, atMost}, 1, lineage.Bounds{Most: true, Least: true}, false},
		"at least, then at most in another time": {[]told{atLeast, atMost}, 2, lineage.Bounds{Most: true}, false},
		"at most, then exactly, then at least":   {[]told{atMost, exact, atLeast}, 2, lineage.Bounds{Least: true}, false},
		"at least, then exactly":                 {[]told{atLeast, exact, exact}, 1, lineage.Bounds{Least: true}, false},
		"exactly, with words of a step before":   {[]told{atLeast, exact, exact}, 2, lineage.Bounds{}, true},
		"at least, and words of one exactly":     {[]told{atLeast, {false, "at most: of no step"}}, 1, lineage.Bounds{Least: true}, false},
		"at most all the time":                   {[]told{atMost, atMost, atMost}, 1, lineage.Bounds{Most: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				x := topic("orders")
				of := writes(x, lineage.Client{ClientID: "shop", Producer: lineage.KnownProducer(9)})
				w.observe("west", "producers", 1, facts(clusterFact(1), topicFact(x)), counts(of, lineage.Records, lineage.ProducerState, 0))
				for i, s := range c.steps {
					n := i + 2
					fill := []filling{counts(of, lineage.Records, lineage.ProducerState, int64(5*n))}
					if s.estimated {
						fill[0] = most(of, lineage.Records, lineage.ProducerState, int64(5*n))
					}
					if s.words != "" {
						fill = append(fill, sighted(of, lineage.ProducerState, s.words))
					}
					w.observe("west", "producers", n, fill...)
				}
				last := len(c.steps) + 1
				time.Sleep(time.Until(round(last)) + time.Second)
				who := resolver(t)
				a := answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
				v := view(t, a, answer.Between(round(c.first), round(last)), answer.All)
				f := lineage.Flow{From: lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: "shop"}, To: topicNode("orders")}
				flow := v.Rows(nil, []lineage.Flow{f}).Flow(f)
				es, err := flow.Evidence(t.Context())
				if err != nil || len(es) != 1 {
					t.Fatalf("%d pieces of evidence, %v", len(es), err)
				}
				if got := lineage.BoundsOf(es[0].Detail); got != c.want || flow.Estimated() == c.exact {
					t.Errorf("%q, estimated %v: want %+v, exact %v", es[0].Detail, flow.Estimated(), c.want, c.exact)
				}
			})
		})
	}
}
