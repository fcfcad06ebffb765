package answer_test

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// walked is what a walk shows, by id, and the clusters that it touches.
func walked(w *answer.Walk) (nodes, scope string) {
	slices.SortFunc(w.Nodes, lineage.Node.Compare)
	var clusters []string
	for _, id := range w.Scope {
		clusters = append(clusters, string(id))
	}
	slices.Sort(clusters)
	return ids(w.Nodes), strings.Join(clusters, " ")
}

// A walk shows what its filter leaves, says which clusters it touches, and goes through an internal topic that is a
// root.
func TestWalk(t *testing.T) {
	inShop(t, func(t *testing.T, a *answer.Answers, whole *answer.View) {
		orders, books := topicNode("orders"), topicNode("__consumer_offsets")
		there := lineage.Node{Scope: "east", Kind: lineage.TopicNode, Name: "orders"}
		later := view(t, a, answer.Between(round(10), round(20)), answer.All)
		for name, c := range map[string]struct {
			v           *answer.View
			roots       []lineage.Node
			only        answer.Filter
			depth       int
			want, scope string
		}{
			"both ways, without turning round at a reader": {v: whole, roots: []lineage.Node{orders}, depth: 3, want: "topic:orders application:audit application:billing unidentified:orders"},
			"one hop":             {v: whole, roots: []lineage.Node{orders}, depth: 1, want: "topic:orders application:audit application:billing unidentified:orders"},
			"without what rested": {v: later, roots: []lineage.Node{orders}, depth: 1, want: "topic:orders application:billing unidentified:orders"},
			"also what rested":    {v: later, roots: []lineage.Node{orders}, depth: 1, only: answer.Filter{IncludeInactive: true}, want: "topic:orders application:audit application:billing unidentified:orders"},
			"by one evidence": {
				v: whole, roots: []lineage.Node{orders}, depth: 3, only: answer.Filter{Evidence: []lineage.EvidenceKind{lineage.ProducerState}},
				want: "topic:orders unidentified:orders",
			},
			"by two kinds of evidence": {
				v: whole, roots: []lineage.Node{orders}, depth: 1, only: answer.Filter{Evidence: []lineage.EvidenceKind{lineage.ProducerState, lineage.GroupOffsets}},
				want: "topic:orders application:audit application:billing unidentified:orders",
			},
			"by what nobody has":    {v: whole, roots: []lineage.Node{orders}, depth: 3, only: answer.Filter{Evidence: []lineage.EvidenceKind{lineage.Flink}}, want: "topic:orders"},
			"a root of Kafka's own": {v: whole, roots: []lineage.Node{books}, depth: 1, want: "topic:__consumer_offsets unidentified:__consumer_offsets"},
			"two clusters": {
				v: whole, roots: []lineage.Node{orders, there}, depth: 1, scope: string(east) + " " + string(west),
				want: "topic:east/orders topic:orders application:east/replay application:audit application:billing unidentified:orders",
			},
		} {
			if c.scope == "" {
				c.scope = string(west)
			}
			w := c.v.Walk(graph.Query{Roots: c.roots, Direction: graph.Both, Depth: c.depth}, c.only)
			if nodes, scope := walked(w); nodes != c.want || scope != c.scope {
				t.Errorf("%s:\n got %s of %s\nwant %s of %s", name, nodes, scope, c.want, c.scope)
			}
			for i, f := range w.Flows() {
				if f != w.Edges[i].Flow || !c.v.HasFlow(f) || !c.v.Has(f.From) || !c.v.Has(f.To) {
					t.Errorf("%s: the flow %s is not the view's", name, f.ID())
				}
			}
		}
		if whole.HasFlow(lineage.Flow{From: topicNode("quiet"), To: application("billing")}) || whole.Has(topicNode("nothing")) {
			t.Error("the view has what is not there")
		}
	})
}

// A past flow is known by what showed it then, not by what showed it in the window.
func TestWalkByEvidenceBefore(t *testing.T) {
	inShop(t, func(t *testing.T, a *answer.Answers, _ *answer.View) {
		v := view(t, a, answer.Between(round(12), round(20)), answer.All)
		for kind, want := range map[lineage.EvidenceKind]string{
			lineage.GroupOffsets:  "topic:orders application:audit application:billing",
			lineage.ProducerState: "topic:orders unidentified:orders",
		} {
			w := v.Walk(graph.Query{Roots: []lineage.Node{topicNode("orders")}, Direction: graph.Both, Depth: 1}, answer.Filter{Evidence: []lineage.EvidenceKind{kind}, IncludeInactive: true})
			if nodes, _ := walked(w); nodes != want {
				t.Errorf("%s: %s, want %s", kind, nodes, want)
			}
		}
	})
}

