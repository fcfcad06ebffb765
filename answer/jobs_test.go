package answer_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// What a job says of itself is outranked by what Kafka saw of its topics, and where it does not say that anything moved
// it is not known, until it has ended.
func TestJobsOwnWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stream := lineage.Node{Scope: "flink-jobs", Kind: lineage.StreamJobNode, Name: "enrich"}
		batch := lineage.Node{Scope: "flink-jobs", Kind: lineage.JobNode, Name: "enrich"} // as it was told of first
		orders, table := topic("orders"), lineage.Dataset{Namespace: "postgres://db:5432", Name: "t"}
		byName := lineage.Topic{Cluster: west, Name: "orders"}
		does := func(n lineage.Node, op lineage.Op, to lineage.Topic, set lineage.Dataset) lineage.Access {
			return lineage.Access{Topic: to, Op: op, Client: lineage.Client{Mover: n}, Dataset: set}
		}
		reads, writes := does(stream, lineage.Read, byName, lineage.Dataset{}), does(stream, lineage.Write, byName, lineage.Dataset{})
		fills, first := does(stream, lineage.Write, lineage.Topic{}, table), does(batch, lineage.Write, lineage.Topic{}, table)
		says := func(x lineage.Access, moved bool) filling {
			return func(o *lineage.Observation) {
				o.Sightings = append(o.Sightings, lineage.Sighting{Access: x, Evidence: lineage.OpenLineage, Moved: moved, Detail: "the job's own word"})
			}
		}
		subject := lineage.Access{Topic: orders}
		w.observe("west", "all", 1, facts(clusterFact(1), topicFact(orders)), w.moved(subject, lineage.NoEvidence, 5))
		w.observe("openlineage", "events", 1, says(first, false), level(first, lineage.Pending, 1))
		for n := 2; n <= 9; n++ {
			grown := int64(0)
			if n == 3 {
				grown = 7
			}
			w.observe("west", "all", n, w.moved(subject, lineage.NoEvidence, grown))
			var said []filling
			switch n {
			case 3, 5: // the topic grows in the first of them
				said = []filling{says(reads, true), says(writes, true), says(fills, true), level(fills, lineage.Pending, 1), level(first, lineage.Pending, 0)}
			case 7:
				said = []filling{says(fills, false), level(fills, lineage.Pending, 0)}
			}
			w.observe("openlineage", "events", n, said...)
		}
		time.Sleep(time.Until(round(9)))
		end := func(n lineage.Node) lineage.Flow { return lineage.Flow{From: n, To: table.Node()} }
		f := func(what string, from, to int, flow lineage.Flow, want string) {
			t.Helper()
			v := view(t, answers(w.store), answer.Between(round(from), round(to)), answer.All)
			got := "null"
			if active := v.Rows(nil, []lineage.Flow{flow}).Flow(flow).Active(); active != nil {
				got = map[bool]string{true: "true", false: "false"}[*active]
			}
			if got != want {
				t.Errorf("%s: active is %s, want %s", what, got, want)
			}
			if v.Has(batch) && v.Has(stream) {
				t.Errorf("%s: one job is two nodes", what)
			}
		}
		in, out := lineage.Flow{From: topicNode("orders"), To: stream}, lineage.Flow{From: stream, To: topicNode("orders")}
		f("it reads while the topic grows", 2, 3, in, "true")
		f("it writes while the topic grows", 2, 3, out, "true")
		f("it says that it reads, and nothing is new", 4, 5, in, "null")
		f("it says that it writes, and the topic does not grow", 4, 5, out, "false")
		f("it fills a table", 4, 5, end(stream), "true")
		f("it goes on, and says nothing", 5, 6, end(stream), "null")
		f("it ends", 6, 7, end(stream), "null")
		f("it has ended", 8, 9, end(stream), "false")
		v := view(t, answers(w.store), answer.Between(round(0), round(9)), answer.All)
		if c := v.Rows(nil, nil).Node(table.Node()).Cluster(); c != nil {
			t.Errorf("a table is in cluster %q", c.ID())
		}
		if ids := v.ClustersOf(stream); len(ids) != 1 || ids[0] != west {
			t.Errorf("the job is in clusters %q", ids)
		}
		if !v.Rows([]lineage.Node{stream}, nil).Node(stream).OfItself() {
			t.Error("the job does not stand for itself")
		}
	})
}

