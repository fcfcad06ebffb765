package answer_test

import (
	"cmp"
	"fmt"
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

// What is said of a window is what is said of its two parts: they move as much, who moves in one moves in the whole,
// and what is said of the whole's end is said of the second part's.
func TestWindowsAgreeWithTheirParts(t *testing.T) {
	compared, sights := 0, 0
	for seed := range uint64(25) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 31))
			w := newWorld(t)
			const rounds = 30
			if seed%3 > 0 {
				w.anything(r, rounds)
			}
			first := w.comeIntoSight(r, rounds)
			time.Sleep(time.Until(round(rounds)) + time.Second)
			a := answers(w.store)
			for range 8 {
				from := r.IntN(rounds - 3) // and the newest round is in none: a source may yet tell of it
				to := from + 2 + r.IntN(rounds-from-2)
				middle := from + 1 + r.IntN(to-from-1)
				between := func(a, b int) answer.Span { return answer.Between(round(a), round(b)) }
				whole := view(t, a, between(from, to), answer.All)
				for id, f := range flowsOf(t, whole) {
					if came(t, f) {
						sights++
					}
					if n := f.Records(); strings.HasPrefix(id.To.Name, "let-in") && from < first-1 && n != nil && *n > 0 && !f.Estimated() {
						t.Errorf("%s: of its topic nothing was known before round %d, and in %v it is exact", id.ID(), first, whole.Window())
					}
				}
				compared += lawsOfParts(t, whole, view(t, a, between(from, middle), answer.All), view(t, a, between(middle, to), answer.All))
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
	if compared < 500 || sights < 50 {
		t.Errorf("only %d flows are in both parts of a window, and of %d a topic came into sight", compared, sights)
	}
}

// comeIntoSight appends rounds of a source that sees nothing at first, then several topics at once, of which some are
// seen to be made, and later more. It fails now and then, and who reads and writes them comes when chance has it. It
// returns the round in which it sees the first, before which it does not fail.
func (w *world) comeIntoSight(r *rand.Rand, rounds int) (first int) {
	first = 2 + r.IntN(rounds-4)
	second := first + 1 + r.IntN(rounds-first-1)
	type seen struct {
		topic lineage.Topic
		since int
		made  bool
	}
	all := []seen{{topic("let-in"), first, false}, {topic("let-in-too"), first, false}, {topic("made"), first, true}, {topic("later"), second, false}, {topic("made-later"), second, true}}
	for n := 1; n <= rounds; n++ {
		if n != 1 && n != first-1 && n != first && n != second && r.IntN(9) == 0 {
			if r.IntN(2) == 0 {
				w.observe("west", "sight", n, missing("broker 2 does not answer"))
			}
			continue
		}
		var fill []filling
		if n == 1 {
			fill = append(fill, facts(clusterFact(0)))
		}
		for _, x := range all {
			if n < x.since {
				continue
			}
			grown := int64(r.IntN(9))
			if n == x.since {
				fill = append(fill, facts(topicFact(x.topic)))
				if x.made {
					fill = append(fill, happened(lineage.Event{Type: lineage.TopicCreated, Topic: x.topic}))
				} else {
					grown = 0
				}
			}
			fill = append(fill, w.moved(self(x.topic), lineage.NoEvidence, grown))
			if n == x.since || r.IntN(4) > 0 {
				fill = append(fill, w.moved(writes(x.topic, producer(7)), lineage.ProducerState, grown/2))
			}
			if r.IntN(3) == 0 {
				c := reads(x.topic, group("sighted"))
				fill = append(fill, w.moved(c, lineage.GroupOffsets, grown), level(c, lineage.Lag, int64(r.IntN(9))), level(c, lineage.Live, int64(r.IntN(2))))
			}
		}
		w.observe("west", "sight", n, fill...)
	}
	return first
}

