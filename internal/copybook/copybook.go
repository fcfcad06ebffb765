// Package copybook keeps the account of what MirrorMaker 2 copies of one topic, from the offsets of its source connector: how many records, since when, how far behind.
//
// It hides that offsets come in steps, may be set back, begin somewhere, and count the markers of transactions too. It is pure bookkeeping: readings go in, samples come out. It refuses to guess beyond what the copy can hold. Whoever reads offsets uses it,
// through Connect's REST interface or from MirrorMaker 2's own topics.
package copybook

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/internal/pastend"
	"github.com/lineaged/lineaged/lineage"
)

// Book is the account of one topic of a source as MirrorMaker 2 copies it: what its offsets advanced, and how far they are behind.
//
// It commits offsets each minute (offset.flush.interval.ms), so progress comes in steps. A step is spread over the time in which it can have happened: since the commit before, and since
// nothing was left to copy. It is pure bookkeeping and not safe for concurrent use.
type Book struct {
	Access   lineage.Access
	evidence lineage.EvidenceKind
	parts    map[int32]int64 // offset of the last record copied
	fresh    map[int32]freshPart
	marked   map[int32]marked           // of a topic with transactions
	ends     map[int32]*pastend.History // of the source; not kept over a restart

	n, told   int64 // told: as last put into a sample; -1: never
	estimated bool  // what was added since it was last told is a bound

	began time.Time // when the copying can have begun: the first round
	from  time.Time // start of the span over which the newest advance is spread
	moved time.Time // newest round in which an offset advanced
	idle  time.Time // newest round in which nothing was left to copy
	known time.Time // newest round in which the offsets were read
	Dirty bool      // what Encode writes changed

	now, said gauges // as of the newest round, and as last told
}

// SpreadLimit is the longest time over which one step is spread, and for which a replication that lives and lags is taken to be at work without a commit: twice the usual commit interval.
const SpreadLimit = 2 * time.Minute

// Certain reports whether a replication that was first looked at in one round can't have been at work, without offsets, before it was: it appeared while we looked, or its usual commits would have shown since.
func Certain(born bool, began, round time.Time) bool {
	return born || round.Sub(began) > SpreadLimit
}

// gauges are a book's levels; in what was told, -1 is never.
type gauges struct{ lag, lagMillis, atLeast, pending int64 }

// freshPart is a partition's first offset, and when it was seen. What it counts is not decided yet; it is not kept over a restart.
type freshPart struct {
	offset int64
	round  time.Time
}

// marked is what a partition needs whose offsets are not all records. A transaction leaves a marker behind its records, which is an offset that nobody copies.
type marked struct {
	upTo int64 // end of the copy up to which its records are counted; -1: not known
	owed int64 // offsets that are passed and not counted: markers, and records that the copy's end did not show yet. It is not kept over a restart
}

// New returns an empty book. evidence is what its counts rest on.
func New(access lineage.Access, evidence lineage.EvidenceKind) *Book {
	return &Book{Access: access, evidence: evidence, parts: map[int32]int64{}, fresh: map[int32]freshPart{}, marked: map[int32]marked{}, ends: map[int32]*pastend.History{}, told: -1, said: gauges{-1, -1, -1, -1}}
}

// Reading is what one round tells of a topic that is copied.
type Reading struct {
	Offsets map[int32]int64 // of the last records copied, by partition
	Ends    []int64         // of the source's partitions, -1 not known; nil: none known
	Copies  []int64         // ends of the copy's partitions, the same way; nil also where it has markers of its own, as that of a MirrorMaker 2 that writes exactly once
	// Transactional: transactions were written to the source, so that some offsets are markers.
	Transactional bool
	// Origin: a partition whose first offset shows now had none when we looked before, so what lies before it was copied since then. Certain: MirrorMaker 2 can't have been copying it already.
	Origin, Certain bool
	Running         bool
	Round           time.Time
	Interval        time.Duration
}

