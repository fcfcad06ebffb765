// Package copybook keeps the account of what MirrorMaker 2 copies of one topic, from the offsets of its source
// connector: how many records, since when, how far behind, and what it passed without copying it.
//
// It hides that offsets come in steps, may be set, begin somewhere, count the markers of transactions and the holes of
// a compacted log too, and jump over what was deleted before it was copied: what the copy has grown tells, and where
// the source's log begins. It is pure bookkeeping: readings go in, samples come out. It refuses to guess beyond what
// the copy can hold. Whoever reads offsets uses it, through Connect's REST interface or from MirrorMaker 2's own
// topics.
package copybook

import (
	"time"

	"github.com/lineaged/lineaged/internal/pastend"
	"github.com/lineaged/lineaged/lineage"
)

// Book is the account of one topic of a source as MirrorMaker 2 copies it: what its offsets advanced, and how far they
// are behind.
//
// It commits offsets each minute (offset.flush.interval.ms), so progress comes in steps. A step is spread over the time
// in which it can have happened: since the commit before, and since nothing was left to copy. It is pure bookkeeping
// and not safe for concurrent use.
type Book struct {
	Access   lineage.Access
	evidence lineage.EvidenceKind
	parts    map[int32]*part
	fresh    map[int32]freshPart
	marked   bool                       // transactions were written to the source
	ends     map[int32]*pastend.History // of the source; not kept over a restart
	// partitions that were empty while it was copied: what comes is copied from the start. It is not kept over a
	// restart
	empty map[int32]bool

	copied, lost, skipped total
	// those of copied that were gone from the source's log before it was told that they were copied: what the copy grew
	// by stands for them, which may have come twice
	doubted total
	// records of decided passages by the round that showed them, until those of all partitions are: MirrorMaker 2
	// commits them together
	ready map[time.Time]ready
	// why the newest estimate is one; empty: there was none. It is not kept over a restart
	doubt  string
	events []lineage.Event

	began time.Time // when the copying can have begun: the first round
	from  time.Time // start of the span over which the newest advance is spread
	moved time.Time // newest round in which an offset advanced
	idle  time.Time // newest round in which nothing was left to copy
	// since when what was copied before a partition's first offset was read is not counted; zero: that was told
	unread time.Time
	shown  time.Time // newest round in which an offset was passed; it is not kept over a restart
	since  time.Time // of the round: since when what it shows can have been copied
	back   time.Time // of the round: since when what it counts can have been; zero: as since
	known  time.Time // newest round in which the offsets were read
	Dirty  bool      // what Encode writes changed

	now, said gauges // as of the newest round, and as last told
}

// total is a count, and what of it was told.
type total struct {
	n, told   int64 // told: as last put into a sample; -1: never
	estimated bool  // what was added since it was last told is a bound
}

func (t *total) add(n int64, estimated bool) {
	t.n += n
	t.estimated = t.estimated || estimated && n > 0
}

// SpreadLimit is the longest time over which one step is spread, and for which a replication that lives and lags is
// taken to be at work without a commit: twice the usual commit interval.
const SpreadLimit = 2 * time.Minute

// Certain reports whether a replication that was first looked at in one round can't have been at work, without offsets,
// before it was: it appeared while we looked, or its usual commits would have shown since.
func Certain(born bool, began, round time.Time) bool {
	return born || round.Sub(began) > SpreadLimit
}

// gauges are a book's levels; in what was told, -2 is never.
type gauges struct{ lag, lagMillis, atLeast, pending, unplaced int64 }

const neverSaid = -2

// freshPart is a partition's first offset, and when it was seen. What it counts is not decided yet; it is not kept over
// a restart.
type freshPart struct {
	offset int64
	round  time.Time
	since  time.Time // see passage
}

// New returns an empty book. evidence is what its counts rest on.
func New(access lineage.Access, evidence lineage.EvidenceKind) *Book {
	return &Book{
		Access: access, evidence: evidence, parts: map[int32]*part{}, ready: map[time.Time]ready{}, fresh: map[int32]freshPart{}, ends: map[int32]*pastend.History{}, empty: map[int32]bool{},
		copied: total{told: -1}, said: gauges{neverSaid, neverSaid, neverSaid, neverSaid, neverSaid},
	}
}

// Reading is what one round tells of a topic that is copied.
type Reading struct {
	Offsets map[int32]int64 // of the last records copied, by partition
	Ends    []int64         // of the source's partitions, -1 not known; nil: none known
	Starts  []int64         // where the source's partitions begin, the same way, as they were in the round StartsAt
	// ends of the copy's partitions, the same way; nil also where it has markers of its own, as that of a MirrorMaker 2
	// that writes exactly once
	Copies []int64
	// Transactional: transactions were written to the source, so that some offsets are markers. Compacted: its log has
	// holes.
	Transactional, Compacted bool
	StartsAt                 time.Time // zero: starts are not read
	// Origin: a partition whose first offset shows now had none when we looked before, so what lies before it was
	// copied since then. Certain: MirrorMaker 2 can't have been copying it already.
	Origin, Certain bool
	// Unread is since when it was seen to replicate, also while its offsets were not read; zero: not told.
	Unread   time.Time
	Running  bool
	Round    time.Time
	Interval time.Duration
}

