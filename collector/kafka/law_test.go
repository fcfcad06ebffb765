package kafka

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// entry is one offset of a simulated log.
type entry struct {
	pid    int64 // -1: none
	epoch  int32
	seq    int32
	txn    bool
	marker bool
}

// simLog is one partition as a broker keeps it: its log, and the producers' state that follows from it.
type simLog struct {
	log    []entry
	from   map[int64]int // entries before this index are forgotten of a producer id
	hidden map[int64]bool
	wrote  map[int64]time.Time // when a producer id wrote last; see forgetful
}

func (l *simLog) state() map[int64]*producerReading {
	out := map[int64]*producerReading{}
	for i, e := range l.log {
		if e.pid < 0 || i < l.from[e.pid] {
			continue
		}
		p := out[e.pid]
		if p == nil {
			p = &producerReading{id: e.pid, lastSequence: -1, txnStart: -1, epoch: e.epoch}
			out[e.pid] = p
		}
		if e.epoch != p.epoch {
			p.epoch, p.lastSequence = e.epoch, -1
		}
		switch {
		case e.marker:
			p.txnStart, p.transactional = -1, true
		case e.txn:
			p.lastSequence, p.transactional = e.seq, true
			if p.txnStart < 0 {
				p.txnStart = int64(i)
			}
		default:
			p.lastSequence = e.seq
		}
	}
	return out
}

func (l *simLog) readings() []producerReading {
	var out []producerReading
	for id, p := range l.state() {
		if !l.hidden[id] {
			out = append(out, *p)
		}
	}
	slices.SortFunc(out, func(a, b producerReading) int { return int(a.id - b.id) })
	return out
}

// simWriter is a writer of a simulated topic, and what it wrote.
type simWriter struct {
	kind  simKind
	id    int64
	name  string
	epoch int32
	seq   []int32 // by partition, of the newest record in the epoch
	open  []bool  // by partition: a record of the open transaction is there
	wrote int64
	idle  int // for how many ticks more it rests; see forgetful
}

type simKind int

const (
	simPlain simKind = iota
	simIdempotent
	simOldTxn
	simNewTxn
)

// sim is a simulated topic and the account that watches it.
type sim struct {
	r        *rand.Rand
	logs     []*simLog
	writers  []*simWriter
	txnLog   transactionLog
	txnEnds  int64
	logKnown bool
	a        *account
	round    time.Time
	clock    time.Time      // of the brokers; see forgetful
	late     func(int) bool // says whose producers are not read in a round; nil: nobody's
	listed   []int          // partitions whose producers the newest round has read
	start    int64
	ids      map[int64]string // of the producer ids that transactional writers had later
	// bounds told of each subject so far, by their first words
	bounds map[lineage.Client]map[string]bool
	bound  map[lineage.Client]bool
	marked bool // some of what was taken for markers may be records
}

func newSim(seed uint64, partitions int, born bool, kinds ...simKind) *sim {
	s := &sim{
		r: rand.New(rand.NewPCG(seed, 11)), round: t0, a: newAccount(lineage.Topic{Name: "law"}), logKnown: seed%4 != 3,
		bounds: map[lineage.Client]map[string]bool{}, ids: map[int64]string{}, bound: map[lineage.Client]bool{},
	}
	for range partitions {
		s.logs = append(s.logs, &simLog{from: map[int64]int{}, hidden: map[int64]bool{}, wrote: map[int64]time.Time{}})
	}
	if s.logKnown {
		s.txnLog.now = []int64{0}
	}
	s.a.open(partitions, born)
	s.a.log = &s.txnLog
	for i, k := range kinds {
		w := &simWriter{kind: k, id: int64(i + 1), seq: make([]int32, partitions), open: make([]bool, partitions)}
		for p := range w.seq {
			w.seq[p] = -1
		}
		if k == simOldTxn || k == simNewTxn {
			w.name = fmt.Sprintf("app-%d", i)
		}
		s.writers = append(s.writers, w)
	}
	return s
}

