package answer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file closes the account of one replication: of its source, and of what arrived in its copy.

// edgeTicks is for how many ticks before an end of the window what a topic grew by may not be in the lag of a
// replication: it is held against ends that were read up to two rounds before it.
const edgeTicks = 3

// link returns the account of one replication. How much it copied is told by its offsets, less what was lost or passed,
// and by what its copy grew by: MirrorMaker 2 commits what it has written, and copies again what it had not committed
// when it was stopped.
func (b *balancing) link(ctx context.Context, x *access) (LinkBalance, error) {
	of := b.booksOf(x)
	subjects := b.subjectsOf(x)
	l := LinkBalance{Flow: x.flow(), Account: Account{Produced: b.produced(subjects), Returned: exactly(0)}}
	l.Opening, l.Closing = b.backlogs(x, of)
	l.Skipped, l.Lost = spanOf(of.skipped), b.lostOf(of)
	if l.Skipped.most > 0 { // or lost, of which no more is seen than what the copy lacks
		l.Skipped, l.Lost = l.Skipped.open(true, true, because(Judged)), l.Lost.open(true, true, because(Judged))
	}
	if of.open {
		l.Skipped, l.Lost = l.Skipped.open(false, true, because(Gaps)), l.Lost.open(false, true, because(Gaps))
	}
	if !b.opening[*x.Access].known { // what went in a gap is told after it
		l.Skipped, l.Lost = l.Skipped.open(true, false, l.Opening.Doubts), l.Lost.open(true, false, l.Opening.Doubts)
	}
	before, err := b.grewBefore(ctx, b.v.win.Start, subjects)
	if err != nil {
		return l, err
	}
	after, err := b.grewBefore(ctx, b.v.win.End, subjects)
	if err != nil {
		return l, err
	}
	if b.bornWith(x) {
		before = exactly(0)
	}
	net := b.netOf(x, of, subjects, before, after)
	l.Opening, l.Closing = uncommitted(l.Opening, before), uncommitted(l.Closing, after)
	// What it is doubted to have copied may be lost, and of what waits some may be gone: starts are read each minute.
	unseen := added(spanOf(of.doubted).most, l.Closing.most)
	l.Lost = between(l.Lost.least, added(l.Lost.most, unseen), l.Lost.Doubts|because(Retention))
	if b.closing[*x.Access].pending { // of what it passed it may not be decided yet whether it was copied
		l.Lost, l.Skipped = l.Lost.open(false, true, because(Uncommitted)), l.Skipped.open(false, true, because(Uncommitted))
	}
	arrived, alone, into, err := b.arrived(ctx, x)
	if err != nil {
		return l, err
	}
	if !alone { // what was lost is told by how much less the copy grew
		l.Lost, l.Skipped = l.Lost.open(false, true, because(OtherWriters)), l.Skipped.open(false, true, because(OtherWriters))
	}
	l.Into = into
	copied := between(spanOf(of.read).least-before.most, added(spanOf(of.read).most, after.most), because(Straddling, Moments))
	b.settle(x, &l, of, copied, net, arrived, alone)
	l.Stalled = b.stalled(x, &l.Account)
	return l, nil
}

// uncommitted returns what waits for a replication: some of it may be copied, and not committed, and what was written
// lately may not be in its lag.
func uncommitted(waits, lately Tally) Tally {
	if waits.most > 0 {
		waits = waits.open(true, false, because(Uncommitted))
	}
	return between(waits.least, added(waits.most, lately.most), waits.Doubts|because(Moments))
}

// settle says how much was copied, by all that bounds it.
func (b *balancing) settle(x *access, l *LinkBalance, of books, copied, net, arrived Tally, alone bool) {
	switch {
	case x.counter.metric == lineage.NoMetric || !of.read.Known:
		copied = untold(Uncounted)
	case !alone:
		copied = untold(OtherWriters)
	case of.read.Estimated:
		copied = untold(Bounded)
	case b.closing[*x.Access].unplaced:
		copied = copied.open(false, true, because(Unplaced))
	case of.read.Pending || b.closing[*x.Access].pending:
		copied = copied.open(false, true, because(Uncommitted))
	}
	if of.open {
		copied = copied.open(false, true, because(Gaps))
	}
	told, agree := copied.within(net.less(l.Lost).less(l.Skipped))
	if !agree {
		l.AddsUp = new(false)
		told = untold(Mismatch)
	}
	// Nothing is copied that did not arrive.
	came := between(0, arrived.most, arrived.Doubts)
	if both, ok := told.within(came); ok {
		l.Read = both
	} else { // more were lost than was seen
		l.AddsUp, l.Read = new(false), came.open(true, false, because(Mismatch))
		l.Lost, l.Skipped = l.Lost.open(true, true, because(Mismatch)), l.Skipped.open(true, true, because(Mismatch))
	}
	l.Arrived = arrived
	if both, ok := arrived.within(between(l.Read.least, boundless, l.Read.Doubts)); ok {
		l.Arrived = both
	}
	// What arrived beyond what the offsets passed came twice, and may stand for what was lost and was taken to be
	// copied.
	if twice := arrived.less(net.less(l.Lost).less(l.Skipped)); twice.most > 0 {
		l.Read, l.Lost = l.Read.open(true, false, because(Retention)), l.Lost.open(false, true, because(Retention))
		l.Arrived = arrived
	}
	// What is neither copied nor waits is lost or was passed: the account says how much at least.
	if missing := net.less(l.Read); net.most < boundless {
		if both, ok := l.Lost.within(missing); ok && l.Skipped.most == 0 {
			l.Lost = both
		}
	}
	l.Surplus, l.Shortfall = l.Arrived.less(l.Read), l.Read.less(l.Arrived)
	if n, ok := l.Arrived.Exact(); ok && l.AddsUp == nil {
		if m, ok := l.Read.Exact(); ok && n >= m {
			l.AddsUp = new(true)
		}
	}
}

