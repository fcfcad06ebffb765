package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A batch job that its engine tells of is a JOB, named by the engine, with its runs; and those of which the job told
// itself under the same name.
func TestBatchJobOfAnEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		job := lineage.Node{Scope: "flink-west", Kind: lineage.JobNode, Name: "nightly"}
		orders := lineage.Topic{Cluster: west, Name: "orders"}
		ran := func(source, id string, n int) lineage.Fact {
			return lineage.Fact{Key: lineage.FactKey{Source: source, Kind: lineage.RunFacts, Name: job.ID()}, Runs: &lineage.RunsFact{
				Job: job, Integration: "FLINK", Ends: []lineage.Node{{Scope: string(west), Kind: lineage.TopicNode, Name: "orders"}},
				Runs: []lineage.Run{{ID: id, State: lineage.RunCompleted, First: round(n), Started: true, Reads: []int{0}}},
			}}
		}
		reads := func(o *lineage.Observation) {
			o.Sightings = append(o.Sightings, lineage.Sighting{
				Access: lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Mover: job, Software: "Apache Flink"}}, Evidence: lineage.Flink, Moved: true,
			})
		}
		w.observe("west", "all", 1, facts(clusterFact(1), topicFact(topic("orders"))))
		w.observe("flink-west", "jobs", 1, facts(ran("flink-west", "r1", 1)))
		w.observe("flink-west", "job-details", 1, reads)
		w.observe("openlineage", "events", 2, facts(ran("openlineage", "r2", 2)))
		time.Sleep(time.Until(round(2)))
		v := named(t, w, answer.Between(round(0), round(2)))
		flow := lineage.Flow{From: topicNode("orders"), To: job}
		rows := v.Rows([]lineage.Node{job}, []lineage.Flow{flow})
		if by := rows.Node(job).NamedBy(); !v.Has(job) || by != "Apache Flink" {
			t.Errorf("it is named by %q", by)
		}
		if evidence, err := rows.Flow(flow).Evidence(t.Context()); err != nil || len(evidence) != 1 || evidence[0].Kind != lineage.Flink {
			t.Errorf("it reads by %+v, %v", evidence, err)
		}
		runs, err := v.Runs(t.Context(), job)
		if err != nil || runs == nil || len(runs.Runs) != 2 || runs.Runs[0].ID != "r2" || runs.Runs[1].ID != "r1" || runs.Ends[runs.Runs[1].Reads[0]].Name != "orders" {
			t.Errorf("its runs are %+v, %v", runs, err)
		}
	})
}
