package kafka

import (
	"math"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// account is the book of one topic incarnation. Its law, for every round in which the topic was seen whole:
//
//	appended = Σ writers + markers + Σ eliminated + held + remainder (+ wobble, which is never shown as a remainder)
//
// appended is the advance of the end offsets; an idempotent writer's total is the advance of its sequences; a transactional writer's what is left of the advance when its application alone can have written it, less the markers
// of its transactions; eliminated is what a mover must have written since nobody else can have (elimination.go), held what waits for that decision; the remainder is what nobody accounts for. All are totals
// since the account was opened, so that a round that is lost, read twice or spans a gap changes nothing but the time at which the total is known.
//
// An account is pure bookkeeping: readings go in, totals come out. It is not safe for concurrent use.
type account struct {
	topic lineage.Topic
	parts []partition

	appended  total
	remainder total
	elimination
	ends  time.Time // newest round in which every partition's end was read; zero: none yet
	books time.Time // newest round in which every partition's producers were known; zero: none yet

	markers int64               // transaction markers: offsets that are no records
	writers map[int64]*writer   // idempotent ones, by producer id
	txns    map[string]*writer  // transactional ones, by transactional.id
	epochs  map[int64]epochSeen // of transactional producer ids; shared by all topics of a cluster
	listed  bool                // a transactional producer was listed on a partition; not kept over a restart
	others  *writer             // sum of the writers beyond the cap; nil: none
	denied  bool                // producer state may not be read, or the broker has none: every record is remainder
	reborn  time.Time           // round in which it came in the place of another of its name; zero: it did not. Not kept over a restart
	// contested: a mover that leaves no count is known to write the topic, so that what is left is not a transactional producer's alone.
	contested bool
}

// total is a count since the account was opened.
type total struct {
	n         int64
	told      int64 // as last put into a sample; -1: never
	estimated bool  // what was added since it was last told is a bound
}

// add adds n records.
func (t *total) add(n int64, estimated bool) {
	t.n += n
	t.estimated = t.estimated || estimated
}

// writer is one producer id's total on the topic.
type writer struct {
	total
	moved time.Time // of a transactional one: newest round in which it moved; zero: not since the start
	// uncounted: a transactional producer that moved since it was last told; its records can't be counted from the producer state.
	uncounted bool
	mixed     bool // of these: others wrote to the same partition at once
	shared    bool // what was added since it was last told is its share of what several instances of one application wrote
}

// partition is the part of the book that one partition fills.
type partition struct {
	end   int64 // newest end offset; -1: never read
	fresh bool  // end was read in this round
	moved bool  // the end moved since the producers were last read

	based     bool  // the producers were read once; before, advance can't be told apart
	advance   int64 // of the end since the account was opened
	named     int64 // of that, counted to producer ids
	slack     int64 // records that may come into the end later although the base reading of the producers holds them already; see base
	unsettled bool  // the partition moved at its base: its first step widens the slack
	remainder int64
	booked    int64 // advance when the producers were last read
	waited    int   // rounds for which the byte budget put the producers off

	// lost is records that were counted by their sequence before they were in the end, and that went with a leader: what producers write next counts once it makes up for them, as an estimate.
	lost int64
	// owed is records of a transactional producer, by its sequence, and ended its transactions, by its epoch, that were not in the end yet when they were read.
	owed, ended int64
	last        txnStep // not kept over a restart

	producers map[int64]sequence
	absent    map[int64]absent // those that were listed once and are not now; not kept over a restart
}

// absent is the last reading of a producer id that is listed no more, as of the round in which that showed.
type absent struct {
	sequence
	since time.Time
}

// absentFor is how long a producer id that is not listed is remembered. A leader that has just come back may list none of its producers for a moment (measured: three nodes restarted on a busy machine); what they wrote before would
// be counted again when they are.
const absentFor = time.Hour

// sequence is the last reading of one producer id on one partition.
type sequence struct {
	epoch    int32
	last     int32
	txnStart int64 // -1: no transaction is open
}

// producerReading is one entry of a DescribeProducers answer.
type producerReading struct {
	id            int64
	epoch         int32
	lastSequence  int32 // -1: none in this epoch
	txnStart      int64 // start offset of the open transaction; -1: none
	lastMs        int64 // timestamp of its last record, Unix milliseconds
	transactional bool
}

func (r producerReading) sequence() sequence { return sequence{r.epoch, r.lastSequence, r.txnStart} }

// maxWriters is the cap of counted writers of one topic; more are counted together. A topic with more live producers than this is read by what they are
// together: nobody looks through thousands of producer ids, and each is a series to store.
const maxWriters = 200

func newAccount(topic lineage.Topic) *account {
	return &account{topic: topic, appended: total{told: -1}, writers: map[int64]*writer{}, txns: map[string]*writer{}, epochs: map[int64]epochSeen{}, elimination: elimination{eliminated: map[lineage.Node]*total{}}}
}

// open sets the number of partitions, which only grows. New partitions of a topic that was born under observation start at zero and so have no past to guess.
func (a *account) open(partitions int, born bool) {
	for len(a.parts) < partitions {
		p := partition{end: -1, producers: map[int64]sequence{}}
		if born {
			p.end, p.based = 0, true
		}
		a.parts = append(a.parts, p)
	}
}

// begin starts a round.
func (a *account) begin() {
	for i := range a.parts {
		a.parts[i].fresh = false
	}
}

// setEnd books a reading of a partition's end. The first one opens the partition's book; a lower one than before is a truncated log: the book goes on from there.
func (a *account) setEnd(part int, end int64) {
	p := &a.parts[part]
	p.fresh = true
	switch {
	case p.end < 0:
		p.end, p.moved = end, true // its producers are to be read once
	case end < p.end:
		p.end, p.moved = end, true
		a.appended.estimated = true
	case end > p.end:
		p.advance += end - p.end
		a.appended.add(end-p.end, false)
		p.end, p.moved = end, true
	}
}

// hasMarkers reports whether transactions were written to the topic: then some of its offsets are markers and no records.
func (a *account) hasMarkers() bool { return a.markers > 0 || len(a.txns) > 0 || a.listed }

// endsComplete reports whether every partition's end was read in this round.
func (a *account) endsComplete() bool {
	for i := range a.parts {
		if !a.parts[i].fresh {
			return false
		}
	}
	return true
}

// base opens the producers' book of a partition: what they wrote before is nobody's. after is the end as read again after the producers, -1 when it was not.
//
// The end is always read before the producers, so that a record that is in the end is in the producers' reading too. At the base that order does harm: a record
// appended between the two readings is in the producers' base and comes into the end later, where it would look like a record of nobody. The end's movement over the
// readings is therefore kept as slack, and where a producer wrote in the last seconds, half a second of the first step more, since the high watermark is behind the log's end by
// the replication's delay (replica.fetch.wait.max.ms, 500 ms).
func (a *account) base(p *partition, readings []producerReading, after int64, round time.Time) {
	const recent = 10 * time.Second
	for _, r := range readings {
		p.producers[r.id] = r.sequence()
		p.unsettled = p.unsettled || round.UnixMilli()-r.lastMs < recent.Milliseconds()
		if r.transactional {
			a.epochBefore(r, round)
		}
	}
	if after > p.end {
		p.slack = after - p.end
	}
	// What the end moved before the base can't be told apart: it is the remainder's.
	if rest := p.advance - p.named; rest > p.remainder {
		a.leave(rest-p.remainder, true, true)
		p.remainder = rest
	}
	p.based, p.booked, p.moved = true, p.advance, false
}

// setProducers books a reading of a partition's producers. The end must have been read earlier in the same round. interval is the time since the round before; name
// returns who a transactional producer is by its producer id.
func (a *account) setProducers(part int, readings []producerReading, after int64, round time.Time, interval time.Duration, name func(id int64) txnName) {
	p := &a.parts[part]
	if !p.based {
		a.base(p, readings, after, round)
		return
	}
	step := p.advance - p.booked // the most that all producers together can have written, but for the wobble
	if p.unsettled && step > 0 {
		p.slack += step*int64(min(interval, 500*time.Millisecond))/int64(interval) + 1
		p.unsettled = false
	}
	gap := !a.books.IsZero() && a.books.Add(interval).Before(round)
	ahead := p.named - p.booked // at the last reading
	var moved []movedTxn
	for _, r := range readings {
		prev, known := p.producers[r.id]
		if was, ok := p.absent[r.id]; ok && !known {
			prev, known = was.sequence, true
		}
		delete(p.absent, r.id)
		p.producers[r.id] = r.sequence()
		if r.transactional {
			if !known || prev != r.sequence() {
				moved = append(moved, movedTxn{r, prev, known, a.epochBefore(r, round)})
			}
			continue
		}
		n, exact := wrote(prev, known, r, step, gap)
		p.lose(prev, known, r, ahead)
		made := min(p.lost, n)
		p.lost, exact = p.lost-made, exact && made == 0 // another's records may be among them
		if n -= made; n > 0 {
			a.writer(r.id).add(n, !exact)
			p.named += n
		}
	}
	p.forget(readings, round)
	p.booked, p.moved = p.advance, false
	a.setTransactional(p, moved, round, interval, name)
	a.settle(p, len(moved) > 0, len(moved) > 0)
}

// lose notes what was counted by a sequence, was in no end yet, and went with a leader that had it alone: the sequence falls back, or the producer begins a new epoch to send it again. A fall of the end itself is no loss:
// then what is written again advances the end again. Where it is in the end after all, as many records become the remainder's as are taken for made up.
// ahead is by how much the sequences of all producers were ahead of the end at the last reading.
func (p *partition) lose(prev sequence, known bool, r producerReading, ahead int64) {
	ahead = max(0, ahead-p.lost)
	switch {
	case !known:
	case r.epoch != prev.epoch:
		p.lost += ahead
	case r.lastSequence >= 0 && prev.last > r.lastSequence && prev.last-r.lastSequence < math.MaxInt32/2:
		p.lost += min(int64(prev.last-r.lastSequence), ahead)
	}
}

// forget takes out the producers that the broker no longer lists: they have expired, or it does not know them yet.
func (p *partition) forget(readings []producerReading, round time.Time) {
	for id, was := range p.absent {
		if round.Sub(was.since) > absentFor {
			delete(p.absent, id)
		}
	}
	if len(p.producers) <= len(readings) {
		return
	}
	listed := make(map[int64]bool, len(readings))
	for _, r := range readings {
		listed[r.id] = true
	}
	for id, q := range p.producers {
		if listed[id] {
			continue
		}
		if p.absent == nil {
			p.absent = map[int64]absent{}
		}
		p.absent[id] = absent{q, round}
		delete(p.producers, id)
	}
}

// settle takes what no producer accounts for into the remainder. It never falls: a rest below the last one is the wobble of two readings. estimated: transaction markers, which are offsets and no records, may be among it.
// open: so may records of counted writers.
func (a *account) settle(p *partition, estimated, open bool) {
	if rest := p.advance - p.named - p.slack; rest > p.remainder {
		a.leave(rest-p.remainder, estimated, open)
		p.remainder = rest
	}
}

// denyPartition books a partition whose producers may not be read: all is remainder.
func (a *account) denyPartition(part int) {
	p := &a.parts[part]
	p.based, p.slack = true, 0
	p.booked, p.moved = p.advance, false
	a.settle(p, false, true)
}

// allow forgets the books of a topic that was denied until now: the producers' base is to be read.
func (a *account) allow() {
	a.denied = false
	for i := range a.parts {
		a.parts[i].based, a.parts[i].moved = false, true
	}
}

// wrote returns how many records a producer wrote to a partition between two readings, and whether that is exact. step is the end's advance in that time; gap says that rounds
// are missing in between.
//
// Within one epoch the sequence counts records (KIP-98), from 0, and wraps from 2^31-1 to 0. A producer first seen since the last reading wrote lastSequence+1 records, if
// so many can have been appended. What does not fit is a producer with a past that we have not seen: then at most the step is its own.
func wrote(prev sequence, known bool, r producerReading, step int64, gap bool) (n int64, exact bool) {
	// The producers are read some milliseconds after the end: a fast one is ahead of it by what it wrote in between.
	const ahead = 1000
	if r.lastSequence < 0 {
		return 0, true
	}
	all := int64(r.lastSequence) + 1 // since the epoch began
	switch {
	case !known:
		if all <= 2*step+ahead {
			return all, !gap
		}
		return step, false
	case r.epoch == prev.epoch:
		n := int64(r.lastSequence) - int64(prev.last)
		if n < 0 {
			n += math.MaxInt32 + 1
		}
		// Half the sequence space beyond the step is no advance but a fall: the log was truncated.
		if n > step && n > math.MaxInt32/2 {
			return 0, false
		}
		return n, true
	case r.epoch > prev.epoch:
		// The old epoch's tail is unknown; it goes to the remainder.
		return min(all, step), false
	default:
		return 0, false // an older epoch: a truncated log
	}
}

// writer returns the writer that a producer id is counted to.
func (a *account) writer(id int64) *writer {
	if w, ok := a.writers[id]; ok {
		return w
	}
	if len(a.writers) >= maxWriters {
		if a.others == nil {
			a.others = &writer{}
		}
		return a.others
	}
	w := &writer{}
	a.writers[id] = w
	return w
}

// idleAfter is how long a transactional.id is kept that moves nothing: the time after which brokers forget an idle producer id (producer.id.expiration.ms).
const idleAfter = 24 * time.Hour

// expire forgets writers that the broker lists on no partition any more, so that the cap is for living ones.
func (a *account) expire(round time.Time) {
	if len(a.txns) >= maxWriters/2 {
		for id, w := range a.txns {
			if w.moved.IsZero() { // restored
				w.moved = round
			}
			if round.Sub(w.moved) > idleAfter {
				delete(a.txns, id)
			}
		}
	}
	if len(a.writers) < maxWriters/2 {
		return
	}
	listed := map[int64]bool{}
	for i := range a.parts {
		for id := range a.parts[i].producers {
			listed[id] = true
		}
		for id := range a.parts[i].absent {
			listed[id] = true
		}
	}
	for id := range a.writers {
		if !listed[id] {
			delete(a.writers, id)
		}
	}
}
