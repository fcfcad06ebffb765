package kafka

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

// This file names the topics that move while one of their sides stays dark: those that are written and of which no
// group commits, and those whose writers no source here names. What leaves no trace in a broker, as engines that keep
// their offsets to themselves do, can't be found; that it may be there is said by the name of the topic.

const (
	// unseenFor is how long ago a topic can have moved at the longest to be named.
	unseenFor = time.Hour
	// bookedAfter is how long after it was appended a record can be booked to somebody: elimination's patience, and
	// time to spare.
	bookedAfter = 2 * time.Minute
	// mostUnseen bounds the names in a blind spot.
	mostUnseen = 100
	// unseenCadence is how long a list that is too long for all its names stands at the least, so that a cluster in
	// which topics come and go all the time does not store one a round.
	unseenCadence = 30 * time.Second
)

// dark is what is remembered of the dark sides of a cluster's topics. Nothing of it is kept over a restart: what is
// said is of what moved since.
type dark struct {
	moves   map[lineage.TopicID]*moves
	unread  darkList
	unnamed darkList
}

// moves is when a topic moved.
type moves struct {
	appended int64     // as of the last look
	first    time.Time // round in which it moved first since we look
	moved    time.Time // newest round in which its ends advanced; zero: not since we look
	nameless int64     // records of writers that no name is known for, as of the last look
	rest     int64     // what was left to nobody then
	unnamed  time.Time // newest round in which nameless advanced, or rest with no one mover who may have written it
}

// darkList is a blind spot's list of topics, as it was last told.
type darkList struct {
	at   time.Time
	text string // empty: none
}

// noteMoves looks at what moved in this round. It is called when the round's ends and producers are booked.
func (t *take) noteMoves() {
	if t.dark.moves == nil {
		t.dark.moves = map[lineage.TopicID]*moves{}
	}
	for id := range t.dark.moves {
		if t.topics[id] == nil {
			delete(t.dark.moves, id)
		}
	}
	named := t.namedByInnerTopics()
	for id, tp := range t.topics {
		m := t.dark.moves[id]
		switch {
		case m == nil && tp.born.IsZero(): // what was written before we looked is no news
			t.dark.moves[id] = &moves{appended: tp.appended.n, nameless: tp.nameless(named), rest: tp.rest()}
			continue
		case m == nil:
			m = &moves{}
			t.dark.moves[id] = m
		case m.appended == tp.appended.n && t.round.Sub(m.moved) > bookedAfter:
			// nothing new, and nothing that is still to be booked
			continue
		}
		if tp.appended.n > m.appended {
			m.moved = t.round
			if m.first.IsZero() {
				m.first = t.round
			}
		}
		if n := tp.nameless(named); n > m.nameless {
			m.nameless, m.unnamed = n, t.round
		}
		if n := tp.rest(); n > m.rest {
			if m.rest = n; tp.mover(t.writers) == (lineage.Node{}) {
				m.unnamed = t.round
			}
		}
		m.appended = tp.appended.n
	}
}

// nameless counts the records of the topic that are of producer ids. A producer id is named where it writes an inner
// topic too.
func (a *account) nameless(named map[int64]bool) int64 {
	n := int64(0)
	for id, w := range a.writers {
		if !named[id] && w.nameless.IsZero() { // else its name may come
			n += w.n
		}
	}
	if a.others != nil {
		n += a.others.n
	}
	return n
}

// innerTopic reports whether a stream processor keeps its own records under a topic's name: Kafka Streams and faust,
// which put it behind the application's, and quixstreams, which puts it in front.
func innerTopic(name string) bool {
	return strings.HasSuffix(name, "-changelog") || strings.HasSuffix(name, "-repartition") || strings.HasPrefix(name, "changelog__") || strings.HasPrefix(name, "repartition__")
}

// namedByInnerTopics are the producer ids that write an inner topic, and so are a stream processor's.
func (s *source) namedByInnerTopics() map[int64]bool {
	named := map[int64]bool{}
	for name, tp := range s.byName {
		if innerTopic(name) {
			for id := range tp.writers {
				named[id] = true
			}
		}
	}
	return named
}

// bookkeeping reports whether a topic is no data of anybody's: Kafka's own, an inner topic, or what Connect and
// MirrorMaker 2 keep their books in.
func (tp *topic) bookkeeping(workers []string) bool {
	name := tp.topic.Name
	if tp.internal || innerTopic(name) || name == "_schemas" || mm2.ParseInternal(name).Kind != mm2.NoInternal {
		return true
	}
	at := strings.LastIndexByte(name, '-')
	return at > 0 && slices.Contains([]string{"configs", "offsets", "status"}, name[at+1:]) && (slices.Contains(workers, name[:at]) || name[:at] == "connect" && len(workers) > 0)
}

