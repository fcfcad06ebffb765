package answer_test

import (
	"regexp"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// counting counts how often it is asked whose a node is.
type counting struct {
	*identity.Resolver
	asked atomic.Int64
}

func (c *counting) Describe(n lineage.Node) (string, []string) {
	c.asked.Add(1)
	return c.Resolver.Describe(n)
}

func (c *counting) Says(n lineage.Node) map[lineage.Slot]lineage.Ruled {
	c.asked.Add(1)
	return c.Resolver.Says(n)
}

func ownedBy(t *testing.T, owner string) *counting {
	t.Helper()
	r, err := identity.New(identity.Rules{Topics: []identity.TopicRule{{Match: regexp.MustCompile("^orders$"), Owner: owner, Tags: []string{"of-" + owner}}}})
	if err != nil {
		t.Fatal(err)
	}
	return &counting{Resolver: r}
}

// TestRulesAreAskedOnceOfANode: in one window after another, until they change; then of none what they said before.
func TestRulesAreAskedOnceOfANode(t *testing.T) {
	w := newWorld(t)
	w.steady(1, 12, 1)
	before, after := ownedBy(t, "a"), ownedBy(t, "b")
	who, edits := before, (*lineage.Edits)(nil)
	a := answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return who }, Edits: func() *lineage.Edits { return edits },
		Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}, Now: func() time.Time { return round(12) },
	})
	says := func(last int, owner, tag string) {
		t.Helper()
		v := view(t, a, answer.Last(time.Duration(last)*tick), answer.All)
		n := v.Rows([]lineage.Node{topicNode("orders")}, nil).Node(topicNode("orders"))
		if is, tags := n.Describe(); is != owner || !slices.Equal(tags, []string{tag}) {
			t.Errorf("it is %q's, with %q, and not %q's with %q", is, tags, owner, tag)
		}
		if all := n.Metadata().All; len(all) != 2 || all[0].Texts[0] != owner || all[1].Texts[0] != tag {
			t.Errorf("what is said of it is %+v, of %s with %s", all, owner, tag)
		}
	}
	says(1, "a", "of-a")
	asked := before.asked.Load()
	for last := 1; last < 6; last++ {
		says(last, "a", "of-a")
	}
	if n := before.asked.Load() - asked; n != 0 {
		t.Errorf("the same rules were asked %d times more of the same node", n)
	}
	who = after
	says(1, "b", "of-b")
	who = before
	says(1, "a", "of-a")
	edits = edits.With(&lineage.Edit{Node: topicNode("orders"), At: round(2), By: "me", Changes: []lineage.Change{{Slot: lineage.Slot{Field: lineage.OwnerField}, Texts: []string{"c"}}}})
	says(1, "c", "of-a")
}

// TestASearchOfAllAsksNobodyWhoseTheyAre: only one for words, an owner or a tag does.
func TestASearchOfAllAsksNobodyWhoseTheyAre(t *testing.T) {
	w := newWorld(t)
	w.steady(1, 12, 1)
	who := ownedBy(t, "a")
	a := answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}, Now: func() time.Time { return round(12) },
	})
	v := view(t, a, answer.Last(tick), answer.All)
	find := func(s answer.Search, want int) {
		t.Helper()
		found, err := v.Search(t.Context(), s)
		if err != nil || len(found) != want {
			t.Errorf("%+v finds %v, %v; not %d", s, found, err, want)
		}
	}
	find(answer.Search{OrderBy: answer.ByName}, 3)
	if n := who.asked.Load(); n != 0 {
		t.Errorf("rules were asked %d times of what nobody asks for", n)
	}
	find(answer.Search{Owner: new("A")}, 1)
	find(answer.Search{Tag: new("of-a")}, 1)
	find(answer.Search{Text: "of-a", HasText: true}, 1)
}
