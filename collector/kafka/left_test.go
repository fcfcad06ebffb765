package kafka

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

var teller = lineage.Source{Cluster: "connect-west", Name: "connectors"}

func connectorNode(name string) lineage.Node {
	return lineage.Node{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: name}
}

// Where workers have exactly-once switched on, their source connectors write with a transactional.id, and so does a
// dedicated MirrorMaker 2 that writes exactly once: a link says so, once.
func TestMoversAreLinkedToTheirTransactions(t *testing.T) {
	connector := func(name string) lineage.Node { return lineage.Node{Kind: lineage.ConnectorNode, Name: name} }
	for id, want := range map[string]lineage.Node{
		"connect-group-b-0": connector("b"), "connect-group-a-b-12": connector("a-b"), "connect-group-b-x": {}, "b-0": {}, "shop-b-0": {}, "connect-group--0": {},
		"west-mm2-MirrorSourceConnector-0": {Kind: lineage.ReplicatorNode, Name: "west->"},
	} {
		a := newAccount(lineage.Topic{Cluster: "W", Name: "orders"})
		a.open(1, true)
		a.workers = []string{"connect-group"}
		a.txns[id] = &writer{}
		var got lineage.Node
		for n := range 2 {
			samples, _, _ := a.tellBooks(t0, t0)
			for _, s := range samples {
				if s.Metric != lineage.Linked {
					continue
				}
				if got = s.Subject.Client.Mover; n > 0 || s.Value != 1 || s.Evidence != lineage.Transaction || s.Subject.Client.TransactionalID != id {
					t.Errorf("%s: look %d tells %+v", id, n, s)
				}
			}
		}
		if got != want {
			t.Errorf("%s is linked to %v, want %v", id, got, want)
		}
	}
	a := newAccount(lineage.Topic{Name: "west.orders"})
	a.txns["west-mm2-MirrorSourceConnector-0"] = &writer{}
	for name, want := range map[string]bool{"west->east": true, "north->east": false} {
		if got := a.countsAlready(lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: name}); got != want {
			t.Errorf("%s is counted: %v", name, got)
		}
	}
}

// On a cluster: what nobody accounts for is told in its round, exactly, whoever may have written it; the board has the
// cluster and its ends, and a flow's beginning is the one mover's that may have.
func TestWhatIsLeftOnACluster(t *testing.T) {
	w := newWorld(t, 1)
	board := &collector.Board{}
	w.start(Config{Board: board})
	w.topic("orders", 2)
	w.take(1)
	c, ok := board.Cluster("west")
	if !ok || c.ID == "" || !slices.Contains(c.Topics, "orders") || len(c.Bootstrap) == 0 || len(c.Advertised) == 0 {
		t.Fatalf("the board has %+v, %v", c, ok)
	}
	board.WantEnds(c.ID, "orders")
	a := connectorNode("a")
	tell := func() {
		board.SetWriters(teller, w.round.Add(tick), true, collector.UncountedWriters{c.ID: {"orders": {a}}})
	}
	left := func() int64 {
		n, _ := w.rec.sum("orders", lineage.Left, func(x lineage.Access) bool { return x.Op == lineage.OpNone })
		return n
	}
	tell()
	w.write("orders", 0, 3)
	w.write("orders", 1, 2)
	w.take(1)
	if n := left(); n != 5 || w.rec.estimated("orders", lineage.Left, func(lineage.Access) bool { return true }) {
		t.Errorf("%d are left, want 5 exactly", n)
	}
	if ends := board.Ends(c.ID, "orders", w.round); !slices.Equal(ends.Offsets, []int64{3, 2}) || ends.Transactional {
		t.Errorf("ends on the board are %v", ends)
	}
	began := slices.ContainsFunc(w.rec.events, func(e lineage.Event) bool {
		return e.Type == lineage.FlowStarted && e.Access.Topic.Name == "orders" && e.Access.Client.Mover == a
	})
	if !began {
		t.Errorf("the connector did not begin: %+v", w.rec.events)
	}
	w.start(Config{Board: board}) // the books go on
	w.write("orders", 0, 4)
	tell()
	w.take(1)
	if n := left(); n != 9 {
		t.Errorf("after a restart %d are left, want 9", n)
	}
}

// What counted writers may be among is apart: producers that may not be read. What several transactional applications
// share is left to nobody.
func TestWhatCountedWritersMayHaveWritten(t *testing.T) {
	a := newAccount(lineage.Topic{Cluster: "W", Name: "orders"})
	a.open(1, true)
	log, round := newFakeLog(), t0
	take := func(alone, mixed int64, book func()) {
		t.Helper()
		round = round.Add(tick)
		a.begin()
		a.setEnd(0, log.end)
		book()
		a.tellEnds(round, round.Add(-tick))
		a.tellBooks(round, round.Add(-tick))
		if a.alone.n != alone || a.mixed.n != mixed || a.alone.told != alone && alone > 0 {
			t.Errorf("left are %+v and mixed %+v, want %d and %d", a.alone, a.mixed, alone, mixed)
		}
	}
	log.write(7, 1000)
	take(0, 1000, func() { a.denyPartition(0, round) })
	a.allow()
	take(0, 1000, func() { a.setProducers(0, log.readings(), log.end, round, tick, unnamed) })
	log.end += 22
	two := append(log.readings(), producerReading{id: 1, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true}, producerReading{id: 2, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true})
	take(0, 1000, func() {
		a.setProducers(0, two, log.end, round, tick, func(id int64) txnName { return txnName{fmt.Sprint(id), fmt.Sprint(id)} })
	})
	take(0, 1000, func() {})
	log.write(-1, 5)
	take(5, 1000, func() { a.setProducers(0, two, log.end, round, tick, unnamed) })
}

// A transactional producer's count is an estimate where a mover is known to write the topic too. What the sequence does
// not count is then not taken for markers.
func TestTransactionsBesideAMover(t *testing.T) {
	look := func(end int64, r producerReading) (*account, lineage.Sample, []lineage.Sighting) {
		a := newAccount(lineage.Topic{Cluster: "W", Name: "orders"})
		a.open(1, true)
		a.contested = true
		a.begin()
		a.setEnd(0, end)
		a.setProducers(0, []producerReading{r}, -1, t0, tick, func(int64) txnName { return txnName{"x", "x"} })
		samples, sightings, _ := a.tellBooks(t0, t0.Add(-tick))
		for _, s := range samples {
			if s.Subject.Client.TransactionalID == "x" {
				return a, s, sightings
			}
		}
		t.Fatalf("samples %+v", samples)
		return nil, lineage.Sample{}, nil
	}
	_, s, notes := look(1501, producerReading{id: 9, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true})
	if s.Value != 1500 || !s.Estimated || len(notes) == 0 || !strings.Contains(notes[0].Detail, "its records may be among these") {
		t.Errorf("by epoch: %+v, %+v", s, notes)
	}
	a, s, _ := look(1501, producerReading{id: 9, lastSequence: 999, txnStart: -1, transactional: true})
	if s.Value != 1000 || a.markers.n != 1 || a.rest() != 500 {
		t.Errorf("by sequence: %+v, %d markers, %d left", s, a.markers.n, a.rest())
	}
}
