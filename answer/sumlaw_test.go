package answer_test

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// summed is a topic that several groups read, each told of by a source of its own that is down now and then, and
// counted exactly, at most or at least by turns. Two of the groups are one application.
type summed struct {
	groups []summedGroup
}

type summedGroup struct {
	name, source string
	kind         lineage.EvidenceKind
	truth        []int64 // by round
	bound        []lineage.Bounds
	down         []bool
	none         []bool // it is told to have moved at least nothing, and so may have moved
}

func (s *summed) tell(w *world, r *rand.Rand, rounds int) {
	x := topic("orders")
	s.groups = []summedGroup{
		{name: "shop", source: "groups", kind: lineage.GroupOffsets},
		{name: "shop-share", source: "shares", kind: lineage.ShareOffsets},
		{name: "billing", source: "offsets", kind: lineage.GroupOffsets},
	}
	total := make([]int64, len(s.groups))
	kind, out, rest := make([]int, len(s.groups)), make([]bool, len(s.groups)), make([]bool, len(s.groups))
	for g := range s.groups {
		is := &s.groups[g]
		is.truth, is.bound = make([]int64, rounds+1), make([]lineage.Bounds, rounds+1)
		is.down, is.none = make([]bool, rounds+1), make([]bool, rounds+1)
	}
	owed := make([]int64, len(s.groups)) // of rounds in which the source was down
	for n := 0; n <= rounds; n++ {
		w.observe("west", "ends", n, facts(clusterFact(1), topicFact(x)), counts(self(x), lineage.Appended, lineage.NoEvidence, int64(100*n)))
		for g := range s.groups {
			is := &s.groups[g]
			if r.IntN(5) == 0 {
				kind[g], out[g], rest[g] = r.IntN(6), n > 2 && r.IntN(4) == 0, r.IntN(4) == 0
			}
			truth := 1 + r.Int64N(9)
			if rest[g] {
				truth = 0
			}
			if n == 0 {
				truth = 0
			}
			is.truth[n], is.down[n] = truth, out[g]
			owed[g] += truth
			if out[g] {
				w.observe("west", is.source, n, missing("down"))
				continue
			}
			of, off := reads(x, group(is.name)), r.Int64N(4)
			told, why := owed[g], ""
			switch {
			case n == 0 || owed[g] == 0:
			case kind[g] == 0:
				told, why, is.bound[n] = owed[g]+off, "at most: reason", lineage.Bounds{Most: true}
			case kind[g] == 1:
				told, why, is.bound[n] = max(owed[g]-off, 0), "at least: reason", lineage.Bounds{Least: true}
			}
			owed[g], is.none[n] = 0, is.bound[n].Least && told == 0
			total[g] += told
			fill := []filling{counts(of, lineage.Records, is.kind, total[g])}
			if why != "" {
				fill = []filling{most(of, lineage.Records, is.kind, total[g]), sighted(of, is.kind, why)}
			}
			since := n - 1
			for since > 0 && is.down[since] {
				since--
			}
			fill = append(fill, func(o *lineage.Observation) {
				for i := range o.Samples {
					o.Samples[i].Since = round(since)
				}
			})
			w.observe("west", is.source, n, fill...)
		}
	}
}

// between returns what groups moved in the ticks (from, to]; cut: a reading reaches over one of the ends.
func (s *summed) between(from, to int, of ...int) (n int64, cut bool) {
	for _, g := range of {
		is := &s.groups[g]
		for k := from + 1; k <= to; k++ {
			n += is.truth[k]
		}
		cut = cut || is.down[from] || is.down[to]
	}
	return n, cut
}

func boundsOfUse(u *answer.TopicUse) (is lineage.Bounds) {
	for _, e := range u.Evidence {
		b := lineage.BoundsOf(e.Detail)
		is.Most, is.Least = is.Most || b.Most, is.Least || b.Least
	}
	return is
}

