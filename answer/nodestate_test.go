package answer_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A node says of its flows what they say themselves, and a list is ordered by what it shows.
func TestNodeSaysWhatItsFlowsSay(t *testing.T) {
	inShop(t, func(t *testing.T, _ *answer.Answers, v *answer.View) {
		placed, err := v.Search(t.Context(), answer.Search{OrderBy: answer.ByLastMoved})
		if err != nil {
			t.Fatal(err)
		}
		var nodes []lineage.Node
		for _, p := range placed {
			nodes = append(nodes, p.Node)
		}
		rows, moved := v.Rows(nodes, nil), 0
		for _, p := range placed {
			last, err := rows.Node(p.Node).LastMoved(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if last.IsZero() == p.Known() || p.Known() && float64(last.Unix()) != p.Value {
				t.Errorf("%s moved last at %v, and is ordered by %v", p.ID, last, p.Value)
			}
			states, err := rows.Node(p.Node).FlowStates(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if !last.IsZero() {
				moved++
				if len(states) == 0 {
					t.Errorf("%s moved and has no flow", p.ID)
				}
			}
		}
		if moved < 5 || moved == len(placed) {
			t.Errorf("%d of %d nodes moved: nothing is compared", moved, len(placed))
		}
	})
}

// A list of those with a flow in a state has all of them, and nobody else; that a state is not known is one to ask for.
func TestSearchByState(t *testing.T) {
	inShop(t, func(t *testing.T, _ *answer.Answers, v *answer.View) {
		all, err := v.Search(t.Context(), answer.Search{OrderBy: answer.ByName})
		if err != nil {
			t.Fatal(err)
		}
		var nodes []lineage.Node
		for _, p := range all {
			nodes = append(nodes, p.Node)
		}
		rows := v.Rows(nodes, nil)
		kinds := 0
		for is := answer.NoState; is <= answer.Stopped; is++ {
			var want []string
			for _, p := range all {
				states, err := rows.Node(p.Node).FlowStates(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if slices.ContainsFunc(states, func(c answer.StateCount) bool { return c.Is == is }) {
					want = append(want, p.ID)
				}
			}
			placed, err := v.Search(t.Context(), answer.Search{States: []answer.FlowState{is}, OrderBy: answer.ByName})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range placed {
				got = append(got, p.ID)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v: got %v, want %v", is, got, want)
			}
			if len(want) > 0 && len(want) < len(all) {
				kinds++
			}
		}
		if kinds < 2 {
			t.Errorf("only %d states tell nodes apart: nothing is compared", kinds)
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
		g, walk, err := v.Grouped(t.Context(), answer.GroupByCluster, nil, answer.Filter{}, 100)
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
