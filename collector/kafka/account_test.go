package kafka

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

const tick = 2 * time.Second

var t0 = time.Date(2026, 11, 22, 20, 0, 0, 0, time.UTC)

// fakeLog is one partition as a broker would keep it: an end, and the state of each idempotent producer.
type fakeLog struct {
	end   int64
	state map[int64]*producerReading
	truth map[int64]int64 // records by producer id; -1: without an id
}

func newFakeLog() *fakeLog {
	return &fakeLog{state: map[int64]*producerReading{}, truth: map[int64]int64{}}
}

// write appends n records of a producer id; -1 is a producer without one.
func (l *fakeLog) write(id, n int64) {
	l.end += n
	l.truth[id] += n
	if id < 0 || n == 0 {
		return
	}
	p := l.state[id]
	if p == nil {
		p = &producerReading{id: id, lastSequence: -1, txnStart: -1}
		l.state[id] = p
	}
	p.lastSequence = int32((int64(p.lastSequence) + n) & math.MaxInt32)
}

func (l *fakeLog) readings() []producerReading {
	var out []producerReading
	for _, p := range l.state {
		out = append(out, *p)
	}
	return out
}

// look is one round over the logs. between is called after the ends were read and before the producers are.
func look(a *account, logs []*fakeLog, round time.Time, skip func(part int) bool, between func()) {
	a.begin()
	for i, l := range logs {
		if !skip(i) {
			a.setEnd(i, l.end)
		}
	}
	between()
	for i, l := range logs {
		if p := &a.parts[i]; p.moved && p.fresh {
			a.setProducers(i, l.readings(), l.end, round, tick, unnamed)
		}
	}
	a.tellEnds(round, round.Add(-tick))
	a.tellBooks(round, round.Add(-tick))
}

func never(int) bool { return false }

func unnamed(int64) txnName { return txnName{} }

// The law: over any history of idempotent and other writers, with readings apart, partitions that can't be read for a
// while, and sequences that wrap, the topic's advance is what the writers and the remainder add up to, each of them
// right.
func TestAccountLaw(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			logs := []*fakeLog{newFakeLog(), newFakeLog(), newFakeLog()}
			a := newAccount(lineage.Topic{Name: "orders"})
			a.open(len(logs), seed%2 == 0)
			if seed%2 == 1 { // a past that is nobody's
				for _, l := range logs {
					l.write(1, r.Int64N(1000))
					l.write(-1, r.Int64N(1000))
				}
				look(a, logs, t0, never, func() {})
				for _, l := range logs {
					l.truth = map[int64]int64{}
				}
			}
			before := int64(0)
			for _, l := range logs {
				before += l.end
			}
			if seed%2 == 0 {
				before = 0
			}
			plain := seed%3 == 0 // has a writer without idempotence
			write := func(most int64) {
				for _, l := range logs {
					l.write(r.Int64N(4), r.Int64N(most))
					if plain {
						l.write(-1, r.Int64N(most))
					}
				}
			}
			rounds := 3 + r.IntN(30)
			for i := range rounds {
				write(200)
				look(a, logs, t0.Add(time.Duration(i+1)*tick), func(int) bool { return r.IntN(5) == 0 }, func() { write(20) })
			}
			// At rest, twice: no reading is apart from another.
			for i := range 2 {
				look(a, logs, t0.Add(time.Duration(rounds+i+1)*tick), never, func() {})
			}
			truth := map[int64]int64{}
			end := int64(0)
			for _, l := range logs {
				end += l.end
				for id, n := range l.truth {
					truth[id] += n
				}
			}
			if a.appended.n != end-before {
				t.Errorf("appended %d, the logs advanced %d", a.appended.n, end-before)
			}
			sum := a.rest()
			for id, w := range a.writers {
				sum += w.n
				if w.n != truth[id] {
					t.Errorf("producer %d: counted %d, wrote %d", id, w.n, truth[id])
				}
			}
			if a.rest() != truth[-1] {
				t.Errorf("remainder %d, written without idempotence %d", a.rest(), truth[-1])
			}
			if sum != a.appended.n {
				t.Errorf("writers and remainder add up to %d, appended %d", sum, a.appended.n)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	f := func(name string, prev *sequence, r producerReading, want int64, why string) {
		t.Helper()
		var p sequence
		if prev != nil {
			p = *prev
		}
		n, reason := claims(p, prev != nil, r)
		if n != want || reason != why {
			t.Errorf("%s: %d, %q; want %d, %q", name, n, reason, want, why)
		}
	}
	f("same epoch", &sequence{last: 10}, producerReading{lastSequence: 25}, 15, "")
	f("at rest", &sequence{last: 10}, producerReading{lastSequence: 10}, 0, "")
	f("with a claim of before", &sequence{last: 10, claim: 5}, producerReading{lastSequence: 30}, 25, "")
	f("wraps", &sequence{last: math.MaxInt32 - 1}, producerReading{lastSequence: 2}, 4, "")
	f("truncated", &sequence{last: 100}, producerReading{lastSequence: 40}, 0, "")
	f("truncated, not all that was claimed", &sequence{last: 100, claim: 80}, producerReading{lastSequence: 40}, 20, "")
	f("new", nil, producerReading{lastSequence: 9}, 10, "")
	f("new, in a later epoch", nil, producerReading{epoch: 3, lastSequence: 9}, 10, whyEpoch)
	f("new epoch", &sequence{epoch: 1, last: 50}, producerReading{epoch: 2, lastSequence: 4}, 5, whyEpoch)
	f("new epoch, with a claim of before", &sequence{epoch: 1, last: 50, claim: 3}, producerReading{epoch: 2, lastSequence: 4}, 8, whyEpoch)
	f("old epoch", &sequence{epoch: 3, last: 50, claim: 7}, producerReading{epoch: 2, lastSequence: 4}, 0, "")
	f("no sequence", nil, producerReading{epoch: 2, lastSequence: -1}, 0, "")
}

// A topic whose writers are all idempotent has no remainder, also when we begin to look while they write and the
// readings are apart.
func TestNoRemainderUnderLoad(t *testing.T) {
	l := newFakeLog()
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, false)
	round := t0
	for i := range 50 {
		round = round.Add(tick)
		l.write(7, 1000)
		high := l.end - int64(10*(i%3)) // the high watermark is behind the log's end by a replication in flight
		for _, p := range l.state {
			p.lastMs = round.UnixMilli()
		}
		a.begin()
		a.setEnd(0, high)
		l.write(7, int64(i%7))
		a.setProducers(0, l.readings(), high, round, tick, unnamed)
		if a.rest() != 0 {
			t.Fatalf("round %d: remainder %d", i, a.rest())
		}
	}
}

