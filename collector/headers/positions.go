package headers

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Positions say up to where a topic's headers were counted, and what was counted. See docs/format/positions.md.
//
// Keys: "topic/NAME"; "applications", whose producer ids are; "traces", what was told of them.
const positionsVersion = 1

const (
	appsKey   = "applications"
	tracesKey = "traces"
)

const topicPrefix = "topic/"

func topicKey(name string) string { return topicPrefix + name }

func (s *source) savePositions(t *collector.Take, o *lineage.Observation) {
	for _, key := range append(t.Unreadable(o, len(s.books)), s.gone...) {
		if b := s.books[strings.TrimPrefix(key, topicPrefix)]; (b == nil || !b.dirty) && (key != appsKey || !s.apps.dirty) && (key != tracesKey || !s.traces.isDirty()) {
			o.Positions = append(o.Positions, lineage.Position{Key: key})
		}
	}
	s.gone = nil
	if s.apps.dirty {
		o.Positions = append(o.Positions, lineage.Position{Key: appsKey, Value: s.apps.encode()})
		s.apps.dirty = false
	}
	if s.traces.isDirty() {
		o.Positions = append(o.Positions, lineage.Position{Key: tracesKey, Value: s.traces.encode()})
		s.traces.dirty = false
	}
	for _, name := range slices.Sorted(maps.Keys(s.books)) {
		if b := s.books[name]; b.dirty {
			e := b.encode()
			e.Uint(uint64(crc32.ChecksumIEEE(e)))
			o.Positions = append(o.Positions, lineage.Position{Key: topicKey(name), Value: e})
			b.dirty = false
		}
	}
}

func (b *book) encode() (e varint.Encoder) {
	e.Uint(positionsVersion)
	e.String(string(b.topic.Cluster))
	e.String(string(b.topic.ID[:]))
	e.Time(b.since)
	e.Bool(b.began)
	e.Bool(b.told)
	e.Uint(uint64(len(b.parts)))
	for _, p := range b.parts {
		e.Int(p.next)
	}
	e.Int(b.left)
	e.Int(b.markers)
	e.Uint(uint64(len(b.totals)))
	for _, c := range slices.SortedFunc(maps.Keys(b.totals), compareWriters) {
		x := b.totals[c]
		e.String(c.TransactionalID)
		e.Uint(uint64(c.Producer))
		e.Int(x.records)
		e.Time(x.moved)
	}
	e.Uint(uint64(len(b.claims)))
	for _, name := range slices.Sorted(maps.Keys(b.claims)) {
		e.String(name)
		e.Int(b.claims[name])
	}
	return e
}

// Restore implements collector.Source.
func (s *source) Restore(ctx context.Context, sink collector.Sink) error {
	s.tell.Restore()
	s.forget()
	positions, err := sink.Positions(ctx, s.id())
	if err != nil {
		return fmt.Errorf("read positions of %s: %w", s.id(), err)
	}
	s.flows.Restore(positions)
	for _, key := range slices.Sorted(maps.Keys(positions)) {
		if key == appsKey {
			a, err := decodeApps(positions[key])
			if err != nil {
				s.tell.Leave(key, err)
				continue
			}
			s.setApps(a)
			continue
		}
		if key == tracesKey {
			if s.traces == nil {
				s.gone = append(s.gone, key)
			} else if err := s.traces.decode(positions[key]); err != nil {
				s.tell.Leave(key, err)
			}
			continue
		}
		if s.flows.Mine(key) {
			continue
		}
		name, is := strings.CutPrefix(key, topicPrefix)
		b, err := decode(name, positions[key])
		if !is || err != nil {
			s.tell.Leave(key, err)
			s.anew[name] = true
			continue
		}
		s.books[name] = b
	}
	return nil
}

func decode(name string, value []byte) (*book, error) {
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	t := lineage.Topic{Cluster: lineage.ClusterID(d.String()), Name: name}
	if id := d.String(); copy(t.ID[:], id) != len(id) {
		d.Fail()
	}
	b := newBook(t)
	b.since, b.began, b.told = d.Time(), d.Bool(), d.Bool()
	for range d.Count() {
		p := part{next: d.Int()}
		if p.next < 0 {
			d.Fail()
		}
		b.parts = append(b.parts, p)
	}
	b.left, b.markers = d.Int(), d.Int()
	for range d.Count() {
		c := lineage.Client{TransactionalID: d.String(), Producer: lineage.ProducerID(d.Uint())}
		b.totals[c] = total{d.Int(), d.Time()}
	}
	for range d.Count() {
		name := d.String()
		b.claims[name] = d.Int()
	}
	return b, checked(&d, value)
}

// checked reads the checksum at the end of a position.
func checked(d *varint.Decoder, value []byte) error {
	read := len(value) - len(d.Left)
	if sum := d.Uint(); d.Err() == nil && sum != uint64(crc32.ChecksumIEEE(value[:read])) {
		d.Fail()
	}
	return d.Done()
}