// The overview is all that moved, in all clusters or in one.
func TestOverview(t *testing.T) {
	inShop(t, func(t *testing.T, a *answer.Answers, whole *answer.View) {
		later := view(t, a, answer.Between(round(10), round(20)), answer.All)
		cluster := func(name string) *answer.Cluster {
			c, err := whole.FindCluster(name)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		for name, c := range map[string]struct {
			v           *answer.View
			of          *answer.Cluster
			internal    bool
			limit       int
			want, scope string
			total       int
		}{
			"all": {v: later, total: 7, want: "topic:east/orders topic:orders topic:payments application:east/replay application:billing unidentified:orders unidentified:payments"},
			"also what is deleted, and moved": {
				v: whole, of: cluster("west"), total: 8, scope: string(west),
				want: "topic:old topic:orders topic:payments application:audit application:billing unidentified:old unidentified:orders unidentified:payments",
			},
			"with Kafka's own": {
				v: later, of: cluster("west"), internal: true, total: 7, scope: string(west),
				want: "topic:__consumer_offsets topic:orders topic:payments application:billing unidentified:__consumer_offsets unidentified:orders unidentified:payments",
			},
			"of the east":     {v: later, of: cluster("east"), total: 2, scope: string(east), want: "topic:east/orders application:east/replay"},
			"of nothing seen": {v: later, of: cluster("north"), want: ""},
			"the greatest":    {v: later, of: cluster("west"), limit: 3, total: 5, scope: string(west), want: "topic:orders application:billing unidentified:orders"},
		} {
			w := c.v.Overview(c.of, answer.Filter{IncludeInternal: c.internal}, c.limit)
			if nodes, scope := walked(w); nodes != c.want || scope != c.scope || w.TotalNodes != c.total {
				t.Errorf("%s:\n got %s of %q, %d in all\nwant %s of %q, %d in all", name, nodes, scope, w.TotalNodes, c.want, c.scope, c.total)
			}
		}
	})
}

// Who used a topic stands in order: those that moved by how much, those that may have, those whose position stands.
func TestUsage(t *testing.T) {
	inShop(t, func(t *testing.T, a *answer.Answers, whole *answer.View) {
		later := view(t, a, answer.Between(round(10), round(20)), answer.All)
		for name, c := range map[string]struct {
			v                *answer.View
			topic            lineage.Node
			writers, readers string
		}{
			"orders":          {whole, topicNode("orders"), "unidentified:orders", "application:billing application:audit"},
			"orders later":    {later, topicNode("orders"), "unidentified:orders", "application:billing application:audit"},
			"payments":        {later, topicNode("payments"), "unidentified:payments", "application:billing"},
			"nobody's":        {later, topicNode("quiet"), "", ""},
			"Kafka's own":     {later, topicNode("__consumer_offsets"), "unidentified:__consumer_offsets", ""},
			"of the east":     {later, lineage.Node{Scope: "east", Kind: lineage.TopicNode, Name: "orders"}, "", "application:east/replay"},
			"what is deleted": {whole, topicNode("old"), "unidentified:old", ""},
			"deleted before":  {later, topicNode("old"), "", ""},
			"no topic":        {later, application("billing"), "", ""},
		} {
			writers, readers := c.v.Usage(c.topic)
			var from, to []lineage.Node
			for _, f := range writers {
				from = append(from, f.From)
			}
			for _, f := range readers {
				to = append(to, f.To)
			}
			if ids(from) != c.writers || ids(to) != c.readers {
				t.Errorf("%s: written by %q, read by %q, want %q and %q", name, ids(from), ids(to), c.writers, c.readers)
			}
		}
	})
}

// Who did nothing in a window used its topic all the same where a position stands, or where the window saw him: who
// only wrote before did not.
func TestUsageOfTheSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		paused := connector("paused")
		tell := func(n int, fill ...filling) { w.observe("west", "all", n, fill...) }
		for n := 1; n <= 20; n++ {
			fill := []filling{w.moved(self(orders), lineage.NoEvidence, 5), w.moved(writes(orders, group("writes")), lineage.Transaction, 5)}
			if n == 1 {
				fill = append(fill, facts(clusterFact(1), topicFact(orders)))
			}
			if n <= 3 {
				fill = append(fill, w.moved(writes(orders, group("wrote")), lineage.Transaction, 5), w.moved(reads(orders, group("read")), lineage.GroupOffsets, 5),
					level(reads(orders, group("stands")), lineage.Lag, 9), sighted(reads(orders, group("stands")), lineage.GroupOffsets, ""))
			}
			tell(n, fill...)
			told := []filling{sighted(reads(nameOnly(orders), by(paused)), lineage.Connect, "class x")}
			if n == 1 {
				told = append(told, facts(connectorFact(paused, "sink", "PAUSED")))
			}
			w.observe("connect", "connectors", n, told...)
		}
		time.Sleep(time.Until(round(20)))
		v := view(t, answers(w.store), answer.Between(round(10), round(20)), answer.All)
		writers, readers := v.Usage(topicNode("orders"))
		if len(writers) != 1 || writers[0].From != application("writes") {
			t.Errorf("written by %v", writers)
		}
		var by []lineage.Node
		for _, f := range readers {
			by = append(by, f.To)
		}
		if got := ids(by); got != "application:read application:stands connector:connect/paused" {
			t.Errorf("read by %s", got)
		}
	})
}