func TestTruncationMakesNoNegativeCount(t *testing.T) {
	l := newFakeLog()
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, true)
	l.write(1, 500)
	look(a, []*fakeLog{l}, t0, never, func() {})
	l.end, l.state[1].lastSequence = 300, 299
	look(a, []*fakeLog{l}, t0.Add(tick), never, func() {})
	if a.appended.n != 500 || a.writers[1].n != 500 {
		t.Errorf("after truncation: appended %d, writer %d; want 500 both", a.appended.n, a.writers[1].n)
	}
	l.write(1, 50)
	look(a, []*fakeLog{l}, t0.Add(2*tick), never, func() {})
	if a.appended.n != 550 || a.writers[1].n != 550 {
		t.Errorf("after new records: appended %d, writer %d; want 550 both", a.appended.n, a.writers[1].n)
	}
}

// A leader that is lost takes records with it that its sequences had counted and no end had shown. The producer sends
// them again, and they count once.
func TestRecordsLostWithALeaderCountOnce(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, true)
	round := t0
	epoch := int32(0)
	read := func(end int64, last int32) {
		round = round.Add(tick)
		a.begin()
		a.setEnd(0, end)
		a.setProducers(0, []producerReading{{id: 7, epoch: epoch, lastSequence: last, txnStart: -1, lastMs: round.UnixMilli()}}, -1, round, tick, unnamed)
		a.tellBooks(round, round.Add(-tick))
	}
	read(81, 91) // eleven are not replicated yet
	if a.writers[7].n != 81 {
		t.Errorf("counted %d of 81 that the end shows", a.writers[7].n)
	}
	read(86, 85) // the new leader had five of them
	read(92, 91) // the others were sent again
	read(120, 119)
	want := func(n int64) {
		t.Helper()
		if a.writers[7].n != n || a.appended.n != n || a.rest() != 0 {
			t.Errorf("counted %d of %d, remainder %d", a.writers[7].n, a.appended.n, a.rest())
		}
	}
	want(120)
	read(120, 266) // a leader alone has 147 more, and is lost with them
	epoch = 1
	read(267, 146) // all are sent again, in a new epoch
	want(267)
}

