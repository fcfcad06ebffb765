package kafka

import (
	"math"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// account is the book of one topic incarnation. Its law, for every round in which the topic was seen whole:
//
//	appended = Σ writers + markers + left + mixed
//
// appended is the advance of the end offsets, and nobody is ever counted what the end has not shown. A writer's total
// is the advance of its sequences where those count its records, and else what is left of the advance, as a bound;
// markers are offsets of transactions that can be no records (transactional.go); left is what nobody accounts for, and
// mixed what nobody does and counted writers may have written all the same (left.go). Whose they are is not decided
// here. All are totals since the account was opened, so that a round that is lost, read twice or spans a gap changes
// nothing but the time at which the total is known. What is a bound says why (reasons.go).
//
// An account is pure bookkeeping: readings go in, totals come out. It is not safe for concurrent use.
type account struct {
	swept time.Time // when it was last looked for writers to forget
	topic lineage.Topic
	parts []partition

	appended total
	lost     total  // records that were in the end and are not any more
	restWhy  string // why what is left grew by a bound since it was last told; empty: it is none
	left
	ends  time.Time // newest round in which every partition's end was read; zero: none yet
	books time.Time // newest round in which every partition's producers were known; zero: none yet

	writers map[int64]*writer   // idempotent ones, by producer id
	txns    map[string]*writer  // transactional ones, by transactional.id
	epochs  map[int64]epochSeen // of transactional producer ids; shared by all topics of a cluster
	listed  bool                // a transactional producer was listed on a partition; not kept over a restart
	others  *writer             // sum of the writers beyond the cap; nil: none
	denied  bool                // producer state may not be read, or the broker has none: every record is remainder
	// round in which it came in the place of another of its name; zero: it did not. Not kept over a restart
	reborn time.Time
	// newest round in which its broker was found to have older logs than before; zero: none. Not kept over a restart
	putBack  time.Time
	waiting  bool // a writer waits for its name
	restMost bool // some of the remainder was "at most"; not kept over a restart
	// what a writer without idempotence wrote in this round may be in a transactional producer's count, or taken for
	// markers
	hides  bool
	veiled bool // so it was since the remainder was last told
	// contested: a mover that leaves no count is known to write the topic, so that what is left is not a transactional
	// producer's alone.
	contested bool
	log       *transactionLog // of the cluster, for the accounts of all topics; nil: not to be had
	// copied: the topic has several replicas, so that an end is behind what the producers' state shows until all have
	// it. Not kept over a restart
	copied bool
	// after which a broker forgets the id of a producer that rests; zero: not known. Not kept over a restart
	forgets time.Duration
}

// total is a count since the account was opened.
type total struct {
	n         int64
	told      int64 // as last put into a sample; -1: never
	estimated bool  // what was added since it was last told is a bound
}

// No log has as many offsets as mostAdded, and no total is beyond mostTotal: who may commit may commit any offset.
const (
	mostAdded = 1 << 48
	mostTotal = 1 << 62
)

// add adds n records. A total that was saved before there was a bound may be beyond it, and stays.
func (t *total) add(n int64, estimated bool) {
	if t.n < mostTotal {
		t.n = min(t.n+min(n, mostAdded), mostTotal)
	}
	t.estimated = t.estimated || estimated
}

// writer is one producer's total on the topic.
type writer struct {
	total
	why   string    // why what was added since it was last told is a bound; empty: it is none
	moved time.Time // of a transactional one: newest round in which it moved; zero: not since the start
	// nameless is, of a transactional producer id that nobody named yet, since when its count waits for the name: the
	// round after which it can have written; zero: it does not wait.
	nameless time.Time
	// late is since when some of what was not told yet waited for the name; zero: none did
	late time.Time
}

// put adds n records; why says why they are a bound, empty that they are none.
func (w *writer) put(n int64, why string) {
	if n <= 0 {
		return
	}
	w.add(n, why != "")
	w.why = both(w.why, why)
}

// blur says that the count is not known to be whole although nothing was added.
func (w *writer) blur(why string) {
	w.estimated, w.why, w.told = true, both(w.why, why), -1
}

// partition is the part of the book that one partition fills.
type partition struct {
	end   int64 // newest end offset; -1: never read
	fresh bool  // end was read in this round
	moved bool  // the end moved since the producers were last read
	gap   bool  // a round since then did not read the end, or not the producers. Not kept over a restart
	led   int32 // the leader's epoch then, plus one; 0: not known
	low   int64 // a lower end that is not believed yet, plus one; 0: none. Not kept over a restart

	based bool // the producers were read once; before, advance can't be told apart
	// all that was ever written to it was written under observation: a producer first seen has no past on it
	born   bool
	waited int // rounds for which the byte budget put the producers off
	// newest round as of which its producers were known; zero: none yet. After a restart it is the topic's
	seen time.Time
	// newest round whose step may hold records of producers that the broker forgot before they were ever listed; zero:
	// none
	hidden time.Time

	advance   int64 // of the end since the account was opened; at any look advance = named + remainder
	named     int64 // of that, counted to producers, and markers
	remainder int64
	booked    int64 // advance when the producers were last read

	// records that may come into the end in the first step, or a later one while they are kept, although the base
	// reading of the producers holds them already; see base
	early     int64
	unsettled bool  // a producer wrote at the base: its first step widens early
	kept      bool  // early may show in a later step than the first. Not kept over a restart
	recent    int64 // the producer id whose they are; -1: nobody wrote
	txn       bool  // it is transactional

	last    lastStep // of transactional producers
	changes int      // looks that showed that some of them had changed. Not kept over a restart
	// it was not seen to move since its base: who wrote its last offset nobody knows, since writers without idempotence
	// leave no state
	unstepped bool
	// of the newest records some may be a transaction's, so that the last offset may be its marker
	txnLast  bool
	how      outcome   // of the newest transactions on it
	askAgain time.Time // how they ended is not asked before. Not kept over a restart

	producers map[int64]sequence
	absent    map[int64]absent // those that were listed once and are not now
}

// absent is the last reading of a producer id that is listed no more, as of the round in which that showed.
type absent struct {
	sequence
	since time.Time
}

// Brokers forget a producer id that is idle (producer.id.expiration.ms, a day), and list it again with the sequence
// that it goes on with: what it wrote before would be counted again. A leader that has just come back may list none of
// its producers for a moment (measured: three nodes restarted on a busy machine). So those that are not listed are
// remembered, for a week, and so many a partition: a day of short-lived producers is no reason to keep them all.
const (
	absentFor = 7 * 24 * time.Hour
	maxAbsent = 200
)

// sequence is the last reading of one producer id on one partition.
type sequence struct {
	epoch    int32
	last     int32
	txnStart int64 // -1: no transaction is open
	claim    int64 // records that the sequences have counted and the end has not shown yet
	fresh    bool  // so it is since the producer was first seen
	past     bool  // and its sequence is older than that
	// it was seen in a new epoch, and the end has not been seen since to show all that it wrote: what it wrote at the
	// end of the one before may be among what comes. Not kept over a restart
	tail bool
	txn  bool  // it is transactional, as the partition's state says: one at rest may not show it by its sequence
	log  int64 // of a transactional one: the end of its coordinator's log then; -1: not known
	// of a transactional one: the newest of the partition's changes that was its own. Not kept over a restart
	changed int
}

// transactional reports whether a producer is seen to be transactional by its sequence. One that is not may be all the
// same.
func (q sequence) transactional() bool { return q.last < 0 || q.txnStart >= 0 }

// same reports whether a reading shows nothing new.
func (q sequence) same(r producerReading) bool {
	return q.epoch == r.epoch && q.last == r.lastSequence && q.txnStart == r.txnStart
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

func (r producerReading) sequence() sequence {
	return sequence{epoch: r.epoch, last: r.lastSequence, txnStart: r.txnStart, txn: r.transactional, log: -1}
}

// maxWriters is the cap of counted writers of one topic; more are counted together. A topic with more live producers
// than this is read by what they are together: nobody looks through thousands of producer ids, and each is a series to
// store.
const maxWriters = 200

func newAccount(topic lineage.Topic) *account {
	return &account{topic: topic, appended: total{told: -1}, writers: map[int64]*writer{}, txns: map[string]*writer{}, epochs: map[int64]epochSeen{}}
}

// open sets the number of partitions, which only grows. New partitions of a topic that was born under observation start
// at zero and so have no past to guess.
func (a *account) open(partitions int, born bool) {
	for len(a.parts) < partitions {
		p := partition{end: -1, recent: -1, producers: map[int64]sequence{}}
		if born {
			p.end, p.based, p.born, p.fresh = 0, true, true, true
		}
		a.parts = append(a.parts, p)
	}
}

// seenSince notes as of when the producers of partitions that were born then are known: there were none.
func (a *account) seenSince(first int, round time.Time) {
	for i := first; i < len(a.parts); i++ {
		a.parts[i].seen = round
	}
}

// begin starts a round.
func (a *account) begin() {
	for i := range a.parts {
		p := &a.parts[i]
		p.gap = p.gap || !p.fresh || p.moved
		p.fresh = false
	}
}

// setEnd books a reading of a partition's end. The first one opens the partition's book; one lower than before is a log
// that was cut.
func (a *account) setEnd(part int, end int64) {
	p := &a.parts[part]
	p.fresh = true
	switch {
	case p.end < 0:
		p.end, p.moved = end, true // its producers are to be read once
	case end < p.end:
		a.cut(part, end)
	case end > p.end:
		p.advance += end - p.end
		a.appended.add(end-p.end, false)
		p.end, p.moved = end, true
	case !p.moved: // else the step in which it came is not read yet
		a.await(p)
		p.last = lastStep{} // what was on its way has come
	}
}

// await books what waited for markers behind the end when none came: they are among it.
func (a *account) await(p *partition) {
	waits := p.advance - p.named - p.remainder
	if !p.based || waits <= 0 {
		return
	}
	n := min(waits, p.last.least)
	a.markers.add(n, p.last.since.IsZero())
	p.named += n
	a.lateMarkers = sooner(a.lateMarkers, p.last.since)
	a.leave(p, waits-n, a.waited(p), false)
}

// waited notes that of what is left now some may have come a step before, and returns why it is a bound where it is not
// known since when; empty: it is none.
func (a *account) waited(p *partition) (why string) {
	if p.last.since.IsZero() {
		return whyMarkers
	}
	a.lateRest = sooner(a.lateRest, p.last.since)
	return ""
}

// cut books that a partition's log lost what was beyond an offset, and reports whether that is anything. What is lost
// is counted apart, what was counted stays counted, and what is written again counts again.
func (a *account) cut(part int, end int64) bool {
	p := &a.parts[part]
	if end >= p.end {
		return false
	}
	a.lost.add(p.end-end, false)
	p.end, p.moved = end, true
	return true
}

// hasMarkers reports whether transactions were written to the topic: then some of its offsets are markers and no
// records.
func (a *account) hasMarkers() bool { return a.markers.n > 0 || len(a.txns) > 0 || a.listed }

// endsComplete reports whether every partition's end was read in this round.
func (a *account) endsComplete() bool {
	for i := range a.parts {
		if !a.parts[i].fresh {
			return false
		}
	}
	return true
}

// base opens the producers' book of a partition: what they wrote before is nobody's. after is the end as read again
// after the producers, -1 when it was not.
//
// The end is always read before the producers, so that a record that is in the end is in the producers' reading too. At
// the base that order does harm: a record appended between the two readings is in the producers' base and comes into
// the end later, where it would look like a record of nobody. The end's movement over the readings is therefore kept as
// early, and where a producer wrote in the last seconds, half a second of the first step more, since the high watermark
// is behind the log's end by the replication's delay (replica.fetch.wait.max.ms, 500 ms): these are the records of the
// producer that wrote last, as an estimate.
func (a *account) base(p *partition, readings []producerReading, after int64, round time.Time, name func(id int64) txnName) {
	p.recent, p.early, p.unsettled, p.kept = -1, 0, false, false
	newest := int64(math.MinInt64)
	for _, r := range readings {
		who := ""
		if r.transactional {
			who = name(r.id).id
			a.epochBefore(r, round)
		}
		p.producers[r.id] = a.sequenceOf(r, who)
		delete(p.absent, r.id)
		if r.lastMs > newest {
			newest, p.recent, p.txn = r.lastMs, r.id, r.transactional
		}
	}
	if p.recent >= 0 {
		p.early = max(0, after-p.end)
		p.unsettled = wroteLately(newest, round)
	}
	p.txnLast, p.unstepped, p.how, p.askAgain = true, true, notAsked, time.Time{}
	// What the end moved before the base can't be told apart: it is the remainder's.
	n := p.advance - p.named - p.remainder
	if n > 0 { // and of producers that were forgotten meanwhile too
		p.hidden = round
	}
	a.leave(p, n, whyBase, true)
	p.based, p.booked, p.moved, p.gap, p.seen = true, p.advance, false, false, round
}

// forgot reports whether a producer can have written since the producers were last known, and be forgotten by the
// broker already, so that no reading will ever list it with what it wrote. interval is the time between two rounds. A
// reading comes some time within its round. Where it is not known after which time ids are forgotten, it is trusted to
// be no less than two rounds.
func (a *account) forgot(p *partition, round time.Time, interval time.Duration) bool {
	if p.seen.IsZero() {
		return !p.born
	}
	after := a.forgets
	if after == 0 {
		after = 3 * interval
	}
	return round.Sub(p.seen)+interval >= after
}

// wroteLately reports whether a producer whose last record has a timestamp may have written at the time of a round: its
// clock and ours differ.
func wroteLately(ms int64, round time.Time) bool {
	const recent = 10 * time.Second
	return round.UnixMilli()-ms < recent.Milliseconds()
}

// forget takes out the producers that the broker no longer lists: they have expired, or it does not know them yet.
func (p *partition) forget(readings []producerReading, round time.Time) {
	for id, was := range p.absent {
		if round.Sub(was.since) > absentFor {
			p.drop(id)
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
	for len(p.absent) > maxAbsent {
		oldest := int64(-1)
		for id, was := range p.absent {
			if at, ok := p.absent[oldest]; !ok || was.since.Before(at.since) || was.since.Equal(at.since) && id < oldest {
				oldest = id
			}
		}
		p.drop(oldest)
	}
}

// drop forgets a producer id for good: it has a past that nobody knows if it comes back.
func (p *partition) drop(id int64) {
	delete(p.absent, id)
	p.born = false
}

// leave gives records that nobody accounts for to the remainder. why says why their number is a bound, empty that it is
// none. open: counted writers may be among those who wrote them.
func (a *account) leave(p *partition, n int64, why string, open bool) {
	if n <= 0 {
		return
	}
	p.remainder += n
	a.rests(n, why, open)
}

// denyPartition books a partition whose producers may not be read: all is remainder.
func (a *account) denyPartition(part int, round time.Time) {
	p := &a.parts[part]
	p.based, p.born, p.early, p.last = true, false, 0, lastStep{}
	if p.advance > p.booked {
		p.hidden = round
	}
	p.booked, p.moved = p.advance, false
	a.leave(p, p.advance-p.named-p.remainder, "", true)
}

// allow forgets the books of a topic that was denied until now: the producers' base is to be read.
func (a *account) allow() {
	a.denied = false
	for i := range a.parts {
		a.parts[i].based, a.parts[i].moved = false, true
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

// idleAfter is how long a transactional.id is kept that moves nothing: the time after which brokers forget an idle
// producer id (producer.id.expiration.ms).
const idleAfter = 24 * time.Hour

// sweepEvery is how often it is looked for who is to be forgotten, where there is no hurry.
const sweepEvery = time.Hour

// expire forgets writers that the broker lists on no partition any more, so that the cap is for living ones, and what
// is kept does not grow with all that ever wrote.
func (a *account) expire(round time.Time) {
	sweep := round.Sub(a.swept) >= sweepEvery
	if sweep {
		a.swept = round
	}
	if sweep || len(a.txns) >= maxWriters/2 {
		for id, w := range a.txns {
			if w.moved.IsZero() { // restored
				w.moved = round
			}
			if round.Sub(w.moved) > idleAfter {
				delete(a.txns, id)
			}
		}
	}
	if !sweep && len(a.writers) < maxWriters/2 {
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
