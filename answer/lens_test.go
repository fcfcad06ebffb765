package answer_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// without hides a topic.
type without string

func (h without) Topic(_ lineage.Cluster, name string) bool { return name != string(h) }

// secrets is a world with a topic that not all may see. Of it tell a writer, two readers, one of whom writes orders
// too, a connector that does nothing else, a stream job's topology, events, evidence, a gap and a blind spot.
func secrets(t testing.TB) *world {
	w := newWorld(t)
	secret, orders, counts := topic("secret"), topic("orders"), topic("counts")
	spy := lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: "spy"}
	for n := 1; n <= 20; n++ {
		ends := []filling{w.moved(self(secret), lineage.NoEvidence, 30), w.moved(self(orders), lineage.NoEvidence, 20), w.moved(self(counts), lineage.NoEvidence, 5)}
		for i, x := range []lineage.Topic{secret, orders, counts} {
			ends = append(ends, level(self(x), lineage.LogBytes, int64(1000*(i+1))), level(self(x), lineage.Retained, 10))
		}
		groups := []filling{
			w.moved(reads(secret, group("insider")), lineage.GroupOffsets, 30), level(reads(secret, group("insider")), lineage.Lag, 3),
			w.moved(reads(secret, group("both")), lineage.GroupOffsets, 30), level(reads(secret, group("both")), lineage.Lag, 4),
			w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 20), level(reads(orders, group("billing")), lineage.Lag, 5),
			sighted(reads(orders, group("billing")), lineage.GroupOffsets, "joined from secret, and reads"),
			w.moved(reads(orders, group("job")), lineage.GroupOffsets, 20),
			w.moved(writes(counts, lineage.Client{Group: "both"}), lineage.Transaction, 5),
		}
		switch n {
		case 1:
			ends = append(ends, facts(clusterFact(3), topicFact(secret), topicFact(orders), topicFact(counts)),
				happened(lineage.Event{Type: lineage.TopicCreated, Topic: secret, Detail: "topic secret was created"}),
				happened(lineage.Event{Type: lineage.TopicCreated, Topic: orders, Detail: "topic orders was created"}))
			job := &lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: "job"}, Type: "Streams", State: "Stable", Topology: &lineage.Topology{
				Subtopologies: []lineage.Subtopology{{ID: "0", Sources: []string{"orders", "secret"}, Sinks: []string{"secret"}}},
			}}
			groups = append(groups, facts(lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: "job"}, Group: job},
				lineage.Fact{
					Key:        lineage.FactKey{Source: "west", Kind: lineage.BlindSpotFacts, Name: "x"},
					BlindSpots: []lineage.BlindSpot{{Source: "groups", What: "the producers of secret.", Remedy: "grant READ on 'secret'"}, {Source: "groups", What: "other things", Remedy: "none"}},
				}))
		case 3:
			groups = append(groups, happened(lineage.Event{Type: lineage.GroupJoined, Group: lineage.GroupRef{Cluster: west, Group: "insider"}, Detail: "somebody joined insider"}),
				happened(lineage.Event{Type: lineage.FlowStarted, Access: reads(secret, group("both")), Detail: "both reads"}),
				happened(lineage.Event{Type: lineage.SourceLost, Detail: "no leader for secret,orders"}))
		}
		w.observe("west", "end-offsets", n, ends...)
		w.observe("west", "producers", n, w.moved(writes(secret, producer(1)), lineage.ProducerState, 30), w.moved(writes(orders, producer(1)), lineage.ProducerState, 20))
		if n == 7 {
			groups = []filling{missing("not authorized: secret")}
		}
		w.observe("west", "groups", n, groups...)
		var connectors []filling
		if n == 1 {
			connectors = append(connectors, facts(lineage.Fact{Key: lineage.FactKey{Source: "connect", Kind: lineage.ConnectorFacts, Name: "spy"}, Connector: &lineage.ConnectorFact{Kafka: west, Type: "sink", State: "RUNNING"}}))
		}
		w.observe("connect", "connectors", n, append(connectors, sighted(reads(lineage.Topic{Cluster: west, Name: "secret"}, group("")), lineage.Connect, "class x"),
			sighted(lineage.Access{Topic: lineage.Topic{Cluster: west, Name: "secret"}, Op: lineage.Read, Client: lineage.Client{Mover: spy}}, lineage.Connect, "class x"),
			sighted(lineage.Access{Topic: lineage.Topic{Cluster: west, Name: "secret"}, Op: lineage.Write, Client: lineage.Client{Mover: spy}, Dataset: lineage.Dataset{Namespace: "file", Name: "/vault"}}, lineage.Connect, "class x"))...)
	}
	return w
}

