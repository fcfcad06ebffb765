package kafka

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// reader is the book of one group's reading of one topic incarnation: what its committed offsets advanced, how far they
// are behind.
//
// Commits come in steps; what each means is judged in step.go. Progress between two of them is spread over the time in
// which it can have happened: since the last change, since the reader last had nothing to read, and since there was
// something to read beyond the last commit. After the last change the progress is pending while somebody reads and has
// something to read.
//
// A reader is pure bookkeeping and not safe for concurrent use.
type reader struct {
	access lineage.Access
	kind   lineage.EvidenceKind // GroupOffsets or ShareOffsets
	parts  []readPartition

	read    total
	skipped total // offsets that were set forward and not read
	lost    total // records that were gone before they were read
	// those of read that are "at most", and the offsets that are passed once more since the position went back
	doubted, returned total
	began             time.Time // when the reader can have begun: its first round, or the group's
	from              time.Time // start of the span over which the newest advance is spread
	moved             time.Time // newest round in which a commit advanced
	idle              time.Time // newest round in which nothing was left to read
	known             time.Time // newest round in which all that the reader needs was read
	habit             habit
	losing            bool // the log's start is beyond a commit, which was told
	// nobody is in the group, and a replicator copies the topic: its offsets may be those of the group's readers
	// elsewhere. Not kept over a restart
	synced  bool
	touched bool // what the position holds changed in this round
	stale   bool // the position says when it was read last, which was not in the newest round

	gauges  readerGauges
	told    readerGauges
	toldAny bool
	shows   readerShows
	sighted time.Time // newest round in which it was told that the reader stands where it stands
	// what was told of where it stands is in doubt whether it ever moves, and was not taken back; a commit changed that
	// was there, by whomever; and the book is an earlier run's, which may have told and seen both. Not kept over a
	// restart
	unsure, shifted, restored bool

	bound string // why what was read in this round is no measurement; empty: it is, or nothing was read
	// the bound of steps that were not told yet, since they count nothing by themselves: what is told next is one too
	owed    string
	said    saidBounds
	events  []readerEvent // of this round
	gone    int64         // records found gone in this round
	late    bool          // it is so in a partition, as of the newest round in which it was looked at
	trails  bool          // what waits somewhere is a transaction's marker and no record
	asks    bool          // whether what waits somewhere was aborted can be found out now
	lingers bool          // the group's members have nothing of the topic, and it moved a moment ago
	still   stillness
}

// readerEvent is what happened to a reader, in words.
type readerEvent struct {
	typ  lineage.EventType
	text string
}

// note notes that something happened in this round.
func (r *reader) note(typ lineage.EventType, format string, args ...any) {
	r.events = append(r.events, readerEvent{typ, fmt.Sprintf(format, args...)})
}

// readPartition is a reader's book of one partition.
type readPartition struct {
	committed int64     // noCommit: none yet; lostCommit: it was there and is gone
	gone      int64     // up to where the log was gone before it was read; below committed: nowhere
	fell      int64     // where the log ended after it was truncated below committed; -1: it was not
	was       int64     // what was committed before it was lost; -1: nothing
	high      int64     // up to where it had been before it went back, which it has not passed since; -1: it did not
	again     bool      // it went back from there by a little, which counted nothing
	twice     bool      // it went back from there by more, and by a little then
	start     int64     // of a share group: its start offset as last read, -1: not read; not kept over a restart
	based     time.Time // of a share group: the round of its first look, while it stands where it stood then
	basedLag  int64

	// the commit lies beyond the end, as it did when it was read before, and the log was not cut: somebody set it there
	beyond  bool
	held    int64 // a commit beyond the end that waits for the next reading of it; -1: none
	lag     int64
	unknown bool // the lag can't be told
	late    bool // there has been something to read for so long that the log's start must be read with the next commit
	seen    bool // it is among the commits that are booked
}

const (
	noCommit   = -1
	lostCommit = -2
)

func newReadPartition() readPartition {
	return readPartition{committed: noCommit, gone: -1, fell: -1, was: -1, high: -1, start: -1, held: -1}
}

// base is from where the next step forward is read.
func (p *readPartition) base() int64 {
	if p.fell >= 0 {
		return p.fell
	}
	return max(p.committed, p.gone)
}

// lose notes that the commit is gone.
func (p *readPartition) lose() {
	was := p.committed
	*p = newReadPartition()
	p.committed, p.was = lostCommit, was
}

// readerGauges are the levels of a reader.
type readerGauges struct {
	lag       int64 // lineage.Unknown: can't be told
	lagMillis int64
	atLeast   bool
	pending   bool
	live      bool
	unplaced  bool  // records wait where it has no position of its own, which lag does not hold
	ahead     int64 // how far the positions are beyond the ends, which were read before them
}

