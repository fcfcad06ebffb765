package flink

import (
	"slices"
)

// This file is about Flinks of several JobManagers, any of which answers: one leads, and the others ask it. Which one
// is asked can change between two rounds, and which one leads too, and neither is news of the jobs. What one has just
// begun to tell may be old, or not all yet:
//
//   - each has metrics of its own, which are as old as the last question to it, and gathers new ones once it is asked;
//   - the one that takes over counts restarts from 0, and need not list at once what the one before it listed.
//
// So that for a while nothing follows from either.

// another notes that another JobManager answers than before, or that a run was taken up anew. was are the runs of the
// list before.
func (t *take) another(was map[*job][]listed) {
	if by := t.client.Which(); by != t.by {
		if t.by >= 0 {
			t.moved = t.round
			t.cfg.Log.Info("another JobManager answers", "address", t.client.First())
		}
		t.by = by
	}
	for j, runs := range was {
		for i := range j.runs {
			l := &j.runs[i]
			if slices.ContainsFunc(runs, func(old listed) bool {
				return old.ID == l.ID && old.Started > 0 && l.Started > 0 && old.Started != l.Started
			}) {
				t.moved = t.round
			}
		}
	}
}

// settling reports whether another JobManager answers, or leads, since so short a time that what it tells of metrics
// may be old, and that it may not list all.
func (t *take) settling() bool { return !t.moved.IsZero() && t.round.Sub(t.moved) < lateness }

// keep holds the runs that went on and are not in the list of a JobManager that has just begun to answer.
func (t *take) keep(was map[*job][]listed, ids map[string]bool) {
	if !t.settling() {
		return
	}
	for j, runs := range was {
		for i := range runs {
			if l := runs[i]; !l.over() && !ids[l.ID] {
				j.runs, ids[l.ID] = append(j.runs, l), true
				t.hidden = append(t.hidden, j.name)
			}
		}
	}
}
