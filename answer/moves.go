package answer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostMoves bounds the accesses × steps that are looked at for the order in which things moved: some seconds' work.
	mostMoves = 20_000_000
	// mostStretches bounds what is kept of it, at 8 bytes each.
	mostStretches = 4_000_000
	// mostBridged is for how many gaps it is looked whether the totals on both sides say that nothing moved in them.
	mostBridged = 256
)

// doubt is why it is not known whether an access moved.
type doubt uint8

const (
	noReading doubt = iota // not observed, or the next reading is due
	hides                  // it may be in the count of another, or it was not observed
	straddles              // all that moved was read over a time that reaches beyond the window
	uncounted              // it has no counter: that it did is known, or that it may have, but not when
	seenLater              // it was first looked at within the window, with a past of its own
)

// movement is when an access moved within a window, in its steps, and why that is not known where it is not.
type movement struct {
	graph.Moves
	why doubt
}

// movements holds what was asked of some accesses.
type movementsOf map[int32]movement

// stepsOf returns how many steps a window has.
func stepsOf(w lineage.Resolved) int { return int((w.Duration() + w.Step - 1) / w.Step) }

// moves reads in which steps of the window accesses moved, and in which that is not known.
func (v *View) moves(ctx context.Context, accesses []int32) (movementsOf, error) {
	steps := stepsOf(v.win)
	if len(accesses)*steps > mostMoves {
		return nil, tooMuch("%d readers and writers lie between the two, too many to look at in %d steps of %s: ask for a shorter window", len(accesses), steps, spelled(v.win.Step))
	}
	leave, err := v.a.views.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	out := make(movementsOf, len(accesses))
	var counted, others []int32
	speaks := map[lineage.Flow]bool{} // of which an access is counted
	for _, i := range accesses {
		if x := &v.accesses[i]; x.counter.metric != lineage.NoMetric {
			counted = append(counted, i)
			speaks[x.flow()] = true
		} else {
			others = append(others, i)
		}
	}
	if err := v.countedMoves(ctx, counted, steps, out); err != nil {
		return nil, err
	}
	if err := v.bridge(ctx, out, steps); err != nil {
		return nil, err
	}
	return out, v.otherMoves(ctx, others, speaks, steps, out)
}

// countedMoves reads the steps of those that have a counter.
func (v *View) countedMoves(ctx context.Context, accesses []int32, steps int, out movementsOf) error {
	kept := 0
	for atOnce := max(1, pointsPerCall/steps); len(accesses) > 0; {
		some := accesses[:min(atOnce, len(accesses))]
		accesses = accesses[len(some):]
		series := make([]int32, len(some))
		for k, i := range some {
			series[k] = v.accesses[i].counter.series
		}
		points, err := v.held.Points(ctx, v.win.Step, series)
		if err != nil {
			return fmt.Errorf("read when it moved: %w", err)
		}
		veiled, err := v.veiledOf(ctx, some)
		if err != nil {
			return err
		}
		for k, i := range some {
			hidden := v.accesses[i].veiled && veil(points[k], veiled[v.accesses[i].Access.Topic])
			m := v.movementOf(&v.accesses[i], points[k])
			if hidden {
				m.why = max(m.why, hides)
			}
			if kept += len(m.Seen) + len(m.Open); kept > mostStretches {
				return tooMuch("what lies between the two moved on and off too often to be looked at in this window: ask for a shorter one")
			}
			out[i] = m
		}
	}
	return nil
}

// movementOf turns the steps of a counter into stretches.
func (v *View) movementOf(x *access, points []lineage.Point) (m movement) {
	if n := len(points); n > 0 && x.doubtful() && points[n-1].Value == 0 {
		points[n-1].OK = false
	}
	// A first reading that counts nothing is of one who may have read before: what he read until then nobody knows.
	before := 0
	if v.unseenBefore(x) {
		first := int((x.FirstSeen.Sub(v.win.Start)+v.win.Step-1)/v.win.Step) - 1
		if first = min(max(first, 0), len(points)-1); first >= 0 && !(points[first].OK && points[first].Value > 0) {
			before, m.why = first+1, seenLater
		}
	}
	for i, p := range points {
		switch {
		case p.OK && p.Value > 0 && !x.beside:
			m.Seen = extend(m.Seen, i)
		case p.OK && p.Value > 0:
			m.Open, m.why = extend(m.Open, i), max(m.why, straddles)
		case !p.OK || i < before:
			m.Open = extend(m.Open, i)
		}
	}
	return m
}