// write has a writer append up to n records, in transactions as it does.
func (s *sim) write(w *simWriter, n int) {
	for range n {
		s.append(w, s.r.IntN(len(s.logs)))
		if w.kind >= simOldTxn && s.r.IntN(6) == 0 {
			s.end(w)
		}
	}
}

// append has a writer append a record to a partition.
func (s *sim) append(w *simWriter, p int) {
	e := entry{pid: w.id, epoch: w.epoch, txn: w.kind >= simOldTxn}
	if w.kind == simPlain {
		e.pid = -1
	} else {
		w.seq[p]++
		e.seq = w.seq[p]
	}
	s.logs[p].log = append(s.logs[p].log, e)
	s.logs[p].wrote[w.id] = s.clock
	w.wrote++
	w.open[p] = e.txn
}

// again has a writer begin anew, as a new instance does, or an idempotent one after an error: in the next epoch, or
// where the epochs are used up with another producer id. Whoever left a transaction open has it aborted, by a marker of
// the next epoch.
func (s *sim) again(w *simWriter) {
	if w.kind == simPlain {
		return
	}
	w.epoch++
	if slices.Contains(w.open, true) {
		s.end(w)
		w.epoch++
	}
	if w.kind >= simOldTxn && s.r.IntN(4) == 0 && s.read() {
		w.id, w.epoch = int64(100+len(s.ids)), 0
		s.ids[w.id] = w.name
	}
	for p := range w.seq {
		w.seq[p] = -1
	}
}

// end commits or aborts the open transaction of a writer.
func (s *sim) end(w *simWriter) {
	if !slices.Contains(w.open, true) {
		return
	}
	if w.kind == simNewTxn {
		w.epoch++
	}
	for p := range w.open {
		if w.open[p] {
			s.logs[p].log = append(s.logs[p].log, entry{pid: w.id, epoch: w.epoch, marker: true})
			w.open[p], s.logs[p].wrote[w.id] = false, s.clock
		}
		if w.kind == simNewTxn {
			w.seq[p] = -1
		}
	}
	s.txnEnds += 3
}

func (s *sim) name(id int64) txnName {
	for _, w := range s.writers {
		if w.id == id {
			return txnName{w.name, w.name}
		}
	}
	return txnName{s.ids[id], s.ids[id]}
}

// take takes a round. between is what happens between the reading of the ends and that of the producers; skip says
// which partitions can't be read.
func (s *sim) take(t *testing.T, skip func(int) bool, between func()) {
	t.Helper()
	s.round = s.round.Add(tick)
	s.a.begin()
	s.txnLog.before, s.txnLog.now = s.txnLog.now, nil
	if s.logKnown {
		s.txnLog.now = []int64{s.txnEnds}
	}
	for i, l := range s.logs {
		if !skip(i) {
			s.a.setEnd(i, int64(len(l.log)))
		}
	}
	between()
	s.listed = nil
	for i, l := range s.logs {
		if p := &s.a.parts[i]; p.moved && p.fresh && (s.late == nil || !s.late(i)) {
			s.listed = append(s.listed, i)
			s.a.setProducers(i, l.readings(), int64(len(l.log)), s.round, tick, s.name)
		}
	}
	s.a.tellEnds(s.round, s.round.Add(-tick))
	s.a.rename(s.name, func(int64) bool { return false })
	samples, sightings, _ := s.a.tellBooks(s.round, s.round.Add(-tick))
	said := map[lineage.Access]string{}
	for _, x := range sightings {
		said[x.Access] += x.Detail
	}
	for _, x := range samples {
		if x.Metric == lineage.Left || x.Metric == lineage.Mixed {
			rest := s.a.write(lineage.Client{Kind: lineage.Remainder})
			said[rest] = said[x.Subject]
			x.Subject, x.Metric = rest, lineage.Records
		}
		s.marked = s.marked || x.Metric == lineage.Markers && x.Estimated
		if x.Metric != lineage.Records || !x.Estimated {
			continue
		}
		c, why := x.Subject.Client, said[x.Subject]
		if why == "" {
			t.Errorf("an estimate without a reason: %+v", x)
		}
		s.bound[c] = true
		if s.bounds[c] == nil {
			s.bounds[c] = map[string]bool{}
		}
		for _, w := range []string{"at most", "at least", "together at most"} {
			s.bounds[c][w] = s.bounds[c][w] || strings.Contains(why, w)
		}
	}
	s.law(t)
}