// A new epoch takes nothing from what another producer wrote to the partition meanwhile.
func TestNewEpochBesideAnother(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, true)
	round := t0
	read := func(end int64, readings ...producerReading) {
		round = round.Add(tick)
		a.begin()
		a.setEnd(0, end)
		a.setProducers(0, readings, -1, round, tick, unnamed)
		a.tellBooks(round, round.Add(-tick))
	}
	read(20, producerReading{id: 1, lastSequence: 9, txnStart: -1}, producerReading{id: 2, lastSequence: 9, txnStart: -1})
	read(125, producerReading{id: 1, lastSequence: 109, txnStart: -1}, producerReading{id: 2, epoch: 1, lastSequence: 4, txnStart: -1})
	if a.writers[1].n != 110 || a.writers[2].n != 15 || a.rest() != 0 {
		t.Errorf("counted %d and %d of 110 and 15, remainder %d", a.writers[1].n, a.writers[2].n, a.rest())
	}
}

// A leader that comes back may list none of its producers at first. What they wrote before is not counted again.
func TestProducersThatAreNotListedForAMoment(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, true)
	round := t0
	read := func(end int64, readings ...producerReading) {
		round = round.Add(tick)
		a.begin()
		a.setEnd(0, end)
		a.setProducers(0, readings, -1, round, tick, unnamed)
		a.tellBooks(round, round.Add(-tick))
	}
	read(147, producerReading{id: 7, lastSequence: 146, txnStart: -1})
	read(147)
	read(150, producerReading{id: 7, lastSequence: 149, txnStart: -1})
	if a.writers[7].n != 150 || a.rest() != 0 {
		t.Errorf("counted %d of 150, remainder %d", a.writers[7].n, a.rest())
	}
	read(150)
	round = round.Add(2 * absentFor)
	read(150)
	if n := len(a.parts[0].absent) + len(a.parts[0].producers); n != 0 {
		t.Errorf("%d producers are remembered for ever", n)
	}
}

// A transactional producer without a name is counted by its producer id when no name is to be had, and waits for it as
// long as it may come: what it wrote until then is its name's.
func TestTransactionalWithoutAName(t *testing.T) {
	look := func(waits bool, later txnName) (samples []lineage.Sample, sightings []lineage.Sighting) {
		a := newAccount(lineage.Topic{Name: "orders"})
		a.open(1, true)
		a.begin()
		a.setEnd(0, 11) // ten records and a marker
		a.setProducers(0, []producerReading{{id: 5, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true}}, 11, t0, tick, unnamed)
		a.rename(unnamed, func(int64) bool { return waits })
		samples, sightings, ok := a.tellBooks(t0, t0.Add(-tick))
		if !ok {
			t.Fatal("the books are not known")
		}
		samples = slices.DeleteFunc(samples, func(s lineage.Sample) bool { return s.Metric == lineage.Markers })
		if waits && len(samples) > 0 {
			t.Errorf("told before it was named: %+v", samples)
		}
		if waits {
			back, err := decodeTopic(lineage.TopicID{}, "", (&topic{account: a}).encode(), t0)
			if err != nil {
				t.Fatal(err)
			}
			a = back.account
			a.begin()
			a.setEnd(0, 11)
			a.rename(func(int64) txnName { return later }, func(int64) bool { return false })
			samples, sightings, _ = a.tellBooks(t0.Add(tick), t0)
		}
		s := newSource(Config{})
		s.byName["orders"] = &topic{account: a}
		if ends := s.endsOf("orders"); !slices.Equal(ends.Offsets, []int64{11}) || !ends.Transactional || s.endsOf("gone").Offsets != nil {
			t.Errorf("ends for the board: %+v", ends)
		}
		return samples, sightings
	}
	for _, c := range []struct {
		waits  bool
		name   string
		client lineage.Client
		kind   lineage.EvidenceKind
	}{
		{false, "", lineage.Client{Producer: lineage.KnownProducer(5)}, lineage.ProducerState},
		{true, "ledger-1", lineage.Client{TransactionalID: "ledger-1"}, lineage.Transaction},
		{true, "", lineage.Client{Producer: lineage.KnownProducer(5)}, lineage.ProducerState}, // in vain
	} {
		samples, sightings := look(c.waits, txnName{c.name, c.name})
		if len(samples) != 1 || samples[0].Value != 10 || !samples[0].Estimated || samples[0].Subject.Client != c.client || samples[0].Evidence != c.kind {
			t.Errorf("%q: samples %+v", c.name, samples)
		}
		if since := samples[0].Since; c.waits && !since.Equal(t0.Add(-tick)) || !c.waits && !since.IsZero() {
			t.Errorf("%q: written since %s, and it was seen first in the round of %s", c.name, since, t0)
		}
		if len(sightings) != 1 || !strings.HasPrefix(sightings[0].Detail, "at most") || sightings[0].Access.Client != c.client {
			t.Errorf("%q: sightings %+v", c.name, sightings)
		}
	}
}