// flowsOf returns all flows of a view.
func flowsOf(t *testing.T, v *answer.View) map[lineage.Flow]answer.Flow {
	t.Helper()
	all := v.Walk(graph.Query{Roots: nodesOf(t, v), Direction: graph.Both, Depth: 9, Limit: 1000}, answer.Filter{IncludeInactive: true, IncludeInternal: true})
	rows, out := v.Rows(all.Nodes, all.Flows()), map[lineage.Flow]answer.Flow{}
	for _, is := range all.Flows() {
		out[is] = rows.Flow(is)
	}
	return out
}

func is(b *bool, want bool) bool { return b != nil && *b == want }

func lawsOfParts(t *testing.T, whole, first, second *answer.View) (compared int) {
	t.Helper()
	all, before, after := flowsOf(t, whole), flowsOf(t, first), flowsOf(t, second)
	for id, f := range before {
		if _, there := all[id]; !there && is(f.Active(), true) {
			t.Errorf("%s moved in %v and is not in %v", id.ID(), first.Window(), whole.Window())
		}
	}
	for id, f := range after {
		if _, there := all[id]; !there && is(f.Active(), true) {
			t.Errorf("%s moved in %v and is not in %v", id.ID(), second.Window(), whole.Window())
		}
	}
	for id, f := range all {
		a, inFirst := before[id]
		b, inSecond := after[id]
		if !inFirst || !inSecond {
			continue
		}
		compared++
		switch {
		case (is(a.Active(), true) || is(b.Active(), true)) && !is(f.Active(), true):
			t.Errorf("%s: active %v in %v, and of its parts %v and %v", id.ID(), orNull(f.Active()), whole.Window(), orNull(a.Active()), orNull(b.Active()))
		case is(a.Active(), false) && is(b.Active(), false) && !is(f.Active(), false):
			t.Errorf("%s: rests in both parts of %v, and in it %v", id.ID(), whole.Window(), orNull(f.Active()))
		}
		if came(t, a) && !f.Estimated() {
			t.Errorf("%s: its topic came into sight within %v, and in %v it is exact", id.ID(), first.Window(), whole.Window())
		}
		exact := !f.Estimated() && !a.Estimated() && !b.Estimated()
		if n, m, k := f.Records(), a.Records(), b.Records(); exact && n != nil && m != nil && k != nil && *n != *m+*k {
			t.Errorf("%s: moved %d in %v, and in its parts to %v %d and %d", id.ID(), *n, whole.Window(), first.Window().End, *m, *k)
		}
		for name, of := range map[string]func(answer.Flow) *int64{"skipped": answer.Flow.Skipped, "lost": answer.Flow.Lost} {
			if n, m, k := of(f), of(a), of(b); n != nil && m != nil && k != nil && *n != *m+*k {
				t.Errorf("%s: %s %d in %v, and in its parts to %v %d and %d", id.ID(), name, *n, whole.Window(), first.Window().End, *m, *k)
			}
		}
		if x, y := endOf(t, f), endOf(t, b); x != y {
			t.Errorf("%s at the end of %v: %+v, and of its second part from %v: %+v", id.ID(), whole.Window(), x, second.Window().Start, y)
		}
	}
	return compared
}

// came reports whether a flow is said to be of a topic that came into sight within the window.
func came(t *testing.T, f answer.Flow) bool {
	return slices.ContainsFunc(evidenceOf(t, f), func(e answer.Evidence) bool { return strings.Contains(e.Detail, "came into sight") })
}

// ending is what is said of a flow at the end of a window, as text.
type ending struct {
	lag, seconds, atLeast, live string
	state                       answer.FlowState
}

func endOf(t *testing.T, f answer.Flow) (e ending) {
	t.Helper()
	ctx := t.Context()
	lag, err1 := f.Lag(ctx)
	seconds, err2 := f.LagSeconds(ctx)
	atLeast, err3 := f.LagAtLeastSeconds(ctx)
	live, err4 := f.Live(ctx)
	state, err5 := f.State(ctx)
	if err := cmp.Or(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	return ending{orNull(lag), orNull(seconds), orNull(atLeast), orNull(live), state.Is}
}

// orNull is what a pointer points to, and null for none.
func orNull[T any](p *T) string {
	if p == nil {
		return "null"
	}
	return fmt.Sprint(*p)
}