// darkTopics are the names of the topics that fit, without anybody's books, sorted. Those that moved in this round for
// the first time wait for the next: who reads them commits a little later.
func (t *take) darkTopics(at func(*moves) time.Time, fits func(*topic) bool) (names []string) {
	workers := t.connectGroups()
	for id, m := range t.dark.moves {
		when, tp := at(m), t.topics[id]
		if !when.IsZero() && t.round.Sub(when) <= unseenFor && m.first.Before(t.round) && tp != nil && !tp.bookkeeping(workers) && fits(tp) {
			names = append(names, tp.topic.Name)
		}
	}
	slices.Sort(names)
	return names
}

// say returns the list as it stands now: the new one, or for a while the one that was told before. A short one is
// always the new one: a topic enters and leaves it seldom, and one that is read is not to stand there.
func (l *darkList) say(names []string, round time.Time) string {
	text := ""
	if n := len(names); n > mostUnseen {
		text = strings.Join(names[:mostUnseen], ", ") + " and about " + strconv.Itoa(aboutN(n-mostUnseen)) + " more"
	} else if n > 0 {
		text = fmt.Sprintf("%s (%d)", strings.Join(names, ", "), n)
	}
	if text != l.text && (len(names) <= mostUnseen || l.text == "" || round.Sub(l.at) >= unseenCadence) {
		l.text, l.at = text, round
	}
	return l.text
}

// aboutN rounds down to one digit that counts, so that a long list does not change with each topic that comes and goes.
func aboutN(n int) int {
	unit := 1
	for n/unit >= 10 {
		unit *= 10
	}
	return n / unit * unit
}

// unreadSpots names the topics that are written and of which nobody commits. whole is false in a round in which some
// groups could not be asked: then nothing new is said.
func (t *take) unreadSpots(whole bool) []lineage.BlindSpot {
	text := t.dark.unread.text
	if whole {
		var read map[lineage.TopicID]bool // is found out where it is asked for
		text = t.dark.unread.say(t.darkTopics(func(m *moves) time.Time { return m.moved }, func(tp *topic) bool {
			if read == nil {
				read = t.readSomehow()
			}
			return !read[tp.topic.ID]
		}), t.round)
	}
	if text == "" {
		return nil
	}
	return []lineage.BlindSpot{{
		What:   "topics that are written and of which nobody commits: read by nobody, or by somebody whom only logs and telemetry can show, as by an engine that keeps its offsets to itself (Spark, bytewax, Flink without checkpoints, readers without a group): " + text,
		Remedy: "let their readers commit offsets in a group: in Flink, switch checkpoints on; for Spark, a listener that commits what each batch has read; or switch the brokers' request log or authorizer log, or client telemetry, on",
	}}
}

// readSomehow are the topics that a reader is known of: one that has committed, where it is not MirrorMaker that syncs
// another cluster's offsets, or has some of the topic assigned, or a replicator, which needs no group.
func (t *take) readSomehow() map[lineage.TopicID]bool {
	read := map[lineage.TopicID]bool{}
	for _, g := range t.groups {
		for id, r := range g.readers {
			if !read[id] && !r.synced && slices.ContainsFunc(r.parts, func(p readPartition) bool { return p.committed >= 0 }) {
				read[id] = true
			}
		}
		for i := range g.assignments {
			if tp := t.byName[g.assignments[i].topic]; tp != nil && g.live() && len(g.assignments[i].partitions) > 0 {
				read[tp.topic.ID] = true
			}
		}
	}
	for _, name := range t.cfg.Board.Copied(t.cluster) {
		if tp := t.byName[name]; tp != nil {
			read[tp.topic.ID] = true
		}
	}
	return read
}

// unnamedSpots names the topics that are written by somebody whom no source names.
func (t *take) unnamedSpots() []lineage.BlindSpot {
	text := t.dark.unnamed.say(t.darkTopics(func(m *moves) time.Time { return m.unnamed }, func(*topic) bool { return true }), t.round)
	if text == "" {
		return nil
	}
	return []lineage.BlindSpot{{
		What:   "topics that are written by somebody whom nothing that a broker keeps names; logs, telemetry and headers of records name them where they are on: " + text,
		Remedy: "switch the brokers' request log, client telemetry or record headers on, give their writers a transactional.id, or look for a connector or a replicator that is not watched",
	}}
}
