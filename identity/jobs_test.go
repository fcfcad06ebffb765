package identity

import (
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// Whom an engine tells of is one node, whoever tells of it: by its groups, what its transactional.ids begin with, and
// what others call it. What several jobs could have is nobody's of them.
func TestJobsOfAnEngine(t *testing.T) {
	r, k := mustNew(t, Rules{}), NewKnowledge(nil)
	ref := func(group string) lineage.GroupRef { return lineage.GroupRef{Cluster: west.ID, Group: group} }
	for _, g := range []string{"enrich", "settle", "shared", "other"} {
		k.AddGroup(&lineage.GroupFact{Ref: ref(g), Type: "Classic"})
	}
	job := func(name string) lineage.Node { return node1("flink-west", lineage.StreamJobNode, name) }
	told := func(namespace, name string) lineage.Node {
		return node1(namespace, lineage.StreamJobNode, name)
	}
	prefix := func(of ...string) (all []lineage.IDPrefix) {
		for _, p := range of {
			all = append(all, lineage.IDPrefix{Cluster: west.ID, Prefix: p})
		}
		return all
	}
	k.AddJob(job("a"), &lineage.JobFact{Engine: "Apache Flink", Reads: []lineage.GroupRef{ref("enrich"), ref("shared")}, Writes: prefix("pay", "both"), Also: []lineage.Node{told("jobs", "A"), told("jobs", "twice")}})
	k.AddJob(job("b"), &lineage.JobFact{Engine: "Apache Flink", Reads: []lineage.GroupRef{ref("settle"), ref("shared")}, Writes: prefix("pay-long", "both"), Also: []lineage.Node{told("jobs", "twice")}})
	f := func(op lineage.Op, c lineage.Client, want lineage.Node, by string) {
		t.Helper()
		a := onTopic("orders", op, c)
		if n, words := r.Resolve(west, a, k.Of(a)); n != want || words != by {
			t.Errorf("%+v: got %v by %q, want %v by %q", c, n, words, want, by)
		}
	}
	app := func(name string) lineage.Node { return node1("shop", lineage.ApplicationNode, name) }
	group, id := "Apache Flink, by its group", "Apache Flink, by the prefix of its transactional.ids"
	f(lineage.Read, lineage.Client{Group: "enrich"}, job("a"), group)
	f(lineage.Read, lineage.Client{Group: "settle"}, job("b"), group)
	f(lineage.Read, lineage.Client{Group: "shared"}, app("shared"), "group id") // of two jobs
	f(lineage.Read, lineage.Client{Group: "other"}, app("other"), "group id")
	f(lineage.Write, lineage.Client{TransactionalID: "pay-0-1"}, job("a"), id)
	f(lineage.Write, lineage.Client{TransactionalID: "pay-long-0-12"}, job("b"), id)
	f(lineage.Write, lineage.Client{TransactionalID: "pay-else-0"}, app("pay-else"), "transactional.id") // none of them
	f(lineage.Write, lineage.Client{TransactionalID: "pays-0-1"}, app("pays"), "transactional.id")
	f(lineage.Write, lineage.Client{TransactionalID: "both-0-1"}, app("both"), "transactional.id")
	f(lineage.Write, lineage.Client{TransactionalID: "settle-0-1"}, job("b"), group+", whose name its transactional.id bears")
	f(lineage.Read, lineage.Client{Mover: job("a")}, job("a"), "Apache Flink")
	f(lineage.Write, lineage.Client{Mover: told("jobs", "A")}, job("a"), "Apache Flink, by the job's id in its OpenLineage events")
	f(lineage.Write, lineage.Client{Mover: node1("jobs", lineage.JobNode, "A")}, job("a"), "Apache Flink, by the job's id in its OpenLineage events")
	f(lineage.Write, lineage.Client{Mover: told("jobs", "twice")}, told("jobs", "twice"), "OpenLineage")
	f(lineage.Write, lineage.Client{Mover: told("elsewhere", "A")}, told("elsewhere", "A"), "OpenLineage")
}