// said is all that a view says, by what was asked.
func said(t testing.TB, v *answer.View) map[string]any {
	t.Helper()
	ctx := context.Background()
	out := map[string]any{}
	must := func(what string, x any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		out[what] = x
	}
	all := v.Overview(nil, answer.Filter{IncludeInternal: true}, 1000)
	out["flows"], out["totalNodes"] = shown(ctx, t, v, all), all.TotalNodes
	whole, err := v.Search(ctx, answer.Search{IncludeInternal: true})
	must("search", whole, err)
	found, err := v.Search(ctx, answer.Search{Text: "secret", HasText: true, IncludeInternal: true})
	must("found", found, err)
	var nodes []lineage.Node
	for _, n := range whole {
		nodes = append(nodes, n.Node)
	}
	rows := v.Rows(nodes, all.Flows())
	for _, n := range nodes {
		is := rows.Node(n)
		for m := answer.RecordRate; m <= answer.EndToEnd; m++ {
			points, _, err := is.Series(ctx, m, answer.Between(round(0), round(20)), nil)
			must("series "+n.ID()+m.Unit(), points, err)
		}
		out["job "+n.ID()], out["stores "+n.ID()] = is.JobGroup(), is.Stores()
		if c := is.Cluster(); c != nil {
			st, err := c.State(ctx)
			must("cluster "+n.ID(), []any{c.Fact(), st}, err)
		}
		events, err := v.Events(ctx, &n)
		must("events "+n.ID(), events, err)
	}
	for _, f := range all.Flows() {
		es, err := rows.Flow(f).Evidence(ctx)
		must("evidence "+f.ID(), es, err)
	}
	for m := answer.RecordRate; m <= answer.EndToEnd; m++ {
		for _, kind := range []lineage.NodeKind{lineage.TopicNode, lineage.ApplicationNode, lineage.UnidentifiedNode, lineage.ConnectorNode} {
			top, unknown, err := v.Top(ctx, m, kind)
			must("top "+m.Unit(), []any{top, unknown}, err)
		}
	}
	events, err := v.Events(ctx, nil)
	must("events", events, err)
	groups, lags, err := v.GroupLags(ctx)
	must("lags", [][]answer.GroupLag{groups, lags}, err)
	sizes, err := v.TopicLevels(ctx, lineage.LogBytes)
	must("sizes", sizes, err)
	out["coverage"], out["coverage of west"] = v.Coverage(), v.CoverageOf("west")
	out["joins"] = v.Joins(100)
	return out
}

func text(t testing.TB, x any) string {
	t.Helper()
	b, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestLensHides looks through a lens that hides a topic: nothing that is said tells of it, nor of who does nothing
// else.
func TestLensHides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secrets(t)
		time.Sleep(time.Until(round(20)) + time.Second)
		h := &history{Reader: w.store}
		a := answers(h)
		in := answer.Between(round(0), round(20))
		whole, seen := view(t, a, in, answer.All), view(t, a, in, without("secret"))
		if whole == seen || view(t, a, in, answer.All) != whole || view(t, a, in, without("secret")) != seen || h.built() != 2 {
			t.Errorf("%d builds for two lenses", h.built())
		}
		told := text(t, said(t, whole))
		for _, name := range []string{"secret", "insider", "spy", "vault"} {
			if !strings.Contains(told, name) {
				t.Errorf("the world does not tell of %s: it proves nothing", name)
			}
		}
		for what, x := range said(t, seen) {
			for _, name := range []string{"secret", "insider", "spy", "vault"} {
				if got := text(t, x); strings.Contains(got, name) && what != "found" {
					t.Errorf("%s tells of %s: %.2000s", what, name, got)
				}
			}
		}
		for _, n := range []lineage.Node{topicNode("secret"), {Scope: "west", Kind: lineage.UnidentifiedNode, Name: "secret"}, application("insider"), {Scope: "connect", Kind: lineage.ConnectorNode, Name: "spy"}} {
			if !whole.Has(n) || seen.Has(n) {
				t.Errorf("%s: all have it: %v, who may not see it: %v", n.ID(), whole.Has(n), seen.Has(n))
			}
		}
		if found, err := seen.Search(context.Background(), answer.Search{Text: "secret", HasText: true, IncludeInternal: true}); err != nil || len(found) > 0 {
			t.Errorf("a search finds %v, %v", found, err)
		}
		if writers, readers := seen.Usage(topicNode("secret")); writers != nil || readers != nil {
			t.Errorf("used by %v %v", writers, readers)
		}
		for _, c := range seen.Clusters() {
			if f := c.Fact(); f.Topics != -1 {
				t.Errorf("the cluster has %d topics, who may not see all of them is told", f.Topics)
			}
		}
		for _, j := range seen.Joins(100) {
			if j.A == application("both") || j.B == application("both") {
				t.Errorf("both is said only to write, and reads what is hidden: %v", j)
			}
		}
		if n := len(seen.Coverage().Gaps); n != len(whole.Coverage().Gaps) || n == 0 {
			t.Errorf("%d gaps: that there was one is no secret", n)
		}
		if got := text(t, seen.Coverage()); !strings.Contains(got, "other things") {
			t.Errorf("words that name nothing hidden are not shown: %s", got)
		}
	})
}

// TestLensChangesNothingElse compares what is seen through a lens with what all see: of a flow that may be seen, and of
// a topic, both say the same.
func TestLensChangesNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := secrets(t)
		time.Sleep(time.Until(round(20)) + time.Second)
		a := answers(w.store)
		in := answer.Between(round(2), round(18))
		whole, seen := view(t, a, in, answer.All), view(t, a, in, without("secret"))
		part := seen.Overview(nil, answer.Filter{IncludeInternal: true}, 1000)
		if len(part.Flows()) < 4 {
			t.Fatalf("only %d flows: %v", len(part.Flows()), part.Flows())
		}
		for _, f := range part.Flows() {
			one := func(v *answer.View) []any {
				return shown(context.Background(), t, v, &answer.Walk{Walk: graph.Walk{Nodes: []lineage.Node{topicEnd(f)}, Edges: edge(part, f)}})
			}
			if diff := cmp.Diff(one(whole), one(seen), cmp.Comparer(func(a, b lineage.Client) bool { return a == b })); diff != "" {
				t.Errorf("%s: %s", f.ID(), diff)
			}
		}
	})
}

func topicEnd(f lineage.Flow) lineage.Node {
	if f.From.Kind == lineage.TopicNode {
		return f.From
	}
	return f.To
}

func edge(w *answer.Walk, f lineage.Flow) []graph.Edge {
	for _, e := range w.Edges {
		if e.Flow == f {
			return []graph.Edge{e}
		}
	}
	return nil
}
