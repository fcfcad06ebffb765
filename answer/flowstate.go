package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// This file says how a flow goes at the window's end: whether it moves, since when it does not, and whether its reader
// falls behind. It is of the end alone, wherever the window begins, and is said only where the evidence gives it.

// FlowState is how a flow goes at the end of a window; the schema documents the values.
type FlowState uint8

// The states of flows. The zero value is that it is not known.
const (
	NoState FlowState = iota
	Moving
	CatchingUp
	FallingBehind
	Paused
	Idle
	Stalled
	Stopped
)

// State is a flow's state, and since when it is so; the zero time: for longer than was looked at, or not known.
type State struct {
	Is    FlowState
	Since time.Time
}

const (
	// recentSpan is what is looked at of the time before the end. It is the usual window, so that who asks for that one
	// has no other to build.
	recentSpan = UsualSpan
	// longestPause is the longest silence that can be a flow's rhythm; the collectors take no longer one for it.
	longestPause = time.Hour
	// lateFrom is from when on a reader is behind at all: the slowest commit interval in wide use (Connect's sinks). A
	// reader that commits so seldom is so late before each commit.
	lateFrom = 60.0 // seconds
	// leastTrend is by how many seconds how late a reader is has to change within half of what is looked at, and at
	// least by two steps: a tenth of five minutes, and more than two looks differ by.
	leastTrend = 30.0
	// leastGrowth is the same of records, where how late it is in time is not known, or a bound: a part of what waits,
	// and no less than is read in leastTrend.
	leastGrowth = 0.1
	// lateRounds is how many steps may be missing at the end before nobody knows whether a flow still moves: a round
	// that is late, and the one after it.
	lateRounds = 2
	// stretches are the parts in which it is looked at whether a reader committed.
	stretches = 4
)

// State returns how the flow goes at the window's end.
func (f Flow) State(ctx context.Context) (State, error) {
	all, err := f.rows.states.get(ctx, f.rows.loadStates)
	return all[f.flow], err
}

// outlook is what the states of some flows are decided by: the time just before the window's end.
type outlook struct {
	v      *View // of that time
	levels *levels
	moved  map[int32]time.Time      // by access of v
	tail   map[int32]lineage.Amount // what their counters advanced in the last step
	// ended is where they moved last, of flows that were silent for longer than they usually pause.
	ended map[lineage.Flow]time.Time
	// lookedAt are accesses of v that were looked at just before they moved last; it is filled where there is a gap.
	lookedAt map[int32]bool
	// patience is how long nothing can be seen of a flow that moves.
	patience time.Duration
}

// loadStates decides the states of all flows of the rows. Of flows between groups, which are many flows each, none is
// told.
func (r *Rows) loadStates(ctx context.Context) (map[lineage.Flow]State, error) {
	out := make(map[lineage.Flow]State, len(r.flows))
	end := r.v.until
	if r.v.kinds != nil || !end.After(r.v.win.Start) {
		return out, nil
	}
	recent, ok := recentOf(end, r.v.state)
	if !ok {
		return out, nil
	}
	v, err := r.v.a.View(ctx, recent, r.v.lens)
	if err != nil || v.win.End.After(end) { // less is held by now
		return out, err
	}
	o := &outlook{v: v, patience: patienceIn(v.win.Step, v.state)}
	if o.levels, err = v.readLevels(ctx); err != nil {
		return nil, err
	}
	if err := o.read(ctx, r.flows); err != nil {
		return nil, err
	}
	unseen, err := r.v.unseenWriters(ctx, end, r.flows)
	if err != nil {
		return nil, err
	}
	var late []lineage.Flow
	for _, f := range r.flows {
		s := o.stateOf(f)
		if accesses := v.of(f); len(accesses) == 0 && r.v.restedSince(f) {
			s.Is = Stopped // it was not seen within the lookback
		}
		if unseen[f] && (s.Is == Paused || s.Is == Stopped) {
			s = State{} // whether there is a writer besides the known ones nobody knows
		}
		out[f] = s
		if s.Is == Moving && o.isLate(f) {
			late = append(late, f)
		}
	}
	if v.win.Duration() < recentSpan {
		return out, nil // too short for a trend
	}
	return out, o.trends(ctx, late, out)
}

