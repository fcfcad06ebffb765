package collector_test

import (
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/lineage"
)

// What was in doubt because of the topics that were named stays so in the list, until one of them is there or a rule
// says which cluster it is.
func TestSpellingsInDoubt(t *testing.T) {
	b := &collector.Board{}
	west := collector.Watched{Source: "west", ID: "w", Bootstrap: []string{"kafka:9092"}, Topics: []string{"orders"}}
	b.SetCluster(west)
	ask := func(from string, topics ...string) lineage.ClusterID {
		w, _ := b.Resolve("events", alias.Question{Spelling: "kafka://u:secret@kafka:9092", From: from, Topics: topics})
		return w.ID
	}
	want := func(what string, cluster ...string) {
		t.Helper()
		all, full := b.Spellings()
		if full || len(all) != len(cluster) {
			t.Fatalf("%s: full %v, %+v", what, full, all)
		}
		for i, s := range all {
			if s.Cluster != cluster[i] || s.Told() == (s.Problem != "") || s.Spelling != "kafka://kafka:9092" || len(s.By) != 1 || s.By[0] != "events" {
				t.Errorf("%s: %+v, want the cluster %q", what, s, cluster[i])
			}
			if !s.Told() && (s.Problem != alias.Conflicting || s.Rule == "" || s.Why == "") {
				t.Errorf("%s: %+v", what, s)
			}
		}
	}
	if ask("jobs", "orders") != "w" || ask("other", "parcels", "payments") != "" || ask("other", "orders") != "w" {
		t.Fatal("not resolved as it should be")
	}
	want("a job names topics that are not there", "west", "")
	west.Topics = []string{"orders", "payments"}
	b.SetCluster(west)
	want("one of its topics is there now", "west", "west")
	west.Topics = []string{"orders"}
	b.SetCluster(west)
	want("and is gone again", "west", "")
	b.Configure(nil, []lineage.ClusterRule{{Spelling: "kafka:9092", From: "other", Cluster: "west"}})
	want("a rule says", "west", "west")
}
