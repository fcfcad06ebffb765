package answer_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// What a job reads leads where the job says, to outputs of which it says nothing as ever, and by what held in the
// window; also where the job is known by what it is called elsewhere, and where its ways have ended.
func TestWaysThroughAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		job := lineage.Node{Scope: "jobs", Kind: lineage.JobNode, Name: "split"}
		streams := lineage.Node{Scope: "jobs", Kind: lineage.StreamJobNode, Name: "split"} // as it is known since
		engine := lineage.Node{Scope: "flink", Kind: lineage.StreamJobNode, Name: "Split"}
		names := []string{"a", "b", "x", "c", "d", "e", "unsaid"}
		for _, n := range names {
			w.observe("west", n, 1, facts(topicFact(topic(n))), w.moved(self(topic(n)), lineage.NoEvidence, 5))
		}
		w.observe("west", "cluster", 1, facts(clusterFact(len(names))))
		byName := func(name string) lineage.Topic { return lineage.Topic{Cluster: west, Name: name} }
		says := func(op lineage.Op, all ...string) filling {
			return func(o *lineage.Observation) {
				for _, n := range all {
					o.Sightings = append(o.Sightings, lineage.Sighting{Access: lineage.Access{Topic: byName(n), Op: op, Client: lineage.Client{Mover: streams}}, Evidence: lineage.OpenLineage, Moved: true})
				}
			}
		}
		told := func(all ...[3]any) filling { // from, to, until which round; 0: it holds
			f := &lineage.WaysFact{Job: job}
			at := map[string]int{"": -1}
			for _, n := range names {
				at[n] = len(f.Ends)
				f.Ends = append(f.Ends, lineage.Node{Scope: string(west), Kind: lineage.TopicNode, Name: n})
			}
			for _, x := range all {
				is := lineage.JobWay{From: at[x[0].(string)], To: at[x[1].(string)]}
				if n := x[2].(int); n > 0 {
					is.Until = round(n)
				}
				f.Ways = append(f.Ways, is)
			}
			return facts(lineage.Fact{Key: lineage.FactKey{Source: "openlineage", Kind: lineage.WaysFacts, Name: job.ID()}, Ways: f})
		}
		w.observe("openlineage", "events", 2, says(lineage.Read, "a", "b", "x"), says(lineage.Write, "c", "d", "e", "unsaid"))
		w.observe("openlineage", "events", 4, told([3]any{"", "c", 0}, [3]any{"a", "c", 0}, [3]any{"", "d", 0}, [3]any{"a", "d", 0}, [3]any{"b", "d", 0}, [3]any{"", "e", 0}))
		w.observe("openlineage", "events", 6, told([3]any{"", "c", 0}, [3]any{"a", "c", 5}, [3]any{"b", "c", 0}, [3]any{"a", "d", 0}, [3]any{"x", "d", 5}))
		w.observe("flink", "jobs", 8, facts(lineage.Fact{Key: lineage.FactKey{Source: "flink", Kind: lineage.JobFacts, Name: "Split"}, Job: &lineage.JobFact{Engine: "Apache Flink", State: "RUNNING", Also: []lineage.Node{streams}}}))
		time.Sleep(time.Until(round(9)))
		leads := func(v *answer.View, from string, direction graph.Direction, want ...string) {
			t.Helper()
			walk := v.Walk(graph.Query{Roots: []lineage.Node{topicNode(from)}, Direction: direction, Depth: 9, Limit: 100}, answer.Filter{IncludeInactive: true})
			var got []string
			for _, n := range walk.Nodes {
				if n.Kind == lineage.TopicNode && n.Name != from {
					got = append(got, n.Name)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("from %s, direction %d: %q, want %q", from, direction, got, want)
			}
		}
		v := view(t, answers(w.store), answer.Between(round(1), round(3)), answer.All)
		leads(v, "a", graph.Downstream, "c", "d", "e", "unsaid")
		leads(v, "e", graph.Upstream, "a", "b", "x")

		v = view(t, answers(w.store), answer.Between(round(3), round(5)), answer.All)
		leads(v, "a", graph.Downstream, "c", "d", "unsaid")
		leads(v, "b", graph.Downstream, "d", "unsaid")
		leads(v, "x", graph.Downstream, "unsaid")
		leads(v, "c", graph.Upstream, "a")
		leads(v, "d", graph.Upstream, "a", "b")
		leads(v, "e", graph.Upstream)
		leads(v, "unsaid", graph.Upstream, "a", "b", "x")
		walk := v.Walk(graph.Query{Roots: []lineage.Node{streams}, Direction: graph.Both, Depth: 9, Limit: 100}, answer.Filter{IncludeInactive: true})
		if len(walk.Nodes) != len(names)+1 || len(walk.Flows()) != len(names) {
			t.Errorf("around the job there are %v by %v", walk.Nodes, walk.Flows())
		}
		found, err := v.Paths(t.Context(), topicNode("b"), topicNode("c"), false, 10)
		if err != nil || len(found.List) > 0 || !found.NotBefore.IsZero() {
			t.Errorf("a way is found where the job says that there is none: %+v, %v", found, err)
		}
		if found, err = v.Paths(t.Context(), topicNode("a"), topicNode("c"), false, 10); err != nil || len(found.List) == 0 {
			t.Errorf("no way is found where the job says that there is one: %+v, %v", found, err)
		}
		hit, err := v.Impact(t.Context(), topicNode("b"), answer.Filter{IncludeInactive: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range hit.Hits {
			if x.Node == topicNode("c") {
				t.Error("what leads elsewhere hits an output")
			}
		}

		// What was so before is in this window, and of some of it something newer in the next.
		v = view(t, answers(w.store), answer.Between(round(4), round(7)), answer.All)
		leads(v, "a", graph.Downstream, "c", "d", "e", "unsaid")
		leads(v, "c", graph.Upstream, "a", "b")
		v = view(t, answers(w.store), answer.Between(round(6), round(7)), answer.All)
		leads(v, "c", graph.Upstream, "b")
		leads(v, "a", graph.Downstream, "d", "e", "unsaid")
		leads(v, "x", graph.Downstream, "d", "e", "unsaid") // of it nothing newer is told

		v = named(t, w, answer.Between(round(6), round(9)))
		if !v.Has(engine) || v.Has(streams) {
			t.Fatal("the job is not its engine's")
		}
		leads(v, "c", graph.Upstream, "b")
	})
}
