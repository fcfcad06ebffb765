package kafka

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// newNamed makes a world of a cluster with an id; port 0: any.
func newNamed(t *testing.T, id string, port int) *world {
	t.Helper()
	opts := []kfake.Opt{kfake.NumBrokers(1), kfake.ClusterID(id)}
	if port > 0 {
		opts = append(opts, kfake.Ports(port))
	}
	fake, err := kfake.NewCluster(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &world{t: t, fake: fake, rec: newRecorder(), round: t0, asked: map[int16]int{}}
	w.writer()
	w.admin = kadm.NewClient(w.client)
	return w
}

// port is that of the world's only broker.
func (w *world) port() int {
	_, port, err := net.SplitHostPort(w.fake.ListenAddrs()[0])
	if err != nil {
		w.t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// said is the detail of the first event of a cluster that changed.
func (w *world) said() string {
	for _, e := range w.rec.events {
		if e.Type == lineage.ClusterChanged {
			return e.Detail
		}
	}
	return ""
}

func (w *world) blindTo(source, word string) bool {
	return slices.ContainsFunc(w.rec.blind[source], func(b lineage.BlindSpot) bool { return strings.Contains(b.What, word) && b.Remedy != "" })
}

func TestTwoClustersWithOneIDStayApart(t *testing.T) {
	board := &collector.Board{}
	a, b := newNamed(t, "MkU3OEVBNTcwNTJENDM2Qk", 0), newNamed(t, "MkU3OEVBNTcwNTJENDM2Qk", 0)
	a.startAs("a", board)
	b.startAs("b", board)
	for range 2 {
		for _, w := range []*world{a, b} {
			w.topic("orders"+strconv.Itoa(w.rec.rounds), 1)
			w.take(3)
		}
		a.take(1)
		for _, w := range []*world{a, b} {
			if w.source.cluster == "" {
				t.Fatal("not collected")
			}
		}
		if a.source.cluster == b.source.cluster {
			t.Fatalf("both are %s", a.source.cluster)
		}
		if a.source.cluster != "MkU3OEVBNTcwNTJENDM2Qk" || b.source.cluster != "MkU3OEVBNTcwNTJENDM2Qk@b" {
			t.Errorf("they are %s and %s", a.source.cluster, b.source.cluster)
		}
		for _, w := range []*world{a, b} {
			for access := range w.rec.totals {
				if access.Topic.Cluster != w.source.cluster {
					t.Errorf("a sample of %+v in the cluster %s", access, w.source.cluster)
				}
			}
			if !w.blindTo(sourceMetadata, "same cluster id") {
				t.Errorf("%s: no blind spot: %+v", w.source.cluster, w.rec.blind[sourceMetadata])
			}
		}
		if a.events(lineage.ClusterChanged) != 0 || b.events(lineage.ClusterChanged) != 1 {
			t.Errorf("events %d and %d, want none and one: %s", a.events(lineage.ClusterChanged), b.events(lineage.ClusterChanged), b.said())
		}
		if w, _ := board.Cluster("b"); w.ID != b.source.cluster || w.Reported != "MkU3OEVBNTcwNTJENDM2Qk" {
			t.Errorf("the board has %+v", w)
		}
		// And again after a restart, in which the second one is faster.
		board = &collector.Board{}
		a.startAs("a", board)
		b.startAs("b", board)
		b.take(1)
	}
}

// startAs is start under another name and on a board.
func (w *world) startAs(name string, board *collector.Board) {
	w.t.Helper()
	c, err := New(Config{Name: name, Interval: tick, Brokers: w.fake.ListenAddrs(), Board: board}, w.rec)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := c.source.Restore(w.t.Context(), w.rec); err != nil {
		w.t.Fatal(err)
	}
	w.source = c.source
	w.t.Cleanup(c.source.close)
}

func TestOneClusterUnderTwoNamesIsCountedOnce(t *testing.T) {
	board := &collector.Board{}
	a := newNamed(t, "x", 0)
	twice := &world{t: t, fake: a.fake, rec: newRecorder(), round: t0, asked: map[int16]int{}, client: a.client, admin: a.admin}
	a.startAs("a", board)
	twice.startAs("twice", board)
	a.topic("orders", 1)
	for range 5 {
		a.take(1)
		twice.take(1)
	}
	a.write("orders", 0, 5)
	a.take(2)
	twice.take(2)
	if n := a.appended("orders"); n != 5 {
		t.Errorf("%d appended under the first name", n)
	}
	if len(twice.rec.totals) > 0 {
		t.Errorf("counted under the second name: %+v", twice.rec.totals)
	}
	if n := twice.events(lineage.ClusterChanged); n != 1 || !strings.Contains(twice.said(), "remove one of the two") {
		t.Errorf("%d events: %s", n, twice.said())
	}
	if m := twice.missing(sourceEnds); len(m) != 1 || !m[0].All || !strings.Contains(m[0].Reason, "watched as a already") || !twice.blindTo(sourceMetadata, "watched as a already") {
		t.Errorf("missing %+v, blind spots %+v", m, twice.rec.blind)
	}
}

func TestClusterFormattedAnew(t *testing.T) {
	w := newNamed(t, "old", 0)
	board := &collector.Board{}
	w.startAs("west", board)
	w.topic("orders", 2)
	w.topic("gone", 1)
	w.take(2)
	w.write("orders", 0, 9)
	w.commit("g", "orders", 0, 4)
	w.take(3)
	for _, restart := range []bool{false, true} {
		port, rec, round, source := w.port(), w.rec, w.round, w.source
		w.fake.Close()
		id := "new"
		if restart {
			id = "newer"
		}
		w = newNamed(t, id, port)
		w.rec, w.round, w.source = rec, round, source
		rec.events, rec.gone = nil, map[lineage.FactKey]bool{}
		w.topic("orders", 1)
		w.write("orders", 0, 3)
		if restart {
			w.startAs("west", board)
		}
		w.take(changeAfter - 1)
		if n := w.events(lineage.ClusterChanged); n != 0 {
			t.Fatalf("taken for another cluster after %d rounds", changeAfter-1)
		}
		if !w.blindTo(sourceMetadata, "belong to cluster "+id) {
			t.Errorf("no way out is told: %+v", w.rec.blind[sourceMetadata])
		}
		for range 3 { // a round may go to the connection that broke
			if w.take(1); w.events(lineage.ClusterChanged) > 0 {
				break
			}
		}
		w.take(1)
		if n := w.events(lineage.ClusterChanged); n != 1 || !strings.Contains(w.said(), "formatted anew") {
			t.Errorf("%d events: %s", n, w.said())
		}
		if !restart && (!rec.gone[lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: "gone"}] || !rec.gone[lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: "g"}]) {
			t.Errorf("not told to be gone: %v", rec.gone)
		}
		if string(w.source.cluster) != id || string(rec.positions[clusterKey]) != string(encodeCluster(lineage.ClusterID(id))) {
			t.Errorf("the cluster is %s, stored as %s", w.source.cluster, rec.positions[clusterKey])
		}
		w.write("orders", 0, 2)
		w.take(2)
		for a, m := range rec.totals {
			if a.Op == lineage.OpNone && a.Topic.Cluster == lineage.ClusterID(id) && m[lineage.Appended].Value != 2 {
				t.Errorf("%+v: %d appended since it is known, want 2", a.Topic, m[lineage.Appended].Value)
			}
		}
		for _, e := range rec.events {
			if e.Type == lineage.TopicCreated || e.Type == lineage.TopicDeleted || e.Type == lineage.TopicRecreated {
				t.Errorf("an event of a topic: %v", e)
			}
		}
		for key := range rec.positions {
			if strings.HasPrefix(key, "topic/") && len(w.source.topics) != 1 || strings.HasPrefix(key, "reader/") {
				t.Errorf("the old cluster's position %q is still there", key)
			}
		}
	}
}

// An address that leads to two clusters in turn is told, and neither is taken for the other.
func TestAddressOfTwoClusters(t *testing.T) {
	w, other := newNamed(t, "one", 0), newNamed(t, "two", 0)
	w.startAs("west", &collector.Board{})
	w.topic("orders", 1)
	w.take(2)
	mine := w.source.cl
	for range 6 {
		other.startAs("west", &collector.Board{})
		w.source.cl = other.source.cl
		w.take(changeAfter - 1)
		w.source.cl = mine
		w.take(1)
	}
	if n := w.events(lineage.ClusterChanged); n != 0 || w.source.cluster != "one" {
		t.Errorf("%d events, the cluster is %s", n, w.source.cluster)
	}
}

func TestGroupsAreCountedOnlyWhereAllAreSeen(t *testing.T) {
	w := newGuarded(t)
	w.topic("mine", 1)
	w.grant(right{topic: "mine"}, right{group: "mine"})
	w.take(3)
	if n := w.source.clusterFact.Groups; n != -1 {
		t.Errorf("%d groups, and nobody could ask for them", n)
	}
	w.grant(theCluster, allGroups)
	w.take(40)
	if n := w.source.clusterFact.Groups; n != 0 {
		t.Errorf("%d groups, want the 0 that were counted", n)
	}
}