// patienceIn is how long nothing can be seen of a flow that moves.
func patienceIn(step time.Duration, state store.State) time.Duration {
	return max(goesOnFor, 6*state.Tick, 2*step)
}

// recentOf returns what is looked at of the time before an end: it ends there as it is held, so that nothing later is
// in it. Where the time before is held more coarsely it begins later; ok is false where no silence could be seen in it.
func recentOf(end time.Time, state store.State) (span Span, ok bool) {
	whole := lineage.Window{Start: end.Add(-recentSpan), End: end}
	if !state.Resolve(whole).End.After(end) {
		return Between(whole.Start, end), true
	}
	for _, t := range state.Tiers {
		in := lineage.Window{Start: t.From, End: end}
		if in.Duration() < patienceIn(t.Step, state)+t.Step || in.Start.Before(whole.Start) {
			continue
		}
		if !state.Resolve(in).End.After(end) {
			return Between(in.Start, end), true
		}
	}
	return Span{}, false
}

// unseenWriters returns those of some flows that are nothing but what nobody accounts for, the last of it until an
// instant since nobody looked at the movers that may have written it.
func (v *View) unseenWriters(ctx context.Context, until time.Time, flows []lineage.Flow) (map[lineage.Flow]bool, error) {
	var rows []int32
	var owners []lineage.Flow
	for _, f := range flows {
		accesses := v.of(f)
		if slices.ContainsFunc(accesses, func(i int32) bool {
			x := &v.accesses[i]
			return x.Access.Client.Kind != lineage.Remainder || x.left
		}) {
			continue
		}
		for _, i := range accesses {
			rows, owners = append(rows, v.accesses[i].row), append(owners, f)
		}
	}
	if len(rows) == 0 {
		return nil, nil
	}
	found, err := v.held.Evidence(ctx, lineage.Window{Start: v.held.Back.Start, End: until}, rows)
	if err != nil {
		return nil, fmt.Errorf("read who was not looked at: %w", err)
	}
	out := map[lineage.Flow]bool{}
	for i, es := range found {
		if slices.ContainsFunc(es, func(e lineage.Evidence) bool { return strings.Contains(e.Detail, lineage.UnseenWriters) }) {
			out[owners[i]] = true
		}
	}
	return out, nil
}

// restedSince reports whether a flow that was seen before the lookback was watched to the window's end.
func (v *View) restedSince(f lineage.Flow) bool {
	accesses := v.of(f)
	return len(accesses) > 0 && !slices.ContainsFunc(accesses, func(i int32) bool {
		x := &v.accesses[i]
		return x.state == graph.Unknown || v.held.Rows.Open[x.row] || x.amount.Pending
	})
}

// read reads when the flows moved last, and whose silence is no pause.
func (o *outlook) read(ctx context.Context, flows []lineage.Flow) error {
	v := o.v
	var accesses, counted, series []int32
	for _, f := range flows {
		accesses = append(accesses, v.of(f)...)
	}
	times, err := v.lastMoves(ctx, accesses)
	if err != nil {
		return err
	}
	o.moved = make(map[int32]time.Time, len(accesses))
	for k, i := range accesses {
		o.moved[i] = times[k]
		if c := v.accesses[i].counter; c.metric != lineage.NoMetric {
			counted, series = append(counted, i), append(series, c.series)
		}
	}
	end := v.win.End
	amounts, err := v.held.Amounts(ctx, lineage.Window{Start: end.Add(-v.win.Step), End: end}, series)
	if err != nil {
		return fmt.Errorf("read what moved last: %w", err)
	}
	o.tail = make(map[int32]lineage.Amount, len(counted))
	for k, i := range counted {
		o.tail[i] = amounts[k]
	}
	if o.ended, err = v.lastEnds(ctx); err != nil {
		return err
	}
	return o.readLooks(ctx, counted, series)
}