func TestCapCountsOthersTogether(t *testing.T) {
	l := newFakeLog()
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, true)
	for id := range int64(maxWriters + 50) {
		l.write(id, 3)
	}
	look(a, []*fakeLog{l}, t0, never, func() {})
	if len(a.writers) != maxWriters || a.others == nil || a.others.n != 150 || a.rest() != 0 {
		t.Errorf("%d writers, others %+v, remainder %d", len(a.writers), a.others, a.rest())
	}
}

func TestDeniedTopicIsAllRemainder(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, false)
	for i, end := range []int64{100, 130, 170} {
		a.begin()
		a.setEnd(0, end)
		a.denyPartition(0, t0)
		if _, _, ok := a.tellBooks(t0.Add(time.Duration(i)*tick), t0); !ok {
			t.Fatal("books are not complete")
		}
	}
	if a.rest() != 70 {
		t.Errorf("remainder %d, want 70", a.rest())
	}
}

func TestProducersBudget(t *testing.T) {
	s := newSource(Config{Name: "west", Interval: tick})
	big, small := &topic{account: newAccount(lineage.Topic{Name: "big"})}, &topic{account: newAccount(lineage.Topic{Name: "small"})}
	for _, tp := range []*topic{big, small} {
		tp.open(2, true)
		tp.leaders = []int32{1, 1}
		s.byName[tp.topic.Name], s.topics[lineage.TopicID{byte(len(tp.topic.Name))}] = tp, tp
		for i := range tp.parts {
			tp.parts[i].moved, tp.parts[i].fresh = true, true
		}
	}
	for id := range int64(producersBudget / producerBytes) { // a partition whose answer alone fills the budget
		big.parts[0].producers[id] = sequence{}
	}
	seen := map[partitionRef]bool{}
	for round := 0; round < 4 && len(seen) < 4; round++ {
		take := &take{source: s, round: t0, told: s.tell.Take(t0)}
		why := map[*topic]string{}
		todo := take.producersTodo(why)
		if len(todo) == 0 || len(todo) == 4 && round == 0 {
			t.Fatalf("round %d: %d partitions", round, len(todo))
		}
		if len(todo) < 4-len(seen) && len(why) == 0 {
			t.Errorf("round %d: nobody is told what was put off", round)
		}
		for _, ref := range todo {
			seen[ref] = true
			ref.topic.parts[ref.part].moved = false
		}
	}
	if len(seen) != 4 {
		t.Errorf("only %d of 4 partitions were read in four rounds", len(seen))
	}
}

// The old protocol's sequences count the records, and the coordinator's log bounds the markers: exact, and nothing is
// left for anybody else. Where that log is not to be seen, what may be markers is said to be so.
func TestOldTransactionsAreExact(t *testing.T) {
	for seed := range uint64(100) {
		for _, known := range []bool{true, false} {
			s := newSim(seed, 2, true, simOldTxn, simIdempotent)
			s.logKnown, s.txnLog.now = known, nil
			if known {
				s.txnLog.now = []int64{0}
			}
			for range 30 {
				for _, w := range s.writers {
					s.write(w, s.r.IntN(40))
				}
				s.take(t, never, func() { s.write(s.writers[0], s.r.IntN(4)) })
			}
			s.settle(t, true)
			if known && (len(s.bound) > 0 || s.a.rest() > 0) {
				t.Errorf("seed %d: estimated are %v, remainder %d", seed, s.bound, s.a.rest())
			}
			if !known && (s.bound[lineage.Client{TransactionalID: "app-0"}] || !s.bounds[lineage.Client{Kind: lineage.Remainder}]["at most"]) {
				t.Errorf("seed %d, without the log: bounds are %v, remainder %d", seed, s.bounds, s.a.rest())
			}
		}
	}
}