// law holds in every round: what was appended is what the writers, the markers and the remainder add up to, and what no
// reading of the producers has told of yet.
func (s *sim) law(t *testing.T) {
	t.Helper()
	sum := s.a.rest() + s.a.markers.n
	for _, w := range s.a.writers {
		sum += w.n
	}
	for _, w := range s.a.txns {
		sum += w.n
	}
	if s.a.others != nil {
		sum += s.a.others.n
	}
	waits := int64(0)
	for i := range s.a.parts {
		p := &s.a.parts[i]
		if waits += p.advance - p.named - p.remainder; p.advance < p.named+p.remainder {
			t.Errorf("partition %d: %d are counted of %d", i, p.named+p.remainder, p.advance)
		}
		// what may be markers waits for these where they may be behind the end
		if rest := p.advance - p.named - p.remainder; rest > p.last.most && p.fresh && !p.moved {
			t.Errorf("partition %d: %d in no account", i, rest)
		}
	}
	if sum+waits != s.a.appended.n {
		t.Errorf("writers, markers and remainder add up to %d, and %d wait: appended %d", sum, waits, s.a.appended.n)
	}
}

// settle takes rounds at rest, and holds each count against the truth: exact where nothing was said, else within the
// bound that was. exact is false where records went with a leader.
func (s *sim) settle(t *testing.T, exact bool) {
	t.Helper()
	for range 3 {
		s.take(t, never, func() {})
	}
	appended := int64(0)
	for _, l := range s.logs {
		appended += int64(len(l.log))
	}
	if exact && s.a.appended.n != appended-s.start {
		t.Errorf("appended %d, in truth %d", s.a.appended.n, appended-s.start)
	}
	check := func(what string, c lineage.Client, n, truth int64) {
		t.Helper()
		b := s.bounds[c]
		switch {
		case !exact:
			if n > s.a.appended.n {
				t.Errorf("%s: %d of %d that were appended", what, n, s.a.appended.n)
			}
		case !s.bound[c] && n != truth:
			t.Errorf("%s: %d, in truth %d, and said to be exact", what, n, truth)
		case b["together at most"] || b["at most"] && b["at least"]:
		case b["at most"] && n < truth:
			t.Errorf("%s: at most %d, in truth %d", what, n, truth)
		case b["at least"] && n > truth:
			t.Errorf("%s: at least %d, in truth %d", what, n, truth)
		}
	}
	free := int64(0)
	for _, w := range s.writers {
		switch w.kind {
		case simPlain:
			free += w.wrote
		case simIdempotent:
			n := int64(0)
			if x := s.a.writers[w.id]; x != nil {
				n = x.n
			}
			check(fmt.Sprintf("producer %d", w.id), lineage.Client{Producer: lineage.KnownProducer(w.id)}, n, w.wrote)
		default:
			n := int64(0)
			if x := s.a.txns[w.name]; x != nil {
				n = x.n
			}
			check(fmt.Sprintf("%s (%d)", w.name, w.kind), lineage.Client{TransactionalID: w.name}, n, w.wrote)
		}
	}
	if s.a.rest() > 0 { // else nobody is said to have written
		check("remainder", leftover, s.a.rest(), free)
	}
	if exact && s.a.rest() < free && !s.marked && len(s.bound) == 0 {
		t.Errorf("%d are left, in truth %d, and nobody's count is a bound", s.a.rest(), free)
	}
}

