package answer_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// way writes a way as its names.
func way(d answer.DerivedTag) string {
	var names []string
	for _, n := range d.Way {
		names = append(names, n.Name)
	}
	return d.Tag + ": " + strings.Join(names, " > ")
}

func TestDerivedTags(t *testing.T) {
	w := newWorld(t)
	orders, masked, report := topic("orders"), topic("masked"), topic("report")
	for n := 1; n <= 12; n++ {
		ends := []filling{w.moved(self(orders), lineage.NoEvidence, 10), w.moved(self(masked), lineage.NoEvidence, 10), w.moved(self(report), lineage.NoEvidence, 10)}
		if n == 1 {
			ends = append(ends, facts(clusterFact(3), topicFact(orders), topicFact(masked), topicFact(report)))
		}
		tx := func(id string) lineage.Client { return lineage.Client{TransactionalID: id} }
		w.observe("west", "end-offsets", n, ends...)
		w.observe("west", "producers", n,
			w.moved(writes(masked, tx("masker")), lineage.Transaction, 10), w.moved(writes(report, tx("reporter")), lineage.Transaction, 10), w.moved(writes(orders, producer(1)), lineage.ProducerState, 10))
		w.observe("west", "groups", n,
			w.moved(reads(orders, group("masker")), lineage.GroupOffsets, 10), w.moved(reads(masked, group("reporter")), lineage.GroupOffsets, 10), w.moved(reads(report, group("mailer")), lineage.GroupOffsets, 10))
	}
	node := func(kind lineage.NodeKind, name string) lineage.Node {
		return lineage.Node{Scope: "west", Kind: kind, Name: name}
	}
	rules := identity.Rules{Topics: []identity.TopicRule{{Match: regexp.MustCompile("^orders$"), Tags: []string{"pii", "tier-1"}}, {Match: regexp.MustCompile("^masked$"), Tags: []string{"tier-1"}}}}
	var edits *lineage.Edits
	f := func(n lineage.Node, want ...string) {
		t.Helper()
		who, err := identity.New(rules)
		if err != nil {
			t.Fatal(err)
		}
		a := answer.New(answer.Options{
			History: w.store, Identity: func() answer.Identity { return who }, Edits: func() *lineage.Edits { return edits }, Now: func() time.Time { return round(12) },
			Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		})
		v, err := a.View(t.Context(), answer.Last(time.Minute), answer.All)
		if err != nil {
			t.Fatal(err)
		}
		d, err := v.Rows([]lineage.Node{n}, nil).Node(n).DerivedTags(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range d.Tags {
			got = append(got, way(x))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", n.ID(), got, want)
		}
		if !slices.ContainsFunc(d.Doubts, func(s string) bool { return strings.HasPrefix(s, "what 1 writers upstream read") }) {
			t.Errorf("%s: the doubts are %q", n.ID(), d.Doubts)
		}
		for _, tag := range []string{"pii", "PII"} {
			found, err := v.Search(t.Context(), answer.Search{Tag: &tag, Derived: true})
			if err != nil {
				t.Fatal(err)
			}
			has := slices.ContainsFunc(found, func(p answer.Placed) bool { return p.Node == n })
			if said := slices.ContainsFunc(want, func(s string) bool { return strings.HasPrefix(s, "pii:") }); has != (said || n.Name == "orders") {
				t.Errorf("%s is among those of %s: %t", n.ID(), tag, has)
			}
		}
	}
	mailer := node(lineage.ApplicationNode, "mailer")
	f(node(lineage.TopicNode, "orders"))
	f(node(lineage.ApplicationNode, "masker"), "pii: orders > masker", "tier-1: orders > masker")
	f(node(lineage.TopicNode, "masked"), "pii: orders > masker > masked") // tier-1 is said of it
	f(mailer, "pii: orders > masker > masked > reporter > report > mailer", "tier-1: masked > reporter > report > mailer")
	rules.Applications = []identity.Rule{{Group: regexp.MustCompile("^masker$"), Name: "masker", About: identity.About{Stops: []string{"pii"}}}}
	f(node(lineage.ApplicationNode, "masker"), "pii: orders > masker", "tier-1: orders > masker") // it reads it still
	f(node(lineage.TopicNode, "masked"))
	f(mailer, "tier-1: masked > reporter > report > mailer")
	// An edit stands over the rule: from its time on.
	at := round(12)
	edits = edits.With(&lineage.Edit{Number: 1, At: at, From: at, Node: node(lineage.ApplicationNode, "masker"), Changes: []lineage.Change{{Slot: lineage.Slot{Field: lineage.StopsField}, Texts: []string{}}}})
	f(mailer, "pii: orders > masker > masked > reporter > report > mailer", "tier-1: masked > reporter > report > mailer")
	edits = edits.With(&lineage.Edit{Number: 2, At: at, From: at, Node: node(lineage.TopicNode, "report"), Changes: []lineage.Change{{Slot: lineage.Slot{Field: lineage.StopsField}, Texts: []string{"*"}}}})
	f(mailer)
	f(node(lineage.TopicNode, "report"))
}
