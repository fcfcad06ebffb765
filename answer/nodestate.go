package answer

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file says of a node what its flows say: when one of them moved last, and how they go at the window's end.

// StateCount is how many flows of a node are in a state.
type StateCount struct {
	Is    FlowState
	Count int
}

// LastMoved returns when records went into the node or out of it last, as lists are ordered by it; the zero time: not
// within the lookback.
func (n Node) LastMoved(ctx context.Context) (last time.Time, err error) {
	moved, err := n.rows.v.lastMovedAll(ctx)
	if err != nil {
		return last, err
	}
	for _, i := range n.rows.v.accessesOf(n.node) {
		if t := moved[i]; t.After(last) {
			last = t
		}
	}
	return last, nil
}

// FlowStates counts the node's flows by how they go at the window's end, those first that need somebody. Flows of
// internal topics are left out, but of the topic itself.
func (n Node) FlowStates(ctx context.Context) ([]StateCount, error) {
	all, err := n.rows.goes.get(ctx, n.rows.loadGoes)
	return all[n.node], err
}

// loadGoes counts the states of the flows of all nodes among the rows.
// Of groups, whose flows are many each, none is told.
func (r *Rows) loadGoes(ctx context.Context) (map[lineage.Node][]StateCount, error) {
	if r.v.kinds != nil {
		return nil, nil
	}
	of := make(map[lineage.Node][]lineage.Flow, len(r.order))
	var all []lineage.Flow
	known, gone := map[lineage.Flow]bool{}, leaving(ctx)
	for _, n := range r.order {
		own, internal := map[lineage.Flow]bool{}, r.v.internal(n)
		for _, i := range r.v.accessesOf(n) {
			if gone() {
				return nil, ctx.Err()
			}
			x := &r.v.accesses[i]
			f := x.flow()
			if own[f] || x.internal() && !internal {
				continue
			}
			own[f] = true
			of[n] = append(of[n], f)
			if !known[f] {
				known[f] = true
				all = append(all, f)
			}
		}
	}
	states, err := r.v.Rows(nil, all).loadStates(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[lineage.Node][]StateCount, len(of))
	for n, flows := range of {
		out[n] = countStates(flows, states)
	}
	return out, nil
}

// worstFirst is the order in which states are told: what needs somebody, what is not known, what gets better, what is
// as it should be.
var worstFirst = []FlowState{Stalled, FallingBehind, Stopped, NoState, CatchingUp, Moving, Paused, Idle}

func countStates(flows []lineage.Flow, states map[lineage.Flow]State) (out []StateCount) {
	counts := map[FlowState]int{}
	for _, f := range flows {
		counts[states[f].Is]++
	}
	for _, is := range worstFirst {
		if n := counts[is]; n > 0 {
			out = append(out, StateCount{is, n})
		}
	}
	return out
}
