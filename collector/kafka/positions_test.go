package kafka

import (
	"context"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// randomTopic is a topic whose books hold something in every field that a position keeps.
func randomTopic(r *rand.Rand) *topic {
	tp := &topic{retained: lineage.Unknown, sizedAt: lineage.Unknown, account: newAccount(lineage.Topic{Cluster: "c", ID: lineage.TopicID{1, byte(r.IntN(256))}, Name: "orders"})}
	when := func() time.Time { return t0.Add(time.Duration(r.IntN(1e6)) * time.Millisecond) }
	count := func() total { return total{n: r.Int64(), told: r.Int64() - 1, estimated: r.IntN(2) == 0} }
	tp.internal, tp.whole, tp.denied = r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(2) == 0
	tp.born, tp.ends, tp.books = when(), when(), when()
	tp.appended, tp.lost, tp.restWhy, tp.veiled = count(), count(), "at most", r.IntN(2) == 0
	for range r.IntN(4) {
		tp.writers[r.Int64()] = &writer{total: count(), why: whyFirst, nameless: when()}
		tp.waiting = true
	}
	tp.alone, tp.mixed, tp.markers = count(), count(), count()
	for range r.IntN(3) {
		tp.txns[string(rune('a'+r.IntN(20)))] = &writer{total: count()}
	}
	if r.IntN(2) == 0 {
		tp.others = &writer{total: count()}
	}
	for range r.IntN(5) {
		p := partition{txnLast: r.IntN(2) == 0, unstepped: r.IntN(2) == 0, how: outcome(r.IntN(int(aborted) + 1)), seen: tp.books, hidden: when(), led: r.Int32(), end: r.Int64(), moved: r.IntN(2) == 0, based: true, unsettled: r.IntN(2) == 0, advance: r.Int64(), named: r.Int64(), born: r.IntN(2) == 0, early: 3, txn: r.IntN(2) == 0, remainder: 4, booked: 5, recent: 6, last: lastStep{least: 7, most: 8, room: 9, of: 10, loose: r.IntN(2) == 0}, producers: map[int64]sequence{}}
		for range r.IntN(3) {
			p.producers[r.Int64()] = sequence{epoch: r.Int32(), last: r.Int32(), txnStart: -1, claim: r.Int64(), log: r.Int64(), fresh: r.IntN(2) == 0, past: r.IntN(2) == 0}
		}
		if r.IntN(2) == 0 {
			p.absent = map[int64]absent{r.Int64(): {sequence{epoch: r.Int32(), last: r.Int32(), txnStart: -1, claim: r.Int64(), log: r.Int64(), fresh: r.IntN(2) == 0, past: r.IntN(2) == 0}, when()}}
		}
		tp.parts = append(tp.parts, p)
	}
	if r.IntN(2) == 0 {
		tp.configs = []lineage.Config{{Name: "retention.ms", Value: "1"}}
	}
	return tp
}

func TestTopicPositionRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		tp := randomTopic(r)
		got, err := decodeTopic(tp.topic.ID, "c", tp.encode(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, tp) {
			t.Fatalf("decoded %+v\nencoded %+v", got.account, tp.account)
		}
	}
}

// A book that the version before wrote does not say whether forgotten producers hide in what is left: where something
// is, they may.
func TestTopicPositionOfVersion1(t *testing.T) {
	kept, err := hex.DecodeString("01066f726465727300010080d8c0cdc06880d8c0cdc0684a4a00000000282800000000000000000000010a22220000000000023c000101003c14283c000100000000000000010a00120100010000000e000101000e0e000e000100000000000000010a000c010001000000000000")
	if err != nil {
		t.Fatal(err)
	}
	tp, err := decodeTopic(lineage.TopicID{}, "c", kept, t0)
	if err != nil {
		t.Fatal(err)
	}
	if tp.appended.n != 37 || tp.rest() != 20 || tp.writers[5].n != 17 || len(tp.parts) != 2 {
		t.Errorf("%+v", tp.account)
	}
	if !tp.parts[0].hidden.Equal(t0) || !tp.parts[1].hidden.IsZero() || !tp.parts[0].seen.Equal(t0) {
		t.Errorf("hidden %v and %v, seen %v", tp.parts[0].hidden, tp.parts[1].hidden, tp.parts[0].seen)
	}
	if again, err := decodeTopic(lineage.TopicID{}, "c", tp.encode(), t0); err != nil || !reflect.DeepEqual(again, tp) {
		t.Errorf("%+v, %v, written again", again, err)
	}
}

