package answer_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const ledgerRounds = 24

// ledger is a world in which nothing is missing, and what really moved in it, by the round.
type ledger struct {
	*world
	topics   []string
	appended map[string]*[ledgerRounds + 1]int64       // by topic
	moved    map[lineage.Flow]*[ledgerRounds + 1]int64 // by flow, as it is called in answers
	lag      map[[2]string]*[ledgerRounds + 1]int64    // of a group on a topic
	bytes    map[string]*[ledgerRounds + 1]int64
}

func newLedger(t testing.TB, r *rand.Rand) *ledger {
	l := &ledger{
		newWorld(t),
		[]string{"a", "B", "c", "d-rests"},
		map[string]*[ledgerRounds + 1]int64{},
		map[lineage.Flow]*[ledgerRounds + 1]int64{},
		map[[2]string]*[ledgerRounds + 1]int64{},
		map[string]*[ledgerRounds + 1]int64{},
	}
	note := func(f lineage.Flow, n int, by int64) {
		if l.moved[f] == nil {
			l.moved[f] = &[ledgerRounds + 1]int64{}
		}
		l.moved[f][n] += by
	}
	for _, name := range l.topics {
		l.appended[name], l.bytes[name] = &[ledgerRounds + 1]int64{}, &[ledgerRounds + 1]int64{}
	}
	for n := 1; n <= ledgerRounds; n++ {
		var fill []filling
		if n == 1 {
			fill = append(fill, facts(clusterFact(len(l.topics))))
		}
		for i, name := range l.topics {
			x := topic(name)
			if n == 1 {
				fill = append(fill, facts(topicFact(x)))
			}
			total := int64(0)
			for p := range i { // nobody writes the first
				if by := int64(r.IntN(3) * r.IntN(20)); name != "d-rests" {
					id := int64(10*i + p)
					fill = append(fill, l.world.moved(writes(x, producer(id)), lineage.ProducerState, by))
					note(lineage.Flow{From: lineage.Node{Scope: "west", Kind: lineage.UnidentifiedNode, Name: name}, To: topicNode(name)}, n, by)
					total += by
				}
			}
			l.appended[name][n], l.bytes[name][n] = total, int64(1000+r.IntN(9)*100*i)
			fill = append(fill, l.world.moved(self(x), lineage.NoEvidence, total), level(self(x), lineage.LogBytes, l.bytes[name][n]), level(self(x), lineage.Retained, 10))
			for g := range 3 {
				if (i+g)%3 == 2 {
					continue
				}
				who := fmt.Sprintf("g%d", g)
				by, key := int64(r.IntN(2)*r.IntN(30)), [2]string{name, who}
				if l.lag[key] == nil {
					l.lag[key] = &[ledgerRounds + 1]int64{}
				}
				l.lag[key][n] = int64(r.IntN(40))
				fill = append(fill, l.world.moved(reads(x, group(who)), lineage.GroupOffsets, by), level(reads(x, group(who)), lineage.Lag, l.lag[key][n]), level(reads(x, group(who)), lineage.Live, 1),
					sighted(reads(x, group(who)), lineage.GroupOffsets, ""))
				note(lineage.Flow{From: topicNode(name), To: application(who)}, n, by)
			}
		}
		l.observe("west", "all", n, fill...)
	}
	return l
}

// sum is what moved after one round and until another.
func sum(of *[ledgerRounds + 1]int64, from, to int) (n int64) {
	if of == nil {
		return 0
	}
	for _, by := range of[from+1 : to+1] {
		n += by
	}
	return n
}

// TestLedger asks for windows of worlds of which it is known what moved: flows, ranks, orders, levels and lags say
// that, to the record, and so do two windows together what the one over both says.
func TestLedger(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 91))
			l := newLedger(t, r)
			time.Sleep(time.Until(round(ledgerRounds)) + time.Second)
			a := answers(l.store)
			for range 4 {
				from := 1 + r.IntN(ledgerRounds-2)
				to := from + 2 + r.IntN(ledgerRounds-from-1)
				mid := from + 1 + r.IntN(to-from-1)
				first, second, both := l.records(t, a, from, mid), l.records(t, a, mid, to), l.records(t, a, from, to)
				for f := range l.moved {
					if got := first[f] + second[f]; got != both[f] {
						t.Errorf("%s: rounds %d to %d to %d: %d and %d, and %d in both", f.ID(), from, mid, to, first[f], second[f], both[f])
					}
				}
				l.ranks(t, view(t, a, answer.Between(round(from), round(to)), answer.All), from, to)
				l.figures(t, view(t, a, answer.Between(round(from), round(to)), answer.All), to)
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}