// extend adds a step to sorted stretches, which all end by it.
func extend(all []graph.Ticks, step int) []graph.Ticks {
	if n := len(all); n > 0 && all[n-1].To == int32(step) {
		all[n-1].To++
		return all
	}
	return append(all, graph.Ticks{From: int32(step), To: int32(step) + 1})
}

// bridge takes away the gaps in which nothing can have moved, since the first reading after them has the total of the
// last one before.
func (v *View) bridge(ctx context.Context, all movementsOf, steps int) error {
	gaps := map[graph.Ticks][]int32{}
	var order []graph.Ticks                           // of gaps, the same each time
	for _, i := range slices.Sorted(maps.Keys(all)) { // so that the same ones are beyond the bound each time
		m := all[i]
		if m.why != noReading {
			continue
		}
		for _, t := range m.Open {
			_, known := gaps[t]
			if int(t.To) >= steps || !known && len(gaps) >= mostBridged {
				continue
			}
			if !known {
				order = append(order, t)
			}
			gaps[t] = append(gaps[t], i)
		}
	}
	for _, t := range order {
		accesses := gaps[t]
		series := make([]int32, len(accesses))
		for k, i := range accesses {
			series[k] = v.accesses[i].counter.series
		}
		in := lineage.Window{Start: v.stepAt(t.From), End: v.stepAt(t.To + 1)}
		amounts, err := v.held.Amounts(ctx, in, series)
		if err != nil {
			return fmt.Errorf("read what moved in a gap: %w", err)
		}
		for k, a := range amounts {
			if a.Known && a.Total == 0 && !a.Pending && !a.Estimated {
				m := all[accesses[k]]
				m.Open = without(m.Open, t)
				all[accesses[k]] = m
			}
		}
	}
	return nil
}

func without(all []graph.Ticks, t graph.Ticks) []graph.Ticks {
	out := make([]graph.Ticks, 0, len(all)-1)
	for _, o := range all {
		if o != t {
			out = append(out, o)
		}
	}
	return out
}

// otherMoves tells of those without a counter: of one that was seen to move the last time is known, of the others only
// that they may have, unless somebody who is counted speaks for them.
func (v *View) otherMoves(ctx context.Context, accesses []int32, speaks map[lineage.Flow]bool, steps int, out movementsOf) error {
	var rows, moved []int32
	whole := graph.Ticks{To: int32(steps)}
	for _, i := range accesses {
		x := &v.accesses[i]
		switch {
		case x.state == graph.Active:
			rows, moved = append(rows, x.row), append(moved, i)
		case x.state == graph.Unknown && !speaks[x.flow()]:
			out[i] = movement{Moves: graph.Moves{Open: []graph.Ticks{whole}}, why: uncounted}
		}
	}
	if len(rows) == 0 {
		return nil
	}
	last, err := v.held.LastMoved(ctx, v.win.Window, rows)
	if err != nil {
		return fmt.Errorf("read what moved: %w", err)
	}
	for k, i := range moved {
		m := movement{Moves: graph.Moves{Open: []graph.Ticks{whole}}, why: uncounted}
		if at := last[k]; !at.IsZero() {
			step := int((at.Sub(v.win.Start)+v.win.Step-1)/v.win.Step) - 1
			m.Seen = extend(nil, min(max(step, 0), steps-1))
		}
		out[i] = m
	}
	return nil
}

// stepAt returns when a step of the window begins, or where the window ends.
func (v *View) stepAt(step int32) time.Time {
	at := v.win.Start.Add(time.Duration(step) * v.win.Step)
	if at.After(v.win.End) {
		return v.win.End
	}
	return at
}