// Observe books one round and reports whether records moved.
func (b *Book) Observe(r Reading) bool {
	if b.began.IsZero() {
		b.began, b.Dirty = r.Round, true
	}
	r.Transactional = r.Transactional || b.marked // where ends are not told now, the markers are there all the same
	b.Dirty = b.Dirty || r.Transactional != b.marked
	b.marked = r.Transactional
	b.since, b.back = b.spread(r), time.Time{}
	advanced, passed := false, b.passed()
	for part, offset := range r.Offsets {
		if part >= 0 && b.observePart(part, offset, r) {
			advanced = true
		}
	}
	if !r.Running {
		b.missAll(r)
	}
	advanced = b.release() || advanced
	if advanced {
		b.from, b.moved = b.since, r.Round
		if !b.back.IsZero() {
			b.from = b.back
		}
	}
	if b.passed() != passed {
		b.shown = r.Round
	}
	b.measure(r)
	b.known = r.Round
	return advanced
}

// observePart books one partition's offset and reports whether records moved.
func (b *Book) observePart(number int32, offset int64, r Reading) bool {
	p, had := b.parts[number]
	copied := end(r.Copies, number)
	switch {
	case had:
		was := p.state
		b.step(p, number, offset, r)
		n := b.decide(p, number, r)
		b.copied.n += n
		b.Dirty = b.Dirty || was != p.state || n > 0 || len(b.ready) > 0
		return n > 0
	case !r.Origin:
		b.parts[number], b.Dirty = &part{state: state{offset: offset, done: offset, upTo: copied}}, true
		if !r.Unread.IsZero() && r.Unread.Before(r.Round) && b.copied.told < 0 {
			b.unread = r.Unread
			b.estimate("at least: what was copied before its offsets could be read is not counted")
		}
		return false
	case !b.settle(number, offset, r):
		return false
	}
	seen := b.fresh[number]
	at := seen.offset
	delete(b.fresh, number)
	n, certain := first(number, at, r)
	b.reach(n, seen.since)
	b.copied.estimated = b.copied.estimated || !certain || !r.Certain || r.Transactional && n > 0
	if !certain && n > 0 {
		b.say("at most: what was copied before its offsets showed can't be told from them, and its copy holds less than they count, or is not watched")
	}
	p = &part{state: state{offset: at, done: at, upTo: n, sure: copied >= 0}}
	if copied < 0 {
		p.upTo = -1
	}
	if r.Transactional {
		p.owed = at + 1 - n
	}
	b.parts[number], b.Dirty = p, true
	b.copied.n += n
	b.step(p, number, offset, r)
	n += b.decideAdded(p, number, r)
	return n > 0
}

// decideAdded is decide, of which the records are added.
func (b *Book) decideAdded(p *part, number int32, r Reading) int64 {
	n := b.decide(p, number, r)
	b.copied.n += n
	return n
}

// end returns the end of a partition, -1 where it is not known.
func end(ends []int64, part int32) int64 {
	if int(part) >= len(ends) {
		return -1
	}
	return ends[part]
}

// settle reports whether it can be said how many records a partition's first offset stands for: its copy holds all up
// to it, or holds less although its end was surely read later.
func (b *Book) settle(part int32, offset int64, r Reading) bool {
	at, waits := b.fresh[part]
	if !waits {
		at = freshPart{offset, r.Round, b.since}
		b.fresh[part] = at
	}
	_, whole := first(part, at.offset, r)
	return whole || r.Round.Sub(at.round) >= settledAfter*r.Interval
}

// first returns how many records were copied when a partition's first offset shows: all up to it, where the source's
// log began at zero. It can't be more than what the copy holds, which tells when it did not; where that is not watched,
// no more than the source's log holds.
func first(part int32, offset int64, r Reading) (n int64, certain bool) {
	n = offset + 1
	copied := end(r.Copies, part)
	if copied < 0 {
		return max(n-max(end(r.Starts, part), 0), 0), false
	}
	return min(n, copied), copied >= n
}

// passed returns a sum of all offsets, which differs when any was passed.
func (b *Book) passed() (sum int64) {
	for _, p := range b.parts {
		sum += p.offset + 1
	}
	for _, x := range b.fresh {
		sum += x.offset + 1
	}
	return sum
}

// spread returns the start of the span in which the progress that shows now can have happened.
func (b *Book) spread(r Reading) time.Time {
	from := b.idle
	last := b.shown // what it showed may have been counted later
	if last.IsZero() {
		last = b.moved
	}
	if !last.IsZero() {
		from = later(from, last.Add(-r.Interval)) // the commit before was made in the round that ended then
	}
	if limit := r.Round.Add(-SpreadLimit); from.Before(limit) {
		from = limit
		if !b.known.IsZero() && b.known.Before(limit) {
			from = b.known // nobody looked for longer than that
		}
	}
	return later(from, b.began.Add(-r.Interval))
}

