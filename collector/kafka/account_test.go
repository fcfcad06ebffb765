package kafka

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
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
	a.tellBooks(round, round.Add(-tick), collector.Writers{}, 0)
}

func never(int) bool { return false }

func unnamed(int64) txnName { return txnName{} }

// The law: over any history of idempotent and other writers, with readings apart, partitions that can't be read for a while, and sequences that wrap, the topic's advance is what
// the writers and the remainder add up to, each of them right.
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
			sum := a.remainder.n
			for id, w := range a.writers {
				sum += w.n
				if w.n != truth[id] {
					t.Errorf("producer %d: counted %d, wrote %d", id, w.n, truth[id])
				}
			}
			if a.remainder.n != truth[-1] {
				t.Errorf("remainder %d, written without idempotence %d", a.remainder.n, truth[-1])
			}
			if sum != a.appended.n {
				t.Errorf("writers and remainder add up to %d, appended %d", sum, a.appended.n)
			}
		})
	}
}

func TestWrote(t *testing.T) {
	f := func(name string, prev *sequence, r producerReading, step, want int64, exact bool) {
		t.Helper()
		var p sequence
		if prev != nil {
			p = *prev
		}
		n, ok := wrote(p, prev != nil, r, step, false)
		if n != want || ok != exact {
			t.Errorf("%s: %d, exact %v; want %d, exact %v", name, n, ok, want, exact)
		}
	}
	f("same epoch", &sequence{0, 10, -1}, producerReading{lastSequence: 25}, 15, 15, true)
	f("at rest", &sequence{0, 10, -1}, producerReading{lastSequence: 10}, 0, 0, true)
	f("ahead of the end", &sequence{0, 10, -1}, producerReading{lastSequence: 30}, 15, 20, true)
	f("wraps", &sequence{0, math.MaxInt32 - 1, -1}, producerReading{lastSequence: 2}, 4, 4, true)
	f("truncated", &sequence{0, 100, -1}, producerReading{lastSequence: 40}, 0, 0, false)
	f("new", nil, producerReading{lastSequence: 9}, 10, 10, true)
	f("new, ahead of the end", nil, producerReading{lastSequence: 109}, 10, 110, true)
	f("with a past", nil, producerReading{lastSequence: 1 << 20}, 10, 10, false)
	f("new epoch", &sequence{1, 50, -1}, producerReading{epoch: 2, lastSequence: 4}, 8, 5, false)
	f("old epoch", &sequence{3, 50, -1}, producerReading{epoch: 2, lastSequence: 4}, 8, 0, false)
	f("no sequence", &sequence{1, 50, -1}, producerReading{epoch: 2, lastSequence: -1}, 8, 0, true)
}

