package flink

import (
	"slices"
	"time"
)

// This file is about Flinks of several JobManagers, any of which answers: one leads, and the others ask it. Which one
// is asked can change between two requests, and which one leads too, and neither is news of the jobs. What one has just
// begun to tell may be old, or not all yet:
//
//   - each has metrics of its own, which are as old as the last question to it, and gathers new ones once it is asked;
//   - the one that takes over counts restarts from 0, and need not list at once what the one before it listed.
//
// So that for a while nothing follows from either, nor after a start of lineaged, before which another may have
// answered. Which one answers behind one address nobody sees: nothing follows from metrics there that went back, and a
// restart from none alone. What is told of a run's states comes from the one that leads, and is never old.

// gathered is how long after a question the metrics of that question are there.
const gathered = 10 * time.Second

// another notes that another JobManager answers than before, or that a run was taken up anew. was are the runs of the
// list before.
func (t *take) another(was map[*job][]listed) {
	if t.by < 0 {
		t.begun, t.by, t.turns = t.round, t.client.Which(), t.client.turns
	}
	t.follow()
	for j, runs := range was {
		for i := range j.runs {
			l := &j.runs[i]
			if slices.ContainsFunc(runs, func(old listed) bool {
				return old.ID == l.ID && old.Started > 0 && l.Started > 0 && old.Started != l.Started
			}) {
				t.settle()
			}
		}
	}
}

// follow notes that another JobManager answered since it was called last, and be it one request.
func (t *take) follow() {
	if t.turns == t.client.turns && t.by == t.client.Which() {
		return
	}
	t.by, t.turns = t.client.Which(), t.client.turns
	t.settle()
	t.cfg.Log.Info("another JobManager answers", "address", t.client.First())
}

func (t *take) settle() { t.moved, t.primed = t.round, time.Time{} }

// settling reports whether what is told of metrics may be old: another JobManager answers, or leads, since a short
// time, or was not asked yet for any, or only just. It is asked for them nevertheless, so that it gathers them.
func (t *take) settling() bool {
	t.follow()
	return t.primed.IsZero() || t.round.Sub(t.primed) < gathered || since(t.moved, t.round) < lateness
}

// mayHide reports whether another JobManager answers, or lineaged does, since so short a time that a run which is not
// listed may be there.
func (t *take) mayHide() bool {
	return since(t.moved, t.round) < lateness || since(t.begun, t.round) < lateness
}

// since is how long ago an instant is; zero: long ago.
func since(at, round time.Time) time.Duration {
	if at.IsZero() {
		return lateness
	}
	return round.Sub(at)
}

// keep holds the runs that went on and are not in the list of a JobManager that has just begun to answer.
func (t *take) keep(was map[*job][]listed, ids map[string]bool) {
	if !t.mayHide() {
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

// held reports whether a job of which no run is listed may yet be there: nobody said that its runs are over.
func (t *take) held(j *job) bool {
	if !t.mayHide() {
		return false
	}
	if len(j.met) == 0 {
		return true
	}
	for _, m := range j.met {
		if m.goesOn() {
			return true
		}
	}
	return false
}