// Observe books one round and reports whether records moved.
func (b *Book) Observe(r Reading) bool {
	if b.began.IsZero() {
		b.began, b.Dirty = r.Round, true
	}
	r.Transactional = r.Transactional || len(b.marked) > 0 // where ends are not told now, the markers are there all the same
	advanced := false
	for part, offset := range r.Offsets {
		if part >= 0 && b.observePart(part, offset, r) {
			advanced = true
		}
	}
	if advanced {
		b.from, b.moved = b.spread(r), r.Round
	}
	b.measure(r)
	b.known = r.Round
	return advanced
}

// observePart books one partition's offset and reports whether records moved.
func (b *Book) observePart(part int32, offset int64, r Reading) bool {
	prev, had := b.parts[part]
	if !had && r.Origin && !b.settle(part, offset, r) {
		return false
	}
	if !had || prev != offset {
		b.parts[part], b.Dirty = offset, true
	}
	n := int64(0)
	switch {
	case had && r.Transactional:
		n = b.advanceMarked(part, max(offset-prev, 0), r)
	case had: // one that is set back, or of a topic made anew: what is copied from here on is counted
		n = max(offset-prev, 0)
	case r.Origin:
		at := b.fresh[part].offset
		delete(b.fresh, part)
		var certain bool
		n, certain = first(part, at, r.Copies)
		b.estimated = b.estimated || !certain || !r.Certain
		if r.Transactional {
			b.marked[part] = marked{upTo: n, owed: at + 1 - n}
			n += b.advanceMarked(part, max(offset-at, 0), r)
		} else {
			n += max(offset-at, 0)
		}
	case r.Transactional:
		b.marked[part] = marked{upTo: end(r.Copies, part)}
	}
	b.n += n
	return n > 0
}

// advanceMarked returns how many of the offsets that a partition with transactions advanced are records: no more than its copy has grown, since a copy has no markers.
func (b *Book) advanceMarked(part int32, advance int64, r Reading) int64 {
	m, known := b.marked[part]
	if !known {
		m.upTo = -1 // the first transactions, or the first round after a restart without a copy
	}
	copied := end(r.Copies, part)
	m.owed += advance
	n := m.owed
	switch {
	case copied < 0 && advance == 0:
		return 0 // what is owed waits for the copy's end, as long as that is seen now and then
	case copied < 0 || m.upTo < 0: // nobody can tell
		m.upTo, m.owed = copied, 0
	default:
		m.upTo = min(m.upTo, copied) // less than it was: a copy made anew
		n = min(n, copied-m.upTo)
		m.upTo, m.owed = m.upTo+n, m.owed-n
	}
	b.Dirty = b.Dirty || b.marked[part] != m
	b.marked[part] = m
	b.estimated = b.estimated || n > 0
	return n
}

// end returns the end of a partition, -1 where it is not known.
func end(ends []int64, part int32) int64 {
	if int(part) >= len(ends) {
		return -1
	}
	return ends[part]
}

// settle reports whether it can be said how many records a partition's first offset stands for: its copy holds all up to it, or holds less although its end was surely read later.
func (b *Book) settle(part int32, offset int64, r Reading) bool {
	at, waits := b.fresh[part]
	if !waits {
		at = freshPart{offset, r.Round}
		b.fresh[part] = at
	}
	_, whole := first(part, at.offset, r.Copies)
	return whole || r.Round.Sub(at.round) >= 2*r.Interval
}

// first returns how many records were copied when a partition's first offset shows: all up to it, where the source's log began at zero. It can't be more than what the copy holds, which tells
// when it did not.
func first(part int32, offset int64, copies []int64) (n int64, certain bool) {
	n = offset + 1
	copied := end(copies, part)
	if copied < 0 {
		return n, false
	}
	return min(n, copied), copied >= n
}

// spread returns the start of the span in which the progress that shows now can have happened.
func (b *Book) spread(r Reading) time.Time {
	from := b.idle
	if !b.moved.IsZero() {
		from = later(from, b.moved.Add(-r.Interval)) // the commit before was made in the round that ended then
	}
	if limit := r.Round.Add(-SpreadLimit); from.Before(limit) {
		from = limit
		if !b.known.IsZero() && b.known.Before(limit) {
			from = b.known // nobody looked for longer than that
		}
	}
	return later(from, b.began.Add(-r.Interval))
}

