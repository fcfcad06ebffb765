package api_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Runs are asked as of a window: the state that a run had at its end, and those that had begun by then.
func TestRunsAsOfAWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		job := lineage.Node{Scope: "airflow", Kind: lineage.JobNode, Name: "nightly"}
		db := lineage.Dataset{Namespace: "pg://db:5432", Name: "t"}
		fact := func(runs ...lineage.Run) func(*lineage.Observation) {
			return facts(lineage.Fact{Key: lineage.FactKey{Source: "openlineage", Kind: lineage.RunFacts, Name: job.ID()}, Runs: &lineage.RunsFact{
				Job: job, Integration: "SPARK", Owners: []lineage.Owner{{Name: "team:data"}},
				Ends: []lineage.Node{{Scope: string(west), Kind: lineage.TopicNode, Name: "orders"}}, Runs: runs,
			}})
		}
		for n := 1; n <= 12; n++ {
			w.observe("west", "end-offsets", n, facts(clusterFact("west", west, 1, 0), topicFact("west", orders)), w.moved(self(orders), lineage.NoEvidence, 1))
			one := lineage.Run{ID: "1", State: lineage.RunGoesOn, First: round(3), Started: true, Reads: []int{0}}
			switch n {
			case 3:
				w.observe("openlineage", "events", n, fact(one), moving(outside(lineage.Write, job, db), lineage.OpenLineage))
			case 9:
				one.State, one.Ended, one.Failure = lineage.RunFailed, round(9), "java.lang.OutOfMemoryError"
				w.observe("openlineage", "events", n, fact(lineage.Run{ID: "2", State: lineage.RunGoesOn, First: round(9)}, one), moving(outside(lineage.Write, job, db), lineage.OpenLineage))
			default:
				w.observe("openlineage", "events", n)
			}
		}
		w.end(12)
		h := serve(served{History: w.store, Identity: conventions(), Clusters: shopConfig})
		at := func(n int) string { return round(n).Format(time.RFC3339) }
		f := func(start, end int, first, want string) {
			t.Helper()
			_, body := ask(h, `query($w: Window!) { node(id: "job:airflow/nightly", window: $w) { ... on Job { runs`+first+` { totalCount integration owners { name } nodes { id state startKnown failure ended reads { id } } } } } }`,
				`{"w": {"start": "`+at(start)+`", "end": "`+at(end)+`"}}`)
			if !strings.Contains(string(body), want) {
				t.Errorf("%d to %d: %s\nwant %s", start, end, body, want)
			}
		}
		f(2, 6, "", `"runs":{"totalCount":1,"integration":"SPARK","owners":[{"name":"team:data"}],"nodes":[{"id":"1","state":"GOES_ON","startKnown":true,"failure":null,"ended":null,"reads":[{"id":"topic:west/orders"}]}]}`)
		f(6, 12, "(first: 1)", `{"totalCount":2,"integration":"SPARK","owners":[{"name":"team:data"}],"nodes":[{"id":"2","state":"GOES_ON","startKnown":false`)
		f(6, 12, "", `"state":"FAILED","startKnown":true,"failure":"java.lang.OutOfMemoryError"`)
		f(6, 12, "(first: -1)", "first must be 0 to")
	})
}
