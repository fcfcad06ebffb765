package answer_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A job may say that a column is made of a dataset as a whole, as Spark does of a topic's value: then it may be made of
// each of its columns.
func TestColumnsOfAWholeTopic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		x := topic("orders")
		orders, out := lineage.Topic{Cluster: west, Name: x.Name}, lineage.Dataset{Namespace: "file", Name: "/out"}
		job := lineage.Node{Scope: "spark", Kind: lineage.JobNode, Name: "files"}
		does := func(a lineage.Access, k lineage.EvidenceKind) filling {
			return func(o *lineage.Observation) {
				o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: k, Moved: true})
			}
		}
		for n := 1; n <= 2; n++ {
			fill := []filling{w.moved(self(x), lineage.NoEvidence, 10)}
			if n == 1 {
				fill = append(fill, facts(clusterFact(1), topicFact(x)))
			}
			w.observe("west", "all", n, fill...)
			fill = []filling{
				does(lineage.Access{Op: lineage.Read, Client: by(job), Topic: orders}, lineage.OpenLineage), does(lineage.Access{Op: lineage.Write, Client: by(job), Dataset: out}, lineage.OpenLineage),
			}
			if n == 1 {
				fill = append(fill, facts(lineage.Fact{
					Key:     lineage.FactKey{Source: "openlineage", Kind: lineage.ColumnsFacts, Name: "files"},
					Columns: &lineage.ColumnsFact{Mover: job, ToDataset: out, Links: []lineage.ColumnLink{{FromTopic: orders, To: "id"}}, Cut: 1},
				}))
			}
			w.observe("openlineage", "events", n, fill...)
		}
		time.Sleep(time.Until(round(2)))
		a := answers(w.store)
		f := func(field string, up bool, want string) {
			t.Helper()
			id, err := answer.ParseColumnID(field)
			if err != nil {
				t.Fatal(err)
			}
			is, err := view(t, a, answer.Between(round(0), round(2)), answer.All).ColumnLineage(t.Context(), id, up, !up)
			if err != nil {
				t.Fatal(err)
			}
			if got := wordsOf(is); got != strings.TrimLeft(strings.ReplaceAll(want, "\t", ""), "\n") {
				t.Errorf("%s:\n%s", field, got)
			}
		}
		f("dataset:file/%2Fout#id", true, `
			0 dataset:file/%2Fout#id
			-1 topic:west/orders#value
		`)
		f("topic:west/orders#value.email", false, `
			0 topic:west/orders#value.email
			1 dataset:file/%2Fout#id
			1 job:spark/files#value.email read
			? topic:west/orders#value.email at job:spark/files: of which columns it makes those of dataset:file/%2Fout it does not say, or not of all
		`)
	})
}