// lastEnds returns where flows moved last that stopped within the longest pause before the view's end.
func (v *View) lastEnds(ctx context.Context) (map[lineage.Flow]time.Time, error) {
	in := lineage.Window{Start: v.win.End.Add(-longestPause - v.win.Step), End: v.win.End}
	got, err := v.a.history.Events(ctx, store.EventFilter{Window: in, Types: []lineage.EventType{lineage.FlowStopped}})
	if err != nil {
		return nil, fmt.Errorf("read what stopped: %w", err)
	}
	out := map[lineage.Flow]time.Time{}
	for i := range got.List {
		if _, f := v.subjectOf(&got.List[i]); f != nil && got.List[i].At.After(out[*f]) {
			out[*f] = got.List[i].At
		}
	}
	return out, nil
}

// stateOf returns the state of a flow, but for how a reader that moves comes along.
func (o *outlook) stateOf(f lineage.Flow) State {
	accesses := o.v.of(f)
	if len(accesses) == 0 {
		return State{}
	}
	last := time.Time{}
	known, left := true, true
	for _, i := range accesses {
		if t := o.moved[i]; t.After(last) {
			last = t
		}
		known = known && o.isKnown(i)
		left = left && o.v.accesses[i].left
	}
	end := o.v.win.End
	quiet := end.Sub(last)
	stopped := !last.IsZero() && !o.ended[f].Before(last.Add(-o.v.win.Step)) || o.isLeft(accesses) && quiet > lateRounds*o.v.win.Step
	switch {
	case left:
		return State{Stopped, last}
	case quiet <= o.patience && !stopped:
		if o.unseen(accesses) && quiet > lateRounds*o.v.win.Step || o.carried(accesses, last) {
			return State{}
		}
		return State{Is: Moving}
	case !known:
		return State{}
	}
	if is := o.rests(accesses, stopped || last.IsZero() || quiet > longestPause); is != NoState {
		return State{is, last}
	}
	return State{}
}

// rests says what the silence of a flow is. long: it is longer than any pause of its own.
func (o *outlook) rests(accesses []int32, long bool) FlowState {
	lag, nobody := o.v.behind(o.levels, accesses).records, o.isLeft(accesses)
	switch {
	case lag != nil && *lag == 0 && !nobody:
		return Idle
	case !long:
		return Paused
	case lag != nil && *lag > 0 && !nobody:
		return Stalled
	case lag == nil && !nobody && o.couldLag(accesses):
		return NoState // it may have read all, or records wait
	default:
		return Stopped
	}
}

// couldLag reports whether it was known once how far one of some readers is behind.
func (o *outlook) couldLag(accesses []int32) bool {
	return slices.ContainsFunc(accesses, func(i int32) bool {
		x := &o.v.accesses[i]
		return x.gauges[lineage.Lag] && !x.left
	})
}

// isLeft reports whether it is known that nobody is there to read.
func (o *outlook) isLeft(accesses []int32) bool {
	live := o.v.live(o.levels, accesses)
	return live != nil && !*live
}

// isKnown reports whether it is known to the end whether an access moved.
func (o *outlook) isKnown(i int32) bool {
	x := &o.v.accesses[i]
	if x.state == graph.Unknown || x.cut {
		return false
	}
	// Where it moved in no round of the last step and yet has a part of it, a later reading reaches back over the end.
	return o.tail[i].Total == 0 || o.moved[i].After(o.v.win.End.Add(-o.v.win.Step))
}

// unseen reports whether nobody who would see any of some accesses move saw the end.
func (o *outlook) unseen(accesses []int32) bool {
	return !slices.ContainsFunc(accesses, func(i int32) bool { return !o.v.held.Rows.Open[o.v.accesses[i].row] })
}