func FuzzDecodeTopic(f *testing.F) {
	f.Add(randomTopic(rand.New(rand.NewPCG(1, 2))).encode())
	f.Add([]byte{1})
	f.Fuzz(func(t *testing.T, b []byte) {
		tp, err := decodeTopic(lineage.TopicID{}, "c", b, time.Time{})
		if err == nil {
			if again, err := decodeTopic(lineage.TopicID{}, "c", tp.encode(), time.Time{}); err != nil || !reflect.DeepEqual(again, tp) {
				t.Errorf("%x decodes to something that does not encode to itself: %v", b, err)
			}
		}
	})
}

// What a source holds after Restore is what it held when it saved.
func TestRestore(t *testing.T) {
	s := newSource(Config{Name: "west", Interval: tick})
	s.cluster, s.continuous = "c", false
	tp := randomTopic(rand.New(rand.NewPCG(3, 4)))
	tp.whole, tp.dirty = false, true
	s.topics[tp.topic.ID], s.byName["orders"] = tp, tp
	g := &group{ref: lineage.GroupRef{Cluster: "c", Group: "a/b group"}, typ: "Consumer", state: "Stable", protocol: "consumer", joined: t0, dirty: true, readers: map[lineage.TopicID]*reader{}}
	s.groups["a/b group"] = g
	rd := g.reader(tp, lineage.GroupOffsets)
	rd.read, rd.began, rd.moved, rd.idle, rd.known, rd.touched = total{n: 7, told: 7}, t0.Add(-9*tick), t0, t0.Add(-tick), t0, true
	rd.parts = []readPartition{{committed: 12}, {committed: lostCommit}}
	take := &take{source: s, ctx: t.Context(), round: t0, told: s.tell.Take(t0)}
	o := take.observe(sourceEnds, tick)
	take.savePositions()

	sink := newRecorder()
	if err := sink.Append(t.Context(), *o); err != nil {
		t.Fatal(err)
	}
	again := newSource(Config{Name: "west", Interval: tick})
	if err := again.Restore(context.Background(), sink); err != nil {
		t.Fatal(err)
	}
	if !again.resumed || again.cluster != "c" {
		t.Errorf("resumed %v, cluster %q", again.resumed, again.cluster)
	}
	if got := again.byName["orders"]; got == nil || !reflect.DeepEqual(got.parts, tp.parts) {
		t.Errorf("topic %+v", got)
	}
	got := again.groups["a/b group"]
	if got == nil || got.typ != "Consumer" || !got.joined.Equal(t0) {
		t.Fatalf("group %+v", got)
	}
	if r := got.readers[tp.topic.ID]; r == nil || r.read.n != 7 || !r.moved.Equal(t0) || !r.known.Equal(t0) || len(r.parts) != 2 || r.parts[0].committed != 12 || r.parts[1].committed != lostCommit || !r.began.Equal(t0.Add(-9*tick)) {
		t.Errorf("reader %+v", r)
	}
}

// After a restart the epochs of transactional producers are known: else all that they ever reached would look like
// transactions of the next step.
func TestRestoreKnowsEpochs(t *testing.T) {
	name := func(int64) txnName { return txnName{"ledger", "ledger"} }
	a := newAccount(lineage.Topic{Cluster: "c", ID: lineage.TopicID{1}, Name: "ledger"})
	a.open(1, true)
	state := producerReading{id: 9, epoch: 20_000, lastSequence: -1, txnStart: -1, transactional: true}
	a.epochs[9] = epochSeen{round: t0, now: 20_000} // seen on another topic
	end, round := int64(0), t0
	step := func() {
		round = round.Add(tick)
		end += 1005
		state.epoch += 5
		a.begin()
		a.setEnd(0, end)
		a.setProducers(0, []producerReading{state}, -1, round, tick, name)
		a.tellEnds(round, round.Add(-tick))
		a.tellBooks(round, round.Add(-tick))
	}
	step()
	if got := a.txns["ledger"].n; got != 1004 {
		t.Errorf("at first sight on this topic %d of 1000 are counted, at most 1004 with one marker for sure", got)
	}
	s := newSource(Config{Name: "west", Interval: tick})
	s.cluster = "c"
	if err := s.restoreTopic(a.topic.ID.String(), (&topic{account: a}).encode(), round); err != nil {
		t.Fatal(err)
	}
	a = s.byName["ledger"].account
	step()
	if got := a.txns["ledger"].n; got != 2008 {
		t.Errorf("after a restart %d of 2000 are counted, at most 2008", got)
	}
}

