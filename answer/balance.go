package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Balance is the account of a topic over a window (docs/adr/0017-conservation.md).
type Balance struct {
	Topic lineage.Node
	// Produced is how many records were appended to it, Truncated how many of its log were cut off, as in an unclean
	// election.
	Produced, Truncated Tally
	Writers             []WriterBalance
	Readers             []ReaderBalance
	Links               []LinkBalance
}

// WriterBalance is what one node wrote of it.
type WriterBalance struct {
	Flow     lineage.Flow
	Produced Tally
}

// ReaderBalance is the account of one reader. Group is empty where it has none.
type ReaderBalance struct {
	Flow  lineage.Flow
	Group string
	Account
}

// LinkBalance is the account of one replication.
type LinkBalance struct {
	Flow lineage.Flow
	// Copy is the topic that it is copied to, and Into the flow there; the zero Flow where that is not watched.
	Into lineage.Flow
	// Arrived is how many records it wrote there.
	Arrived Tally
	Account
}

// Account is what became of the records of a topic by one who reads it. Where all is exact
//
//	Opening + Produced + Returned − Read − Skipped − Lost − Shortfall = Closing
//
// and Surplus is the part of Read that was read before.
type Account struct {
	Opening  Tally // waited at the window's start
	Produced Tally
	Returned Tally // by how much positions went back, to be read once more
	Read     Tally // of a link: copied
	Skipped  Tally // passed without being read
	Lost     Tally // gone before they were read
	Closing  Tally // waits at the window's end
	// Surplus is how many were read or copied more than once, Shortfall how many the account lacks.
	Surplus, Shortfall Tally
	// AddsUp is nil where it can't be told.
	AddsUp *bool
	// Stalled: nothing moved although there was a backlog all the time; nil: that can't be told.
	Stalled *bool
}

// Balance returns the account of a topic.
func (v *View) Balance(ctx context.Context, topic lineage.Node) (Balance, error) {
	t := v.topics[topic]
	if t == nil {
		return Balance{}, v.NoNode(topic)
	}
	b, err := v.balancing(ctx, t)
	if err != nil {
		return Balance{}, err
	}
	out := Balance{Topic: topic, Produced: b.produced(t.subjects), Truncated: b.truncated(t.subjects, spanOf)}
	out.Writers = b.writers(out.Produced)
	for _, i := range b.readers {
		x := &v.accesses[i]
		if x.node.Kind == lineage.ReplicatorNode {
			l, err := b.link(ctx, x)
			if err != nil {
				return Balance{}, err
			}
			out.Links = append(out.Links, l)
			continue
		}
		out.Readers = append(out.Readers, ReaderBalance{x.flow(), x.Access.Client.Group, b.reader(x)})
	}
	slices.SortFunc(out.Readers, func(a, b ReaderBalance) int {
		return strings.Compare(a.Flow.ID()+" "+a.Group, b.Flow.ID()+" "+b.Group)
	})
	slices.SortFunc(out.Links, func(a, b LinkBalance) int { return strings.Compare(a.Flow.ID(), b.Flow.ID()) })
	return out, nil
}

// balancing is what the account of one topic is made of.
type balancing struct {
	v       *View
	topic   *topicView
	readers []int32 // accesses, each of another row
	// appended, markers and lost are of its incarnations, by row.
	appended, markers, lost map[int32]lineage.Amount
	settled                 map[int32]bool // the markers of these rows are exact
	born                    map[int32]bool // came to be within the window, under observation
	opening, closing        map[lineage.Access]standing
	transactional           bool
	compacted               bool
	gaps                    bool // something of its cluster was not observed in the window
}

func (v *View) balancing(ctx context.Context, t *topicView) (*balancing, error) {
	b := &balancing{v: v, topic: t, born: map[int32]bool{}}
	written, err := v.topicAmounts.get(ctx, v.readWritten)
	if err != nil {
		return nil, err
	}
	b.appended, b.markers, b.settled = written.by[lineage.Appended], written.by[lineage.Markers], written.settled
	if b.lost, err = v.topicLost(ctx); err != nil {
		return nil, err
	}
	if err := b.findBorn(ctx); err != nil {
		return nil, err
	}
	b.gaps = !v.Coverage(t.cluster).Complete
	b.compacted = t.fact == nil || t.fact.Configs == nil
	if t.fact != nil {
		for _, c := range t.fact.Configs {
			b.compacted = b.compacted || c.Name == "cleanup.policy" && strings.Contains(c.Value, "compact")
		}
	}
	for _, s := range t.subjects {
		if m, _ := v.markers(s.row); m.series >= 0 {
			b.transactional = true
		}
	}
	for _, i := range t.writes {
		b.transactional = b.transactional || v.accesses[i].client().TransactionalID != ""
	}
	asked, seen := map[lineage.Access]int32{}, map[int32]bool{}
	for _, i := range v.alone(t.reads, lineage.Records) {
		x := &v.accesses[i]
		if seen[x.row] || x.counter.metric == lineage.NoMetric && !x.gauges[lineage.Lag] && v.speaksFor(x, t.reads) {
			continue
		}
		seen[x.row] = true
		b.readers = append(b.readers, i)
		asked[*x.Access] = x.row
	}
	if b.opening, err = v.openings(ctx, asked); err != nil {
		return nil, err
	}
	b.closing, err = standings(ctx, v.held, asked)
	return b, err
}

// speaksFor reports whether another access of the same flow is counted and so speaks for one that is not.
func (v *View) speaksFor(x *access, among []int32) bool {
	return slices.ContainsFunc(among, func(i int32) bool {
		y := &v.accesses[i]
		return y.node == x.node && y.counter.metric != lineage.NoMetric
	})
}