// carried reports whether the round that saw a flow move last followed a time in which nobody looked, and that began
// before what is looked at: it may have moved long before.
func (o *outlook) carried(accesses []int32, last time.Time) bool {
	v := o.v
	clusters := map[string]bool{}
	for _, i := range accesses {
		x := &v.accesses[i]
		if c := v.clusters.byID[x.Access.Topic.Cluster]; c != nil && !o.lookedAt[i] { // else the gap is of others
			clusters[c.source] = true
		}
		if mover := x.Access.Client.Mover; mover.Kind != lineage.NoKind {
			clusters[mover.Scope] = true
		}
	}
	before := last.Add(-v.win.Step)
	return slices.ContainsFunc(v.held.Sources, func(s store.SourceCoverage) bool {
		return clusters[s.Source.Cluster] && slices.ContainsFunc(s.Gaps, func(g lineage.Gap) bool {
			return g.Window.Start.Before(v.win.End.Add(-o.patience)) && g.Window.Start.Before(before) && !g.Window.End.Before(before)
		})
	})
}

// readLooks finds the accesses that were looked at in the step before the round that saw them move last, where some
// source has a gap there: what one broker or topic keeps from it is nothing of the others.
func (o *outlook) readLooks(ctx context.Context, counted, series []int32) error {
	v := o.v
	from := v.win.End.Add(-o.patience)
	if !slices.ContainsFunc(v.held.Sources, func(s store.SourceCoverage) bool {
		return slices.ContainsFunc(s.Gaps, func(g lineage.Gap) bool {
			return g.Window.Start.Before(from) && !g.Window.End.Before(from.Add(-v.win.Step))
		})
	}) {
		return nil
	}
	o.lookedAt = map[int32]bool{}
	for atOnce := max(1, pointsPerCall/stepsOf(v.win)); len(series) > 0; {
		n := min(atOnce, len(series))
		points, err := v.held.Points(ctx, v.win.Step, series[:n])
		if err != nil {
			return fmt.Errorf("read who was looked at: %w", err)
		}
		for k, i := range counted[:n] {
			at := int((o.moved[i].Sub(v.win.Start)+v.win.Step-1)/v.win.Step) - 2
			o.lookedAt[i] = at >= 0 && at < len(points[k]) && points[k][at].OK
		}
		counted, series = counted[n:], series[n:]
	}
	return nil
}

// isLate reports whether a flow's reader is further behind than it is between two commits. Where how late it is can't
// be told it is how long it takes to read what waits.
func (o *outlook) isLate(f lineage.Flow) bool {
	b := o.v.behind(o.levels, o.v.of(f))
	switch {
	case b.records == nil || *b.records == 0:
		return false
	case b.seconds != nil:
		return *b.seconds >= lateFrom
	}
	pace := o.pace(f)
	return pace > 0 && float64(*b.records) >= lateFrom*pace
}

// pace is how many records a second a flow moved; 0: not known.
func (o *outlook) pace(f lineage.Flow) float64 {
	if p := o.v.records(o.v.of(f)).perSecond; p != nil {
		return *p
	}
	return 0
}

// trends says which of some readers that move and are late catch up, and which fall behind.
func (o *outlook) trends(ctx context.Context, late []lineage.Flow, into map[lineage.Flow]State) error {
	if len(late) == 0 {
		return nil
	}
	steady, err := o.steady(ctx, late)
	if err != nil {
		return err
	}
	bounds, err := o.bounds(ctx, late)
	if err != nil {
		return err
	}
	rows, step := o.v.Rows(nil, late), o.v.win.Step
	for _, f := range late {
		if steady[f] < 2 {
			continue
		}
		metrics := []Metric{LagSeconds, Lag}
		if bounds[f] { // it grows by the time that was looked at, whatever the reader does
			metrics = metrics[1:]
		}
		for _, metric := range metrics {
			points, _, err := rows.Flow(f).Series(ctx, metric, &step)
			if err != nil {
				return err
			}
			from := len(points) * (stretches - steady[f]) / stretches
			margin := max(leastTrend, 2*step.Seconds())
			if metric == Lag {
				margin *= o.pace(f)
			}
			is, told := trendOf(points[from:], metric, margin, step)
			if !told {
				continue
			}
			if is.Is != NoState {
				if from == 0 && is.Since.Before(points[len(points)/stretches].At) {
					is.Since = time.Time{}
				}
				into[f] = is
			}
			break
		}
	}
	return nil
}