// measure computes the gauges. A partition without an offset is no lag in records, since nobody knows where its copying will begin, but there is something to copy.
func (b *Book) measure(r Reading) {
	b.now.pending = 0
	if r.Ends == nil {
		return
	}
	left := false
	b.now = gauges{}
	for part, end := range r.Ends {
		offset, known := b.parts[int32(part)]
		left = left || !known && end > 0
		next := offset + 1
		if r.Transactional {
			next++ // one offset behind the last record is its transaction's marker, and nothing that is left to copy
		}
		if end >= 0 {
			b.measurePart(int32(part), end, next, known, r.Round)
		}
	}
	if left = left || b.now.lag > 0; !left {
		b.idle = r.Round
	}
	if last := later(later(b.moved, b.idle), b.began); r.Running && left && r.Round.Sub(last) <= SpreadLimit {
		b.now.pending = 1
	}
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
	if b.n != b.told {
		s := lineage.Sample{Subject: b.Access, Metric: lineage.Records, Evidence: b.evidence, Value: b.n, Estimated: b.estimated}
		if b.n > 0 && b.from.Before(before) {
			s.Since = b.from
		}
		samples = append(samples, s)
		b.told, b.estimated, b.Dirty = b.n, false, true
	}
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
	}
	gauge(lineage.Pending, b.now.pending, &b.said.pending)
	return samples
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Encode returns what a book needs to go on after a restart: varints as in encoding/binary, times in Unix milliseconds, 0 for none.
//
//	v count  v told (-1 never)  uv estimated  v began  v moved  v idle  uv partitions { v partition  v offset of the last record copied }*
//	[ uv partitions { v partition  v end of the copy up to which its records are counted (-1 not known) }* ]   where transactions are written
func (b *Book) Encode() []byte {
	out := binary.AppendVarint(nil, b.n)
	out = binary.AppendVarint(out, b.told)
	out = binary.AppendUvarint(out, map[bool]uint64{true: 1}[b.estimated])
	for _, t := range [...]time.Time{b.began, b.moved, b.idle} {
		ms := int64(0)
		if !t.IsZero() {
			ms = t.UnixMilli()
		}
		out = binary.AppendVarint(out, ms)
	}
	out = binary.AppendUvarint(out, uint64(len(b.parts)))
	for _, part := range slices.Sorted(maps.Keys(b.parts)) {
		out = binary.AppendVarint(out, int64(part))
		out = binary.AppendVarint(out, b.parts[part])
	}
	if len(b.marked) == 0 {
		return out
	}
	out = binary.AppendUvarint(out, uint64(len(b.marked)))
	for _, part := range slices.Sorted(maps.Keys(b.marked)) {
		out = binary.AppendVarint(out, int64(part))
		out = binary.AppendVarint(out, b.marked[part].upTo)
	}
	return out
}

// Decode takes what Encode wrote into a new book. round is the newest round that was stored.
func (b *Book) Decode(value []byte, round time.Time) error {
	bad := false
	next := func() int64 {
		v, n := binary.Varint(value)
		bad = bad || n <= 0
		value = value[max(n, 0):]
		return v
	}
	count := func() uint64 {
		v, n := binary.Uvarint(value)
		bad = bad || n <= 0
		value = value[max(n, 0):]
		return v
	}
	instant := func() time.Time {
		if ms := next(); ms != 0 {
			return time.UnixMilli(ms).UTC()
		}
		return time.Time{}
	}
	b.n, b.told, b.estimated = next(), next(), count() != 0
	b.began, b.moved, b.idle, b.known = instant(), instant(), instant(), round
	pairs := func(put func(part int32, v int64)) {
		n := count()
		bad = bad || n > uint64(len(value))
		for i := uint64(0); i < n && !bad; i++ {
			part := int32(next())
			put(part, next())
		}
	}
	pairs(func(part int32, offset int64) { b.parts[part] = offset })
	if len(value) > 0 {
		pairs(func(part int32, upTo int64) { b.marked[part] = marked{upTo: upTo} })
	}
	if bad || len(value) > 0 {
		return errors.New("position is cut short or corrupt")
	}
	return nil
}