// The last state of a job whose Flink was not seen at a window's end is none of that end, whichever end is asked for;
// of before it stays what it was. That a run was over stays so.
func TestJobThatNobodySees(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		node := func(name string) lineage.Node {
			return lineage.Node{Scope: "flink-west", Kind: lineage.StreamJobNode, Name: name}
		}
		fact := func(name, state string) lineage.Fact {
			return lineage.Fact{Key: lineage.FactKey{Source: "flink-west", Kind: lineage.JobFacts, Name: name}, Job: &lineage.JobFact{Engine: "Apache Flink", State: state, Restarts: -1}}
		}
		const last = 20
		for i := 1; i <= last; i++ {
			w.observe("west", "all", i)
			switch {
			case i == 1:
				w.observe("flink-west", "jobs", i, facts(fact("copy", "RUNNING"), fact("load", "FINISHED")))
			case i <= 10 || i == 20:
				w.observe("flink-west", "jobs", i)
			default:
				w.observe("flink-west", "jobs", i, func(o *lineage.Observation) {
					o.Missing = append(o.Missing, lineage.Missing{All: true, Share: 1, Reason: "connection refused"})
				})
			}
		}
		time.Sleep(time.Until(round(last)))
		f := func(from, to int, name, want string) {
			t.Helper()
			v := named(t, w, answer.Between(round(from), round(to)))
			n := v.Rows([]lineage.Node{node(name)}, nil).Node(node(name))
			got := "seen"
			if u := n.EngineUnseen(); u != nil {
				if got = u.Why; !u.Since.IsZero() {
					got += " since " + u.Since.Sub(round(0)).String()
				}
			}
			if n.EngineJob() == nil || got != want {
				t.Errorf("%s at %d: %+v, %s, want %s", name, to, n.EngineJob(), got, want)
			}
		}
		f(1, 10, "copy", "seen")
		f(1, 18, "copy", "connection refused since "+round(10).Sub(round(0)).String())
		f(14, 18, "copy", "connection refused")
		f(1, 18, "load", "seen")
		f(1, 9, "copy", "seen")
		f(1, 20, "copy", "seen")
	})
}

