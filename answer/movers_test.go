package answer_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

func connector(name string) lineage.Node {
	return lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: name}
}

func replicatorFact(teller string, n lineage.Node, f lineage.ReplicatorFact) lineage.Fact {
	f.Node = n
	f.SourceAlias, f.TargetAlias, _ = strings.Cut(n.Name, "->")
	return lineage.Fact{Key: lineage.FactKey{Source: teller, Kind: lineage.ReplicatorFacts, Name: n.ID()}, Replicator: &f}
}

// What is Kafka's, Connect's or MirrorMaker 2's own is told by its name, where the cluster has one who would call it
// so.
func TestInternalTopics(t *testing.T) {
	workers := groupFact(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: "workers"}, Type: "Classic", Protocol: "connect", State: "Stable"})
	readers := groupFact(&lineage.GroupFact{Ref: lineage.GroupRef{Cluster: west, Group: "readers"}, Type: "Classic", Protocol: "consumer", State: "Stable"})
	copies := replicatorFact("west", lineage.Node{Scope: "west", Kind: lineage.ReplicatorNode, Name: "east->w"}, lineage.ReplicatorFact{Source: east, Target: west})
	from := replicatorFact("west", lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "w->east"}, lineage.ReplicatorFact{Source: west, Target: east})
	for name, c := range map[string]struct {
		who              []lineage.Fact
		internal, others string // topics
	}{
		"by itself": {nil, "__consumer_offsets __x mm2-offset-syncs.east.internal mm2-configs.w.internal east.checkpoints.internal", "orders _x heartbeats.x connect-configs workers-offsets x-__y"},
		// A topic of MirrorMaker's makes its alias known, and with it whose heartbeats are its own.
		"MirrorMaker 2 told by its topics": {nil, "mm2-offset-syncs.east.internal heartbeats east.heartbeats east.north.heartbeats", "other.heartbeats northeast.heartbeats heartbeats.east"},
		"nothing of MirrorMaker 2":         {nil, "", "heartbeats east.heartbeats myheartbeats"},
		"it copies to here":                {[]lineage.Fact{copies}, "heartbeats east.heartbeats", "w.heartbeats other.heartbeats"},
		"it copies from here":              {[]lineage.Fact{from}, "heartbeats east.heartbeats", "w.heartbeats"},
		"Connect's workers": {
			[]lineage.Fact{workers},
			"workers-configs workers-offsets workers-status connect-configs connect-offsets connect-status",
			"workers-config workers other-status connect connect-other workers-",
		},
		"no workers": {[]lineage.Fact{readers}, "", "readers-configs connect-configs connect-status"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				told := append([]lineage.Fact{clusterFact(1)}, c.who...)
				want := map[string]bool{}
				for i, list := range []string{c.internal, c.others} {
					for name := range strings.FieldsSeq(list) {
						told, want[name] = append(told, topicFact(topic(name))), i == 0
					}
				}
				w.observe("east", "all", 1, facts(eastFact()))
				w.observe("west", "all", 1, facts(told...))
				time.Sleep(time.Until(round(1)))
				v := view(t, answers(w.store), answer.Between(round(0), round(1)), answer.All)
				for name, internal := range want {
					if got := v.Rows(nil, nil).Node(topicNode(name)).Internal(); got != internal {
						t.Errorf("%s is internal: %v", name, got)
					}
					if got := v.Rows(nil, nil).Node(unidentified(name)).Internal(); got != internal {
						t.Errorf("who writes %s unseen is internal: %v", name, got)
					}
				}
			})
		})
	}
}

