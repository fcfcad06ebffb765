package answer_test

import (
	"testing"

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