// A topic whose writers are all idempotent has no remainder, also when we begin to look while they write and the readings are apart.
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
		if a.remainder.n != 0 {
			t.Fatalf("round %d: remainder %d", i, a.remainder.n)
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

// A leader that is lost takes records with it that its sequences had counted and no end had shown. The producer sends them again, and they count once.
func TestRecordsLostWithALeaderCountOnce(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, true)
	round := t0
	epoch := int32(0)
	read := func(end int64, last int32) {
		round = round.Add(tick)
		a.begin()
		a.setEnd(0, end)
		a.setProducers(0, []producerReading{{id: 7, epoch: epoch, lastSequence: last, txnStart: -1}}, -1, round, tick, unnamed)
		a.tellBooks(round, round.Add(-tick), collector.Writers{}, 0)
	}
	read(81, 91) // eleven are not replicated yet
	if a.writers[7].n != 92 {
		t.Errorf("counted %d", a.writers[7].n)
	}
	read(86, 85) // the new leader had five of them
	read(92, 91) // the others were sent again
	read(120, 119)
	want := func(n int64) {
		t.Helper()
		if a.writers[7].n != n || a.appended.n != n || a.remainder.n != 0 {
			t.Errorf("counted %d of %d, remainder %d", a.writers[7].n, a.appended.n, a.remainder.n)
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
		a.tellBooks(round, round.Add(-tick), collector.Writers{}, 0)
	}
	read(20, producerReading{id: 1, lastSequence: 9, txnStart: -1}, producerReading{id: 2, lastSequence: 9, txnStart: -1})
	read(125, producerReading{id: 1, lastSequence: 109, txnStart: -1}, producerReading{id: 2, epoch: 1, lastSequence: 4, txnStart: -1})
	if a.writers[1].n != 110 || a.writers[2].n != 15 || a.remainder.n != 0 {
		t.Errorf("counted %d and %d of 110 and 15, remainder %d", a.writers[1].n, a.writers[2].n, a.remainder.n)
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
		a.tellBooks(round, round.Add(-tick), collector.Writers{}, 0)
	}
	read(147, producerReading{id: 7, lastSequence: 146, txnStart: -1})
	read(147)
	read(150, producerReading{id: 7, lastSequence: 149, txnStart: -1})
	if a.writers[7].n != 150 || a.remainder.n != 0 {
		t.Errorf("counted %d of 150, remainder %d", a.writers[7].n, a.remainder.n)
	}
	read(150)
	round = round.Add(2 * absentFor)
	read(150)
	if n := len(a.parts[0].absent) + len(a.parts[0].producers); n != 0 {
		t.Errorf("%d producers are remembered for ever", n)
	}
}

func TestUnnamedTransactionalGoesToTheRemainderEstimated(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, true)
	a.begin()
	a.setEnd(0, 11) // ten records and a marker
	a.setProducers(0, []producerReading{{id: 5, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true}}, -1, t0, tick, unnamed)
	samples, sightings, ok := a.tellBooks(t0, t0.Add(-tick), collector.Writers{}, 0)
	if !ok || len(samples) != 1 || samples[0].Value != 11 || !samples[0].Estimated || samples[0].Subject.Client.Kind != lineage.Remainder {
		t.Errorf("samples %+v", samples)
	}
	if len(sightings) != 1 || !sightings[0].Moved || sightings[0].Access.Client.Producer != lineage.KnownProducer(5) {
		t.Errorf("sightings %+v", sightings)
	}
	s := newSource(Config{})
	s.byName["orders"] = &topic{account: a}
	if ends := s.endsOf("orders"); !slices.Equal(ends.Offsets, []int64{11}) || !ends.Transactional || s.endsOf("gone").Offsets != nil {
		t.Errorf("ends for the board: %+v", ends)
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
	if len(a.writers) != maxWriters || a.others == nil || a.others.n != 150 || a.remainder.n != 0 {
		t.Errorf("%d writers, others %+v, remainder %d", len(a.writers), a.others, a.remainder.n)
	}
}

func TestDeniedTopicIsAllRemainder(t *testing.T) {
	a := newAccount(lineage.Topic{Name: "orders"})
	a.open(1, false)
	for i, end := range []int64{100, 130, 170} {
		a.begin()
		a.setEnd(0, end)
		a.denyPartition(0)
		if _, _, ok := a.tellBooks(t0.Add(time.Duration(i)*tick), t0, collector.Writers{}, 0); !ok {
			t.Fatal("books are not complete")
		}
	}
	if a.remainder.n != 70 {
		t.Errorf("remainder %d, want 70", a.remainder.n)
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
		take := &take{source: s, round: t0}
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

// The law with a transactional producer (transaction version 2): what is appended is writers, markers and remainder, and the producer's count lies between the bounds that the markers leave.
func TestAccountLawOfTransactions(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 2))
		a := newAccount(lineage.Topic{Name: "ledger"})
		a.open(1, true)
		var end, records, markers, plain int64
		state := producerReading{id: 9, lastSequence: -1, txnStart: -1, transactional: true}
		idempotent := newFakeLog()
		transact := func(n int, most int64) {
			for range n {
				k := 1 + r.Int64N(most)
				records, markers, end = records+k, markers+1, end+k+1
				state.epoch++
			}
		}
		for i := range 40 {
			round := t0.Add(time.Duration(i) * tick)
			n := r.Int64N(100)
			idempotent.write(3, n)
			plain, end = plain+n, end+n
			transact(r.IntN(6), 50)
			a.begin()
			a.setEnd(0, end)
			if i < 38 { // between the readings; at rest in the end
				transact(r.IntN(2), 5)
			}
			a.setProducers(0, append(idempotent.readings(), state), -1, round, tick, func(int64) txnName { return txnName{"ledger", "ledger"} })
			a.tellEnds(round, round.Add(-tick))
			a.tellBooks(round, round.Add(-tick), collector.Writers{}, 0)
		}
		w := a.txns["ledger"]
		if sum := a.writers[3].n + w.n + a.markers + a.remainder.n; sum != a.appended.n || a.appended.n != end {
			t.Fatalf("seed %d: writers, markers and remainder add up to %d, appended %d, the log's end %d", seed, sum, a.appended.n, end)
		}
		if a.writers[3].n != plain {
			t.Errorf("seed %d: idempotent producer counted %d, wrote %d", seed, a.writers[3].n, plain)
		}
		// A whole transaction that falls between two readings, and is larger than the step before, is nobody's.
		if off := w.n - records; off < -markers-a.remainder.n || off > markers || a.remainder.n > records/20 {
			t.Errorf("seed %d: counted %d of %d records, remainder %d", seed, w.n, records, a.remainder.n)
		}
	}
}