// A transaction that is open has left no marker: beside it, those who write without idempotence are counted to the
// record. Of a topic that was there when the watch began, a lone transactional producer's markers are nobody's records,
// from its first transaction on.
func TestFirstOldTransactionsOfAnOldTopic(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "orders"})
	log := &transactionLog{before: make([]int64, 1), now: make([]int64, 1)}
	a.log = log
	a.open(1, false)
	name := func(int64) txnName { return txnName{id: "mover", application: "mover"} }
	a.begin()
	a.setEnd(0, 0)
	a.setProducers(0, nil, 0, t0, tick, name)
	ended, end := int64(0), int64(0)
	for i := 1; i <= 3; i++ {
		ended += 8
		end += 8 * 4 // three records and a marker each
		log.before, log.now = log.now, []int64{1 + 3*ended}
		a.begin()
		a.setEnd(0, end)
		a.setProducers(0, []producerReading{{id: 1, lastSequence: int32(3*ended - 1), txnStart: -1, transactional: true}}, end, at(i), tick, name)
	}
	if a.rest() != 0 || a.txns["mover"].n != 3*ended || a.markers.n != ended {
		t.Errorf("%d are nobody's, %d the producer's, %d markers; want 0, %d and %d", a.rest(), a.txns["mover"].n, a.markers.n, 3*ended, ended)
	}
}

func TestPlainBesideAnOpenTransaction(t *testing.T) {
	s := newSim(1, 1, true, simPlain, simNewTxn)
	put := func(w *simWriter, n int) {
		for range n {
			s.append(w, 0)
		}
	}
	s.take(t, never, func() {})
	put(s.writers[1], 60)
	put(s.writers[0], 100)
	s.take(t, never, func() {})
	put(s.writers[1], 49)
	put(s.writers[0], 60)
	s.take(t, never, func() {})
	if got := s.a.txns["app-1"].n; got != 109 || s.a.rest() != 160 || s.a.markers.n != 0 || len(s.bound) > 0 {
		t.Errorf("counted %d of 109 in the transaction and %d of 160 beside it, %d markers; bounds %v", got, s.a.rest(), s.a.markers.n, s.bounds)
	}
	s.end(s.writers[1])
	s.settle(t, true)
	if s.a.markers.n != 1 {
		t.Errorf("%d markers of one transaction", s.a.markers.n)
	}
	// Now both write in one tick, and the transaction ends in it: that is all that is known.
	put(s.writers[0], 30)
	put(s.writers[1], 7)
	s.end(s.writers[1])
	s.settle(t, true)
	if tx := s.a.txns["app-1"].n; tx != 109+37 || !s.bounds[lineage.Client{TransactionalID: "app-1"}]["at most"] || !s.bounds[lineage.Client{Kind: lineage.Remainder}]["at least"] || s.a.rest() != 160 {
		t.Errorf("counted %d and %d, bounds %v", tx, s.a.rest(), s.bounds)
	}
}

// What expired at the broker and is listed again goes on where it was, also after lineaged was started again; and a
// producer that was never seen counts no more than the end grew by.
func TestExpiredProducerIsNotCountedAgain(t *testing.T) {
	for _, restart := range []bool{false, true} {
		s := newSim(2, 1, true, simIdempotent)
		s.write(s.writers[0], 505)
		s.take(t, never, func() {})
		s.expire(s.writers[0])
		s.write(s.writers[0], 0)
		s.logs[0].log = append(s.logs[0].log, entry{pid: -1}) // so that the producers are read
		s.take(t, never, func() {})
		if restart {
			s.restart(t)
		}
		s.write(s.writers[0], 5)
		s.settle(t, false)
		if n := s.a.writers[1].n; n != 510 || s.a.rest() != 1 {
			t.Errorf("restarted %v: counted %d of 510", restart, n)
		}
	}
	s := newSim(3, 1, false, simIdempotent)
	s.write(s.writers[0], 505)
	s.expire(s.writers[0])
	s.take(t, never, func() {})
	s.write(s.writers[0], 5)
	s.take(t, never, func() {})
	if n := s.a.writers[1].n; n != 5 || !s.bounds[lineage.Client{Producer: 2}]["at most"] {
		t.Errorf("first seen: counted %d of 5, bounds %v", n, s.bounds)
	}
	s.logs[0].log = append(s.logs[0].log, make([]entry, 100)...)
	for i := range 100 {
		s.logs[0].log[len(s.logs[0].log)-1-i].pid = -1
	}
	s.settle(t, false)
	if n := s.a.writers[1].n; n != 5 || s.a.rest() != 100 {
		t.Errorf("afterwards %d of 5, and %d of another's 100", n, s.a.rest())
	}
}

