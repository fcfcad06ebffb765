package answer_test

import (
	"math/rand/v2"
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

// bounding is a topic to which three write at once: a producer that has a name, whose count is at most, since it holds
// what a writer without a trace wrote, or at least, where some of it is left for nobody, or exact; a producer without a
// name; and that writer.
type bounding struct {
	shop, nobody []int64 // what was written in truth, by round
}

func (b *bounding) tell(w *world, r *rand.Rand, rounds int) {
	x := topic("orders")
	shop := writes(x, lineage.Client{ClientID: "shop", Producer: lineage.KnownProducer(9)})
	nameless, rest := writes(x, producer(7)), writes(x, lineage.Client{Kind: lineage.Remainder})
	var total [3]int64
	kind, silent, quiet := 0, false, false
	b.shop, b.nobody = make([]int64, rounds+1), make([]int64, rounds+1)
	w.observe("west", "producers", 0, facts(clusterFact(1), topicFact(x)), counts(shop, lineage.Records, lineage.ProducerState, 0),
		counts(nameless, lineage.Records, lineage.ProducerState, 0), counts(rest, lineage.Records, lineage.EndOffsets, 0))
	for n := 1; n <= rounds; n++ {
		if r.IntN(4) == 0 {
			kind, silent, quiet = r.IntN(4), r.IntN(4) == 0, r.IntN(2) == 0
		}
		wrote, named, plain := 1+r.Int64N(8), r.Int64N(3), r.Int64N(3)
		if quiet {
			named = 0
		}
		if silent {
			wrote = 0
		}
		b.shop[n], b.nobody[n] = wrote, named+plain
		tell := []filling{nil, nil, nil}
		told, left, why, whyLeft := wrote, plain, "", ""
		switch {
		case wrote > 0 && kind == 0:
			told, left, why = wrote+plain, 0, "at most: another's may be among these"
		case wrote > 0 && kind == 1:
			missed := r.Int64N(wrote + 1)
			told, left, why, whyLeft = wrote-missed, plain+missed, "at least: some of it is left for nobody", "at most: another's may be among these"
		}
		total[0], total[1], total[2] = total[0]+told, total[1]+named, total[2]+left
		say := func(i int, x lineage.Access, e lineage.EvidenceKind, n int64, why string) {
			tell[i] = counts(x, lineage.Records, e, n)
			if why != "" {
				tell[i] = most(x, lineage.Records, e, n)
				tell = append(tell, sighted(x, e, why))
			}
		}
		say(0, shop, lineage.ProducerState, total[0], why)
		say(1, nameless, lineage.ProducerState, total[1], "")
		say(2, rest, lineage.EndOffsets, total[2], whyLeft)
		w.observe("west", "producers", n, tell...)
	}
}

// In no window a flow is called exact, at most or at least where it was not: not that of a producer that is bounded by
// turns, nor that of the unidentified, whom it hides where it is at most.
func TestBoundsHoldInEveryWindow(t *testing.T) {
	said := map[string]int{}
	for seed := range uint64(12) {
		synctest.Test(t, func(t *testing.T) {
			const rounds = 150 // so that some are sealed
			r := rand.New(rand.NewPCG(seed, 80))
			w, b := newWorld(t), &bounding{}
			b.tell(w, r, rounds)
			time.Sleep(time.Until(round(rounds)) + time.Second)
			who := resolver(t)
			a := answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
			for n := range 60 {
				if n == 40 {
					if err := w.store.Maintain(t.Context(), round(rounds).Add(time.Hour)); err != nil {
						t.Fatal(err)
					}
				}
				from := r.IntN(rounds)
				to := from + 1 + r.IntN(min(12, rounds-from))
				v := view(t, a, answer.Between(round(from), round(to)), answer.All)
				b.judge(t, v, lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: "shop"}, b.shop[from+1:to+1], said)
				b.judge(t, v, lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: "orders"}, b.nobody[from+1:to+1], said)
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
	for _, what := range []string{"APPLICATION exact", "APPLICATION at most", "APPLICATION at least", "APPLICATION neither", "UNIDENTIFIED exact", "UNIDENTIFIED at least", "UNIDENTIFIED unknown"} {
		if said[what] < 10 {
			t.Errorf("too little is said to hold the law: %v", said)
		}
	}
}

func (b *bounding) judge(t *testing.T, v *answer.View, from lineage.Node, truth []int64, said map[string]int) {
	t.Helper()
	flow := v.Rows(nil, []lineage.Flow{{From: from, To: topicNode("orders")}}).Flow(lineage.Flow{From: from, To: topicNode("orders")})
	es, err := flow.Evidence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum, is, n := int64(0), lineage.Bounds{}, flow.Records()
	for _, x := range truth {
		sum += x
	}
	for _, e := range es {
		one := lineage.BoundsOf(e.Detail)
		is.Most, is.Least = is.Most || one.Most, is.Least || one.Least
	}
	note := func(what string, holds bool) {
		t.Helper()
		if said[from.Kind.String()+" "+what]++; !holds {
			t.Errorf("%v: %d are told of %s, %s, in truth %d: %v", v.Window(), *n, from.Name, what, sum, es)
		}
	}
	switch {
	case n == nil:
		said[from.Kind.String()+" unknown"]++
	case !flow.Estimated():
		note("exact", *n == sum)
	case is == lineage.Bounds{Most: true}:
		note("at most", *n >= sum)
	case is == lineage.Bounds{Least: true}:
		note("at least", *n <= sum)
	default:
		note("neither", true)
	}
}
