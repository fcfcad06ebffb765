package answer

import (
	"context"
	"fmt"
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
	if l.Skipped.most > 0 {
		l.Skipped = l.Skipped.open(true, false, because(Judged))
	}
	if of.open {
		l.Skipped, l.Lost = l.Skipped.open(false, true, because(Gaps)), l.Lost.open(false, true, because(Gaps))
	}
	if !b.opening[*x.Access].known { // what went in a gap is told after it
		l.Skipped, l.Lost = l.Skipped.open(true, false, l.Opening.Doubts), l.Lost.open(true, false, l.Opening.Doubts)
	}
	net, err := b.netOf(ctx, x, of, subjects)
	if err != nil {
		return l, err
	}
	arrived, into, err := b.arrived(ctx, x)
	if err != nil {
		return l, err
	}
	l.Into = into
	b.settle(x, &l, of, net, arrived)
	l.Stalled = b.stalled(x, &l.Account)
	return l, nil
}

// settle says how much was copied, by all that bounds it.
func (b *balancing) settle(x *access, l *LinkBalance, of books, net, arrived Tally) {
	copied := untold(Bounded)
	if x.counter.metric == lineage.NoMetric || !of.read.Known {
		copied = untold(Uncounted)
	} else if !of.read.Estimated {
		copied = spanOf(of.read)
		if of.read.Pending {
			copied = copied.open(false, true, because(Uncommitted))
		}
		if of.open {
			copied = copied.open(false, true, because(Gaps))
		}
	}
	told, agree := copied.within(net.less(l.Lost).less(l.Skipped))
	if !agree {
		l.AddsUp = new(false)
		told = untold(Mismatch)
	}
	// Nothing is copied that did not arrive.
	l.Read = told
	if both, ok := told.within(between(0, arrived.most, arrived.Doubts)); ok {
		l.Read = both
	}
	l.Arrived = arrived
	if both, ok := arrived.within(between(l.Read.least, boundless, l.Read.Doubts)); ok {
		l.Arrived = both
	}
	// What is neither copied nor waits is lost or was passed: the account says how much at least.
	if missing := net.less(l.Read); net.most < boundless {
		if both, ok := l.Lost.plus(l.Skipped).within(missing); ok {
			if l.Skipped.most == 0 {
				l.Lost = both
			} else if l.Lost.most == 0 {
				l.Skipped = both
			}
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
func (b *balancing) netOf(ctx context.Context, x *access, of books, subjects []incarnation) (Tally, error) {
	opening, closing := b.opening[*x.Access], b.closing[*x.Access]
	born := b.bornWith(x)
	if born {
		opening = standing{known: true}
	}
	switch {
	case !opening.known || !closing.known:
		return untold((b.why(x, of)).List()...), nil
	case opening.unplaced || closing.unplaced:
		return untold(Unplaced), nil
	case of.open:
		return untold(Gaps), nil
	}
	before, err := b.grewBefore(ctx, b.v.win.Start, subjects)
	if err != nil {
		return Tally{}, err
	}
	after, err := b.grewBefore(ctx, b.v.win.End, subjects)
	if err != nil {
		return Tally{}, err
	}
	if born {
		before = exactly(0)
	}
	came := b.grew(subjects).plus(exactly(opening.lag)).less(b.truncated(subjects))
	net := between(came.least-closing.lag, came.most, came.Doubts)
	if came.most < boundless {
		net = between(came.least-closing.lag-after.most, came.most-closing.lag+before.most, came.Doubts|because(Moments))
	}
	// What waits by the offsets may be copied and not committed, and of what they passed it may not be decided yet
	// whether it was.
	if opening.pending {
		net = between(net.least-opening.lag, net.most, net.Doubts|because(Uncommitted))
	}
	if closing.pending {
		net = between(0, added(net.most, closing.lag), net.Doubts|because(Uncommitted))
	}
	if b.compacted {
		net = net.open(true, false, because(Compaction))
	}
	if b.transactional {
		net = net.open(true, false, because(Transactions))
	}
	return net, nil
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

// arrived returns what a replication wrote into the copy of the topic: what that grew by, less what others are known to
// have written. It leaves no count of its own, so that one who leaves none either may hide in it: it may be less.
func (b *balancing) arrived(ctx context.Context, x *access) (Tally, lineage.Flow, error) {
	lane, known := b.v.upstreamOf(x)
	end := b.v.ends[x.node]
	if !known || end == nil || b.v.mixed[x.node] {
		return untold(Uncounted), lineage.Flow{}, nil
	}
	for _, i := range end.writes {
		y := &b.v.accesses[i]
		if to, ok := b.v.upstreamOf(y); !ok || to != lane || y.topic == nil || y.topic.internal || len(y.topic.subjects) == 0 {
			continue
		}
		of, err := b.v.balancing(ctx, y.topic)
		if err != nil {
			return Tally{}, lineage.Flow{}, fmt.Errorf("read what came into %s: %w", y.topic.node.ID(), err)
		}
		produced := of.produced(y.topic.subjects)
		others := int64(0)
		for n, wrote := range of.counted() {
			if n != x.node && n.Kind != lineage.UnidentifiedNode {
				others += wrote.least
			}
		}
		if produced.most < boundless {
			return between(0, produced.most-others, produced.Doubts|because(OtherWriters)), y.flow(), nil
		}
		return produced.open(true, false, because(OtherWriters)), y.flow(), nil
	}
	return untold(Uncounted), lineage.Flow{}, nil
}