// Instances of one application share out what they wrote on one partition: together it is what a single one would be
// counted, and each share is an estimate. Two applications share nothing.
func TestInstancesShareOut(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 4))
		a := newAccount(lineage.Topic{Name: "ledger"})
		a.open(1, true)
		var end, records int64
		states := []producerReading{{id: 9, lastSequence: -1, txnStart: -1, transactional: true}, {id: 11, lastSequence: -1, txnStart: -1, transactional: true}}
		name := func(id int64) txnName { return txnName{fmt.Sprintf("ledger-%d", id), "ledger"} }
		var shares []lineage.Sighting
		for i := range 40 {
			round := t0.Add(time.Duration(i) * tick)
			for n := range states {
				for range r.IntN(4) {
					k := 1 + r.Int64N(50)
					records, end = records+k, end+k+1
					states[n].epoch++
				}
			}
			a.begin()
			a.setEnd(0, end)
			a.setProducers(0, states, -1, round, tick, name)
			a.tellEnds(round, round.Add(-tick))
			samples, sightings, _ := a.tellBooks(round, round.Add(-tick))
			shares = append(shares, sightings...)
			for _, s := range sightings {
				for _, x := range samples {
					if x.Subject == s.Access && !x.Estimated {
						t.Fatalf("seed %d: a share that is no estimate: %+v", seed, x)
					}
				}
			}
		}
		one, two := a.txns["ledger-9"].n, a.txns["ledger-11"].n
		if one+two+a.markers.n != end || a.rest() != 0 || one == 0 || two == 0 {
			t.Fatalf("seed %d: %d and %d records, %d markers, remainder %d, the log's end %d", seed, one, two, a.markers.n, a.rest(), end)
		}
		if got := one + two; got < records || got+a.markers.n != end {
			t.Errorf("seed %d: counted %d of %d records", seed, got, records)
		}
		if !slices.ContainsFunc(shares, func(s lineage.Sighting) bool { return strings.HasPrefix(s.Detail, "shared out") }) {
			t.Errorf("seed %d: nobody says that it is shared out", seed)
		}
	}
	a := newAccount(lineage.Topic{Name: "ledger"})
	a.open(1, true)
	a.begin()
	a.setEnd(0, 22)
	a.setProducers(0, []producerReading{{id: 9, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true}, {id: 11, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true}}, 22, t0, tick,
		func(id int64) txnName { return txnName{fmt.Sprint(id), fmt.Sprint(id)} })
	_, sightings, _ := a.tellBooks(t0, t0.Add(-tick))
	if a.rest() != 0 || a.txns["9"].n+a.txns["11"].n != 20 || a.markers.n != 2 || len(sightings) != 2 || !strings.Contains(sightings[0].Detail, "together at most") {
		t.Errorf("two applications: remainder %d, %d and %d; %+v", a.rest(), a.txns["9"].n, a.txns["11"].n, sightings)
	}
}

// With the old protocol the sequences say whose the records are.
func TestInstancesShareOutBySequence(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "ledger"})
	a.open(1, true)
	a.begin()
	a.setEnd(0, 32)
	a.setProducers(0, []producerReading{{id: 9, lastSequence: 9, txnStart: -1, transactional: true}, {id: 11, lastSequence: 19, txnStart: -1, transactional: true}}, -1, t0, tick,
		func(id int64) txnName { return txnName{fmt.Sprint(id), "ledger"} })
	if a.rest() != 0 || a.txns["9"].n != 10 || a.txns["11"].n != 20 || a.markers.n != 2 || a.txns["9"].estimated {
		t.Errorf("remainder %d, %d and %d records, %d markers", a.rest(), a.txns["9"].n, a.txns["11"].n, a.markers.n)
	}
}

// A round in which nothing was read does not make the next one, which reads all, a bound.
func TestEndsAfterARoundWithoutReadings(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(2, true)
	round := func(i int, ends ...int64) []lineage.Sample {
		a.begin()
		for part, end := range ends {
			a.setEnd(part, end)
		}
		samples, _ := a.tellEnds(at(i), at(i-1))
		return samples
	}
	round(0, 5, 5)
	round(1)
	s, told := value(round(2, 7, 9), lineage.Appended)
	if !told || s.Value != 16 || s.Estimated || !s.Since.Equal(at(0)) {
		t.Errorf("after a gap it is told %v: %+v, want 16, exact, since %v", told, s, at(0))
	}
	round(3, 8)
	if s, told := value(round(4, 9, 11), lineage.Appended); !told || s.Value != 20 || s.Estimated || !s.Since.Equal(at(2)) {
		t.Errorf("after a round of which a part was missing it is told %v: %+v, want 20, exact, since %v", told, s, at(2))
	}
}