// What is told of readers, in flows, steps, and reports, is in no window exact, at most or at least where it was not,
// nor is what their sum is.
func TestSumsHoldInEveryWindow(t *testing.T) {
	said := map[string]int{}
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			const rounds = 60
			r := rand.New(rand.NewPCG(seed, 84))
			w, s := newWorld(t), &summed{}
			s.tell(w, r, rounds)
			time.Sleep(time.Until(round(rounds)) + time.Second)
			who := resolver(t, identity.Rule{Group: regexp.MustCompile("^shop"), Name: "shop"})
			a := answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
			for range 40 {
				from := r.IntN(rounds)
				to := from + 1 + r.IntN(min(12, rounds-from))
				s.judge(t, a, from, to, said)
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
	for _, what := range []string{"flow shop exact", "flow shop at most", "flow shop at least", "use shop at least", "report exact", "report at least", "steps of shop at least", "steps of the topic at least", "steps of the topic exact"} {
		if said[what] < 50 {
			t.Errorf("too little is said to hold the law: %v", said)
		}
	}
}

func (s *summed) judge(t *testing.T, a *answer.Answers, from, to int, said map[string]int) {
	in := answer.Between(round(from), round(to))
	v := view(t, a, in, answer.All)
	law := func(what string, n *int64, estimated, least bool, is lineage.Bounds, of ...int) {
		t.Helper()
		truth, cut := s.between(from, to, of...)
		is.Least = is.Least || least
		note := func(how string, holds bool) {
			t.Helper()
			if said[what+" "+how]++; !holds && !(cut && n != nil && math.Abs(float64(*n-truth)) <= 1+float64(*n)/100) {
				t.Errorf("%d to %d: %s is %s %d, in truth %d", from, to, what, how, *n, truth)
			}
		}
		switch {
		case n == nil:
			note("unknown", true)
		case !estimated && !least:
			note("exact", *n == truth)
		case is == lineage.Bounds{Most: true}:
			note("at most", *n >= truth)
		case is == lineage.Bounds{Least: true}:
			note("at least", *n <= truth)
		default:
			note("neither", true)
		}
	}
	for name, of := range map[string][]int{"shop": {0, 1}, "billing": {2}} {
		f := lineage.Flow{From: topicNode("orders"), To: lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: name}}
		flow := v.Rows(nil, []lineage.Flow{f}).Flow(f)
		es, err := flow.Evidence(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		is := lineage.Bounds{}
		for _, e := range es {
			b := lineage.BoundsOf(e.Detail)
			is.Most, is.Least = is.Most || b.Most, is.Least || b.Least
		}
		law("flow "+name, flow.Records(), flow.Estimated(), false, is, of...)
		step := tick
		all, _, err := flow.Series(t.Context(), answer.RecordRate, &step)
		if err != nil {
			t.Fatal(err)
		}
		s.steps(t, "steps of "+name, all, from, said, of...)
	}
	all, _, err := v.Rows([]lineage.Node{topicNode("orders")}, nil).Node(topicNode("orders")).Series(t.Context(), answer.RecordsOut, in, new(tick))
	if err != nil {
		t.Fatal(err)
	}
	s.steps(t, "steps of the topic", all, from, said, 0, 1, 2)
	s.ranks(t, v, from, to, said)
	report := reportOf(t, a, in, answer.UsageQuestion{Scope: answer.UsageScope{Of: answer.TopicScope, Name: topicNode("orders").ID()}})
	uses := report.Uses
	for i := range uses {
		u := &uses[i]
		of := map[string][]int{"shop": {0, 1}, "billing": {2}}[u.Node.Name]
		if of == nil {
			t.Fatal(u.Node)
		}
		law("use "+u.Node.Name, u.Records, u.Estimated, u.NoLess(), boundsOfUse(u), of...)
	}
	sum := report.Sum()
	law("report", sum.Read.Records, sum.Read.Estimated, sum.Read.NoLess(), lineage.Bounds{}, 0, 1, 2)
}

// steps holds what is said of steps in which each group was read of at both ends or not at all.
func (s *summed) steps(t *testing.T, what string, all []answer.Point, from int, said map[string]int, of ...int) {
	t.Helper()
	for i, p := range all {
		n := from + i + 1
		truth, most, least, lacks, over := int64(0), false, false, false, false
		for _, g := range of {
			is := &s.groups[g]
			truth += is.truth[n]
			over = over || is.down[n-1] != is.down[n]
			lacks = lacks || is.down[n] || is.none[n]
			if is.down[n] { // a reading that comes later may be spread over it
				over = over || slices.Contains(is.down[n:], false)
			}
			most, least = most || is.bound[n].Most, least || is.bound[n].Least
		}
		if over {
			continue
		}
		switch {
		case p.Value == nil:
			said[what+" unknown"]++
			if !lacks && truth > 0 {
				t.Errorf("%s: round %d is not known, in truth %d", what, n, truth)
			}
		case p.AtLeast:
			if said[what+" at least"]++; !most && int64(math.Round(*p.Value*tick.Seconds())) > truth || !lacks {
				t.Errorf("%s: round %d is at least %v, in truth %d, %v", what, n, *p.Value*tick.Seconds(), truth, lacks)
			}
		case !most && !least:
			if said[what+" exact"]++; int64(math.Round(*p.Value*tick.Seconds())) != truth {
				t.Errorf("%s: round %d is %v, in truth %d", what, n, *p.Value*tick.Seconds(), truth)
			}
		default:
			said[what+" bounded"]++
		}
	}
}

// ranks holds what is said of the topic's rate as a whole: its bound, in windows that were observed whole, and that it
// is ranked by what its series of one step says.
func (s *summed) ranks(t *testing.T, v *answer.View, from, to int, said map[string]int) {
	t.Helper()
	in, whole := answer.Between(round(from), round(to)), time.Duration(to-from)*tick
	all, _, err := v.Rows([]lineage.Node{topicNode("orders")}, nil).Node(topicNode("orders")).Series(t.Context(), answer.RecordsOut, in, &whole)
	if err != nil {
		t.Fatal(err)
	}
	ranked, unknown, err := v.Top(t.Context(), answer.RecordsOut, lineage.TopicNode)
	if err != nil || len(ranked)+unknown != 1 || len(all) != 1 {
		t.Fatal(err, ranked, unknown, all)
	}
	value := all[0].Value
	if (value == nil) != (unknown == 1) || value != nil && math.Abs(*value-ranked[0].Value) > 1e-9 {
		t.Errorf("%d to %d: ranked by %v, in a series %+v", from, to, ranked, all[0])
	}
	for g := range s.groups {
		if slices.Contains(s.groups[g].down[from:to+1], true) {
			return
		}
	}
	truth, _ := s.between(from, to, 0, 1, 2)
	bound := v.Bound(topicNode("orders"), answer.RecordsOut)
	if value == nil {
		said["rank unknown"]++
		return
	}
	n := int64(math.Round(*value * whole.Seconds()))
	switch {
	case bound == "":
		if said["rank exact"]++; n != truth || all[0].AtLeast {
			t.Errorf("%d to %d: exactly %d, %v, in truth %d", from, to, n, all[0].AtLeast, truth)
		}
	case strings.HasPrefix(bound, "at least"):
		if said["rank at least"]++; n > truth {
			t.Errorf("%d to %d: at least %d, in truth %d", from, to, n, truth)
		}
	default:
		said["rank estimated"]++
	}
}
