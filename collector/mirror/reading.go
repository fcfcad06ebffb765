package mirror

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/mm2"
)

// This file reads what is new in the internal topics, and says what could not be read.

// How many records of a topic are read at first, of all its partitions together, so that it takes a few rounds at most.
// Configurations are read whole. Of the others the newest of each key is what counts, and all keys of a replication
// that runs are written again and again: a heartbeat each second, an offset of each partition that moved each minute.
// The logs themselves may hold a week of them before they are compacted.
const (
	heartbeatDepth  = 1_000
	checkpointDepth = 20_000
	recordDepth     = 100_000
)

// wanted returns the topics to read now, with how far back. What needs no other is first: configurations and heartbeats
// say which others tell.
func (s *source) wanted(t target) map[string]int64 {
	maps.DeleteFunc(s.foreign, func(name string, _ bool) bool { return !has(t.Watched, name) })
	want, here, direct, elsewhere := map[string]int64{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	s.elsewhere = map[string]bool{}
	for alias, d := range s.words.dedicated {
		for _, c := range d.configs {
			here[alias] = here[alias] || mm2.IsSourceConnector(c.Class)
			direct[alias] = direct[alias] || mm2.IsSourceConnector(c.Class) && !c.Off
		}
	}
	for p := range s.words.beats {
		elsewhere[p.source] = !here[p.source]
	}
	for name, in := range t.internal {
		switch in.Kind {
		case mm2.ConfigTopic:
			want[name] = 0
		case mm2.HeartbeatTopic:
			if in.Alias == "" && s.proven(t, name) {
				want[name] = heartbeatDepth
			}
		case mm2.OffsetTopic, mm2.StatusesTopic:
			if direct[in.Alias] {
				want[name] = recordDepth
			}
		case mm2.CheckpointTopic:
			if elsewhere[in.Alias] {
				want[name] = checkpointDepth
			}
		case mm2.OffsetSyncTopic:
			_, ok := t.trace(in.Alias)
			own := elsewhere[in.Alias] && ok
			if own || s.cfg.Syncs.isWanted(t.ID, in.Alias) {
				want[name] = recordDepth
			}
			s.elsewhere[name] = !own
		case mm2.NoInternal:
		}
	}
	return want
}

// readAll reads what is new in the internal topics. An error says why the round can't go on: a broker failed, or they
// were not read to their ends yet. What may not be read is left out.
func (s *source) readAll(ctx context.Context, t target, round time.Time) error {
	want := s.wanted(t)
	s.forgetOthers(want)
	s.missing, s.behind = nil, false
	if len(want) == 0 {
		return nil
	}
	if s.tail == nil {
		client, err := s.cfg.Client()
		if err != nil {
			return fmt.Errorf("make a client: %w", err)
		}
		s.tail = newTail(client)
	}
	s.tail.spent = spent{}
	for {
		s.tail.read(ctx, want, func(topic string) {
			s.words.forget(topic)
			delete(s.caught, topic)
			delete(s.fresh, topic)
		}, func(topic string, r *kgo.Record) {
			if r == nil {
				s.words.bad[topic]++
				return
			}
			s.words.hear(topic, r.Key, r.Value, round, s.fresh[topic])
		})
		err := s.noteRead(want)
		more := s.wanted(t)
		if err != nil || len(more) <= len(want) {
			return err
		}
		want = more // what was read names others
	}
}

// noteRead notes which topics were read to their ends, and which were not. An error says why the round can't go on: a
// broker did not answer, or heartbeats were not read, which are of all pairs.
func (s *source) noteRead(want map[string]int64) error {
	s.missing, s.behind = map[string]string{}, false
	for _, name := range slices.Sorted(maps.Keys(want)) {
		tp := s.tail.topics[name]
		s.fresh[name] = tp.whole
		s.caught[name] = s.caught[name] || tp.whole
		var why string
		switch {
		case errors.Is(tp.err, errDenied), errors.Is(tp.err, errGone), s.elsewhere[name]:
			continue
		case tp.err != nil:
			why = name + ": " + tp.err.Error()
		case s.caught[name]:
			continue
		default:
			why, s.behind = "still reading "+name, true
		}
		alias := mm2.ParseInternal(name).Alias
		if others := s.missing[alias]; others != "" {
			why = others + "; " + why
		}
		s.missing[alias] = why
	}
	if s.tail.down != nil {
		return s.tail.down
	}
	if why := s.missing[""]; why != "" {
		return errors.New(why)
	}
	return nil
}

// forgetOthers drops what topics said that are not read any more: they are gone, or another source tells the same.
func (s *source) forgetOthers(want map[string]int64) {
	if s.tail == nil {
		return
	}
	for name := range s.tail.topics {
		if _, ok := want[name]; !ok {
			s.tail.drop(name)
			s.words.forget(name)
			delete(s.caught, name)
			delete(s.fresh, name)
			delete(s.scale, name)
		}
	}
}

// tellSyncs tells the sources of other clusters what they want to know of offset syncs on this one.
func (s *source) tellSyncs(t target) {
	for _, in := range t.internal {
		if in.Kind != mm2.OffsetSyncTopic || s.missing[in.Alias] != "" || !s.cfg.Syncs.isWanted(t.ID, in.Alias) {
			continue
		}
		counts := map[string]uint64{}
		for topic, m := range s.words.syncs[in.Alias] {
			counts[topic] = m.n
		}
		s.cfg.Syncs.tell(t.ID, in.Alias, counts)
	}
}
