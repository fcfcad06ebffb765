package kafka

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Positions are the books as they stand, so that a restart goes on counting where the last stored round ended: what
// moved while nobody watched is then a total over the gap, and not lost. They are saved with the observations that they
// belong to, those that changed only. The encoding is in docs/format/positions.md.
const (
	positionsVersion = 1
	roundKey         = "round"   // the newest round
	clusterKey       = "cluster" // the cluster id
	sightKey         = "sight"   // what could be seen in the newest round
)

func topicKey(id lineage.TopicID) string { return "topic/" + id.String() }
func leftKey(id lineage.TopicID) string  { return "left/" + id.String() }
func groupKey(group string) string       { return "group/" + group }
func readerKey(group string, id lineage.TopicID) string {
	return "reader/" + id.String() + "/" + group
}

// savePositions adds what changed in this round to the end-offsets' observation; a round is stored whole or not at all,
// so it does not matter to which. It may be called again for what has changed since.
func (t *take) savePositions() {
	o := t.told.Of(sourceEnds)
	put := func(key string, value []byte) {
		o.Positions = append(o.Positions, lineage.Position{Key: key, Value: value})
	}
	var e encoder
	e.Uint(positionsVersion)
	e.Time(t.round)
	put(roundKey, e.Encoder)
	if !t.continuous {
		put(clusterKey, encodeCluster(t.cluster))
	}
	if sight := t.encodeSight(); string(sight) != t.sightSaved {
		t.sightSaved = string(sight)
		put(sightKey, sight)
	}
	t.told.Unreadable(o, len(t.topics)+len(t.groups))
	for _, key := range append(t.gonePositions, t.goneReaders...) { // before what may have come in their place
		put(key, nil)
	}
	t.gonePositions, t.goneReaders = nil, nil
	o.Positions = append(o.Positions, t.rhythm.Positions()...)
	for i := range t.left {
		if l := &t.left[i]; !l.saved {
			l.saved = true
			put(leftKey(l.topic.ID), l.encode())
		}
	}
	for _, tp := range t.topics {
		if tp.dirty {
			tp.dirty = false
			put(topicKey(tp.topic.ID), tp.encode())
		}
	}
	for _, g := range t.groups {
		if !g.dirty {
			continue
		}
		g.dirty = false
		put(groupKey(g.ref.Group), g.encode())
		for id, r := range g.readers {
			if r.touched {
				r.touched = false
				put(readerKey(g.ref.Group, id), r.encode())
			}
		}
	}
}

// Restore implements collector.Source.
func (s *source) Restore(ctx context.Context, sink collector.Sink) error {
	s.forget()
	s.tell.Restore()
	s.sink = sink
	positions, err := sink.Positions(ctx, lineage.Source{Cluster: s.cfg.Name, Name: sourceEnds})
	if err != nil {
		return fmt.Errorf("read positions of cluster %q: %w", s.cfg.Name, err)
	}
	if len(positions) == 0 {
		return nil
	}
	d := decode(positions[roundKey])
	round := d.Time()
	if err := d.Done(); err != nil { // without it nobody knows of when the rest is
		return s.anew(positions, roundKey, err)
	}
	cluster, err := decodeCluster(positions[clusterKey])
	if err != nil { // nor of what
		return s.anew(positions, clusterKey, err)
	}
	s.cluster, s.resumed = cluster, true
	if value := positions[sightKey]; value != nil {
		s.leave(sightKey, s.restoreSight(value))
	}
	for key, value := range positions {
		if rest, ok := strings.CutPrefix(key, "topic/"); ok {
			s.leave(key, s.restoreTopic(rest, value, round))
		} else if rest, ok := strings.CutPrefix(key, "group/"); ok {
			s.leave(key, s.restoreGroup(rest, value))
		} else if rest, ok := strings.CutPrefix(key, "left/"); ok {
			s.leave(key, s.restoreLeft(rest, value))
		}
	}
	s.rhythm.Restore(positions, round, s.leave)
	for key, value := range positions { // of topics and groups that are there by now
		if rest, ok := strings.CutPrefix(key, "reader/"); ok {
			if s.isUnwanted(rest) {
				s.goneReaders = append(s.goneReaders, key)
				continue
			}
			s.leave(key, s.restoreReader(rest, value, round))
		}
	}
	return nil
}