// restart saves the account and restores it, as of a later round.
func (s *sim) restart(t *testing.T) {
	t.Helper()
	back, err := decodeTopic(s.a.topic.ID, "", (&topic{account: s.a}).encode(), s.round)
	if err != nil {
		t.Fatal(err)
	}
	back.account.epochs, back.log = maps.Clone(s.a.epochs), &s.txnLog
	s.a = back.account
	s.round = s.round.Add(time.Duration(s.r.IntN(20)) * tick)
}

// seeds is how many random worlds a law is tried on.
func seeds(few uint64) uint64 {
	if os.Getenv("LINEAGED_LONG") != "" {
		return 20 * few
	}
	return few
}

// Over any mixture of writers and all that happens to brokers, nobody is counted more than was appended, the sum is the
// advance in every round, and each count is the truth or a bound that holds it.
func TestAccountLawOfMixtures(t *testing.T) {
	for seed := range seeds(600) {
		r := rand.New(rand.NewPCG(seed, 5))
		var kinds []simKind
		for range 1 + r.IntN(5) {
			kinds = append(kinds, simKind(r.IntN(4)))
		}
		born := r.IntN(2) == 0
		s := newSim(seed, 1+r.IntN(3), born, kinds...)
		exact := true
		what := fmt.Sprintf("seed %d: %v, born %v", seed, kinds, born)
		if !born { // a past that is nobody's
			for _, w := range s.writers {
				s.write(w, r.IntN(50))
				w.wrote = 0
				if w.kind == simIdempotent && r.IntN(3) == 0 {
					// which the broker has forgotten; so much that it is told from what is written later
					s.write(w, 10_000)
					s.expire(w)
				}
				w.wrote = 0
			}
			s.take(t, never, func() {})
			for _, l := range s.logs {
				s.start += int64(len(l.log))
			}
			for _, w := range s.writers {
				w.wrote = 0
			}
		}
		for range 5 + r.IntN(30) {
			for _, w := range s.writers {
				if r.IntN(10) == 0 && !slices.Contains(w.open, true) && s.read() { // it was idle for a day
					s.expire(w)
				}
				if r.IntN(3) > 0 {
					s.write(w, r.IntN(40))
				}
				switch r.IntN(12) {
				case 0:
					s.end(w)
				case 1:
					if seed%5 == 4 {
						s.again(w)
					}
				}
			}
			if r.IntN(15) == 0 {
				what += ", restart"
				s.restart(t)
			}
			if r.IntN(25) == 0 && seed%3 == 0 {
				what, exact = what+", leader lost", false
				s.truncate()
			}
			for _, l := range s.logs {
				clear(l.hidden)
				if r.IntN(20) == 0 && seed%3 == 0 { // a leader that has just come back
					exact = false
					for _, w := range s.writers {
						l.hidden[w.id] = true
					}
				}
			}
			s.take(t, func(int) bool { return r.IntN(8) == 0 }, func() {
				for _, w := range s.writers {
					if r.IntN(3) == 0 {
						s.write(w, r.IntN(4))
					}
				}
			})
		}
		for _, l := range s.logs {
			clear(l.hidden)
		}
		s.settle(t, exact)
		if t.Failed() {
			t.Fatal(what)
		}
	}
}

// read reports whether all that was written was read.
func (s *sim) read() bool {
	for i, l := range s.logs {
		if p := &s.a.parts[i]; p.moved || p.end != int64(len(l.log)) {
			return false
		}
	}
	return true
}

// expire has the broker forget a producer id.
func (s *sim) expire(w *simWriter) {
	for _, l := range s.logs {
		l.from[w.id] = len(l.log)
	}
}

