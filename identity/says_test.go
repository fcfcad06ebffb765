package identity

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

func TestSays(t *testing.T) {
	r := mustNew(t, Rules{
		Applications: []Rule{{Group: re("^masker$"), Name: "masker", About: About{Stops: []string{"pii"}, Description: "masks names"}}},
		Topics: []TopicRule{
			{Match: re("^orders$"), Tags: []string{"pii"}, About: About{Contact: "orders@example.org", Properties: map[string]string{"cost-center": "4711"}}},
			{Match: re("."), Owner: "never reached"},
		},
		Nodes: []NodeRule{
			{Match: re("^connector:"), Owner: "team-etl"},
			{Match: re("."), Owner: "team-all", About: About{Contact: "all@example.org", Properties: map[string]string{"cost-center": "1", "tier": "2"}}},
		},
	})
	f := func(id string, want ...string) {
		t.Helper()
		n, err := lineage.ParseNodeID(id)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for s, x := range r.Says(n) {
			got = append(got, fmt.Sprintf("%s %s, %s", s, x.Texts, x.Rule))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	f(
		"topic:west/orders", "contact [orders@example.org], rule 1 of topics", "owner [team-all], rule 2 of nodes", "property:cost-center [4711], rule 1 of topics",
		"property:tier [2], rule 2 of nodes", "tags [pii], rule 1 of topics",
	)
	f(
		"application:shop/masker", "contact [all@example.org], rule 2 of nodes", "description [masks names], rule 1 of applications", "owner [team-all], rule 2 of nodes",
		"property:cost-center [1], rule 2 of nodes", "property:tier [2], rule 2 of nodes", "stops [pii], rule 1 of applications",
	)
	f("connector:c/x", "owner [team-etl], rule 1 of nodes")
}
