package kafka

import (
	"time"

	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// topicsVersion is of a topic's book. Version 1 did not hold in which step of a partition producers can have hidden.
// Version 2 did not hold which producers at rest are transactional, whether one of them wrote last, and how the newest
// transactions ended.
const topicsVersion = 3

func (tp *topic) encode() []byte {
	var e encoder
	e.Uint(topicsVersion)
	e.String(tp.topic.Name)
	e.Bool(tp.internal)
	e.Bool(tp.whole)
	e.Time(tp.born)
	e.Time(tp.ends)
	e.Time(tp.books)
	e.total(tp.appended)
	e.total(tp.lost)
	e.total(tp.alone)
	e.total(tp.mixed)
	e.total(tp.markers)
	e.String(tp.restWhy)
	e.Bool(tp.veiled)
	e.Bool(tp.denied)
	e.Uint(uint64(len(tp.writers)))
	for id, w := range inOrder(tp.writers) {
		e.Int(id)
		e.writer(w)
	}
	e.Uint(uint64(len(tp.txns)))
	for id, w := range inOrder(tp.txns) {
		e.String(id)
		e.writer(w)
	}
	e.Bool(tp.others != nil)
	if tp.others != nil {
		e.writer(tp.others)
	}
	e.Uint(uint64(len(tp.parts)))
	for i := range tp.parts {
		e.partition(&tp.parts[i])
	}
	e.Uint(uint64(tp.compaction))
	e.Bool(tp.configs != nil)
	e.Uint(uint64(len(tp.configs)))
	for _, c := range tp.configs {
		e.String(c.Name)
		e.String(c.Value)
	}
	return e.Encoder
}

func (e *encoder) total(t total) {
	e.Int(t.n)
	e.Int(t.told)
	e.Bool(t.estimated)
}

func (e *encoder) partition(p *partition) {
	e.Int(p.end)
	e.Bool(p.moved)
	e.Bool(p.based)
	e.Bool(p.born)
	e.Bool(p.unsettled)
	for _, v := range []int64{p.advance, p.named, p.remainder, p.booked, p.early, p.recent, p.last.least, p.last.most, p.last.room, p.last.of, int64(p.led)} {
		e.Int(v)
	}
	e.Bool(p.txn)
	e.Bool(p.last.loose)
	e.Time(p.hidden)
	e.Bool(p.txnLast)
	e.Bool(p.unstepped)
	e.Uint(uint64(p.how))
	e.Uint(uint64(len(p.producers)))
	for id, q := range inOrder(p.producers) {
		e.Int(id)
		e.sequence(q)
	}
	e.Uint(uint64(len(p.absent)))
	for id, q := range inOrder(p.absent) {
		e.Int(id)
		e.sequence(q.sequence)
		e.Time(q.since)
	}
}

func (e *encoder) sequence(q sequence) {
	for _, v := range []int64{int64(q.epoch), int64(q.last), q.txnStart, q.claim, q.log} {
		e.Int(v)
	}
	e.Bool(q.fresh)
	e.Bool(q.past)
	e.Bool(q.txn)
}

func (d *decoder) sequence(version uint64) sequence {
	q := sequence{epoch: int32(d.Int()), last: int32(d.Int()), txnStart: d.Int(), claim: d.Int(), log: d.Int(), fresh: d.Bool(), past: d.Bool()}
	if q.txn = q.transactional(); version > 2 {
		q.txn = d.Bool()
	}
	return q
}

func (e *encoder) writer(w *writer) {
	e.total(w.total)
	e.String(w.why)
	e.Time(w.nameless)
}

func (d *decoder) writer() *writer {
	return &writer{total: d.total(), why: d.String(), nameless: d.Time()}
}

func (d *decoder) total() total { return total{n: d.Int(), told: d.Int(), estimated: d.Bool()} }

func (d *decoder) partition(version uint64, round time.Time) partition {
	p := partition{end: d.Int(), moved: d.Bool(), based: d.Bool(), born: d.Bool(), unsettled: d.Bool()}
	for _, v := range []*int64{&p.advance, &p.named, &p.remainder, &p.booked, &p.early, &p.recent, &p.last.least, &p.last.most, &p.last.room, &p.last.of} {
		*v = d.Int()
	}
	p.led, p.txn, p.last.loose = int32(d.Int()), d.Bool(), d.Bool()
	if version > 1 {
		p.hidden = d.Time()
	} else if p.remainder > 0 {
		p.hidden = round // as far as its book tells
	}
	if version > 2 {
		p.txnLast, p.unstepped = d.Bool(), d.Bool()
		if how := d.Uint(); how <= uint64(aborted) {
			p.how = outcome(how)
		}
	} else {
		p.txnLast, p.unstepped = true, true // as far as its book tells
	}
	n := d.Count()
	p.producers = make(map[int64]sequence, n)
	for range n {
		p.producers[d.Int()] = d.sequence(version)
	}
	for range d.Count() {
		if p.absent == nil {
			p.absent = map[int64]absent{}
		}
		p.absent[d.Int()] = absent{d.sequence(version), d.Time()}
	}
	return p
}

// decodeTopic is the inverse of encode. A topic that was seen whole in the last round was known until then.
func decodeTopic(id lineage.TopicID, cluster lineage.ClusterID, value []byte, round time.Time) (*topic, error) {
	d := decoder{varint.Decoder{Left: value}}
	version := d.Versions(positionsVersion, topicsVersion)
	tp := &topic{retained: lineage.Unknown, sizedAt: lineage.Unknown, account: newAccount(lineage.Topic{Cluster: cluster, ID: id, Name: d.String()})}
	tp.internal, tp.whole = d.Bool(), d.Bool()
	tp.born, tp.ends, tp.books = d.Time(), d.Time(), d.Time()
	tp.appended, tp.lost = d.total(), d.total()
	tp.alone, tp.mixed, tp.markers = d.total(), d.total(), d.total()
	tp.restWhy, tp.veiled, tp.denied = d.String(), d.Bool(), d.Bool()
	for range d.Count() {
		id := d.Int()
		tp.writers[id] = d.writer()
	}
	for _, w := range tp.writers {
		tp.waiting = tp.waiting || !w.nameless.IsZero()
	}
	for range d.Count() {
		tp.txns[d.String()] = d.writer()
	}
	if d.Bool() {
		tp.others = d.writer()
	}
	for range d.Count() {
		tp.parts = append(tp.parts, d.partition(version, round))
	}
	if version < 3 {
		tp.guessTransactional()
	}
	tp.compaction = compaction(d.Uint())
	if known := d.Bool(); known {
		tp.configs = []lineage.Config{}
	}
	for range d.Count() {
		tp.configs = append(tp.configs, lineage.Config{Name: d.String(), Value: d.String()})
	}
	if tp.whole {
		tp.ends = later(tp.ends, round)
		waiting := false
		for i := range tp.parts {
			waiting = waiting || tp.parts[i].moved
		}
		if !waiting {
			tp.books = later(tp.books, round)
		}
	}
	for i := range tp.parts {
		for _, q := range tp.parts[i].producers {
			tp.listed = tp.listed || q.txn
		}
		for _, q := range tp.parts[i].absent {
			tp.listed = tp.listed || q.txn
		}
		tp.parts[i].seen = later(tp.books, time.UnixMilli(0)) // long ago, where it is not known
	}
	return tp, d.Done()
}

// guessTransactional takes producers for transactional of which the book of an older version does not tell, where
// transactions are written to the topic: those that were counted by their ids are not. The next look tells.
func (a *account) guessTransactional() {
	if !a.hasMarkers() {
		return
	}
	for i := range a.parts {
		for id, q := range a.parts[i].producers {
			if w := a.writers[id]; w == nil || w.n == 0 {
				q.txn = true
				a.parts[i].producers[id] = q
			}
		}
	}
}

func (s *source) restoreTopic(hexID string, value []byte, round time.Time) error {
	id, err := parseTopicID(hexID)
	if err != nil {
		return err
	}
	tp, err := decodeTopic(id, s.cluster, value, round)
	if err != nil {
		return err
	}
	if !s.wanted(tp.topic.Name) {
		s.unwanted, s.gonePositions = append(s.unwanted, tp), append(s.gonePositions, topicKey(id))
		return nil
	}
	tp.restored()
	tp.widen(len(tp.parts), false)
	s.topics[id], s.byName[tp.topic.Name] = tp, tp
	tp.account.epochs, tp.log = s.txnEpochs, &s.txnLog
	for id, w := range tp.writers {
		if !w.nameless.IsZero() {
			s.wantName(id, round)
		}
	}
	for i := range tp.parts {
		if p := &tp.parts[i]; p.last.room > 0 {
			s.wantName(p.last.of, round)
		}
	}
	if tp.topic.Name == transactionTopic {
		s.txnLog.restore(tp)
	}
	for i := range tp.parts {
		for id, q := range tp.parts[i].producers {
			if q.transactional() {
				s.txnEpochs[id] = epochSeen{round: round, now: max(q.epoch, s.txnEpochs[id].now)}
			}
		}
	}
	return nil
}