// measure computes the gauges. Where a partition has no offset nobody knows how much of it waits: while MirrorMaker 2
// runs it may have copied all of it since its last commit, and one that never committed begins where it is told to. Of
// one that does not run any more what waits in the others is told.
func (b *Book) measure(r Reading) {
	b.now.pending = 0
	if r.Ends == nil {
		return
	}
	left, unknown := false, false
	b.now = gauges{}
	for number, end := range r.Ends {
		p, told := b.parts[int32(number)]
		left = left || !told && end > 0
		next, known := b.next(int32(number), end, r)
		if !known && end > next {
			b.now.unplaced = 1 // nobody knows where its copying will begin
		}
		if told {
			unknown = unknown || p.isBeyond(end, r)
		}
		if r.Transactional {
			next++ // one offset behind the last record is its transaction's marker, and nothing that is left to copy
		}
		if end >= 0 {
			b.measurePart(int32(number), end, next, known, r.Round)
		}
	}
	if left = left || b.now.lag > 0; !left {
		b.idle = r.Round
	}
	if last := later(later(b.moved, b.idle), b.began); r.Running && left && r.Round.Sub(last) <= SpreadLimit || b.Undecided() {
		b.now.pending = 1
	}
	if unknown = unknown || b.now.unplaced == 1 && (r.Running || len(b.parts) == 0); unknown {
		b.now.lag, b.now.lagMillis, b.now.atLeast = lineage.Unknown, lineage.Unknown, lineage.Unknown
	}
}

// next returns from which offset on a partition is not copied, by its newest offset or, where it has none, its start.
// known is false where that is not known: it has something to copy, and had when it was first looked at, or while
// nothing copied.
func (b *Book) next(part int32, end int64, r Reading) (next int64, known bool) {
	next = startOf(r, part)
	if p, told := b.parts[part]; told {
		return max(p.offset+1, next), true
	}
	if offset, told := r.Offsets[part]; told {
		return max(offset+1, next), true
	}
	if end >= 0 && end <= next && r.Running {
		b.empty[part] = true
	}
	return next, b.empty[part]
}

// measurePart adds the lag of one partition of which all before next is copied. The one furthest behind in time counts.
func (b *Book) measurePart(part int32, end, next int64, known bool, round time.Time) {
	past := b.ends[part]
	if past == nil {
		past = &pastend.History{}
		b.ends[part] = past
	}
	past.Add(round, end)
	if !known || end <= next {
		return
	}
	b.now.lag += end - next
	age, atLeast := past.Age(round, next)
	if late := age.Milliseconds(); late > b.now.lagMillis {
		b.now.lagMillis, b.now.atLeast = late, 0
	}
	if atLeast && age.Milliseconds() == b.now.lagMillis {
		b.now.atLeast = 1
	}
}

// Tell returns the samples of a round. before is the round before it.
func (b *Book) Tell(before time.Time, endsKnown bool) (samples []lineage.Sample) {
	if b.copied.n != b.copied.told {
		s := lineage.Sample{Subject: b.Access, Metric: lineage.Records, Evidence: b.evidence, Value: b.copied.n, Estimated: b.copied.estimated}
		if b.copied.n > 0 && b.from.Before(before) {
			s.Since = b.from
		}
		if b.unread.Before(before) && !b.unread.IsZero() && (s.Since.IsZero() || b.unread.Before(s.Since)) {
			s.Since = b.unread
		}
		b.unread = time.Time{}
		samples = append(samples, s)
		b.copied.told, b.copied.estimated, b.Dirty = b.copied.n, false, true
	}
	missed := func(m lineage.Metric, t *total) {
		if t.n != t.told {
			samples = append(samples, lineage.Sample{Subject: b.Access, Metric: m, Value: t.n, Estimated: t.estimated})
			t.told, t.estimated, b.Dirty = t.n, false, true
		}
	}
	missed(lineage.Lost, &b.lost)
	missed(lineage.Skipped, &b.skipped)
	missed(lineage.Doubted, &b.doubted)
	gauge := func(m lineage.Metric, value int64, said *int64) {
		if value != *said {
			samples = append(samples, lineage.Sample{Subject: b.Access, Metric: m, Value: value})
			*said = value
		}
	}
	if endsKnown {
		gauge(lineage.Lag, b.now.lag, &b.said.lag)
		gauge(lineage.LagMillis, b.now.lagMillis, &b.said.lagMillis)
		gauge(lineage.LagAtLeast, b.now.atLeast, &b.said.atLeast)
		gauge(lineage.Unplaced, b.now.unplaced, &b.said.unplaced)
	}
	gauge(lineage.Pending, b.now.pending, &b.said.pending)
	return samples
}

// Detail returns how, what the source says of how the replication is known, with why the newest estimate is one.
func (b *Book) Detail(how string) string {
	if b.doubt == "" {
		return how
	}
	return how + "; " + b.doubt
}

// Events returns what happened since the last call.
func (b *Book) Events() []lineage.Event {
	events := b.events
	b.events = nil
	return events
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
