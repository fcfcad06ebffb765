package answer_test

import (
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A group that has just become empty was last described with who had been in it.
func TestNobodyIsInAnEmptyGroup(t *testing.T) {
	for state, want := range map[string]struct {
		members int
		known   bool
	}{
		"Stable": {1, true}, "Empty": {0, true}, "Dead": {0, true}, "Unknown": {0, false},
	} {
		w := newWorld(t)
		x := topic("orders")
		r := reads(x, group("billing"))
		w.observe("west", "all", 1, facts(clusterFact(1), topicFact(x), lineage.Fact{
			Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: "billing"},
			Group: &lineage.GroupFact{
				Ref: lineage.GroupRef{Cluster: west, Group: "billing"}, Type: "Classic", Protocol: "consumer", State: state,
				Members: []lineage.Member{{ID: "billing-1"}}, MembersKnown: true,
			},
		}), w.moved(r, lineage.GroupOffsets, 5), level(r, lineage.Lag, 3))
		for n := 2; n <= 4; n++ {
			w.observe("west", "all", n, w.moved(r, lineage.GroupOffsets, 5))
		}
		v := view(t, answers(w.store), answer.Between(round(1), round(4)), answer.All)
		got := v.Rows([]lineage.Node{application("billing")}, nil).Node(application("billing")).Groups()
		if len(got) != 1 {
			t.Fatalf("%s: it has %d groups", state, len(got))
		}
		if is := got[0].Fact(); len(is.Members) != want.members || is.MembersKnown != want.known || is.State != state {
			t.Errorf("%s: got %d members, known: %v, of state %s", state, len(is.Members), is.MembersKnown, is.State)
		}
	}
}
