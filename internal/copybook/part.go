package copybook

import (
	"fmt"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file decides what became of the offsets that a partition's replication has passed: copied, gone before it came,
// passed over, or no records at all.

// part is one partition's account.
type part struct {
	state
	// not decided, the oldest first. They are not kept over a restart: done is then where the oldest begins
	passed []passage
	beyond time.Time // since when the offset lies beyond the source's end; zero: it does not
	moved  time.Time // when the offset changed last; zero: not since the start
	calm   calm
}

// calm is when nothing was left to copy, as it seemed, and the end of the copy as it was read then. The zero value:
// something is left.
type calm struct {
	since  time.Time
	copied int64
}

// state is what is kept of a partition over a restart, but for owed and newest.
type state struct {
	offset int64 // of the last record copied, as read
	// offset up to which all was passed: it is beyond offset where what follows was gone while nobody copied
	done int64
	upTo int64 // end of the copy up to which its records are counted; -1: not known
	// upTo is exact: the offsets were known from their first on, or once when nothing was left to copy. Else the copy
	// may have held records beyond the offset
	sure bool
	// offsets that were gone and were not told as lost, since the copy had grown by as much: what it had copied beyond
	// the offset may be among that
	hidden int64
	// Of a topic with transactions: offsets that are passed and not counted, which are markers, and records that the
	// copy's end did not show yet. newest is the newest step, from is -1 once it is decided what of it was gone.
	owed   int64
	newest passage
}

// passage is offsets that were passed in a round, those behind from. Of n it is not known what became of them, took
// were copied; they count once it is known of all, as moved since the time before which they can't have been copied.
type passage struct {
	from, n, took int64
	round, since  time.Time
	again         bool // the offsets went back, so that not all of these need have been copied again
}

const (
	// settledAfter is after how many intervals the copy's end has surely been read later than the offsets: the board
	// tells of the round before, and a source may be late.
	settledAfter = 3
	// startsWithin is how long is waited for the source's start to be read again, at most: it is read each minute, and
	// sooner where somebody asks.
	startsWithin = 90 * time.Second
)

// open returns how many offsets are passed and not decided, and how many of those are known to be copied.
func (p *part) open() (n, took int64) {
	for _, x := range p.passed {
		n, took = n+x.n+x.took, took+x.took
	}
	return n, took
}

// Undecided reports whether of some offsets it is not decided what became of them. Then the source's starts should be
// read.
func (b *Book) Undecided() bool {
	for _, p := range b.parts {
		if len(p.passed) > 0 {
			return true
		}
	}
	return false
}

// startOf returns where a partition of the source begins, 0 where that is not known.
func startOf(r Reading, part int32) int64 { return max(end(r.Starts, part), 0) }

// step notes which offsets were passed since the last reading.
func (b *Book) step(p *part, number int32, offset int64, r Reading) {
	switch {
	case offset == p.offset && p.offset <= p.done && !p.behind():
		return
	case offset > p.done:
		b.pass(p, passage{from: p.done, n: offset - p.done, round: r.Round})
	case offset < p.offset: // set back, or of a topic made anew: what was copied again since then only its copy tells
		b.events = append(b.events, b.event(r, lineage.OffsetsSet, fmt.Sprintf("partition %d: the offsets of the replication went back from %d to %d: they were set, or the topic was made anew", number, p.offset, offset)))
		from := min(startOf(r, number)-1, offset)
		_, took := p.open()
		b.copied.n += took
		p.passed = nil
		b.pass(p, passage{from: from, n: offset - from, round: r.Round, again: true})
		p.done = offset
	}
	p.offset, p.done, p.moved = offset, max(p.done, offset), r.Round
}

// behind reports whether the part was restored with offsets that were not decided.
func (p *part) behind() bool { return p.done < p.offset }

func (b *Book) pass(p *part, x passage) {
	x.since = b.since
	p.passed = append(p.passed, x)
}

// release counts the records of the passages that are decided in all partitions, and reports whether there were any.
func (b *Book) release() (moved bool) {
	oldest := time.Time{}
	for _, p := range b.parts {
		if len(p.passed) > 0 && (oldest.IsZero() || p.passed[0].round.Before(oldest)) {
			oldest = p.passed[0].round
		}
	}
	for round, x := range b.ready {
		if oldest.IsZero() || round.Before(oldest) {
			b.copied.n += x.n
			delete(b.ready, round)
			moved, b.Dirty = moved || x.n > 0, true
			b.reach(x.n, x.since)
		}
	}
	return moved
}

// ready are records of decided passages.
type ready struct {
	n     int64
	since time.Time
}

// prepare makes the records of a passage ready to be counted with those of the other partitions.
func (b *Book) prepare(x passage) {
	is := b.ready[x.round]
	b.ready[x.round] = ready{is.n + x.took, x.since}
}

// reach has what is counted in this round reach back to when it can have been copied.
func (b *Book) reach(n int64, since time.Time) {
	if n > 0 && !since.IsZero() && (b.back.IsZero() || since.Before(b.back)) {
		b.back = since
	}
}

// decide returns how many of the offsets that were passed are records that were copied and count at once; those of
// whole passages are ready. What can't be decided yet waits.
func (b *Book) decide(p *part, number int32, r Reading) int64 {
	if b.marked {
		if len(p.passed) > 0 {
			all, took := p.open()
			p.owed, p.newest, p.passed = p.owed+all, p.passed[len(p.passed)-1], nil
			if p.upTo >= 0 {
				p.upTo -= took
			}
		}
		return b.decideMarked(p, number, r)
	}
	if len(p.passed) == 0 {
		b.follow(p, number, r)
		return 0
	}
	copied := end(r.Copies, number)
	if copied < 0 || !p.sure {
		return b.decideBlind(p, number, r)
	}
	p.upTo = min(p.upTo, copied) // less than it was: a copy made anew
	for len(p.passed) > 0 {
		x := &p.passed[0]
		took := min(x.n, copied-p.upTo)
		gone := goneOf(*x, number, r)
		x.n, x.took, p.upTo = x.n-took, x.took+took, p.upTo+took
		switch {
		case x.n == 0:
			b.prepare(*x)
			if gone > 0 || x.again {
				p.hidden += gone
				b.distrust(*x, gone)
				b.estimate("at most: the offsets passed what was gone from the source's log, or went back, and what the copy grew meanwhile may hold more than what they passed")
			}
		case !x.overdue(r):
			return 0
		default:
			b.prepare(*x)
			b.miss(p, number, gone, r)
			return 0 // the copy has no more
		}
		p.passed = p.passed[1:]
	}
	return 0
}

// follow keeps up with a copy that somebody made anew, and once nothing is left to copy with one that holds more than
// the offsets count: what was copied twice after a crash. What the copy holds more may also be what was written and
// copied after the source's end was read: it is told apart by an end that was surely read later, and shows no more.
func (b *Book) follow(p *part, number int32, r Reading) {
	copied, last := end(r.Copies, number), end(r.Ends, number)-1
	rests := copied >= 0 && last >= 0 && p.offset >= last && r.Round.Sub(p.moved) >= settledAfter*r.Interval
	switch {
	case !rests:
		p.calm = calm{}
	case p.calm.since.IsZero():
		p.calm = calm{r.Round, copied}
	case r.Round.Sub(p.calm.since) >= settledAfter*r.Interval:
		p.upTo, p.hidden, p.sure = max(p.upTo, p.calm.copied), 0, true
		p.calm = calm{r.Round, copied}
	}
	if copied >= 0 && (p.upTo < 0 || copied < p.upTo) {
		p.upTo, p.hidden, p.sure = copied, 0, p.sure && p.upTo >= 0
	}
}

// overdue reports whether the copy's end and the source's start have surely been read since the offsets were passed.
func (x passage) overdue(r Reading) bool {
	waited := r.Round.Sub(x.round)
	return waited >= settledAfter*r.Interval && (!r.StartsAt.Before(x.round) || waited >= startsWithin)
}

// goneOf returns how many of the offsets that were passed are before the source's log now.
func goneOf(x passage, number int32, r Reading) int64 {
	return max(startOf(r, number)-(x.from+1), 0)
}

// miss decides of offsets that were passed and are not in the copy: gone of them are not in the source's log any more.
func (b *Book) miss(p *part, number int32, gone int64, r Reading) {
	x := p.passed[0]
	b.distrust(x, gone)
	switch {
	case x.again:
		b.estimate("at most: the offsets of the replication went back, and what was copied again is what the copy grew")
	case r.Compacted:
		b.estimate("at most: the source is compacted, so that some of the offsets that were passed are no records; the count is what the copy grew")
	case gone+p.hidden > 0:
		gone += p.hidden // newer steps may have lent it what they had copied, and lack it then
		lost := min(x.n, gone)
		p.hidden = gone - lost
		b.lose(number, lost, r)
	default:
		b.skipped.add(x.n, true)
		b.events = append(b.events, b.event(r, lineage.OffsetsSet, fmt.Sprintf("partition %d: the offsets of the replication passed %d records that are in the source and not in its copy: they were set", number, x.n)))
		b.estimate("at most: the offsets of the replication passed records that its copy does not hold; the count is what the copy grew")
	}
	p.passed, b.Dirty = p.passed[1:], true
}

// distrust notes how many of those that a passage has copied may have come twice instead: who stops without having
// written down what it copied copies it again, and what was gone by then may not have been copied at all.
func (b *Book) distrust(x passage, gone int64) {
	if x.again {
		gone = x.took
	}
	b.doubted.add(min(gone, x.took), false)
}

// lose tells of records that were gone before they were copied.
func (b *Book) lose(number int32, n int64, r Reading) {
	about := ""
	if b.marked {
		about = "at most " // markers are among the offsets
	}
	b.lost.add(n, true)
	b.events = append(b.events, b.event(r, lineage.RecordsLost, fmt.Sprintf("partition %d: %s%d records were gone from the source's log before they were copied", number, about, n)))
	b.estimate(fmt.Sprintf("at most: %d records were gone from the source's log before they were copied; the count is what the copy grew", n))
}

// decideBlind decides where the copy's end is not known, or not what of it was counted: what is before the source's log
// now counts as not copied, but for what the copy grew.
func (b *Book) decideBlind(p *part, number int32, r Reading) (n int64) {
	copied := end(r.Copies, number)
	for len(p.passed) > 0 {
		x := p.passed[0]
		gone := min(goneOf(x, number, r), x.n)
		if copied > p.upTo && p.upTo >= 0 {
			gone = min(gone, max(x.n-(copied-p.upTo), 0))
		}
		if gone == 0 && !r.StartsAt.IsZero() && r.StartsAt.Before(x.round) && r.Round.Sub(x.round) < startsWithin {
			return n // it may be gone: the start was read before
		}
		switch {
		case x.again:
			n += x.took
			b.estimate("at least: the offsets of the replication went back, and what was copied again can't be told without its copy")
		case gone > 0:
			n += x.took + x.n - gone
			b.lost.add(gone, true)
			b.events = append(b.events, b.event(r, lineage.RecordsLost, fmt.Sprintf("partition %d: at most %d records were gone from the source's log before they were copied", number, gone)))
			b.estimate(fmt.Sprintf("at least: %d of the offsets that were passed are gone from the source's log, and whether they were copied before can't be told without its copy", gone))
		default:
			n += x.took + x.n
			if r.Compacted {
				b.estimate("at most: the source is compacted, so that some of the offsets that were passed are no records")
			}
		}
		b.reach(n, x.since)
		p.passed = p.passed[1:]
	}
	p.upTo, p.sure = copied, false
	return n
}

// decideMarked returns how many of the offsets that a partition with transactions advanced are records: no more than
// its copy has grown, since a copy has no markers.
func (b *Book) decideMarked(p *part, number int32, r Reading) (n int64) {
	copied := end(r.Copies, number)
	stepped := p.newest.round.Equal(r.Round) && p.newest.n > 0
	gone, since := int64(0), p.newest.since
	if p.newest.n > 0 {
		gone = min(goneOf(p.newest, number, r), p.newest.n)
	}
	switch {
	case copied < 0 && !stepped:
		return 0 // what is owed waits for the copy's end, as long as that is seen now and then
	case copied < 0 || p.upTo < 0: // nobody can tell
		n = max(p.owed-gone, 0)
		p.upTo, p.owed = copied, 0
		if gone > 0 {
			b.lose(number, gone, r)
		}
		p.newest = passage{}
	default:
		p.upTo = min(p.upTo, copied) // less than it was: a copy made anew
		n = min(p.owed, copied-p.upTo)
		p.upTo, p.owed = p.upTo+n, p.owed-n
		if p.newest.n > 0 && p.newest.overdue(r) {
			if lost := min(p.owed, gone); lost > 0 && !p.newest.again {
				b.lose(number, lost, r)
				p.owed -= lost
			}
			p.newest = passage{}
		}
	}
	if n > 0 {
		b.reach(n, since)
		b.estimate("at most: markers of transactions are among the offsets; the count is no more than what the copy grew")
	}
	return n
}

// missAll tells, while nothing copies, of what is gone from the source's log since: it can't be copied any more.
func (b *Book) missAll(r Reading) {
	for number, p := range b.parts {
		start := end(r.Starts, number)
		if start <= p.done+1 || len(p.passed) > 0 {
			continue
		}
		n := start - (p.done + 1)
		if copied := end(r.Copies, number); copied > p.upTo && p.upTo >= 0 {
			took := min(n, copied-p.upTo) // copied, and not written down before it stopped
			n, p.upTo, b.copied.n = n-took, p.upTo+took, b.copied.n+took
			b.doubted.add(took, false)
			b.estimate("at most: what was copied and not written down before MirrorMaker 2 stopped is what the copy grew")
		}
		p.done, b.Dirty = start-1, true
		if n > 0 && !r.Compacted {
			b.lose(number, n, r)
		}
	}
}

// isBeyond reports whether the replication's offset lies beyond the source's end, and that not only since the end was
// read before: the log was cut, or made anew, and where copying goes on nobody can say.
func (p *part) isBeyond(end int64, r Reading) bool {
	if end < 0 || p.offset < end {
		p.beyond = time.Time{}
		return false
	}
	if p.beyond.IsZero() || p.moved.After(p.beyond) {
		// of a replication that goes on the end is only read a little before
		p.beyond = r.Round
	}
	return r.Round.Sub(p.beyond) >= settledAfter*r.Interval
}

// estimate notes that what is counted in this round is a bound, and why.
func (b *Book) estimate(why string) {
	b.copied.estimated = true
	b.say(why)
}

func (b *Book) say(why string) { b.doubt = why }

func (b *Book) event(r Reading, kind lineage.EventType, detail string) lineage.Event {
	return lineage.Event{At: r.Round, Type: kind, Access: b.Access, Detail: detail}
}