// A job of which its engine and OpenLineage tell, and Kafka by its group, is one node: also without any flow, and once
// its engine has forgotten it.
func TestJobOfAnEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		job, idle := lineage.Node{Scope: "flink-west", Kind: lineage.StreamJobNode, Name: "enrich"}, lineage.Node{Scope: "flink-west", Kind: lineage.StreamJobNode, Name: "idle"}
		also := lineage.Node{Scope: "jobs", Kind: lineage.StreamJobNode, Name: "Enrich"}
		orders := topic("orders")
		is := lineage.JobFact{
			Engine: "Apache Flink", Version: "2.3.0", ID: "id", State: "RUNNING", Restarts: 2, Reads: []lineage.GroupRef{{Cluster: west, Group: "enrich"}}, Also: []lineage.Node{also},
			Vertices: []lineage.JobVertex{{ID: "v", Name: "Source: source", State: "RUNNING", Parallelism: 1}},
		}
		fact := func(n lineage.Node, f *lineage.JobFact) lineage.Fact {
			return lineage.Fact{Key: lineage.FactKey{Source: n.Scope, Kind: lineage.JobFacts, Name: n.Name}, Job: f, Gone: f == nil}
		}
		byName := lineage.Topic{Cluster: west, Name: "orders"}
		says := func(n lineage.Node, op lineage.Op, e lineage.EvidenceKind) filling {
			return func(o *lineage.Observation) {
				o.Sightings = append(o.Sightings, lineage.Sighting{Access: lineage.Access{Topic: byName, Op: op, Client: lineage.Client{Mover: n}}, Evidence: e, Moved: true})
			}
		}
		reads := lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "enrich"}}
		w.observe("west", "all", 1, facts(clusterFact(1), topicFact(orders)), w.moved(lineage.Access{Topic: orders}, lineage.NoEvidence, 5), w.moved(reads, lineage.GroupOffsets, 1))
		w.observe("flink-west", "jobs", 1, facts(fact(job, &is), fact(idle, &lineage.JobFact{Engine: "Apache Flink", State: "CREATED", Restarts: -1})))
		w.observe("west", "all", 2, w.moved(lineage.Access{Topic: orders}, lineage.NoEvidence, 5), w.moved(reads, lineage.GroupOffsets, 4))
		restarted := lineage.Event{Type: lineage.JobRestarted, Access: lineage.Access{Client: lineage.Client{Mover: job}}, Detail: "once"}
		w.observe("flink-west", "jobs", 2, says(job, lineage.Read, lineage.Flink), happened(restarted))
		w.observe("openlineage", "events", 2, says(also, lineage.Read, lineage.OpenLineage), says(also, lineage.Write, lineage.OpenLineage))
		restarted.Type, restarted.Access.Client.Mover = lineage.JobFailed, also // whoever tells of it
		w.observe("flink-west", "jobs", 3, facts(fact(job, nil)), happened(restarted))
		w.observe("west", "all", 3)
		time.Sleep(time.Until(round(3)))
		v := named(t, w, answer.Between(round(1), round(2)))
		for _, n := range []lineage.Node{also, {Scope: "west", Kind: lineage.ApplicationNode, Name: "enrich"}} {
			if v.Has(n) {
				t.Errorf("one job is also %v", n)
			}
		}
		n := v.Rows([]lineage.Node{job}, nil).Node(job)
		if f := n.EngineJob(); f == nil || f.Restarts != 2 || len(f.Vertices) != 1 || n.Engine() != "Apache Flink" || !n.OfItself() || n.NamedBy() != "Apache Flink, by its group" {
			t.Errorf("the job is %+v, run by %q, named by %q", f, n.Engine(), n.NamedBy())
		}
		flow := v.Rows(nil, []lineage.Flow{{From: topicNode("orders"), To: job}}).Flow(lineage.Flow{From: topicNode("orders"), To: job})
		if records := flow.Records(); records == nil || *records != 4 {
			t.Errorf("it read %v records, want the 4 that its group moved", records)
		}
		if !v.Has(idle) {
			t.Error("a job without a flow is no node")
		}
		v = named(t, w, answer.Between(round(2), round(3)))
		n = v.Rows([]lineage.Node{job}, nil).Node(job)
		if v.Has(also) || n.EngineJob() != nil || n.Engine() != "Apache Flink" {
			t.Errorf("forgotten by its engine, the job is %+v, run by %q, and its other self is there: %v", n.EngineJob(), n.Engine(), v.Has(also))
		}
		v = named(t, w, answer.Between(round(1), round(3)))
		for of, want := range map[*lineage.Node]string{&job: "JOB_FAILED JOB_RESTARTED ", &idle: "", new(topicNode("orders")): ""} {
			events, err := v.Events(t.Context(), of)
			got := ""
			for _, e := range events {
				got += e.Type.String() + " "
				if e.Node == nil || *e.Node != job || e.Flow != nil {
					t.Errorf("%s is about %v and %v", e.Type, e.Node, e.Flow)
				}
			}
			if err != nil || got != want {
				t.Errorf("to %v happened %q, want %q; %v", *of, got, want, err)
			}
		}
	})
}
