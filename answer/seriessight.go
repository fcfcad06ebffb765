package answer

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file says what of a window is no part of a topic's, since nobody looked at the topic in it.

// findUnseen finds until when incarnations of topics were not looked at though their source saw others, as before
// lineaged might describe them, or while another cluster answered. Those that were seen to be made are not among them,
// nor are those that were there at the very first look: what was before is a gap.
func (v *View) findUnseen(ctx context.Context) error {
	late := map[lineage.Topic]time.Time{}
	for _, t := range v.topics {
		for _, s := range t.subjects {
			if until := s.firstSeen.Add(-v.state.Tick); until.After(v.win.Start) {
				late[s.topic] = until
			}
		}
	}
	if len(late) == 0 {
		return nil
	}
	for i := range v.accesses { // who was seen to use it has it in sight
		x := &v.accesses[i]
		if until, ok := late[x.Access.Topic]; ok && x.FirstSeen.Add(-v.state.Tick).Before(until) {
			late[x.Access.Topic] = x.FirstSeen.Add(-v.state.Tick)
		}
	}
	// what is made in the last round is an event of the window's very end
	made, err := v.madeIn(ctx, lineage.Window{Start: v.win.Start, End: v.win.End.Add(v.state.Tick)})
	maps.DeleteFunc(late, func(t lineage.Topic, until time.Time) bool { return made[t] || !until.After(v.win.Start) })
	if err != nil {
		return err
	}
	v.unseen = late
	return v.keepUnseen(ctx)
}

// keepUnseen keeps of the topics that were not looked at those whose growth is told by a source that looked before it
// saw them. Elsewhere it is a gap, and coverage says so. A source's very first look is of one tick
// (lineage.Observation.Interval), so that nothing is observed before it, however seldom it looks later.
func (v *View) keepUnseen(ctx context.Context) error {
	by := map[time.Time][]int32{}
	of := map[int32]lineage.Topic{}
	for _, s := range v.incarnations() {
		until, late := v.unseen[s.topic]
		if i := v.stored(s.row, lineage.Appended).series; late && i >= 0 {
			by[until], of[i] = append(by[until], i), s.topic
		}
	}
	kept := map[lineage.Topic]time.Time{}
	for until, series := range by {
		before, err := v.held.Amounts(ctx, lineage.Window{Start: v.win.Start, End: until}, series)
		if err != nil {
			return fmt.Errorf("read what was observed before a topic came into sight: %w", err)
		}
		for i, b := range before {
			if b.ObservedFor > 0 {
				kept[of[series[i]]] = until
			}
		}
	}
	v.unseen = kept
	return nil
}

// observeLate takes from what accesses moved the time in which nobody looked at their topics: it was observed of others
// alone.
func (v *View) observeLate(ctx context.Context) error {
	if len(v.unseen) == 0 {
		return nil
	}
	var late lateAmounts
	for i := range v.accesses {
		x := &v.accesses[i]
		if until, ok := v.unseen[x.Access.Topic]; ok && x.amount.Known && x.counter.metric != lineage.NoMetric {
			x.late = true
			late.add(until, x.counter.series, &x.amount)
		}
	}
	return late.take(ctx, v, v.win.Start)
}

// lateAmounts are amounts whose topic came into sight within the time that they are of, by when that was.
type lateAmounts struct {
	by map[time.Time]*lateSeries
}

type lateSeries struct {
	series  []int32
	amounts []*lineage.Amount
}

func (l *lateAmounts) add(until time.Time, series int32, a *lineage.Amount) {
	if l.by == nil {
		l.by = map[time.Time]*lateSeries{}
	}
	of := l.by[until]
	if of == nil {
		of = &lateSeries{}
		l.by[until] = of
	}
	of.series, of.amounts = append(of.series, series), append(of.amounts, a)
}

// take leaves of each amount what was observed since its topic was looked at.
func (l *lateAmounts) take(ctx context.Context, v *View, start time.Time) error {
	for until, of := range l.by {
		before, err := v.held.Amounts(ctx, lineage.Window{Start: start, End: until}, of.series)
		if err != nil {
			return fmt.Errorf("read what was observed before a topic came into sight: %w", err)
		}
		for i, b := range before {
			a := of.amounts[i]
			a.Observed, a.ObservedFor = max(0, a.Observed-b.Observed), max(0, a.ObservedFor-b.ObservedFor)
		}
	}
	return nil
}

// observeLateTopics is observeLate of what topics grew by.
func (v *View) observeLateTopics(ctx context.Context, of topicAmounts) error {
	if len(v.unseen) == 0 {
		return nil
	}
	var late lateAmounts
	var put []func()
	for m, by := range of.by {
		for _, s := range v.incarnations() {
			a, known := by[s.row]
			k := lineage.NoEvidence
			if m == lineage.Markers && of.settled[s.row] {
				k = lineage.BatchHeader
			}
			until, unseen := v.unseen[s.topic]
			if i, ok := v.held.Series.Find(s.row, m, k); ok && known && unseen {
				late.add(until, i, &a)
				put = append(put, func() { by[s.row] = a })
			}
		}
	}
	err := late.take(ctx, v, v.win.Start)
	for _, p := range put {
		p()
	}
	return err
}

// begin puts right the steps of counters within which their topics came into sight: what moved in them did so since
// then. points are of the first series that are to be loaded.
func (l *loading) begin(ctx context.Context, v *View, points [][]lineage.Point) error {
	type steps struct {
		series []int32
		points []*lineage.Point
	}
	var by map[lineage.Window]*steps
	for i := range points {
		in, step := l.into[i].beginning(points[i], v.win.End)
		if step == nil {
			continue
		}
		if by == nil {
			by = map[lineage.Window]*steps{}
		}
		if by[in] == nil {
			by[in] = &steps{}
		}
		by[in].series, by[in].points = append(by[in].series, l.keys[i]), append(by[in].points, step)
	}
	for in, of := range by {
		since, err := v.held.Amounts(ctx, in, of.series)
		if err != nil {
			return fmt.Errorf("read what moved since a topic came into sight: %w", err)
		}
		for i, a := range since {
			of.points[i].Value, of.points[i].OK = a.Rate()
		}
	}
	return nil
}

// beginning returns the observed step of a counter within which its topic came into sight, and the part of it since
// then; nil: there is none.
func (t *target) beginning(points []lineage.Point, end time.Time) (lineage.Window, *lineage.Point) {
	until := t.part.unseen
	if until.IsZero() || !t.part.metric.Counter() || len(t.points) == 0 || !until.After(t.points[0].At) {
		return lineage.Window{}, nil
	}
	i := int(until.Sub(t.points[0].At) / t.step)
	if i >= min(len(points), len(t.points)) || !points[i].OK || !until.After(t.points[i].At) {
		return lineage.Window{}, nil
	}
	return lineage.Window{Start: until, End: earlier(t.points[i].At.Add(t.step), end)}, &points[i]
}
