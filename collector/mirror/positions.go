package mirror

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Positions are the books, so that a restart goes on counting where the last stored round ended. The internal topics
// themselves are read again at each start.
//
// Keys: "round", the newest round; "writers", those without a count of their own, see collector.UncountedWriters;
// "flow/PAIR", a replicator; "book/PAIR/TOPIC", the book of one topic of its source. Numbers are varints as in
// encoding/binary, strings have their length in front, times are Unix milliseconds, 0 for none. All begin with the
// version, 1.
//
//	round:  version  time round
//	flow:   version  string source alias  string target alias  time began  time whole
//	book:   version  string source alias  string target alias  string cluster id of the source  string topic
//	        and the account, see package copybook
const positionsVersion = 1

const (
	roundKey   = "round"
	writersKey = "writers"
)

func flowKey(p pair) string               { return "flow/" + p.String() }
func bookKey(p pair, topic string) string { return "book/" + p.String() + "/" + topic }

// savePositions adds what changed in this round.
func (s *source) savePositions(o *lineage.Observation) {
	put := func(key string, value []byte) {
		o.Positions = append(o.Positions, lineage.Position{Key: key, Value: value})
	}
	if len(s.flows) > 0 || len(s.gone) > 0 || !s.saved {
		e := varint.Encoder{}
		e.Uint(positionsVersion)
		e.Time(o.Round)
		put(roundKey, e)
		s.saved = true
	}
	s.take.Unreadable(o, len(s.flows))
	for _, key := range s.gone {
		put(key, nil)
	}
	s.gone = nil
	if writers := s.runs.Writers().Encode(); writers != s.writersStored {
		if s.writersStored = writers; writers == "" {
			put(writersKey, nil)
		} else {
			put(writersKey, []byte(writers))
		}
	}
	o.Positions = append(o.Positions, s.rhythm.Positions()...)
	for p, f := range s.flows {
		if f.dirty {
			e := varint.Encoder{}
			e.Uint(positionsVersion)
			e.String(p.source)
			e.String(p.target)
			e.Time(f.began)
			e.Time(f.whole)
			put(flowKey(p), e)
			f.dirty = false
		}
		for topic, b := range f.books {
			if b.Dirty {
				put(bookKey(p, topic), encodeBook(p, b))
				b.Dirty = false
			}
		}
	}
}

func encodeBook(p pair, b *copybook.Book) []byte {
	e := varint.Encoder{}
	e.Uint(positionsVersion)
	e.String(p.source)
	e.String(p.target)
	e.String(string(b.Access.Topic.Cluster))
	e.String(b.Access.Topic.Name)
	return append(e, b.Encode()...)
}

// Restore implements collector.Source. What the internal topics said stays known: it is Kafka's, and not what a failed
// append lost.
func (s *source) Restore(ctx context.Context, sink collector.Sink) error {
	s.forgetBooks()
	s.tell.Restore()
	positions, err := sink.Positions(ctx, s.id())
	if err != nil {
		return fmt.Errorf("read positions of %s: %w", s.id(), err)
	}
	if len(positions) == 0 {
		return nil
	}
	d := varint.Decoder{Left: positions[roundKey]}
	d.Version(positionsVersion)
	round := d.Time()
	if err := d.Done(); err != nil { // without it nobody knows of when the rest is
		for key := range positions {
			s.leaveOut(key, err)
		}
		return nil
	}
	s.rhythm.Restore(positions, round, s.tell.Leave)
	for _, key := range slices.Sorted(maps.Keys(positions)) { // books stand before flows, and make theirs
		var err error
		switch {
		case strings.HasPrefix(key, "flow/"):
			err = s.restoreFlow(positions[key])
		case strings.HasPrefix(key, "book/"):
			err = s.restoreBook(positions[key], round)
		case key == writersKey:
			var writers collector.UncountedWriters
			if writers, err = collector.DecodeWriters(string(positions[key])); err == nil {
				s.runs.Restore(writers)
				s.writersStored = string(positions[key])
			}
		}
		if err != nil {
			s.leaveOut(key, err)
		}
	}
	return nil
}

// leaveOut notes a position that can't be read: its part begins anew, since what can't be read today can't be read
// tomorrow.
func (s *source) leaveOut(key string, err error) {
	if s.tell.Leave(key, err); key != roundKey { // which is written anew
		s.gone = append(s.gone, key)
	}
}

func (s *source) restoreFlow(value []byte) error {
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	p, began, whole := pair{d.String(), d.String()}, d.Time(), d.Time()
	if err := d.Done(); err != nil {
		return err
	}
	f := s.flow(p)
	f.began, f.whole, f.dirty = began, whole, false
	return nil
}

func (s *source) restoreBook(value []byte, round time.Time) error {
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	p := pair{d.String(), d.String()}
	topic := lineage.Topic{Cluster: lineage.ClusterID(d.String()), Name: d.String()}
	if err := d.Err(); err != nil {
		return err
	}
	_, known := s.flows[p]
	f := s.flow(p)
	b := newBook(f.read(topic))
	if err := b.Decode(d.Left, round); err != nil {
		if !known {
			delete(s.flows, p)
		}
		return err
	}
	f.dirty = false
	f.books[topic.Name] = b
	return nil
}
