package answer_test

import (
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