// truncate takes the newest records of a partition away, as an unclean election does. Who wrote them goes on in the
// next epoch.
func (s *sim) truncate() {
	p := s.r.IntN(len(s.logs))
	l := s.logs[p]
	l.log = l.log[:len(l.log)-s.r.IntN(len(l.log)/2+1)]
	for id, from := range l.from {
		l.from[id] = min(from, len(l.log))
	}
	for _, w := range s.writers {
		w.open[p] = w.open[p] && l.state()[w.id] != nil && l.state()[w.id].txnStart >= 0
		if w.kind == simIdempotent {
			w.epoch++
			for i := range w.seq {
				w.seq[i] = -1
			}
		}
	}
}

// A producer that begins its next epoch has no sequence for what it wrote at the end of the one before. Where the end
// shows some of both a step later, what is left is not said to be somebody else's.
func TestTailOfAnEpochThatShowsLater(t *testing.T) {
	s := newSim(1, 1, true, simIdempotent)
	w := s.writers[0]
	s.write(w, 3)
	s.take(t, never, func() {})
	s.append(w, 0)
	s.again(w)
	s.take(t, never, func() { s.append(w, 0) })
	for range 3 {
		s.take(t, never, func() { s.append(w, 0) })
	}
	s.settle(t, true)
	if b := s.bounds[lineage.Client{Kind: lineage.Remainder}]; s.a.rest() > 0 && !b["at most"] {
		t.Errorf("%d are left, %v: want at most", s.a.rest(), b)
	}
	s.append(w, 0)
	s.take(t, never, func() {})
	if s.a.parts[0].producers[w.id].tail {
		t.Error("the end has shown all that it wrote, and the step after is in doubt too")
	}
}

// Two transactional producers begin their next epochs in one step, of which the end shows nothing yet: what one of them
// is given with the next may be the other's, whose count is then none.
func TestEpochsThatRiseTogetherAndShowLater(t *testing.T) {
	for seed := range uint64(8) {
		s := newSim(seed, 1, true, simNewTxn, simOldTxn, simIdempotent)
		for _, w := range s.writers {
			s.append(w, 0)
			s.end(w)
		}
		s.take(t, never, func() {})
		s.again(s.writers[1])
		s.append(s.writers[2], 0) // so that the step is read
		s.take(t, never, func() {
			s.append(s.writers[0], 0)
			s.end(s.writers[0])
			s.append(s.writers[0], 0)
			s.append(s.writers[1], 0)
			s.append(s.writers[1], 0)
		})
		s.append(s.writers[1], 0)
		s.end(s.writers[1])
		s.settle(t, true)
	}
}

// What an old protocol's transaction left on its way waits for the step that brings it, also where the end is read once
// more before the producers can be.
func TestMarkersOnTheirWayWaitForTheirStep(t *testing.T) {
	s := newSim(2, 1, true, simOldTxn)
	w := s.writers[0]
	s.append(w, 0)
	s.take(t, never, func() {
		s.append(w, 0)
		s.end(w)
		s.append(w, 0)
	})
	s.late = func(int) bool { return true }
	s.take(t, never, func() {})
	s.take(t, never, func() {})
	s.late = nil
	s.settle(t, true)
	if n := s.a.rest(); n > 0 {
		t.Errorf("%d are left, and nobody else wrote", n)
	}
}

// Where there may be more markers than there must be, a record of who leaves no trace is taken for one: then the
// markers are a bound, so that nobody takes what else is counted for all that such a writer wrote.
func TestRecordsThatMayBeMarkers(t *testing.T) {
	s := newSim(2, 1, true, simOldTxn, simPlain)
	for range 3 {
		s.append(s.writers[0], 0)
	}
	s.end(s.writers[0])
	s.txnEnds += 3 // of a transaction in another topic
	s.append(s.writers[1], 0)
	s.settle(t, true)
	if s.a.rest() != 0 || s.a.markers.n != 2 || !s.marked {
		t.Errorf("%d are left, and %d were taken for markers, a bound: %v", s.a.rest(), s.a.markers.n, s.marked)
	}
}