// The same with the old protocol, whose epoch stays and whose sequence counts the records: exact.
func TestAccountLawOfOldTransactions(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		a := newAccount(lineage.Topic{Name: "ledger"})
		a.open(1, true)
		var end, records int64
		state := producerReading{id: 9, epoch: int32(seed % 3), lastSequence: -1, txnStart: -1, transactional: true}
		idempotent := newFakeLog()
		transact := func(n int, most int64) {
			for range n {
				k := 1 + r.Int64N(most)
				records, end = records+k, end+k+1
				state.lastSequence += int32(k)
			}
		}
		for i := range 40 {
			round := t0.Add(time.Duration(i) * tick)
			n := r.Int64N(100)
			idempotent.write(3, n)
			end += n
			transact(r.IntN(30), 50)
			a.begin()
			a.setEnd(0, end)
			if i < 38 { // between the readings; at rest in the end
				n := r.Int64N(10)
				idempotent.write(3, n)
				end += n
				transact(r.IntN(2), 5)
			}
			a.setProducers(0, append(idempotent.readings(), state), -1, round, tick, func(int64) txnName { return txnName{"ledger", "ledger"} })
			a.tellEnds(round, round.Add(-tick))
			a.tellBooks(round, round.Add(-tick), collector.Writers{}, 0)
		}
		if w := a.txns["ledger"]; w.n != records || a.writers[3].n != idempotent.truth[3] {
			t.Errorf("seed %d: counted %d of %d records in transactions and %d of %d others, remainder %d", seed, w.n, records, a.writers[3].n, idempotent.truth[3], a.remainder.n)
		}
	}
}

// Instances of one application share out what they wrote on one partition: together it is what a single one would be counted, and each share is an estimate. Two
// applications share nothing.
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
			samples, sightings, _ := a.tellBooks(round, round.Add(-tick), collector.Writers{}, 0)
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
		if one+two+a.markers != end || a.remainder.n != 0 || one == 0 || two == 0 {
			t.Fatalf("seed %d: %d and %d records, %d markers, remainder %d, the log's end %d", seed, one, two, a.markers, a.remainder.n, end)
		}
		if off := one + two - records; off < -5 || off > 5 {
			t.Errorf("seed %d: counted %d of %d records", seed, one+two, records)
		}
		if !slices.ContainsFunc(shares, func(s lineage.Sighting) bool { return strings.HasPrefix(s.Detail, "shared out") }) {
			t.Errorf("seed %d: nobody says that it is shared out", seed)
		}
	}
	a := newAccount(lineage.Topic{Name: "ledger"})
	a.open(1, true)
	a.begin()
	a.setEnd(0, 22)
	a.setProducers(0, []producerReading{{id: 9, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true}, {id: 11, epoch: 1, lastSequence: -1, txnStart: -1, transactional: true}}, -1, t0, tick,
		func(id int64) txnName { return txnName{fmt.Sprint(id), fmt.Sprint(id)} })
	if a.remainder.n != 22 || a.txns["9"].n != 0 || a.txns["11"].n != 0 {
		t.Errorf("two applications: remainder %d, %d and %d", a.remainder.n, a.txns["9"].n, a.txns["11"].n)
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
	if a.remainder.n != 0 || a.txns["9"].n != 10 || a.txns["11"].n != 20 || a.markers != 2 || a.txns["9"].estimated {
		t.Errorf("remainder %d, %d and %d records, %d markers", a.remainder.n, a.txns["9"].n, a.txns["11"].n, a.markers)
	}
}
