package kafka

import (
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file is what a topic's books tell the readers of the topic.

// end implements topicEnds.
func (tp *topic) end(partition int32) (int64, bool) {
	if int(partition) >= len(tp.parts) || !tp.parts[partition].fresh {
		return 0, false
	}
	return tp.parts[partition].end, true
}

// topicAt is a topic as readers see it in one round.
type topicAt struct {
	*topic
	now    time.Time
	mirror bool // a replicator writes it
}

// at returns a topic as of this round. It is made once a round, however many read it.
func (t *take) at(tp *topic) *topicAt {
	if !tp.seenAs.now.Equal(t.round) {
		was := tp.seenAs.mirror
		if tp.seenAs = (topicAt{tp, t.round, t.isCopy(tp.topic.Name)}); tp.seenAs.mirror != was {
			tp.stirs++
		}
	}
	return &tp.seenAs
}

// isCopy reports whether a replicator writes a topic: as whoever sees replicators tells, or as the topics say that
// MirrorMaker 2 keeps on its target.
func (t *take) isCopy(name string) bool {
	movers, _ := t.cfg.Board.Writers(t.cluster).Of(name)
	for _, m := range movers {
		if m.Kind == lineage.ReplicatorNode {
			return true
		}
	}
	var room [256]byte
	for alias := name; ; {
		at := strings.LastIndexByte(alias, '.')
		if at < 0 {
			return false
		}
		if alias = alias[:at]; t.byName[string(append(append(room[:0], alias...), ".checkpoints.internal"...))] != nil {
			return true
		}
	}
}

// partitions implements topicEnds.
func (tp topicAt) partitions() int { return len(tp.parts) }

// begin implements topicEnds.
func (tp topicAt) begin(partition int32) int64 {
	if int(partition) >= len(tp.starts) {
		return -1
	}
	return tp.starts[partition]
}

// age implements topicEnds.
func (tp topicAt) age(partition int32, offset int64) (time.Duration, bool) {
	return tp.histories[partition].Age(tp.now, offset)
}

// transactional implements topicEnds.
func (tp topicAt) transactional() bool { return tp.hasMarkers() }

// trailing implements topicEnds: after a transaction has ended its marker is the last offset. Where others write the
// partition too, a record of theirs may be, and is where they alone wrote last. Before it may be the markers of others
// that ended their transactions in the newest looks that showed anything: each has one at the most, since its records
// come before. Where nobody saw who wrote last it is either.
func (tp topicAt) trailing(partition int32) (sure, most int64) {
	p := &tp.parts[partition]
	if !tp.hasMarkers() {
		return 0, 0
	}
	plain := p.remainder > 0 // a record of nobody's may be the last
	for _, q := range p.producers {
		switch {
		case q.txnStart >= 0:
			return 0, 0
		case !q.txn:
			plain = true
		case p.moved || q.changed >= p.changes-1:
			most++
		}
	}
	switch {
	case p.moved || p.unstepped:
		return 0, most
	case !plain:
		return min(1, most), most
	case p.txnLast:
		return 0, most
	}
	return 0, 0
}

// mayBeAborted implements topicEnds.
func (tp topicAt) mayBeAborted(partition int32) (maybe, ask bool) {
	p := &tp.parts[partition]
	switch {
	case !tp.hasMarkers():
		return false, false
	case p.moved: // who moved it was not read
		return true, false
	case p.how == kept || len(p.lastEnded()) == 0:
		return false, false
	}
	return true, p.how == notAsked && !tp.now.Before(p.askAgain)
}

// compacted implements topicEnds.
func (tp topicAt) compacted() compaction { return tp.compaction }

// copied implements topicEnds.
func (tp topicAt) copied() bool { return tp.mirror }

// added implements topicEnds.
func (tp topicAt) added(partition int32) bool { return int(partition) >= tp.first }

// seen implements topicEnds.
func (tp topicAt) seen() bool { return tp.since.IsZero() || tp.since.Before(tp.now) }

// wasCut implements topicEnds.
func (tp topicAt) wasCut() bool { return tp.lost.n > 0 }

// ended implements topicEnds.
func (tp topicAt) ended(partition int32, at time.Time) int64 {
	if end, ok := tp.histories[partition].At(at); ok {
		return end
	}
	if tp.born.After(at) {
		return 0
	}
	if end, ok := tp.histories[partition].Oldest(tp.now); ok {
		// it had committed nothing at any later instant either, before this round
		return end
	}
	return -1
}

// readStarts reads the log's start of the partitions in which a reader is so late that its records may be gone. It
// costs a request for each broker that leads one, and one for whether their topics are compacted by now.
func (t *take) readStarts() {
	late := map[partitionRef]bool{}
	for r := range t.late {
		id := r.access.Topic.ID
		if g := t.groups[r.access.Client.Group]; g == nil || g.readers[id] != r {
			delete(t.late, r)
			continue
		}
		tp := t.topics[id]
		for i := range r.parts {
			if r.parts[i].late && tp != nil && i < len(tp.leaders) && tp.leaders[i] >= 0 {
				late[partitionRef{tp, i}] = true
			}
		}
	}
	if len(late) == 0 {
		return
	}
	t.lists(earliest, func(tp *topic, part int) bool { return late[partitionRef{tp, part}] }, (*topic).setStart, func(*topic, string) {})
	t.readPolicies(late)
}
