package mirror

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// book is the account of one topic of a source as a dedicated MirrorMaker 2 copies it: what its offsets advanced, and how far they are behind.
//
// It commits offsets each minute (offset.flush.interval.ms), so progress comes in steps. A step is spread over the time in which it can have happened: since the commit before, and since
// nothing was left to copy. It is pure bookkeeping and not safe for concurrent use.
type book struct {
	access lineage.Access
	parts  map[int32]int64 // offset of the last record copied

	n, told   int64 // told: as last put into a sample; -1: never
	estimated bool  // what was added since it was last told is a bound

	began time.Time // when the copying can have begun: the first round
	from  time.Time // start of the span over which the newest advance is spread
	moved time.Time // newest round in which an offset advanced
	idle  time.Time // newest round in which nothing was left to copy
	known time.Time // newest round in which the offsets were read
	dirty bool      // what the position holds changed

	lag, pending         int64
	lagTold, pendingTold int64 // -1: never
}

// spreadLimit is the longest time over which one step is spread, and for which a replication that lives and lags is taken to be at work without a commit: twice the usual commit interval.
const spreadLimit = 2 * time.Minute

func newBook(access lineage.Access) *book {
	return &book{access: access, parts: map[int32]int64{}, told: -1, lagTold: -1, pendingTold: -1}
}

// reading is what one round tells of a topic that is copied.
type reading struct {
	offsets map[int32]int64 // of the last records copied, by partition
	ends    []int64         // of the source's partitions, -1 not known; nil: none known
	copies  []int64         // ends of the copy's partitions, the same way
	// origin: a partition whose first offset shows now had none when we looked before, so what lies before it was copied since then. certain: MirrorMaker 2 can't have been copying it already.
	origin, certain bool
	running         bool
	round           time.Time
	interval        time.Duration
}

// observe books one round and reports whether records moved.
func (b *book) observe(r reading) bool {
	if b.began.IsZero() {
		b.began, b.dirty = r.round, true
	}
	advanced := false
	for part, offset := range r.offsets {
		prev, had := b.parts[part]
		if had && prev == offset {
			continue
		}
		b.parts[part], b.dirty = offset, true
		switch {
		case had && offset > prev:
			b.n += offset - prev
			advanced = true
		case had: // set back, or a topic made anew: what is copied from here on is counted
		case r.origin:
			n, certain := first(part, offset, r.copies)
			b.n += n
			b.estimated = b.estimated || !certain || !r.certain
			advanced = advanced || n > 0
		}
	}
	if advanced {
		b.from, b.moved = b.spread(r), r.round
	}
	b.measure(r)
	b.known = r.round
	return advanced
}

// first returns how many records were copied when a partition's first offset shows: all up to it, where the source's log began at zero. It can't be more than what the copy holds, which tells
// when it did not.
func first(part int32, offset int64, copies []int64) (n int64, certain bool) {
	n = offset + 1
	if int(part) >= len(copies) || copies[part] < 0 {
		return n, false
	}
	return min(n, copies[part]), copies[part] >= n
}

// spread returns the start of the span in which the progress that shows now can have happened.
func (b *book) spread(r reading) time.Time {
	from := b.idle
	if !b.moved.IsZero() {
		from = later(from, b.moved.Add(-r.interval)) // the commit before was made in the round that ended then
	}
	if limit := r.round.Add(-spreadLimit); from.Before(limit) {
		from = limit
		if !b.known.IsZero() && b.known.Before(limit) {
			from = b.known // nobody looked for longer than that
		}
	}
	return later(from, b.began.Add(-r.interval))
}

// measure computes the gauges. A partition without an offset is no lag in records, since nobody knows where its copying will begin, but there is something to copy.
func (b *book) measure(r reading) {
	if r.ends == nil {
		b.pending = 0
		return
	}
	left := false
	b.lag = 0
	for part, end := range r.ends {
		offset, known := b.parts[int32(part)]
		if known && end >= 0 {
			b.lag += max(end-offset-1, 0)
		}
		left = left || !known && end > 0
	}
	if left = left || b.lag > 0; !left {
		b.idle = r.round
	}
	b.pending = 0
	if last := later(later(b.moved, b.idle), b.began); r.running && left && r.round.Sub(last) <= spreadLimit {
		b.pending = 1
	}
}

// tell returns the samples of a round. before is the round before it.
func (b *book) tell(before time.Time, endsKnown bool) (samples []lineage.Sample) {
	if b.n != b.told {
		s := lineage.Sample{Subject: b.access, Metric: lineage.Records, Evidence: lineage.Mirror, Value: b.n, Estimated: b.estimated}
		if b.n > 0 && b.from.Before(before) {
			s.Since = b.from
		}
		samples = append(samples, s)
		b.told, b.estimated, b.dirty = b.n, false, true
	}
	if endsKnown && b.lag != b.lagTold {
		samples = append(samples, lineage.Sample{Subject: b.access, Metric: lineage.Lag, Value: b.lag})
		b.lagTold = b.lag
	}
	if b.pending != b.pendingTold {
		samples = append(samples, lineage.Sample{Subject: b.access, Metric: lineage.Pending, Value: b.pending})
		b.pendingTold = b.pending
	}
	return samples
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
