package answer

import (
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file closes the account of one reader.

// lateFor is how long a record must have waited for a reader that moved nothing to be called stalled, where it had
// nothing to read as the window began: who lives commits within that (see docs/evidence.md).
const lateFor = 2 * time.Minute

// books are the counters of one reader over a window, as they were told.
type books struct {
	read, skipped, lost, doubted, returned lineage.Amount
	open                                   bool // the end of the window was not observed
}

// booksOf reads them. What was never told of a reader that is counted is zero.
func (b *balancing) booksOf(x *access) books {
	of := books{open: b.v.held.Rows.Open[x.row] || slices.ContainsFunc(b.subjectsOf(x), b.isOpen)}
	if x.counter.metric != lineage.NoMetric {
		of.read = b.v.held.Series.Amount[x.counter.series]
	}
	for m, into := range map[lineage.Metric]*lineage.Amount{
		lineage.Skipped: &of.skipped, lineage.Lost: &of.lost, lineage.Doubted: &of.doubted, lineage.Returned: &of.returned,
	} {
		if i, ok := b.v.held.Series.Find(x.row, m, lineage.NoEvidence); ok && b.v.held.Series.Amount[i].Known {
			*into = b.v.held.Series.Amount[i]
		}
	}
	// a source that looks more seldom than each tick has not looked yet
	of.open = of.open || of.read.Pending && !b.closing[*x.Access].pending
	return of
}

// subjectsOf returns the incarnations that an access is of.
func (b *balancing) subjectsOf(x *access) []incarnation {
	if x.Access.Topic.ID == (lineage.TopicID{}) {
		return b.topic.subjects
	}
	for _, s := range b.topic.subjects {
		if s.topic == x.Access.Topic {
			return []incarnation{s}
		}
	}
	return nil
}

// reader returns the account of one who reads in a group, or is counted in another way.
func (b *balancing) reader(x *access) Account {
	of := b.booksOf(x)
	subjects := b.subjectsOf(x)
	a := Account{Produced: b.produced(subjects)}
	a.Opening, a.Closing = b.backlogs(x, of)
	if x.counter.metric == lineage.NoMetric || !of.read.Known {
		why := Uncounted
		if x.counter.metric != lineage.NoMetric {
			why = Gaps
		}
		nothing := untold(why)
		a.Returned, a.Read, a.Skipped, a.Lost, a.Surplus, a.Shortfall = nothing, nothing, nothing, nothing, nothing, nothing
		return a
	}
	doubted, unseen := spanOf(of.doubted), of.skipped.Estimated && x.counter.evidence == lineage.GroupOffsets
	a.Returned, a.Skipped = spanOf(of.returned), spanOf(of.skipped)
	if unseen { // of what was set some may have been read, which is not counted
		a.Skipped = a.Skipped.open(true, false, because(Judged))
	}
	if doubted.most > 0 {
		a.Skipped = a.Skipped.open(false, true, because(Judged))
	}
	a.Lost = b.lostOf(of)
	if a.Read = b.readOf(x, of, doubted); unseen {
		a.Read = a.Read.open(false, true, because(Judged))
	}
	if of.open {
		for _, t := range [...]*Tally{&a.Returned, &a.Read, &a.Skipped, &a.Lost} {
			*t = t.open(false, true, because(Gaps))
		}
	}
	if !positioned(x) { // nobody sees where it goes back, what it passes and what is gone
		a.Returned, a.Skipped, a.Lost = untold(Uncounted), untold(Uncounted), untold(Uncounted)
	}
	b.close(x, &a, of, subjects)
	a.Surplus = surplusOf(&a)
	a.Stalled = b.stalled(x, &a)
	return a
}

// lostOf is what was gone before it was read. An estimate of it is how much at most.
func (b *balancing) lostOf(of books) Tally {
	lost := spanOf(of.lost)
	switch {
	case !of.lost.Estimated && !b.compacted && !b.transactional:
	case b.compacted && lost.most > 0:
		lost = lost.open(true, false, because(Compaction))
	case b.transactional && lost.most > 0:
		lost = lost.open(true, false, because(Transactions))
	case lost.most > 0:
		lost = lost.open(true, false, because(Retention))
	}
	return lost
}

// readOf is what was read: what was counted, less what is in doubt of it. What is read again and committed where it was
// before is not counted.
func (b *balancing) readOf(x *access, of books, doubted Tally) Tally {
	read := spanOf(of.read)
	if doubted.most > 0 {
		read = between(read.least-doubted.most, read.most, read.Doubts|because(b.judged(x)))
	}
	switch {
	case !of.read.Estimated:
	case doubted.most == 0 && of.returned.Total == 0: // a source that says no more
		read = read.open(true, true, because(Bounded))
	case of.returned.Total > 0: // of what commits fell back by some may be counted again
		read = between(read.least-spanOf(of.returned).most, boundless, read.Doubts|because(Judged))
	}
	// As far as it is committed: what is pending may have been read.
	if at := b.opening[*x.Access]; at.pending { // some of what waited may have been read before
		read = between(read.least-at.lag, read.most, read.Doubts|because(Uncommitted))
	}
	if of.read.Pending || b.closing[*x.Access].pending { // also since the last tick alone
		read = read.open(false, true, because(Uncommitted))
	}
	return read
}

// judged is why a step of a reader is in doubt.
func (b *balancing) judged(x *access) TallyDoubt {
	switch {
	case b.transactional:
		return Transactions
	case b.compacted:
		return Compaction
	case x.counter.evidence == lineage.ShareOffsets:
		return Bounded
	}
	return Judged
}

// backlogs returns what waited at both ends of the window.
func (b *balancing) backlogs(x *access, of books) (opening, closing Tally) {
	at, seen := b.opening[*x.Access]
	switch {
	case b.bornWith(x):
		opening = exactly(0)
	case !seen && x.FirstSeen.After(b.v.win.Start):
		opening = untold(FirstSeen)
	case !seen:
		opening = untold(Gaps)
	default:
		opening = b.backlog(x, at)
	}
	if of.open && b.v.endsExist(x) {
		return opening, untold(Gaps)
	}
	return opening, b.backlog(x, b.closing[*x.Access])
}

// bornWith reports whether the topic that an access is of came to be within the window: nothing waited before.
func (b *balancing) bornWith(x *access) bool {
	all := b.subjectsOf(x)
	for _, s := range all {
		if !b.born[s.row] {
			return false
		}
	}
	return len(all) > 0
}

// backlog returns what waits where a reader stands. What it holds uncommitted is among it.
func (b *balancing) backlog(x *access, at standing) Tally {
	if !at.known {
		switch {
		case !b.v.endsExist(x):
			return untold(Gone)
		case !x.gauges[lineage.Lag]:
			return untold(Uncounted)
		}
		return untold(Unplaced)
	}
	waits := exactly(at.lag)
	if at.unplaced {
		waits = waits.open(false, true, because(Unplaced))
	}
	if at.lag == 0 {
		return waits
	}
	for _, d := range [...]struct {
		holds bool
		why   TallyDoubt
	}{{b.compacted, Compaction}, {b.transactional, Transactions}, {at.pending, Uncommitted}} {
		if d.holds {
			waits = waits.open(true, false, because(d.why))
		}
	}
	return waits
}

// close holds the account against its law, in offsets: what waited and came, and is to be read once more, less what was
// passed in any way, is what waits. By how much positions and ends are others than at the window's start is known to
// the offset, also where it is not when records were read or came.
func (b *balancing) close(x *access, a *Account, of books, subjects []incarnation) {
	opening, closing := b.opening[*x.Access], b.closing[*x.Access]
	if b.bornWith(x) {
		opening = standing{known: true}
	}
	grown, cut := b.grew(subjects, toldOf), b.truncated(subjects, toldOf)
	why := a.Opening.Doubts | a.Closing.Doubts
	sum, exact := int64(0), opening.known && closing.known && !opening.unplaced && !closing.unplaced && !of.open
	for _, term := range [...]struct {
		of   Tally
		sign int64
	}{
		{grown, 1}, {cut, -1}, {toldOf(of.returned), 1}, {toldOf(of.read), -1}, {toldOf(of.skipped), -1}, {toldOf(of.lost), -1},
	} {
		n, known := term.of.Exact()
		exact, sum, why = exact && known, sum+term.sign*n, why|term.of.Doubts
	}
	off := sum + (opening.lag - opening.ahead) - (closing.lag - closing.ahead)
	// the marker behind the last record is no lag
	sure := of.doubted.Total == 0 && !of.lost.Estimated && !b.transactional
	switch {
	case !exact:
		if why == 0 {
			why = because(Gaps)
		}
		a.Shortfall = untold(why.List()...)
	case off == 0:
		a.AddsUp, a.Shortfall = new(true), exactly(0)
	case !sure:
		a.Shortfall = untold(b.judged(x))
	case x.counter.evidence == lineage.ShareOffsets: // it is looked at more seldom than ends, and stood elsewhere since
		a.Shortfall = untold(Moments)
	default:
		a.AddsUp, a.Shortfall = new(false), untold(Mismatch)
	}
}

// positioned reports whether a reader has positions that are looked at. Others say themselves what they read.
func positioned(x *access) bool {
	return x.gauges[lineage.Lag] || x.counter.evidence == lineage.GroupOffsets || x.counter.evidence == lineage.ShareOffsets
}

// surplusOf is how much was read again: no more than the positions went back by. How much of that it had read, and not
// skipped, some time before the window, is not known.
func surplusOf(a *Account) Tally {
	n, known := a.Returned.Exact()
	switch {
	case known && n == 0:
		return exactly(0)
	case a.Returned.Doubts == because(Uncounted):
		return a.Returned
	}
	return between(0, min(a.Returned.most, a.Read.most), a.Returned.Doubts|a.Read.Doubts|because(Judged))
}

// stalled reports whether a reader moved nothing although it had something to read; nil: that can't be told.
func (b *balancing) stalled(x *access, a *Account) *bool {
	moved, known := a.Read.Exact()
	waits, opening, closing := b.closing[*x.Access], a.Opening.least, a.Closing.least
	if x.node.Kind == lineage.ReplicatorNode && !b.compacted && !b.transactional {
		// What it copied and did not commit is no reason not to go on.
		opening, closing = b.opening[*x.Access].lag, waits.lag
	}
	skipped, _ := a.Skipped.AtLeast()
	switch {
	case a.Read.least > 0 || a.Skipped.least > 0:
		return new(false)
	case a.Closing.most == 0:
		return new(false)
	case !known || moved > 0 || skipped > 0 || closing == 0:
		return nil
	case opening > 0 || waits.millis != nil && time.Duration(*waits.millis)*time.Millisecond >= lateFor:
		return new(true)
	}
	return nil
}