// readerShows are the levels that are told from when they are first more than zero: of most readers they never are.
type readerShows struct{ unplaced, ahead bool }

func newReader(access lineage.Access, kind lineage.EvidenceKind) *reader {
	return &reader{access: access, kind: kind, read: total{told: -1}}
}

// committed returns the offset that the reader last committed, below zero when there is none. A nil reader has
// committed nothing.
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
	// partitions is how many there are.
	partitions() int
	// end returns the partition's end offset as read in this round; ok is false when it was not.
	end(partition int32) (offset int64, ok bool)
	// begin returns the log's start as last read; -1 when it was not.
	begin(partition int32) int64
	// age returns how long the end has been beyond the offset.
	age(partition int32, offset int64) (age time.Duration, atLeast bool)
	// transactional reports whether transactions were written to the topic: their markers are offsets that a reader
	// passes and does not read.
	transactional() bool
	// trailing returns how many of the last offsets of the partition are transactions' markers, at least and at most.
	trailing(partition int32) (sure, most int64)
	// mayBeAborted reports whether the newest transactions on the partition were aborted, or nobody has told: then
	// their records are there, and who reads what is committed never reads them. ask says that it can be found out now.
	mayBeAborted(partition int32) (maybe, ask bool)
	// compacted says whether the log has holes.
	compacted() compaction
	// copied reports whether a replicator writes the topic.
	copied() bool
	// ended returns where the partition ended at an instant, or at the first one that is known, -1 where none is.
	ended(partition int32, at time.Time) int64
	// added reports whether the partition was added to the topic after that was first looked at, in this run.
	added(partition int32) bool
	// seen reports whether the topic was looked at before this round, or was born in it: else its commits may be of any
	// age.
	seen() bool
	// wasCut reports whether the topic is known to have lost records that were in its logs.
	wasCut() bool
}

// spreadLimit is the longest time over which one step of progress is spread, and for which a reader that lives and lags
// is taken to be at work without a commit: twice the slowest commit interval in wide use (60 s, Connect's sinks). Of a
// reader that was seen to commit more seldom it is twice its own.
const spreadLimit = 2 * time.Minute

// lateAfter is how old the oldest record must be that a reader has not read for the log's start to be read each round:
// younger ones are hardly deleted.
const lateAfter = 30 * time.Second

// sightEvery is how often a reader that stands still is told to stand there. Whoever looks back seven days finds it.
const sightEvery = 6 * time.Hour

// groupState is what a round tells of the reader's group.
type groupState struct {
	live    bool      // it has members
	wasLive bool      // it had members in the round before
	nobody  time.Time // newest round before this one in which it was listed without members; zero: none since the start
	reads   bool      // its members have partitions of the topic assigned, or it is not known what they have
	joined  time.Time // the round before the group was first seen; zero: it was there before we looked
	sighted bool      // it was not in sight in the round before it was first seen, and may have been there
	found   time.Time // the first whole reading of its commits; zero: there was none before this round
	whole   time.Time // the newest whole reading of its commits before this round; zero: none since the start
	others  bool      // who leapt may have: its members are not those of the look before, or that is not known
	reborn  bool      // the topic was made again a moment ago, and may have had lives that no look saw
	putBack bool      // the topic's log may be older than at the look before: its offsets stand for other records
}

// from is an instant from which every commit of the group was seen; zero: until this round none was looked for.
func (g groupState) from() time.Time {
	if g.joined.IsZero() {
		return g.found
	}
	return g.joined
}

// observe books the commits of one round. before is the round before it. It returns false, and books nothing, when an
// end that it needs is missing.
func (r *reader) observe(commits []commit, ends topicEnds, g groupState, round, before time.Time) bool {
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
	ctx := r.context(ends, g, round, before)
	r.synced = ctx.copied && !g.live && !g.wasLive && !r.habit.epochs && !ctx.share
	advanced, oldest := false, time.Duration(0)
	for len(r.parts) < ends.partitions() {
		r.parts = append(r.parts, newReadPartition())
	}
	r.bound, r.events, r.gone = "", nil, 0
	moved := int64(0)
	for _, c := range commits {
		if int(c.partition) >= len(r.parts) {
			continue
		}
		r.parts[c.partition].seen = true
		r.overtaken(c, ends, g)
		if base, n, ok := r.book(c, ends, ctx); ok {
			advanced, oldest = true, max(oldest, beyond(ends, c.partition, base))
			moved += n
		}
	}
	r.missed()
	if advanced {
		r.learn(moved, ctx)
		r.from, r.moved, r.touched = later(r.spread(g, round), round.Add(-oldest)), round, true
	}
	r.gauge(commits, ends, g, round)
	return true
}