// A position that can't be read costs its own part, and is said; the next start does not meet it again.
func TestUnreadablePositionsBeginAnew(t *testing.T) {
	for _, c := range []struct {
		key   string
		value []byte
		kept  int64 // of the 5 records of before
	}{
		{roundKey, []byte{9}, 0},
		{roundKey, nil, 0},
		{"topic/", []byte{positionsVersion + 1}, 0},
		{"topic/", []byte{positionsVersion, 200}, 0},
		{"group/", []byte{positionsVersion}, 5},
		{"reader/", []byte{positionsVersion, 77, 1, 1, 1, 0, 0, 0, 0}, 5},
		{"topic/no id", []byte{positionsVersion}, 5},
		{"reader/no id/g", []byte{positionsVersion}, 5},
	} {
		w := newWorld(t, 1)
		w.topic("orders", 1)
		w.take(2)
		w.write("orders", 0, 5)
		w.commit("g", "orders", 0, 2)
		w.take(3)
		found := false
		for key := range w.rec.positions {
			if strings.HasPrefix(key, c.key) {
				w.rec.positions[key], found = c.value, true
			}
		}
		if !found {
			w.rec.positions[c.key] = c.value
		}
		w.rec.missing = nil
		w.start(Config{})
		w.take(1)
		if said := strings.Join(w.rec.missing, "\n"); !strings.Contains(said, "could not be read") || !strings.Contains(said, strings.TrimSuffix(c.key, "/")) {
			t.Errorf("%q: %q does not say what could not be read", c.key, said)
		}
		w.write("orders", 0, 3)
		w.take(1)
		if n := w.source.byName["orders"].appended.n; n != c.kept+3 {
			t.Errorf("%q: the account stands at %d, want %d", c.key, n, c.kept+3)
		}
		w.rec.missing = nil
		w.start(Config{})
		w.take(2)
		if said := strings.Join(w.rec.missing, "\n"); strings.Contains(said, "could not be read") {
			t.Errorf("%q: said again at the next start: %s", c.key, said)
		}
	}
}

// No bytes in the store may keep lineaged from starting.
func TestSpoiltPositionsNeverPanic(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 2)
	w.take(2)
	w.write("orders", 0, 5)
	w.commit("g", "orders", 0, 2)
	w.take(2)
	good := maps.Clone(w.rec.positions)
	keys := slices.Sorted(maps.Keys(good))
	r := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		w.rec.positions = maps.Clone(good)
		key := keys[r.IntN(len(keys))]
		value := slices.Clone(good[key])
		for range 1 + r.IntN(4) {
			value[r.IntN(len(value))] = byte(r.IntN(256))
		}
		w.rec.positions[key] = value[:r.IntN(len(value)+1)]
		s := newSource(w.source.cfg)
		s.cl, s.slowClient = w.source.cl, w.source.slowClient
		if err := s.Restore(t.Context(), w.rec); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		s.Observe(ctx, w.round.Add(tick))
		cancel()
		if len(s.faults) > 0 {
			t.Fatalf("%x at %q: %v", w.rec.positions[key], key, s.faults)
		}
	}
}

// A part that panics is a gap of its own; the others are not touched, and nothing half written is kept.
func TestPanicOfOnePart(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.take(2)
	w.write("orders", 0, 5)
	w.take(2)
	for _, c := range []struct {
		source string
		spoil  func(tp *topic)
	}{
		{sourceStarts, func(tp *topic) { tp.starts, tp.startsAt = nil, time.Time{} }},
		{sourceEnds, func(tp *topic) { tp.histories = nil }},
	} {
		before := w.appended("orders")
		c.spoil(w.source.byName["orders"])
		w.source.slow.Soon(sourceStarts)
		w.write("orders", 0, 7)
		w.take(1)
		if m := w.missing(c.source); len(m) != 1 || !m[0].All || !strings.Contains(m[0].Reason, "index out of range") {
			t.Errorf("%s: missing %+v", c.source, m)
		}
		for _, o := range w.last {
			if o.Source.Name != c.source && slices.ContainsFunc(o.Missing, func(m lineage.Missing) bool { return m.All }) && c.source == sourceStarts {
				t.Errorf("%s went with %s: %+v", o.Source.Name, c.source, o.Missing)
			}
		}
		w.topic("new-"+c.source, 1)
		w.take(2)
		w.write("orders", 0, 1)
		w.take(2)
		if n := w.appended("orders"); n != before+8 {
			t.Errorf("%s: %d appended, want %d", c.source, n, before+8)
		}
		if w.source.spoilt {
			t.Errorf("%s: the books were not restored", c.source)
		}
	}
	if n := w.events(lineage.TopicCreated); n != 2 {
		t.Errorf("%d events of created topics, want 2", n)
	}
	w.take(int(panicRest/tick) + 2)
	if len(w.source.faults) > 0 {
		t.Errorf("still at rest: %v", w.source.faults)
	}
}