// A mover that was told not to run, by who saw all of the window, did not move what it is only known to read.
func TestStoppedMovers(t *testing.T) {
	orders := topic("orders")
	n := connector("sink")
	states := func(state string, tasks ...string) *lineage.ConnectorFact {
		f := &lineage.ConnectorFact{Kafka: west, Class: "x", Type: "sink", State: state}
		for i, s := range tasks {
			f.Tasks = append(f.Tasks, lineage.Task{ID: i, State: s})
		}
		return f
	}
	for name, c := range map[string]struct {
		was, is *lineage.ConnectorFact // from round 1, from round 8 on; nil: as before
		lost    int                    // a round that the workers can't be asked in; 0: none
		want    string
	}{
		"it runs":                              {was: states("RUNNING", "RUNNING"), want: "null"},
		"it is paused":                         {was: states("PAUSED", "PAUSED"), want: "false"},
		"it failed":                            {was: states("FAILED", "FAILED"), want: "false"},
		"it failed, and its tasks run":         {was: states("FAILED", "RUNNING"), want: "null"},
		"it failed, and one of two tasks runs": {was: states("FAILED", "FAILED", "RUNNING"), want: "null"},
		"it runs, and its tasks failed":        {was: states("RUNNING", "FAILED", "FAILED"), want: "false"},
		"it runs without tasks":                {was: states("RUNNING"), want: "null"},
		"it is stopped without tasks":          {was: states("STOPPED"), want: "false"},
		"no state is told":                     {was: states(""), want: "null"},
		"it was stopped within the window":     {was: states("RUNNING", "RUNNING"), is: states("STOPPED"), want: "null"},
		"it began within the window":           {was: states("STOPPED"), is: states("RUNNING", "RUNNING"), want: "null"},
		"a round is not known":                 {was: states("PAUSED", "PAUSED"), lost: 7, want: "null"},
		"a round before is not known":          {was: states("PAUSED", "PAUSED"), lost: 3, want: "false"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.observe("west", "all", 1, facts(clusterFact(1), topicFact(orders)))
				for r := 1; r <= 10; r++ {
					fill := []filling{sighted(reads(nameOnly(orders), by(n)), lineage.Connect, "class x")}
					for at, f := range map[int]*lineage.ConnectorFact{1: c.was, 8: c.is} {
						if f != nil && at == r {
							fill = append(fill, facts(lineage.Fact{Key: lineage.FactKey{Source: n.Scope, Kind: lineage.ConnectorFacts, Name: n.Name}, Connector: f}))
						}
					}
					if r == c.lost {
						fill = []filling{missing("the workers do not answer")}
					}
					w.observe("connect", "connectors", r, fill...)
					if r > 1 {
						w.observe("west", "all", r, w.moved(self(orders), lineage.NoEvidence, 5))
					}
				}
				time.Sleep(time.Until(round(10)))
				v := named(t, w, answer.Between(round(5), round(10)), "connect")
				x := lineage.Flow{From: topicNode("orders"), To: n}
				if got := known(v.Rows(nil, []lineage.Flow{x}).Flow(x).Active()); got != c.want {
					t.Errorf("it moved: %s, want %s", got, c.want)
				}
			})
		})
	}
}