// gauge measures where the reader stands once the commits of a round are booked.
func (r *reader) gauge(commits []commit, ends topicEnds, g groupState, round time.Time) {
	r.gauges, r.late, r.trails, r.asks = readerGauges{}, false, false, false
	for _, c := range commits {
		if int(c.partition) < len(r.parts) {
			r.measure(c, ends)
		}
	}
	r.uncommitted(ends, g)
	if r.gauges.lag == 0 {
		r.idle = round
	}
	r.lingers = g.live && !g.reads && round.Sub(r.moved) <= spreadLimit // what members have is looked at more seldom
	r.gauges.live = g.live && g.reads || r.lingers || r.alone(round)
	r.gauges.unplaced = r.gauges.unplaced || r.synced
	last := later(r.moved, r.idle)
	r.gauges.pending = r.gauges.live && r.gauges.lag != 0 && !last.IsZero() && round.Sub(last) <= r.habit.patience()
}

// context is what judges the steps of a round.
func (r *reader) context(ends topicEnds, g groupState, round, before time.Time) stepContext {
	c := stepContext{
		groupState: g, share: r.kind == lineage.ShareOffsets, copied: ends.copied(), compacted: ends.compacted(), markers: ends.transactional(),
		tick: round.Sub(before), since: round.Sub(g.from()), habit: r.habit,
	}
	if !r.known.IsZero() {
		c.unseen = max(before.Sub(r.known), 0)
	}
	if last := later(r.moved, r.idle); !last.IsZero() {
		c.pause = round.Sub(last)
	}
	if !ends.seen() {
		c.joined, c.found = time.Time{}, time.Time{}
	}
	return c
}

// alone reports whether somebody reads who was never seen as a member: the steps go on in the rhythm that they had.
func (r *reader) alone(round time.Time) bool {
	return r.habit.alone > 0 && !r.moved.IsZero() && round.Sub(r.moved) <= max(spreadLimit, 2*r.habit.pause)
}

// learn takes a round's steps into the reader's habit.
func (r *reader) learn(n int64, c stepContext) {
	h := &r.habit
	h.most = max(h.most, n/(1+int64(c.unseen/max(c.tick, 1))))
	if c.unseen == 0 {
		h.pause = max(h.pause, min(c.pause, time.Hour))
		h.pauses = [2]time.Duration{h.pauses[1], min(c.pause, time.Hour)}
	}
	if c.live || c.wasLive {
		h.alone = 0
	} else if h.alone < believedAfter {
		h.alone++
	}
}

// missed notes commits that are gone: deleted, expired, or the group was deleted and made again.
func (r *reader) missed() {
	n := 0
	for i := range r.parts {
		p := &r.parts[i]
		if !p.seen && p.committed >= 0 {
			p.lose()
			r.touched = true
			n++
		}
		p.seen = false
	}
	if n > 0 {
		r.note(lineage.OffsetsSet, "the committed offsets of %d partitions are gone: deleted or expired", n)
	}
}

// overtaken notes what was gone of the log before the reader had committed it, as of this round. Who is there may have
// read it.
func (r *reader) overtaken(c commit, ends topicEnds, g groupState) {
	p := &r.parts[c.partition]
	start := ends.begin(c.partition)
	if c.offset < 0 || p.committed < 0 || start <= p.base() || p.fell >= 0 {
		return
	}
	r.gone += start - p.base()
	r.lost.add(start-p.base(), g.live || g.wasLive || r.habit.alone > 0 || c.offset != p.committed || ends.compacted() != notCompacted || ends.transactional())
	if c.offset == p.committed { // it has not gone on yet: what it reads then is read from there
		p.gone, r.touched = start, true
	}
}

