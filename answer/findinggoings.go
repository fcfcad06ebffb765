package answer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// leastHabit is by how much a silence may be longer than two before it, and still be one of them: a job that starts
// somewhat later.
const leastHabit = 1.1

// goings finds the flows that do not go as they should.
func (f *finder) goings(ctx context.Context) error {
	resting, err := f.habits(ctx)
	if err != nil {
		return err
	}
	gone := leaving(ctx)
	for _, is := range f.flows {
		if gone() {
			return ctx.Err()
		}
		if f.gone[is.From] || f.gone[is.To] {
			continue
		}
		switch s := f.states[is]; s.Is {
		case Stalled, Stopped:
			if resting[is] {
				f.rest(is)
			} else {
				f.silent(is, s)
			}
		case FallingBehind:
			x := Finding{Since: s.Since, Starves: f.starvedBy(is, true)}
			x.Kind, x.Severity, x.Waiting = FindingFallingBehind, Risk, f.waits(is)
			f.addFlow(x, is)
		case NoState:
			if f.isCounted(is) && f.isOf(is) {
				f.out.Unknown++
			}
		default:
		}
	}
	return nil
}

// silent takes in a flow that is silent for longer than it pauses, unless it has ended and nobody misses it.
func (f *finder) silent(is lineage.Flow, s State) {
	x := Finding{Since: s.Since, Starves: f.starvedBy(is, false)}
	x.Waiting = f.waits(is)
	switch {
	case s.Is == Stalled:
		x.Kind, x.Severity = FindingStalled, Harm
	case x.Waiting > 0 && !s.Since.IsZero():
		x.Kind, x.Severity = FindingStopped, Harm
	case x.Starves.some():
		x.Kind, x.Severity = FindingStopped, Risk
	case x.Waiting > 0, !s.Since.Before(f.v.win.Start):
		x.Kind, x.Severity = FindingStopped, Change
	default:
		f.rest(is)
		return
	}
	f.addFlow(x, is)
}

func (f *finder) rest(is lineage.Flow) {
	if f.isOf(is) {
		f.out.Resting++
	}
}

// isOf reports whether a flow is of the cluster and the owner that are asked for.
func (f *finder) isOf(is lineage.Flow) bool {
	return f.only == nil && f.ask.Owner == nil || f.asks(f.v.clustersOfFlow(is), f.v.answersFor(is))
}

// isCounted reports whether somebody counts what a flow moves, so that it can have a state.
func (f *finder) isCounted(is lineage.Flow) bool {
	return slices.ContainsFunc(f.v.of(is), func(i int32) bool { return f.v.accesses[i].counter.metric != lineage.NoMetric })
}

// waits returns the records that wait for a flow's reader; 0: none, or it is not known.
func (f *finder) waits(is lineage.Flow) int64 {
	if b := f.v.behind(f.ls, f.v.of(is)); b.records != nil {
		return *b.records
	}
	return 0
}

// habits returns the silent flows that rest: their silence is no longer than they were silent twice before, within the
// lookback, and then went on.
func (f *finder) habits(ctx context.Context) (map[lineage.Flow]bool, error) {
	v := f.v
	since := map[lineage.Flow]time.Time{}
	for is, s := range f.states {
		if (s.Is == Stalled || s.Is == Stopped) && !s.Since.IsZero() {
			since[is] = s.Since
		}
	}
	if len(since) == 0 {
		return nil, nil
	}
	in := lineage.Window{Start: v.win.End.Add(-lookback), End: v.win.End}
	got, err := v.a.history.Events(ctx, store.EventFilter{Window: in, Types: []lineage.EventType{lineage.FlowStarted, lineage.FlowStopped}})
	if err != nil {
		return nil, fmt.Errorf("read what rested: %w", err)
	}
	rests, gone := map[lineage.Flow][]time.Duration{}, leaving(ctx)
	type rest struct {
		flow lineage.Flow
		who  connection
	}
	ended := map[rest]time.Time{}
	slices.SortStableFunc(got.List, func(a, b lineage.Event) int { return a.At.Compare(b.At) })
	for i := range got.List {
		if gone() {
			return nil, ctx.Err()
		}
		e := Event{Type: got.List[i].Type, event: got.List[i]}
		if _, e.Flow = v.subjectOf(&e.event); e.Flow == nil || since[*e.Flow].IsZero() || len(v.others(&e)) > 0 {
			continue // of several readers or writers one rests while another goes on
		}
		key := rest{*e.Flow, connectionOf(&e)}
		switch at, ok := ended[key]; {
		case e.Type == lineage.FlowStopped:
			ended[key] = e.event.At
		case ok:
			rests[key.flow] = append(rests[key.flow], e.event.At.Sub(at))
			delete(ended, key)
		}
	}
	out := map[lineage.Flow]bool{}
	for is, all := range rests {
		silence, as := v.win.End.Sub(since[is]), 0
		for _, d := range all {
			if float64(silence) <= leastHabit*float64(d) {
				as++
			}
		}
		out[is] = as >= 2
	}
	return out, nil
}