// Movers that rest are found while they exist; of those that are gone what they were is not told for what they are.
func TestRestingMovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		idle, deleted, part := connector("idle"), connector("deleted"), connector("part")
		flow := lineage.Node{Scope: "west", Kind: lineage.ReplicatorNode, Name: "e->w"}
		former := lineage.Node{Scope: "west", Kind: lineage.ReplicatorNode, Name: "n->w"}
		ofFlow := connectorFact(part, "source", "RUNNING")
		ofFlow.Connector.Replicator = flow
		w.observe("west", "all", 1, facts(clusterFact(1)))
		w.observe("east", "all", 1, facts(eastFact()))
		w.observe("connect", "connectors", 1, facts(connectorFact(idle, "sink", "PAUSED"), connectorFact(deleted, "sink", "RUNNING"), ofFlow,
			replicatorFact("connect", flow, lineage.ReplicatorFact{Source: east, Target: west, State: "RUNNING", Connect: "connect", Policy: "p"}),
			replicatorFact("connect", former, lineage.ReplicatorFact{Target: west, State: "RUNNING"})))
		// What runs on a Connect cluster is told best by that.
		w.observe("west", "mirror", 1, facts(replicatorFact("west", flow, lineage.ReplicatorFact{Source: east, Target: west, State: "PAUSED", Policy: "other"})))
		w.observe("connect", "connectors", 2, facts(gone(connectorFact(deleted, "sink", "")), gone(replicatorFact("connect", former, lineage.ReplicatorFact{}))))
		time.Sleep(time.Until(round(2)))
		v := view(t, answer.New(answer.Options{
			History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "West"}, {Source: "east", Name: "East"}},
			Connects: []answer.ConnectConfig{{Name: "connect"}},
		}), answer.Between(round(0), round(2)), answer.All)
		shown := func(n lineage.Node) lineage.Node { n.Scope = "West"; return n } // as its target is called
		if got := found(t, v, answer.Search{}); got != ids([]lineage.Node{shown(flow), idle}) {
			t.Errorf("found %s", got)
		}
		rows := v.Rows(nil, nil)
		for _, c := range []struct {
			n           lineage.Node
			has, exists bool
			connector   string // its state
			replicator  lineage.ReplicatorFact
			clusters    int
		}{
			{n: idle, has: true, exists: true, connector: "PAUSED", clusters: 1},
			{n: deleted, has: true},
			{n: part, exists: true}, // a part of a replicator is none of its own
			{n: connector("never"), exists: true},
			{
				n: shown(flow), has: true, exists: true, clusters: 2,
				replicator: lineage.ReplicatorFact{Node: flow, SourceAlias: "e", TargetAlias: "w", Source: east, Target: west, State: "RUNNING", Connect: "connect", Policy: "p"},
			},
			{n: shown(former), has: true, replicator: lineage.ReplicatorFact{SourceAlias: "n", TargetAlias: "w"}},
		} {
			is := rows.Node(c.n)
			if v.Has(c.n) != c.has || is.Exists() != c.exists || is.Connector().State != c.connector || len(v.ClustersOf(c.n)) != c.clusters {
				t.Errorf("%s: there %v, exists %v, state %q, of %d clusters; want %+v", c.n.ID(), v.Has(c.n), is.Exists(), is.Connector().State, len(v.ClustersOf(c.n)), c)
			}
			if got := is.Replicator(); c.n.Kind == lineage.ReplicatorNode && got != c.replicator {
				t.Errorf("%s is %+v, want %+v", c.n.ID(), got, c.replicator)
			}
		}
	})
}

// The stores and inner topics of a stream job are those that its topology tells, and that its topics are called after.
func TestInsideAStreamJob(t *testing.T) {
	job := lineage.Node{Scope: "west", Kind: lineage.StreamJobNode, Name: "totals"}
	ref := lineage.GroupRef{Cluster: west, Group: "totals"}
	told := &lineage.GroupFact{Ref: ref, Type: "Streams", State: "Stable", Topology: &lineage.Topology{Subtopologies: []lineage.Subtopology{{ID: "0", Stores: []string{"sums", "window"}}, {ID: "1", Stores: []string{"sums"}}}}}
	untold := &lineage.GroupFact{Ref: ref, Type: "Classic", Protocol: "consumer", State: "Stable", MembersKnown: true, Members: []lineage.Member{{ID: "m", ClientID: "totals-764c8806-3f7b-4b2e-9a7d-0d6f8a1b2c3d-StreamThread-1-consumer", Host: "/h"}}}
	for name, c := range map[string]struct {
		group         *lineage.GroupFact
		topics        string
		stores, inner string
	}{
		"told by its topology": {told, "totals-sums-changelog totals-x-repartition orders", "sums window", "topic:totals-sums-changelog topic:totals-x-repartition"},
		"told by its topics":   {untold, "totals-sums-changelog totals-KSTREAM-3-repartition orders totals-other", "sums", "topic:totals-KSTREAM-3-repartition topic:totals-sums-changelog"},
		"told by nothing":      {untold, "orders", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				all := []lineage.Fact{clusterFact(1), groupFact(c.group)}
				for name := range strings.FieldsSeq(c.topics) {
					all = append(all, topicFact(topic(name)))
				}
				w.observe("west", "all", 1, facts(all...), w.moved(reads(topic("orders"), group("totals")), lineage.GroupOffsets, 1))
				w.observe("west", "all", 2, w.moved(reads(topic("orders"), group("totals")), lineage.GroupOffsets, 1))
				time.Sleep(time.Until(round(2)))
				v := named(t, w, answer.Between(round(0), round(2)))
				is := v.Rows([]lineage.Node{job}, nil)
				if got := strings.Join(is.Node(job).Stores(), " "); got != c.stores {
					t.Errorf("its stores are %q, want %q", got, c.stores)
				}
				if got := ids(v.InnerTopics(job)); got != c.inner {
					t.Errorf("its inner topics are %q, want %q", got, c.inner)
				}
				if g := is.Node(job).JobGroup(); g == nil || g.Ref != ref {
					t.Errorf("its group is %+v", g)
				}
				for name := range strings.FieldsSeq(c.topics) {
					of, inner := is.Node(topicNode(name)).InnerOf()
					if want := strings.Contains(c.inner, "topic:"+name); inner != want || want && of != job {
						t.Errorf("%s is inner: %v, of %s", name, inner, of.ID())
					}
				}
				// An answer that has the job has its inner topics, since it can ask for them.
				if got, want := len(is.Nodes()), 1+len(strings.Fields(c.inner)); got != want {
					t.Errorf("%d rows, want %d", got, want)
				}
			})
		})
	}
}