// spread returns the start of the span in which the progress that shows in this round can have happened: after the last
// change, after the reader last had nothing left to read, and what members read after nobody was there, if what had
// been read by then was seen in that round or later, but not longer ago than the reader's patience, unless rounds are
// missing for longer than that.
func (r *reader) spread(g groupState, round time.Time) time.Time {
	from, known := later(later(r.moved, r.idle), g.from()), r.known
	if known.IsZero() { // it had no commit on the topic when those of the group were read
		known = g.whole
	}
	if (g.live || g.wasLive) && r.habit.alone == 0 && r.kind != lineage.ShareOffsets && !g.nobody.After(known) {
		from = later(from, g.nobody)
	}
	if limit := round.Add(-r.habit.patience()); from.Before(limit) {
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

// book books one partition's commit. It reports whether it advanced by records read, or perhaps read, from which offset
// and by how many.
func (r *reader) book(c commit, ends topicEnds, ctx stepContext) (base, n int64, advanced bool) {
	p := &r.parts[c.partition]
	end, _ := ends.end(c.partition)
	if c.offset == p.committed || c.offset < 0 && p.committed < 0 {
		beyond := c.offset > end && c.offset >= 0 && p.fell < 0 && (p.beyond || !ends.wasCut())
		if p.beyond && !beyond { // who began anew may have read up to it
			r.read.told, r.bound = -1, cmp.Or(r.bound, boundReached)
		}
		r.touched, p.beyond = r.touched || beyond != p.beyond, beyond
		if p.held >= 0 { // it was taken back, by whoever may have read meanwhile
			r.touched = true
			p.held, r.read.told, r.bound = -1, -1, cmp.Or(r.bound, map[bool]string{false: boundWent, true: boundAhead}[ctx.live || ctx.wasLive])
		}
		if c.offset > end && p.fell < 0 && c.offset >= 0 && !p.beyond {
			// the commit was there before this end was read: the log was truncated
			p.fell, r.touched = end, true
			r.returned.add(c.offset-end, false)
			r.note(lineage.RecordsLost, "partition %d was truncated to %d, and %d is committed: the records between are lost", c.partition, end, c.offset)
		} else if p.fell > end {
			r.returned.add(p.fell-end, false)
			p.fell, r.touched = end, true
		}
		return 0, 0, false
	}
	set := c.offset > end && c.offset == p.held
	if c.offset > end && !set && (ctx.maySet(c) && (p.held < 0 || p.held > end) || ctx.unreachable(c.offset-end)) {
		// it may be ahead of the end, which was read before
		r.touched = true
		p.held, r.read.told, r.bound = c.offset, -1, cmp.Or(r.bound, boundHeld)
		return 0, 0, false
	}
	// Where the end, which was read after its last commit, has not come to that yet, nobody has read up to there.
	anew := p.beyond || p.held >= 0 && !set || p.committed > end && p.fell < 0 && !ends.wasCut()
	r.touched, p.held = true, -1
	r.shifted = r.shifted || p.committed >= 0
	if c.offset < 0 {
		p.lose()
		r.note(lineage.OffsetsSet, "the committed offset of partition %d is gone: deleted or expired", c.partition)
		return 0, 0, false
	}
	s := step{from: p.committed, to: c.offset, set: set, base: p.base(), start: max(ends.begin(c.partition), 0), end: end, fell: p.fell >= 0, epoch: c.leaderEpoch >= 0, waiting: p.lag, was: p.was, then: -1, high: p.high, again: p.again, twice: p.twice, beyond: anew}
	if s.from < 0 {
		s.base = s.start
		s.then, s.added = ends.ended(c.partition, ctx.from()), ends.added(c.partition)
	}
	age, atLeast := ends.age(c.partition, s.base)
	s.age, s.ageKnown = age, !atLeast
	rest, _ := ends.age(c.partition, c.offset)
	s.leapt = s.leaps(ctx.calm(1), rest)
	if set { // what is not there nobody skips
		s.to = max(end, s.from)
	}
	p.committed, p.gone, p.fell, p.was = c.offset, -1, -1, -1
	if s.start > c.offset { // what is between is gone already
		p.gone = s.start
		if s.from < 0 {
			r.gone += s.start - c.offset
			r.lost.add(s.start-c.offset, ctx.live || ctx.somebody() || ends.compacted() != notCompacted || ends.transactional())
		}
	}
	v := judge(s, ctx)
	p.high, p.again, p.twice = s.beenAt(v, ctx)
	p.beyond = set || c.offset > end && v.event != ""
	r.read.add(v.read, v.bound != "")
	if v.read == 0 && strings.HasPrefix(v.bound, "at least") {
		r.read.told = -1 // it may have read some
	}
	if set { // what is written up to there nobody reads or skips
		r.doubted.add(max(c.offset-s.to, 0), false)
	}
	if v.bound != "" && s.from >= 0 { // what it passed and does not count is in doubt too
		r.doubted.add(max(v.read, s.to-s.base-v.skipped), false)
	} else if v.bound != "" {
		r.doubted.add(v.read, false)
	}
	if s.from < 0 && !ctx.from().IsZero() {
		// written and gone since the group appeared: read, passed or lost
		r.doubted.add(max(min(s.start, s.to)-max(s.then, 0), 0), false)
	}
	r.returned.add(s.returned(), false)
	r.skipped.add(v.skipped, v.skipped > 0 && v.bound != "")
	r.bound = cmp.Or(r.bound, v.bound)
	if v.event != "" {
		r.note(lineage.OffsetsSet, "partition %d: %d to %d: %s", c.partition, max(s.from, 0), c.offset, v.event)
	}
	r.habit.epochs = r.habit.epochs || s.epoch
	r.habit.plain = r.habit.plain || v.moved && !s.epoch && ctx.plainly()
	r.habit.brief = r.habit.brief || v.moved && !ctx.live && !ctx.wasLive && !ctx.share
	if s.from < 0 && s.then > s.start && s.to > s.start && s.to < s.then && (s.epoch || ctx.live) {
		r.habit.started = true
	}
	return s.base, v.read, v.moved
}