// netOf returns by how much a replication's positions went on: what waited and came, less what waits. It is a bound
// where offsets hold no record, and where the ends of a round were read before what it is held against.
func (b *balancing) netOf(x *access, of books, subjects []incarnation, before, after Tally) Tally {
	opening, closing := b.opening[*x.Access], b.closing[*x.Access]
	if b.bornWith(x) {
		opening = standing{known: true}
	}
	switch {
	case !opening.known || !closing.known:
		return untold(b.why(x, of).List()...)
	case opening.unplaced || closing.unplaced:
		return untold(Unplaced)
	case of.open:
		return untold(Gaps)
	}
	came := b.grew(subjects, spanOf).plus(exactly(opening.lag)).less(b.truncated(subjects, spanOf))
	net := between(came.least-closing.lag, came.most, came.Doubts)
	if came.most < boundless {
		net = between(came.least-closing.lag-after.most, came.most-closing.lag+before.most, came.Doubts|because(Moments))
	}
	// What waits by the offsets may be copied and not committed, and of what they passed it may not be decided yet
	// whether it was.
	if opening.lag > 0 {
		net = between(net.least-opening.lag, net.most, net.Doubts|because(Uncommitted))
	}
	if closing.pending {
		net = between(0, added(net.most, closing.lag), net.Doubts|because(Uncommitted))
	} else if closing.lag > 0 {
		net = between(net.least, added(net.most, closing.lag), net.Doubts|because(Uncommitted))
	}
	if b.compacted {
		net = net.open(true, false, because(Compaction))
	}
	if b.transactional {
		net = net.open(true, false, because(Transactions))
	}
	return net
}

// why is why it is not known what waited at an end of the window.
func (b *balancing) why(x *access, of books) Doubts {
	opening, closing := b.backlogs(x, of)
	if d := opening.Doubts | closing.Doubts; d != 0 {
		return d
	}
	return because(Gaps)
}

// grewBefore returns what a topic grew by in the last ticks before an instant, at most.
func (b *balancing) grewBefore(ctx context.Context, at time.Time, subjects []incarnation) (Tally, error) {
	w := lineage.Window{Start: at.Add(-edgeTicks * b.v.win.Step), End: at}
	grown, err := b.v.amountsOf(ctx, w, lineage.Appended, subjects)
	if err != nil {
		return Tally{}, err
	}
	sum := exactly(0)
	for _, s := range subjects {
		if a, told := grown[s.row]; told && a.Known {
			sum = sum.plus(spanOf(a))
		} else if told {
			sum = sum.plus(untold(Gaps))
		}
	}
	return sum, nil
}

// arrived returns what a replication wrote into the copy of the topic, at most: what that grew by, less what others are
// known to have written. alone: nobody else is known to write it. A replication leaves no count of its own, so that one
// who leaves none either, and whom nobody sees, is taken for it.
func (b *balancing) arrived(ctx context.Context, x *access) (n Tally, alone bool, into lineage.Flow, err error) {
	lane, known := b.v.upstreamOf(x)
	end := b.v.ends[x.node]
	if !known || end == nil || b.v.mixed[x.node] {
		return untold(Uncounted), false, lineage.Flow{}, nil
	}
	for _, i := range end.writes {
		y := &b.v.accesses[i]
		if to, ok := b.v.upstreamOf(y); !ok || to != lane || y.topic == nil || y.topic.internal || len(y.topic.subjects) == 0 {
			continue
		}
		of, err := b.v.balancing(ctx, y.topic)
		if err != nil {
			return Tally{}, false, lineage.Flow{}, fmt.Errorf("read what came into %s: %w", y.topic.node.ID(), err)
		}
		produced := of.produced(y.topic.subjects)
		others := int64(0)
		for n, wrote := range of.counted() {
			if n != x.node && n.Kind != lineage.UnidentifiedNode {
				others += wrote.least
			}
		}
		n := between(0, produced.most, produced.Doubts|because(OtherWriters))
		if produced.most < boundless {
			n = between(0, produced.most-others, produced.Doubts|because(OtherWriters))
		}
		return n, b.v.onlyWriter(y), y.flow(), nil
	}
	return untold(Uncounted), false, lineage.Flow{}, nil
}

// onlyWriter reports whether nobody else is known to write what an access writes. What nobody accounts for is taken for
// the same one's.
func (v *View) onlyWriter(x *access) bool {
	return !slices.ContainsFunc(x.topic.writes, func(i int32) bool {
		y := &v.accesses[i]
		return y.node != x.node && y.Access.Client.Kind != lineage.Remainder
	})
}
