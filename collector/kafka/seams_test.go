package kafka

import (
	"regexp"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// A group's first commit on a topic counts, whatever else it has committed: on topics that the configuration leaves
// out, or while nobody watched.
func TestFirstCommitOfAGroupThatReadsMore(t *testing.T) {
	for _, c := range []struct {
		name    string
		include []*regexp.Regexp
		restart bool
	}{
		{"all topics are watched", nil, false},
		{"some are left out", []*regexp.Regexp{regexp.MustCompile("^orders")}, false},
		{"it reads while nobody watches", nil, true},
	} {
		w := newWorld(t, 1)
		for _, name := range []string{"orders", "orders-two", "payments"} {
			w.topic(name, 1)
		}
		w.write("payments", 0, 10)
		w.write("orders", 0, 10)
		w.commit("g", "payments", 0, 5)
		w.commit("g", "orders", 0, 5)
		w.start(Config{Include: c.include})
		w.take(3)
		w.write("orders-two", 0, 100)
		if !c.restart {
			w.take(2)
		}
		w.commit("g", "orders-two", 0, 100)
		if c.restart {
			w.start(Config{Include: c.include})
		}
		w.take(2)
		if n, _ := w.rec.sum("orders-two", lineage.Records, func(a lineage.Access) bool { return a.Client.Group == "g" }); n != 100 {
			t.Errorf("%s: %d records read, want 100 at most", c.name, n)
		}
	}
}

// The last offset is no marker where a writer without idempotence came after the transaction.
func TestPlainRecordBehindAMarkerIsLag(t *testing.T) {
	tp := &topic{account: newAccount(lineage.Topic{Name: "orders"})}
	tp.widen(1, true)
	for n, end := range []int64{10, 11} { // nine records and a marker, then a plain record
		round := at(n + 1)
		tp.begin()
		tp.setEnd(0, end)
		tp.setProducers(0, []producerReading{{id: 1, lastSequence: 8, txnStart: -1, transactional: true}}, end, round, tick, func(int64) txnName { return txnName{"tx", "tx"} })
		tp.tellBooks(round, at(n))
		sure, most := (topicAt{tp, round, false}).trailing(0)
		if want := map[int64]int64{10: 1, 11: 0}[end]; sure != want || most != want {
			t.Errorf("end %d: of the last offsets %d to %d are markers, want %d", end, sure, most, want)
		}
	}
}

// Where several producers end their transactions at once, each may have a marker behind the last record; one that ended
// long before has none.
func TestMarkersOfSeveralProducers(t *testing.T) {
	tp := &topic{account: newAccount(lineage.Topic{Name: "orders"})}
	tp.widen(1, true)
	look := func(n int, end int64, last ...int32) int64 {
		var readings []producerReading
		for i, l := range last {
			readings = append(readings, producerReading{id: int64(i), lastSequence: l, txnStart: -1, transactional: true})
		}
		tp.begin()
		tp.setEnd(0, end)
		tp.setProducers(0, readings, end, at(n), tick, func(id int64) txnName { return txnName{string(rune('a' + id)), "tx"} })
		tp.tellBooks(at(n), at(n-1))
		sure, most := (topicAt{tp, at(n), false}).trailing(0)
		if sure != 1 {
			t.Errorf("look %d: %d are markers, want 1 at least", n, sure)
		}
		return most
	}
	for i, l := range []struct {
		end  int64
		last []int32
		want int64
	}{
		{10, []int32{8}, 1},
		{22, []int32{8, 4, 4}, 3}, // the first one ended in the look before, and may have been last
		{28, []int32{8, 9, 4}, 2},
		{34, []int32{8, 14, 4}, 1},
	} {
		if got := look(i+1, l.end, l.last...); got != l.want {
			t.Errorf("look %d: %d may be markers, want %d", i, got, l.want)
		}
	}
}

// A classic member's assignment is bytes that its client made: a partition that can't be harms nobody.
func TestOddAssignment(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 10)
	w.commit("g", "orders", 0, 5)
	w.take(2)
	w.source.groups["g"].assignments = []assignment{{topic: "orders", partitions: []int32{-1, 7}, lag: untoldLag}}
	w.take(1)
	if m := w.missing(sourceGroups); len(m) != 0 {
		t.Errorf("missing %+v", m)
	}
}