// anew leaves all positions, since one on which the others hang can't be read. That one is written again.
func (s *source) anew(positions map[string][]byte, key string, err error) error {
	s.tell.Leave(key, err)
	for key := range positions {
		if key != roundKey && key != clusterKey {
			s.gonePositions = append(s.gonePositions, key)
		}
	}
	return nil
}

// leave notes a position that can't be read: its part is begun anew, since what can't be read today can't be read
// tomorrow.
func (s *source) leave(key string, err error) {
	if err == nil {
		return
	}
	s.tell.Leave(key, err)
	s.gonePositions = append(s.gonePositions, key)
}

// isUnwanted reports whether a reader's key is of a topic that the configuration leaves out.
func (s *source) isUnwanted(readerKey string) bool {
	for _, tp := range s.unwanted {
		if strings.HasPrefix(readerKey, tp.topic.ID.String()+"/") {
			return true
		}
	}
	return false
}

func (l leftTopic) encode() []byte {
	var e encoder
	e.Uint(positionsVersion)
	e.String(l.topic.Name)
	e.Time(l.at)
	return e.Encoder
}

func (s *source) restoreLeft(hexID string, value []byte) error {
	id, err := parseTopicID(hexID)
	if err != nil {
		return err
	}
	d := decode(value)
	l := leftTopic{topic: lineage.Topic{Cluster: s.cluster, ID: id, Name: d.String()}, at: d.Time(), saved: true}
	if err := d.Done(); err != nil {
		return err
	}
	if s.wanted(l.topic.Name) {
		s.gonePositions = append(s.gonePositions, leftKey(id))
	} else {
		s.left = append(s.left, l)
	}
	return nil
}

// encodeSight keeps what the lists of the last round can be compared with: a topic that they lacked is new only if they
// held all, and the configuration wanted the same.
func (s *source) encodeSight() []byte {
	var e encoder
	e.Uint(positionsVersion)
	e.Bool(s.sawAll)
	e.String(s.filter())
	e.Uint(uint64(len(s.hidden)))
	for _, name := range slices.Sorted(maps.Keys(s.hidden)) {
		e.String(name)
	}
	return e.Encoder
}

// filter spells the patterns of the topics that are wanted.
func (s *source) filter() string { return fmt.Sprintf("%q %q", s.cfg.Include, s.cfg.Exclude) }

func (s *source) restoreSight(value []byte) error {
	d := decode(value)
	all, filter := d.Bool(), d.String()
	hidden := map[string]bool{}
	for range d.Count() {
		hidden[d.String()] = true
	}
	if err := d.Done(); err != nil {
		return err
	}
	s.sawAll, s.hidden, s.sightSaved = all && filter == s.filter(), hidden, string(value)
	return nil
}

func (tp *topic) encode() []byte {
	var e encoder
	e.Uint(positionsVersion)
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
}