// records holds the flows of a window against what moved, and returns it.
func (l *ledger) records(t *testing.T, a *answer.Answers, from, to int) map[lineage.Flow]int64 {
	t.Helper()
	v := view(t, a, answer.Between(round(from), round(to)), answer.All)
	all := v.Walk(graph.Query{Roots: nodesOf(t, v), Direction: graph.Both, Depth: 9, Limit: 1000}, answer.Filter{IncludeInactive: true, IncludeInternal: true}).Flows()
	rows, out := v.Rows(nil, all), map[lineage.Flow]int64{}
	if len(all) != len(l.moved) {
		t.Errorf("%d flows, of %d", len(all), len(l.moved))
	}
	for _, is := range all {
		want := sum(l.moved[is], from, to)
		f := rows.Flow(is)
		got, active, rate := f.Records(), f.Active(), f.RecordsPerSecond()
		if got == nil || *got != want || active == nil || *active != (want > 0) || f.Estimated() ||
			rate == nil || math.Abs(*rate-float64(want)/(time.Duration(to-from)*tick).Seconds()) > 1e-9 {
			t.Errorf("%s: rounds %d to %d: %v records, active %v, want %d", is.ID(), from, to, got, active, want)
			continue
		}
		out[is] = *got
	}
	return out
}

// flows adds up what a node's flows moved, one way.
func (l *ledger) flows(n lineage.Node, from, to int, end func(lineage.Flow) lineage.Node) (all int64, some bool) {
	for f, by := range l.moved {
		if end(f) == n {
			all, some = all+sum(by, from, to), true
		}
	}
	return all, some
}

// ranks holds what a metric ranks, and what is sorted by it, against the sums of the flows.
func (l *ledger) ranks(t *testing.T, v *answer.View, from, to int) {
	t.Helper()
	seconds := (time.Duration(to-from) * tick).Seconds()
	into, outOf := func(f lineage.Flow) lineage.Node { return f.To }, func(f lineage.Flow) lineage.Node { return f.From }
	for _, kind := range []lineage.NodeKind{lineage.TopicNode, lineage.ApplicationNode, lineage.UnidentifiedNode} {
		for m, end := range map[answer.Metric]func(lineage.Flow) lineage.Node{answer.RecordsIn: into, answer.RecordsOut: outOf} {
			top, unknown, err := v.Top(t.Context(), m, kind)
			if err != nil || unknown != 0 && kind == lineage.TopicNode && m == answer.RecordsIn {
				t.Fatalf("%d not known, %v", unknown, err)
			}
			if !slices.IsSortedFunc(top, func(a, b answer.Ranked) int {
				return cmp.Or(cmp.Compare(b.Value, a.Value), strings.Compare(a.Node.Name, b.Node.Name))
			}) {
				t.Errorf("%v are not in their order", top)
			}
			for _, x := range top {
				want, _ := l.flows(x.Node, from, to, end)
				if math.Abs(x.Value-float64(want)/seconds) > 1e-9 {
					t.Errorf("%s: %v a second of metric %d, its flows moved %d in %v s", x.Node.ID(), x.Value, m, want, seconds)
				}
			}
		}
	}
	found, err := v.Search(t.Context(), answer.Search{OrderBy: answer.ByLag})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		want := float64(-1)
		for key, by := range l.lag {
			if p.Node == topicNode(key[0]) || p.Node == application(key[1]) {
				want = max(want, 0) + float64(by[to])
			}
		}
		if p.Value != want {
			t.Errorf("%s is behind by %v, want %v", p.Node.ID(), p.Value, want)
		}
	}
	if found, err = v.Search(t.Context(), answer.Search{OrderBy: answer.ByLastMoved}); err != nil {
		t.Fatal(err)
	}
	for _, p := range found {
		want := float64(-1)
		for f, by := range l.moved {
			for n := 2; n <= to && (f.From == p.Node || f.To == p.Node); n++ {
				if by[n] > 0 {
					want = max(want, float64(round(n).Unix()))
				}
			}
		}
		if p.Value != want && want >= 0 { // what the first round told is not known to have moved
			t.Errorf("%s moved last at %v, want %v", p.Node.ID(), p.Value, want)
		}
	}
}

