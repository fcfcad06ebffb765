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

	// readersVersion is of a reader's book. Version 1 did not hold from where it had gone back, nor 2 by how much, and
	// what is in doubt of what it read, nor 3 when it was read last, nor 4 which bounds were told of it, its last
	// pauses, whether it comes and goes between two looks, and what was set beyond the end, nor 5 what waits beyond the
	// end for another look, and whether it went back twice.
	readersVersion = 6
	// groupsVersion is of a group. Version 2 did not hold who its members were, version 1 neither whether it was listed
	// in the newest round.
	groupsVersion = 3
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
		for _, r := range g.readers {
			if late := t.round.Sub(r.known) > t.cadence(lateReading*t.cfg.Interval); late != r.stale {
				r.stale, r.touched, g.dirty = late, true, true
			}
		}
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
	s.cluster, s.resumed, s.last = cluster, true, round
	if value := positions[sightKey]; value != nil {
		s.leave(sightKey, s.restoreSight(value))
	}
	for key, value := range positions {
		if rest, ok := strings.CutPrefix(key, "topic/"); ok {
			s.leave(key, s.restoreTopic(rest, value, round))
		} else if rest, ok := strings.CutPrefix(key, "group/"); ok {
			s.leave(key, s.restoreGroup(rest, value, round))
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
	s.sawAll = s.sawAll && !strings.HasPrefix(key, "topic/") // what was there then is not known
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

func parseTopicID(s string) (id lineage.TopicID, err error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("%q is no topic id", s)
	}
	copy(id[:], b)
	return id, nil
}

// lateReading is how many rounds ago a reader was read at the longest for its book to be taken for one of the newest
// round: share groups are read each third, and those of a crowd in turn.
const lateReading = 3

func (g *group) encode() []byte {
	var e encoder
	e.Uint(groupsVersion)
	e.String(g.typ)
	e.String(g.protocol)
	e.String(g.state)
	e.Time(g.joined)
	e.Time(g.found)
	e.Bool(g.stale)
	if g.stale {
		e.Time(g.nobody)
	}
	e.Uint(g.who)
	return e.Encoder
}

func (s *source) restoreGroup(name string, value []byte, round time.Time) error {
	d := decoder{varint.Decoder{Left: value}}
	version := d.Versions(positionsVersion, groupsVersion)
	g := &group{
		ref: lineage.GroupRef{Cluster: s.cluster, Group: name}, readers: map[lineage.TopicID]*reader{}, coordinator: -1, changed: true,
		typ: d.String(), protocol: d.String(), state: d.String(), joined: d.Time(), found: d.Time(),
	}
	if version > 1 {
		if g.stale = d.Bool(); g.stale {
			g.nobody = d.Time()
		}
	}
	if version > 2 {
		g.who = d.Uint()
	}
	if err := d.Done(); err != nil {
		return err
	}
	if !g.stale && !g.live() {
		g.nobody = round
	}
	s.groups[name] = g
	return nil
}

func (r *reader) encode() []byte {
	var e encoder
	e.Uint(readersVersion)
	e.Uint(uint64(r.kind))
	for _, t := range [...]total{r.read, r.skipped, r.lost, r.doubted, r.returned} {
		e.total(t)
	}
	e.Bool(r.shows.unplaced)
	e.Bool(r.shows.ahead)
	for _, t := range [...]time.Time{r.began, r.moved, r.idle} {
		e.Time(t)
	}
	e.Bool(r.stale)
	if r.stale {
		e.Time(r.known)
	}
	e.Bool(r.losing)
	e.habit(r.habit)
	for _, b := range [...]bool{r.said.most, r.said.least, r.said.stands} {
		e.Bool(b)
	}
	e.String(r.owed)
	e.Uint(uint64(len(r.parts)))
	for _, p := range r.parts {
		e.Int(p.committed)
		e.Int(p.gone)
		e.Int(p.fell)
		e.Int(p.was)
		e.Int(p.high)
		e.Bool(p.again)
		e.Bool(p.beyond)
		e.Bool(p.twice)
		e.Int(p.held)
	}
	return e.Encoder
}

func (e *encoder) habit(h habit) {
	e.Bool(h.epochs)
	e.Bool(h.plain)
	e.Bool(h.started)
	e.Int(int64(h.alone))
	e.Int(h.most)
	for _, pause := range [...]time.Duration{h.pause, h.pauses[0], h.pauses[1]} {
		e.Int(pause.Milliseconds())
	}
	e.Bool(h.brief)
}

func (d *decoder) habit(version uint64) habit {
	pause := func() time.Duration { return time.Duration(d.Int()) * time.Millisecond }
	h := habit{epochs: d.Bool(), plain: d.Bool(), started: d.Bool(), alone: int(d.Int()), most: d.Int(), pause: pause()}
	if h.brief = h.alone > 0; version > 4 {
		h.pauses, h.brief = [2]time.Duration{pause(), pause()}, d.Bool()
	}
	return h
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
	r, err := decodeReader(lineage.Access{Topic: tp.topic, Op: lineage.Read, Client: lineage.Client{Group: name}}, value, round)
	if err != nil {
		return err
	}
	g.readers[id] = r
	return nil
}

// decodeReader reads a reader's book as it was saved in a round.
func decodeReader(access lineage.Access, value []byte, round time.Time) (*reader, error) {
	d := decoder{varint.Decoder{Left: value}}
	version := d.Versions(positionsVersion, readersVersion)
	kind := d.Uint()
	if d.Err() != nil || kind != uint64(lineage.GroupOffsets) && kind != uint64(lineage.ShareOffsets) {
		return nil, cmp.Or(d.Err(), varint.ErrCut)
	}
	r := newReader(access, lineage.EvidenceKind(kind))
	r.unsure, r.restored = true, true
	r.read, r.skipped, r.lost = d.total(), d.total(), d.total()
	if version > 2 {
		r.doubted, r.returned = d.total(), d.total()
		r.shows = readerShows{unplaced: d.Bool(), ahead: d.Bool()}
	}
	r.began, r.moved, r.idle, r.known = d.Time(), d.Time(), d.Time(), round
	if version > 3 {
		if r.stale = d.Bool(); r.stale {
			r.known = d.Time()
		}
	}
	r.losing, r.habit = d.Bool(), d.habit(version)
	if r.said.stands = true; version > 4 { // else it may, as far as its book tells
		r.said, r.owed = saidBounds{most: d.Bool(), least: d.Bool(), stands: d.Bool()}, d.String()
	}
	for range d.Count() {
		p := newReadPartition()
		p.committed, p.gone, p.fell, p.was = d.Int(), d.Int(), d.Int(), d.Int()
		if version > 1 {
			p.high, p.again = d.Int(), d.Bool()
		}
		if version > 4 {
			p.beyond = d.Bool()
		}
		if version > 5 {
			p.twice, p.held = d.Bool(), d.Int()
		}
		r.parts = append(r.parts, p)
	}
	return r, d.Done()
}