// Nothing counts what goes to a dataset: that nothing moved is known only while the connector's offsets are seen.
func TestDatasetsMoveOrNobodyKnows(t *testing.T) {
	n := connector("source")
	set := lineage.Dataset{Namespace: "postgres://db:5432", Name: "shop"}
	a := outside(lineage.Read, n, set)
	for name, c := range map[string]struct {
		pending map[int]int64 // by round
		first   int           // round in which it is seen first; 0: the first
		unread  []int         // rounds in which its offsets were not asked for yet
		away    []int         // rounds that nobody took
		want    string
	}{
		"its offsets were never told":             {want: "null"},
		"its offsets are seen":                    {pending: map[int]int64{2: 0}, want: "false"},
		"they are seen no more":                   {pending: map[int]int64{2: 0, 7: 1}, want: "null"},
		"they were not looked at in all rounds":   {pending: map[int]int64{2: 0, 5: 1, 6: 0, 8: 1, 9: 0}, want: "false"},
		"they were not looked at in the last one": {pending: map[int]int64{2: 0, 5: 1, 6: 0, 10: 1}, want: "null"},
		// Where its offsets stood when they were first looked at it came to before: in the window or not, nobody saw.
		"it came into sight within the window":          {first: 6, pending: map[int]int64{6: 0}, want: "null"},
		"its offsets were first looked at within it":    {pending: map[int]int64{6: 0}, unread: []int{4, 5}, want: "null"},
		"nobody looked for a while within the window":   {pending: map[int]int64{2: 0, 7: 0}, away: []int{5, 6}, want: "null"},
		"it came into sight as the window before ended": {first: 4, pending: map[int]int64{4: 0}, want: "false"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.observe("west", "all", 1, facts(clusterFact(1)))
				first := max(c.first, 1)
				for r := 1; r <= 10; r++ {
					switch {
					case slices.Contains(c.away, r):
						continue
					case r < first:
						w.observe("connect", "connectors", r)
						continue
					}
					fill := []filling{sighted(a, lineage.Connect, "class x")}
					if slices.Contains(c.unread, r) {
						fill = append(fill, missing("not asked yet"))
					}
					if r == first {
						fill = append(fill, facts(connectorFact(n, "source", "RUNNING")))
					}
					if value, told := c.pending[r]; told {
						fill = append(fill, level(a, lineage.Pending, value))
					}
					w.observe("connect", "connectors", r, fill...)
				}
				time.Sleep(time.Until(round(10)))
				v := named(t, w, answer.Between(round(4), round(10)), "connect")
				x := lineage.Flow{From: set.Node(), To: n}
				if got := known(v.Rows(nil, []lineage.Flow{x}).Flow(x).Active()); got != c.want {
					t.Errorf("it moved: %s, want %s", got, c.want)
				}
			})
		})
	}
}
