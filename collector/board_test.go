package collector_test

import (
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

func connector(name string) lineage.Node {
	return lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: name}
}

func TestBoardFindsClusters(t *testing.T) {
	var b collector.Board
	b.SetCluster(collector.Watched{Source: "west", ID: "W", Bootstrap: []string{"10.0.0.1:9092"}})
	b.SetCluster(collector.Watched{Source: "east", ID: "E", Bootstrap: []string{"10.0.0.2:9092"}})
	for _, c := range []struct {
		alias     string
		bootstrap []string
		want      string
	}{
		{"west", nil, "W"},
		{"w", []string{"10.0.0.9:9092", " 10.0.0.1:9092"}, "W"},
		{"east", []string{"10.0.0.1:9092"}, "W"}, // an address says more than an alias
		{"w", nil, ""},
		{"", nil, ""},
		{"both", []string{"10.0.0.1:9092", "10.0.0.2:9092"}, ""},
		{"e", nil, "E"},                         // as somebody said
		{"e", []string{"10.0.0.1:9092"}, "W"},   // which an address overrides too
		{"lost", []string{"10.0.0.9:9092"}, ""}, // of a cluster that was not seen
	} {
		w, _, ok := b.Find("mirror", c.alias, c.bootstrap, map[string]string{"e": "east", "lost": "north"})
		if string(w.ID) != c.want || ok != (c.want != "") {
			t.Errorf("Find(%q, %v) = %q, %v", c.alias, c.bootstrap, w.ID, ok)
		}
	}
}

func TestBoardTellsWritersOfAllSources(t *testing.T) {
	var b collector.Board
	if w := b.Writers("W"); w.Told {
		t.Error("an empty board tells writers")
	}
	first, second := lineage.Source{Cluster: "connect-west", Name: "connectors"}, lineage.Source{Cluster: "west", Name: "mirror"}
	now := time.Unix(1000, 0)
	a, c := connector("a"), connector("c")
	b.SetWriters(first, now, true, collector.UncountedWriters{"W": {"orders": {c, a}, "lines": {a}}, "N": {"far": {c}}})
	b.SetWriters(second, now.Add(-time.Second), true, collector.UncountedWriters{"W": {"orders": {a}}})
	w := b.Writers("W")
	if got, sure := w.Of("orders"); !slices.Equal(got, []lineage.Node{a, c}) || !sure || !w.AsOf.Equal(now.Add(-time.Second)) {
		t.Errorf("writers are %v, sure %v, as of %v", got, sure, w.AsOf)
	}
	if w := b.Writers("E"); w.Told {
		t.Error("writers of another cluster are told")
	}
	n := b.Writers("N")
	if got, sure := n.Of("far"); !slices.Equal(got, []lineage.Node{c}) || !sure || !n.AsOf.Equal(now) {
		t.Errorf("writers of a second cluster are %v, sure %v, as of %v", got, sure, n.AsOf)
	}
	b.SetWriters(first, now.Add(time.Second), false, collector.UncountedWriters{"W": {"lines": {a}}})
	w = b.Writers("W")
	if _, sure := w.Of("lines"); sure {
		t.Error("sure of a writer whose source could not see")
	}
	if _, sure := w.Of("orders"); !sure {
		t.Error("not sure of a topic that the unseeing source has no writer of")
	}
}

// Of a mover whose topics are not known yet, any topic may be one.
func TestBoardIsNotSureOfAnyTopic(t *testing.T) {
	var b collector.Board
	a, c := connector("a"), connector("c")
	b.SetWriters(lineage.Source{Cluster: "connect-west", Name: "connectors"}, time.Unix(1000, 0), true, collector.UncountedWriters{"W": {"orders": {a}, collector.AnyTopic: {c}}, "E": {"orders": {a}}})
	if got, sure := b.Writers("W").Of("orders"); sure || !slices.Equal(got, []lineage.Node{a}) {
		t.Errorf("writers are %v, sure %v", got, sure)
	}
	if _, sure := b.Writers("E").Of("orders"); !sure {
		t.Error("not sure of another cluster")
	}
}

func TestBoardWaitsForWhomItExpects(t *testing.T) {
	var b collector.Board
	src := lineage.Source{Cluster: "connect-west", Name: "connectors"}
	b.SetCluster(collector.Watched{Source: "west", ID: "W"})
	b.SetCluster(collector.Watched{Source: "east", ID: "E"})
	b.Expect(src, "west")
	if w := b.Writers("W"); !w.Told || !w.AsOf.IsZero() {
		t.Errorf("nobody waits for an expected source: %+v", w)
	}
	if b.Writers("E").Told {
		t.Error("a source of west is waited for in east")
	}
	b.SetWriters(src, time.Unix(9, 0), true, collector.UncountedWriters{"W": nil})
	if w := b.Writers("W"); !w.Told || !w.AsOf.Equal(time.Unix(9, 0)) {
		t.Errorf("after it told: %+v", w)
	}
	b.Withdraw(src)
	if b.Writers("W").Told {
		t.Error("a source that withdrew is waited for")
	}
}

func TestBoardTellsEndsThatAreWanted(t *testing.T) {
	var b collector.Board
	all := map[string]collector.Ends{"orders": {Offsets: []int64{1, 2}, Transactional: true}, "other": {Offsets: []int64{3}}}
	asked := map[string]bool{}
	of := func(topic string) collector.Ends { asked[topic] = true; return all[topic] }
	round := time.Unix(1000, 0)
	ends := func(topic string) []int64 { return b.Ends("W", topic, round).Offsets }
	b.SetEnds("W", round, of)
	b.WantEnds("W", "orders", "gone")
	if got := ends("orders"); got != nil {
		t.Errorf("ends before they were told: %v", got)
	}
	b.SetEnds("W", round, of)
	if got := ends("orders"); !slices.Equal(got, []int64{1, 2}) || ends("other") != nil || ends("gone") != nil || !b.Ends("W", "orders", round).Transactional {
		t.Errorf("ends are %v", got)
	}
	if got := b.Ends("W", "orders", round.Add(1)); got.Offsets != nil {
		t.Errorf("old ends are told: %v", got)
	}
	for range 20 { // nobody asks any more
		clear(asked)
		b.SetEnds("W", round, of)
	}
	if len(asked) > 0 || ends("orders") != nil {
		t.Errorf("what nobody wants any more is asked for: %v", asked)
	}
}

// What is not on the board is not watched only once all configured clusters were seen.
func TestBoardAwaitsClusters(t *testing.T) {
	var b collector.Board
	if !b.Settled() {
		t.Error("a board that awaits nobody is not settled")
	}
	b.Await("west")
	b.Await("east")
	b.SetCluster(collector.Watched{Source: "west", ID: "W"})
	if b.Settled() {
		t.Error("settled without east")
	}
	b.SetCluster(collector.Watched{Source: "east", ID: "E"})
	if !b.Settled() {
		t.Error("not settled although all were seen")
	}
}