// steady returns in how many of the last stretches each flow moved: where a reader commits in each, the least that it
// is behind in them is what it is behind when it has just committed.
func (o *outlook) steady(ctx context.Context, flows []lineage.Flow) (map[lineage.Flow]int, error) {
	v := o.v
	var rows []int32
	var owners []lineage.Flow
	for _, f := range flows {
		for _, i := range v.of(f) {
			rows, owners = append(rows, v.accesses[i].row), append(owners, f)
		}
	}
	out := make(map[lineage.Flow]int, len(flows))
	long := v.win.Duration() / stretches
	for n := range stretches {
		end := v.win.End.Add(-time.Duration(n) * long)
		times, err := v.held.LastMoved(ctx, lineage.Window{Start: end.Add(-long), End: end}, rows)
		if err != nil {
			return nil, fmt.Errorf("read when it moved: %w", err)
		}
		for k, t := range times {
			if !t.IsZero() && out[owners[k]] == n {
				out[owners[k]] = n + 1
			}
		}
	}
	return out, nil
}

// bounds returns of which flows it was known only at times that they were at least so late.
func (o *outlook) bounds(ctx context.Context, flows []lineage.Flow) (map[lineage.Flow]bool, error) {
	v := o.v
	var series []int32
	var owners []lineage.Flow
	for _, f := range flows {
		for _, i := range v.of(f) {
			if s, ok := v.held.Series.Find(v.accesses[i].row, lineage.LagAtLeast, lineage.NoEvidence); ok {
				series, owners = append(series, s), append(owners, f)
			}
		}
	}
	out := map[lineage.Flow]bool{}
	if len(series) == 0 {
		return out, nil
	}
	points, err := v.held.Points(ctx, v.win.Step, series)
	if err != nil {
		return nil, fmt.Errorf("read bounds: %w", err)
	}
	for k, ps := range points {
		if slices.ContainsFunc(ps, func(p lineage.Point) bool { return p.OK && p.Value != 0 }) {
			out[owners[k]] = true
		}
	}
	return out, nil
}

// trendOf compares the least that a reader was behind in the first half and in the second: what lies above it is what
// waits for the next commit. Where less than half of either is known nothing is told.
func trendOf(points []Point, m Metric, margin float64, step time.Duration) (is State, told bool) {
	before, after := points[:len(points)/2], points[len(points)/2:]
	a, ok := least(before)
	b, ok2 := least(after)
	if !ok || !ok2 {
		return State{}, false
	}
	if m == Lag {
		margin = max(margin, a*leastGrowth)
	}
	// Where it turned: the last point before it grew, or the highest before it fell.
	since, peak := time.Time{}, a
	switch {
	case b > a+margin:
		for _, p := range points {
			if p.Value != nil && *p.Value <= a {
				since = p.At.Add(step) // a point has the value at the end of its step
			}
		}
		return State{FallingBehind, since}, true
	case b < a-margin:
		for _, p := range points {
			if p.Value != nil && *p.Value >= peak {
				since, peak = p.At.Add(step), *p.Value
			}
		}
		return State{CatchingUp, since}, true
	}
	return State{}, true
}

// least returns the smallest value; ok is false where less than half of the points, or than two, are known.
func least(points []Point) (value float64, ok bool) {
	known := 0
	for _, p := range points {
		if p.Value == nil {
			continue
		}
		if known++; known == 1 || *p.Value < value {
			value = *p.Value
		}
	}
	return value, known >= 2 && 2*known >= len(points)
}