// findBorn finds the incarnations that came to be within the window.
func (b *balancing) findBorn(ctx context.Context) error {
	if !slices.ContainsFunc(b.topic.subjects, b.began) {
		return nil
	}
	made, err := b.v.madeIn(ctx, b.v.win.Window)
	for _, s := range b.topic.subjects {
		if made[s.topic] && b.began(s) {
			b.born[s.row] = true
		}
	}
	return err
}

// madeIn returns the incarnations of topics that were seen to be made within a window.
func (v *View) madeIn(ctx context.Context, w lineage.Window) (map[lineage.Topic]bool, error) {
	found, err := v.a.history.Events(ctx, store.EventFilter{Window: w, Types: []lineage.EventType{lineage.TopicCreated, lineage.TopicRecreated}})
	if err != nil {
		return nil, fmt.Errorf("read which topics were made: %w", err)
	}
	made := map[lineage.Topic]bool{}
	for _, e := range found.List {
		made[e.Topic] = true
	}
	return made, nil
}

// began reports whether an incarnation was first seen within the window.
func (b *balancing) began(s incarnation) bool { return s.firstSeen.After(b.v.win.Start) }

// isOpen reports whether what an incarnation grew by was not observed to the window's end, or is not told yet.
func (b *balancing) isOpen(s incarnation) bool {
	return b.v.held.Rows.Open[s.row] || b.appended[s.row].Pending || b.v.until.Before(b.v.win.End)
}

// grew returns by how many offsets some incarnations grew, by one way to read an advance.
func (b *balancing) grew(all []incarnation, by func(lineage.Amount) Tally) Tally {
	sum := exactly(0)
	for _, s := range all {
		a, told := b.appended[s.row]
		switch {
		case !told || !a.Known:
			sum = sum.plus(untold(Gaps))
			continue
		case b.began(s) && !b.born[s.row]:
			sum = sum.plus(by(a).open(false, true, because(FirstSeen)))
		case b.isOpen(s):
			sum = sum.plus(by(a).open(false, true, because(Gaps)))
		case a.Estimated:
			sum = sum.plus(by(a).open(false, true, because(Bounded)))
		default:
			sum = sum.plus(by(a))
		}
	}
	if len(all) == 0 {
		return untold(Gaps)
	}
	return sum
}

// produced returns how many records were appended: what the ends grew by, less markers.
func (b *balancing) produced(all []incarnation) Tally {
	sum := b.grew(all, spanOf)
	exact := true
	for _, s := range all {
		m := b.markers[s.row]
		sum = sum.less(spanOf(m).open(m.Estimated, false, 0)) // of those some may be records
		exact = exact && (b.settled[s.row] || !b.transactional)
	}
	if !exact {
		sum = sum.open(true, false, because(Transactions))
		counted := exactly(0)
		for _, n := range b.counted() {
			counted = counted.plus(n)
		}
		if both, ok := sum.within(between(counted.least, boundless, 0)); ok {
			return both
		}
	}
	return sum
}

// truncated returns how many records were cut off, by one way to read an advance.
func (b *balancing) truncated(all []incarnation, by func(lineage.Amount) Tally) Tally {
	sum := exactly(0)
	for _, s := range all {
		if a, told := b.lost[s.row]; told && a.Known {
			sum = sum.plus(by(a))
		} else if grown := b.appended[s.row]; !grown.Known {
			sum = sum.plus(untold(Gaps))
		}
		if b.isOpen(s) {
			sum = sum.open(false, true, because(Gaps))
		}
	}
	return sum
}

// counted returns what the writers of which that is known exactly wrote, by node; of the others how much at least.
func (b *balancing) counted() map[lineage.Node]Tally {
	out := map[lineage.Node]Tally{}
	for _, i := range b.v.alone(b.topic.writes, lineage.Records) {
		x := &b.v.accesses[i]
		n, has := out[x.node]
		if !has {
			n = exactly(0)
		}
		switch {
		case x.counter.metric == lineage.NoMetric:
			if !b.v.speaksFor(x, b.topic.writes) && x.state != graph.Inactive {
				n = n.open(false, true, because(Uncounted))
			}
		case !x.amount.Known:
			n = n.open(false, true, because(Gaps))
		case x.amount.Estimated:
			n = n.open(false, true, because(Bounded))
		case x.amount.Pending:
			n = n.plus(spanOf(x.amount)).open(false, true, because(Uncommitted))
		case b.v.veiled[x.flow()]:
			n = n.plus(spanOf(x.amount)).open(false, true, because(Bounded))
		case b.v.held.Rows.Open[x.row]:
			n = n.plus(spanOf(x.amount)).open(false, true, because(Gaps))
		default:
			n = n.plus(spanOf(x.amount))
		}
		out[x.node] = n
	}
	return out
}

// writers returns who wrote how much. Of whom that is not known exactly it is no more than what the topic grew by and
// others are known to have written.
func (b *balancing) writers(produced Tally) []WriterBalance {
	counted := b.counted()
	least := int64(0)
	for _, n := range counted {
		least = added(least, n.least)
	}
	out := make([]WriterBalance, 0, len(counted))
	flows, _ := b.v.Usage(b.topic.node)
	for _, f := range flows {
		n, has := counted[f.From]
		if !has {
			n = untold(Uncounted)
		}
		if _, exact := n.Exact(); !exact && produced.most < boundless {
			left := between(0, produced.most-(least-n.least), n.Doubts|produced.Doubts)
			if both, ok := n.within(left); ok {
				n = both
			}
		}
		out = append(out, WriterBalance{f, n})
	}
	return out
}
