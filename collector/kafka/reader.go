package kafka

import (
	"math"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// reader is the book of one group's reading of one topic incarnation: what its committed offsets advanced, how far they are behind.
//
// Commits come in steps. Progress between two of them is spread over the time in which it can have happened: since the last change, since the reader last had nothing to
// read, and since there was something to read beyond the last commit. After the last change the progress is pending while a member lives and has something to read.
//
// A reader is pure bookkeeping and not safe for concurrent use.
type reader struct {
	access lineage.Access
	kind   lineage.EvidenceKind // GroupOffsets or ShareOffsets
	parts  []readPartition

	read    total
	began   time.Time // when the reader can have begun: its first round, or the group's
	from    time.Time // start of the span over which the newest advance is spread
	moved   time.Time // newest round in which a commit advanced
	idle    time.Time // newest round in which nothing was left to read
	known   time.Time // newest round in which all that the reader needs was read
	touched bool      // what the position holds changed in this round

	gauges  readerGauges
	told    readerGauges
	toldAny bool
}

// readPartition is a reader's book of one partition.
type readPartition struct {
	committed int64 // noCommit: none yet; lostCommit: it was there and is gone
	lag       int64
	start     int64 // of a share group: its start offset as last read, -1: not read; not kept over a restart
}

const (
	noCommit   = -1
	lostCommit = -2
)

func newReadPartition() readPartition { return readPartition{committed: noCommit, start: -1} }

// readerGauges are the levels of a reader.
type readerGauges struct {
	lag       int64
	lagMillis int64
	atLeast   bool
	pending   bool
}

func newReader(access lineage.Access, kind lineage.EvidenceKind) *reader {
	return &reader{access: access, kind: kind, read: total{told: -1}}
}

// committed returns the offset that the reader last committed, below zero when there is none. A nil reader has committed nothing.
func (r *reader) committed(partition int32) int64 {
	if r == nil || int(partition) >= len(r.parts) {
		return noCommit
	}
	return r.parts[partition].committed
}

// commit is one partition's reading of a group's progress.
type commit struct {
	partition   int32
	offset      int64 // -1: none
	leaderEpoch int32 // -1: not said, as by the Admin API's offset reset
}

// topicEnds is what a reader needs to know of its topic in this round.
type topicEnds interface {
	// end returns the partition's end offset as read in this round; ok is false when it was not.
	end(partition int32) (offset int64, ok bool)
	// age returns how long the end has been beyond the offset.
	age(partition int32, offset int64) (age time.Duration, atLeast bool)
	// transactional reports whether transactions were written to the topic: their markers are offsets that a reader passes and does not read.
	transactional() bool
	// origin returns where a consumer that had committed nothing at an instant and has now committed offset began to read, and whether that is certain.
	origin(partition int32, offset int64, joined time.Time) (start int64, certain bool)
}

// spreadLimit is the longest time over which one step of progress is spread, and for which a reader that lives and lags is taken to be at work without a commit: twice the
// slowest commit interval in wide use (60 s, Connect's sinks).
const spreadLimit = 2 * time.Minute

// groupState is what a round tells of the reader's group.
type groupState struct {
	live    bool      // it has members
	wasLive bool      // it had members in the round before
	joined  time.Time // the round before the group was first seen; zero: it was there before we looked
	found   time.Time // the first whole reading of its commits; zero: there was none before this round
}

// from is an instant from which every commit of the group was seen; zero: until this round none was looked for.
func (g groupState) from() time.Time {
	if g.joined.IsZero() {
		return g.found
	}
	return g.joined
}

// observe books the commits of one round. It returns false, and books nothing, when an end that it needs is missing.
func (r *reader) observe(commits []commit, ends topicEnds, g groupState, round time.Time) bool {
	for _, c := range commits {
		if _, ok := ends.end(c.partition); !ok && c.offset >= 0 {
			return false
		}
	}
	if r.began.IsZero() {
		if r.began = g.from(); r.began.IsZero() {
			r.began = round
		}
	}
	advanced, oldest := false, time.Duration(0)
	seen := make([]bool, len(r.parts))
	r.gauges = readerGauges{}
	for _, c := range commits {
		for int(c.partition) >= len(r.parts) {
			r.parts = append(r.parts, newReadPartition())
			seen = append(seen, false)
		}
		seen[c.partition] = true
		if base, ok := r.book(c, ends, g); ok {
			advanced, oldest = true, max(oldest, beyond(ends, c.partition, base))
		}
		r.measure(c, ends)
	}
	for i := range r.parts { // commits that are gone: expired, or the group was deleted and made again
		if !seen[i] && r.parts[i].committed >= 0 {
			r.parts[i], r.touched = newReadPartition(), true
			r.parts[i].committed = lostCommit
		}
	}
	if advanced {
		r.from, r.moved, r.touched = later(r.spread(g, round), round.Add(-oldest)), round, true
	}
	if r.gauges.lag == 0 {
		r.idle = round
	}
	last := later(r.moved, r.idle)
	r.gauges.pending = g.live && r.gauges.lag > 0 && !last.IsZero() && round.Sub(last) <= spreadLimit
	return true
}

// spread returns the start of the span in which the progress that shows in this round can have happened: after the last change, and after the reader last had nothing left to
// read, but not longer than spreadLimit ago, unless rounds are missing for longer than that.
func (r *reader) spread(g groupState, round time.Time) time.Time {
	from := later(later(r.moved, r.idle), g.from())
	if limit := round.Add(-spreadLimit); from.Before(limit) {
		from = limit
		if !r.known.IsZero() && r.known.Before(limit) {
			from = r.known
		}
	}
	return later(from, r.began)
}

// beyond returns how long there has been something to read after an offset; what was read of it was read since then.
func beyond(ends topicEnds, partition int32, offset int64) time.Duration {
	if age, atLeast := ends.age(partition, offset); !atLeast {
		return age
	}
	return math.MaxInt64
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// book books one partition's commit. It reports whether it advanced by records read, and from which offset.
func (r *reader) book(c commit, ends topicEnds, g groupState) (base int64, advanced bool) {
	p := &r.parts[c.partition]
	prev := p.committed
	if c.offset == prev || c.offset < 0 && prev < 0 {
		return 0, false
	}
	r.touched = true
	if c.offset < 0 {
		p.committed = lostCommit
		return 0, false
	}
	p.committed = c.offset
	byAdmin := !g.live && !g.wasLive && c.leaderEpoch < 0 // or by MirrorMaker 2, which syncs the groups of another cluster
	switch {
	case prev < 0:
		if prev == lostCommit || g.from().IsZero() || byAdmin {
			return 0, false // what is committed first after a loss, was there before us, or was read by nobody, is the base
		}
		start, certain := ends.origin(c.partition, c.offset, g.from())
		if c.offset <= start || g.joined.IsZero() && !certain { // who was there before us may have begun anywhere
			return 0, false
		}
		r.read.add(c.offset-start, !certain || r.estimates(ends))
		return start, true
	case c.offset < prev:
		return 0, false // set back: what is read again will be counted from here
	case byAdmin || !g.live && !g.wasLive && r.kind == lineage.ShareOffsets:
		return 0, false // set forward by an administrator: nobody read what lies in between
	default:
		r.read.add(c.offset-prev, r.estimates(ends))
		return prev, true
	}
}

// estimates reports whether an advance of offsets is more than the records read: a share group's holds rejected ones, and markers are offsets.
func (r *reader) estimates(ends topicEnds) bool {
	return r.kind == lineage.ShareOffsets || ends.transactional()
}

// measure adds one partition's lag to the gauges.
func (r *reader) measure(c commit, ends topicEnds) {
	p := &r.parts[c.partition]
	p.lag = 0
	if c.offset < 0 {
		return
	}
	end, _ := ends.end(c.partition)
	if p.lag = max(end-c.offset, 0); p.lag == 0 {
		return
	}
	r.gauges.lag += p.lag
	if age, atLeast := ends.age(c.partition, c.offset); age.Milliseconds() >= r.gauges.lagMillis {
		r.gauges.lagMillis, r.gauges.atLeast = age.Milliseconds(), atLeast
	}
}

// tell returns the samples of this round.
func (r *reader) tell(round, before time.Time) []lineage.Sample {
	var samples []lineage.Sample
	if s, told := r.read.sample(since(r.from, before)); told {
		s.Subject, s.Metric, s.Evidence = r.access, lineage.Records, r.kind
		samples = append(samples, s)
	}
	gauge := func(m lineage.Metric, v, old int64) {
		if v != old || !r.toldAny {
			samples = append(samples, lineage.Sample{Subject: r.access, Metric: m, Value: v})
		}
	}
	gauge(lineage.Lag, r.gauges.lag, r.told.lag)
	gauge(lineage.LagMillis, r.gauges.lagMillis, r.told.lagMillis)
	gauge(lineage.LagAtLeast, number(r.gauges.atLeast), number(r.told.atLeast))
	gauge(lineage.Pending, number(r.gauges.pending), number(r.told.pending))
	r.told, r.toldAny = r.gauges, true
	r.known = round
	return samples
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