func (d *decoder) sequence() sequence {
	return sequence{epoch: int32(d.Int()), last: int32(d.Int()), txnStart: d.Int(), claim: d.Int(), log: d.Int(), fresh: d.Bool(), past: d.Bool()}
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

func (d *decoder) partition() partition {
	p := partition{end: d.Int(), moved: d.Bool(), based: d.Bool(), born: d.Bool(), unsettled: d.Bool()}
	for _, v := range []*int64{&p.advance, &p.named, &p.remainder, &p.booked, &p.early, &p.recent, &p.last.least, &p.last.most, &p.last.room, &p.last.of} {
		*v = d.Int()
	}
	p.led, p.txn, p.last.loose = int32(d.Int()), d.Bool(), d.Bool()
	n := d.Count()
	p.producers = make(map[int64]sequence, n)
	for range n {
		p.producers[d.Int()] = d.sequence()
	}
	for range d.Count() {
		if p.absent == nil {
			p.absent = map[int64]absent{}
		}
		p.absent[d.Int()] = absent{d.sequence(), d.Time()}
	}
	return p
}

// decodeTopic is the inverse of encode. A topic that was seen whole in the last round was known until then.
func decodeTopic(id lineage.TopicID, cluster lineage.ClusterID, value []byte, round time.Time) (*topic, error) {
	d := decode(value)
	tp := &topic{retained: lineage.Unknown, sizedAt: lineage.Unknown, account: newAccount(lineage.Topic{Cluster: cluster, ID: id, Name: d.String()})}
	tp.internal, tp.whole = d.Bool(), d.Bool()
	tp.born, tp.ends, tp.books = d.Time(), d.Time(), d.Time()
	tp.appended, tp.lost = d.total(), d.total()
	tp.alone, tp.mixed, tp.markers = d.total(), d.total(), d.total()
	tp.restWhy, tp.veiled, tp.denied = d.String(), d.Bool(), d.Bool()
	for range d.Count() {
		id, w := d.Int(), d.writer()
		tp.writers[id], tp.waiting = w, tp.waiting || !w.nameless.IsZero()
	}
	for range d.Count() {
		tp.txns[d.String()] = d.writer()
	}
	if d.Bool() {
		tp.others = d.writer()
	}
	for range d.Count() {
		tp.parts = append(tp.parts, d.partition())
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
	return tp, d.Done()
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

func parseTopicID(s string) (id lineage.TopicID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%q is no topic id", s)
	}
	copy(id[:], b)
	return id, nil
}

func (g *group) encode() []byte {
	var e encoder
	e.Uint(positionsVersion)
	e.String(g.typ)
	e.String(g.protocol)
	e.String(g.state)
	e.Time(g.joined)
	e.Time(g.found)
	return e.Encoder
}

func (s *source) restoreGroup(name string, value []byte) error {
	d := decode(value)
	g := &group{
		ref: lineage.GroupRef{Cluster: s.cluster, Group: name}, readers: map[lineage.TopicID]*reader{}, coordinator: -1, changed: true,
		typ: d.String(), protocol: d.String(), state: d.String(), joined: d.Time(), found: d.Time(),
	}
	if err := d.Done(); err != nil {
		return err
	}
	s.groups[name] = g
	return nil
}

func (r *reader) encode() []byte {
	var e encoder
	e.Uint(positionsVersion)
	e.Uint(uint64(r.kind))
	for _, t := range [...]total{r.read, r.skipped, r.lost} {
		e.total(t)
	}
	for _, t := range [...]time.Time{r.began, r.moved, r.idle} {
		e.Time(t)
	}
	e.Bool(r.losing)
	e.habit(r.habit)
	e.Uint(uint64(len(r.parts)))
	for _, p := range r.parts {
		e.Int(p.committed)
		e.Int(p.gone)
		e.Int(p.fell)
		e.Int(p.was)
	}
	return e.Encoder
}

func (e *encoder) habit(h habit) {
	e.Bool(h.epochs)
	e.Bool(h.plain)
	e.Bool(h.started)
	e.Int(int64(h.alone))
	e.Int(h.most)
	e.Int(h.pause.Milliseconds())
}

func (d *decoder) habit() habit {
	return habit{epochs: d.Bool(), plain: d.Bool(), started: d.Bool(), alone: int(d.Int()), most: d.Int(), pause: time.Duration(d.Int()) * time.Millisecond}
}

func (s *source) restoreReader(rest string, value []byte, round time.Time) error {
	hexID, name, _ := strings.Cut(rest, "/")
	id, err := parseTopicID(hexID)
	if err != nil {
		return err
	}
	g, tp := s.groups[name], s.topics[id]
	if g == nil || tp == nil {
		return nil // the group or topic went with a later round
	}
	d := decode(value)
	kind := d.Uint()
	if d.Err() != nil || kind != uint64(lineage.GroupOffsets) && kind != uint64(lineage.ShareOffsets) {
		return cmp.Or(d.Err(), varint.ErrCut)
	}
	r := newReader(lineage.Access{Topic: tp.topic, Op: lineage.Read, Client: lineage.Client{Group: name}}, lineage.EvidenceKind(kind))
	r.read, r.skipped, r.lost = d.total(), d.total(), d.total()
	r.began, r.moved, r.idle, r.known = d.Time(), d.Time(), d.Time(), round
	r.losing, r.habit = d.Bool(), d.habit()
	for range d.Count() {
		p := newReadPartition()
		p.committed, p.gone, p.fell, p.was = d.Int(), d.Int(), d.Int(), d.Int()
		r.parts = append(r.parts, p)
	}
	if err := d.Done(); err != nil {
		return err
	}
	g.readers[id] = r
	return nil
}