// figures holds what is told as numbers of topics and groups at a window's end.
func (l *ledger) figures(t *testing.T, v *answer.View, to int) {
	t.Helper()
	sizes, err := v.TopicLevels(t.Context(), lineage.LogBytes)
	if err != nil || len(sizes) != len(l.topics) {
		t.Fatalf("%v, %v", sizes, err)
	}
	for _, f := range sizes {
		if want := l.bytes[f.Topic.Name][to]; f.Value != want {
			t.Errorf("%s holds %d bytes, want %d", f.Topic.ID(), f.Value, want)
		}
	}
	if none, err := v.TopicLevels(t.Context(), lineage.Live); err != nil || len(none) > 0 {
		t.Errorf("%v, %v", none, err)
	}
	groups, lags, err := v.GroupLags(t.Context())
	if err != nil || len(lags) != len(l.lag) {
		t.Fatalf("%v, %v", lags, err)
	}
	behind := map[string]int64{}
	for i, g := range lags {
		if want := l.lag[[2]string{g.Topic.Name, g.Group}]; want == nil || g.Records == nil || *g.Records != want[to] || g.Seconds != nil {
			t.Errorf("%s is behind on %s by %v (%v s)", g.Group, g.Topic.ID(), g.Records, g.Seconds)
			continue
		}
		if behind[g.Group] += *g.Records; i > 0 && cmp.Or(strings.Compare(lags[i-1].Group, g.Group), lags[i-1].Topic.Compare(g.Topic)) >= 0 {
			t.Errorf("%s on %s comes after %s on %s", g.Group, g.Topic.ID(), lags[i-1].Group, lags[i-1].Topic.ID())
		}
	}
	if len(groups) != len(behind) {
		t.Errorf("%d groups, want %d", len(groups), len(behind))
	}
	for _, g := range groups {
		if g.Records == nil || *g.Records != behind[g.Group] || g.Topic != (lineage.Node{}) {
			t.Errorf("%s is behind by %v, want %d", g.Group, g.Records, behind[g.Group])
		}
	}
}

// TestSearchIsOneOrder holds that no two nodes share a place, so that pages that begin after any place, be it gone,
// hold all nodes once; that the parts of a search by kind and of its text are the whole; and that all is found again by
// its name.
func TestSearchIsOneOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 9))
		l := newLedger(t, r)
		l.anything(r, 20)
		time.Sleep(time.Until(round(ledgerRounds)) + time.Second)
		v := view(t, answers(l.store), answer.Between(round(3), round(20)), answer.All)
		search := func(s answer.Search) []answer.Placed {
			t.Helper()
			got, err := v.Search(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		for _, by := range []answer.Order{answer.ByMatch, answer.ByName, answer.ByRate, answer.ByLag, answer.ByLastMoved} {
			for _, internal := range []bool{false, true} {
				s := answer.Search{OrderBy: by, IncludeInternal: internal}
				all := search(s)
				for i := range all[1:] {
					if all[i].Compare(all[i+1].Place) >= 0 || all[i+1].Compare(all[i].Place) <= 0 {
						t.Errorf("order %d: %v is not before %v", by, all[i], all[i+1])
					}
				}
				var pages []answer.Placed
				after := answer.Place{Value: math.Inf(1), Match: -1}
				for len(pages) < len(all) {
					rest := slices.DeleteFunc(slices.Clone(search(s)), func(p answer.Placed) bool { return p.Compare(after) <= 0 })
					if len(rest) == 0 {
						break
					}
					n := min(1+r.IntN(4), len(rest))
					pages, after = append(pages, rest[:n]...), rest[n-1].Place
				}
				if !slices.Equal(pages, all) {
					t.Errorf("order %d: the pages are not what they are of: %v, %v", by, pages, all)
				}
				byKind := 0
				for kind := lineage.TopicNode; kind <= lineage.DatasetNode; kind++ {
					s.Kinds = []lineage.NodeKind{kind}
					byKind += len(search(s))
				}
				if byKind != len(all) {
					t.Errorf("order %d: %d by kind, %d in all", by, byKind, len(all))
				}
			}
		}
		for _, p := range search(answer.Search{IncludeInternal: true}) {
			for _, text := range []string{p.Node.Name, strings.ToUpper(p.Node.Name), " " + p.Node.Name[:1]} {
				at := slices.IndexFunc(search(answer.Search{Text: text, HasText: true, IncludeInternal: true}), func(x answer.Placed) bool { return x.Node == p.Node })
				if at < 0 {
					t.Errorf("%s is not found by %q", p.Node.ID(), text)
				}
			}
		}
	})
}
