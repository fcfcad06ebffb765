package answer_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
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
	compared := 0
	for seed := range uint64(25) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 31))
			w := newWorld(t)
			const rounds = 30
			w.anything(r, rounds)
			time.Sleep(time.Until(round(rounds)) + time.Second)
			a := answers(w.store)
			for range 8 {
				from := r.IntN(rounds - 3) // and the newest round is in none: a source may yet tell of it
				to := from + 2 + r.IntN(rounds-from-2)
				middle := from + 1 + r.IntN(to-from-1)
				between := func(a, b int) answer.Span { return answer.Between(round(a), round(b)) }
				compared += lawsOfParts(t, view(t, a, between(from, to), answer.All), view(t, a, between(from, middle), answer.All), view(t, a, between(middle, to), answer.All))
			}
			if t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
	if compared < 500 {
		t.Errorf("only %d flows are in both parts of a window", compared)
	}
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
