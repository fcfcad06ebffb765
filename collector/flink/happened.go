package flink

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file tells what happened to jobs: that a run began, began again by itself, could not keep its state, ended or
// failed. What was so when lineaged first looked has not happened. Flink counts, and says of each kind when it was
// last: what came between two looks is told as one event, at the newest, with what is known of when.

const (
	// mostMet bounds the runs of one job that are in its position, the newest.
	mostMet = 16
	// oldest is how long ago a thing can have happened that is new: a clock that says more is wrong.
	oldest = 30 * 24 * time.Hour
	// cached is how long Flink may give an answer about checkpoints as it was, three seconds as is usual.
	cached = 10 * time.Second
)

// met is what was told of a run, so that only what is new is told.
type met struct {
	id         string
	started    int64     // ms of Flink's clock: with another one a JobManager took the run up anew, and counts from 0
	restarts   int64     // -1: not told
	restarting int64     // ms of Flink's clock, when it began again last; 0: never
	failed     int64     // checkpoints; -1: not told
	begins     bool      // that it began is still to be told
	over       bool      // that it is over was told, or is old
	at         time.Time // when it was looked at; zero: never
	finished   time.Time // when it did, while it may yet be told of a savepoint; not kept over a start
	// nor are these
	running int64     // ms of Flink's clock, when it came to run last, as of what was told; 0: not known
	waits   int       // looks since it is known to have begun again, and its count is waited for
	before  time.Time // the look before these
}

// goesOn reports whether nobody said that the run is over.
func (m *met) goesOn() bool { return !m.over && m.finished.IsZero() }

// tellHappened tells what happened to the runs of a job.
func (t *take) tellHappened(j *job) {
	last := int64(0)
	for _, m := range j.met {
		last = max(last, m.started)
	}
	for _, id := range slices.Sorted(maps.Keys(j.met)) {
		if slices.ContainsFunc(j.runs, func(l listed) bool { return l.ID == id }) {
			continue
		}
		if m := j.met[id]; m.goesOn() && t.mayHide() {
			t.hidden = append(t.hidden, j.name)
			continue
		} else if !m.finished.IsZero() {
			t.event(j, lineage.JobEnded, m.finished, finishedWords, id)
		} else if !m.over {
			t.event(j, lineage.JobEnded, time.Time{}, "Flink knows its run %s no more: how it ended is not known%s", id, t.since(m))
			t.vanish(m)
		}
		delete(j.met, id)
		j.dirty = true
	}
	runs := slices.SortedFunc(slices.Values(j.runs), func(a, b listed) int { return cmp.Or(cmp.Compare(a.Started, b.Started), strings.Compare(a.ID, b.ID)) })
	for i := range runs {
		l, r := &runs[i], t.runs[runs[i].ID]
		m := t.meet(j, l, last)
		if !r.seen.Equal(t.round) {
			continue
		}
		was := *m
		t.tellBegun(j, l, r, m)
		t.tellRestarts(j, l, r, m)
		t.tellCheckpoints(j, r, m)
		t.tellEnd(j, r, m)
		m.at, was.running, was.waits, was.before = was.at, m.running, m.waits, m.before // which are not kept
		j.dirty = j.dirty || *m != was
		m.at = t.round
	}
}

// meet returns what was told of a run. One that is new since lineaged watches begins with nothing that has happened.
// last is when the newest of the runs that were met began, also of those that are forgotten; 0: none was met.
func (t *take) meet(j *job, l *listed, last int64) *met {
	m := j.met[l.ID]
	if m != nil {
		return m
	}
	if m = t.back(j, l.ID); m != nil {
		j.met[l.ID], j.dirty = m, true
		return m
	}
	m = &met{id: l.ID, started: l.Started, restarts: -1, failed: -1, over: l.over()}
	if t.isNew(j, l, last) {
		m.restarts, m.failed, m.begins, m.over = 0, 0, true, false
	}
	j.met[l.ID], j.dirty = m, true
	return m
}

// isNew reports whether a run that was not met began since lineaged watches.
func (t *take) isNew(j *job, l *listed, last int64) bool {
	switch {
	case t.listed: // in the list before it was not
		return !t.cut
	case !j.kept: // the job is not among those that were told before lineaged was started
		return t.known && !t.cut && !t.lost
	default:
		return last > 0 && l.Started > last
	}
}

func (t *take) tellBegun(j *job, l *listed, r *run, m *met) {
	if !m.begins || r.state == "INITIALIZING" || r.state == "CREATED" || r.state == "RECONCILING" {
		return
	}
	m.begins = false
	words := ""
	again := r.restarts > 0 || r.stamps["RESTARTING"] > 0 || l.Started != m.started // then it was restored by that
	if r.kept != nil && r.kept.Latest.Restored != nil && r.kept.Counts.Restored == 1 && !again {
		if words = ", from a checkpoint"; r.kept.Latest.Restored.Savepoint {
			words = ", from a savepoint"
		}
	}
	for i := range j.runs {
		if o := &j.runs[i]; o.ID != l.ID && o.ID == before(j, l) {
			words += fmt.Sprintf("; the run before, %s, is %s", o.ID, o.State)
		}
	}
	t.event(j, lineage.JobStarted, r.when("INITIALIZING", t.round), "its run %s began%s", l.ID, words)
}

// before returns the run of a job that began last before another; empty: Flink knows none.
func before(j *job, l *listed) (id string) {
	newest := int64(0)
	for i := range j.runs {
		if o := &j.runs[i]; o.ID != l.ID && o.Started <= l.Started && o.Started >= newest {
			id, newest = o.ID, o.Started
		}
	}
	return id
}

// tellRestarts tells that a run began again by itself. That it did its states say, which come from the JobManager that
// leads; how often, a metric, which comes later than the state, not at all once it is over, and from another JobManager
// with what that one gathered last: one that fell or grew alone is no restart.
func (t *take) tellRestarts(j *job, l *listed, r *run, m *met) {
	n, was, again := r.restarts, m.restarts, r.stamps["RESTARTING"]
	if was < 0 && m.at.IsZero() { // from here on
		m.restarting = again
	}
	if m.running == 0 {
		m.running = r.stamps["RUNNING"]
	}
	began, at := t.beganAgain(r, m)
	tell := func(at time.Time, words string, args ...any) {
		t.event(j, lineage.JobRestarted, at, "its run %s %s", l.ID, fmt.Sprintf(words, args...))
		m.restarting, m.running, m.waits = again, r.stamps["RUNNING"], 0
	}
	between := t.since(m)
	if m.waits > 0 {
		between = t.sinceLook(m.before)
	}
	switch {
	case l.Started > 0 && m.started > 0 && m.started != l.Started:
		tell(r.when("INITIALIZING", t.round), "was taken up anew by a JobManager, and began again at least once%s: how often before that is not known", t.since(m))
		m.restarts, m.started, r.restarts = 0, l.Started, -1 // what is told now may be the count before
	case began && n > was && was >= 0:
		switch {
		case n > was+1:
			tell(at, "began again by itself at least once, %s by Flink's count%s", times(n-was), between)
		case at.IsZero():
			tell(at, "began again by itself%s", between)
		default:
			tell(at, "began again by itself")
		}
		m.restarts = n
	case began && again > 0 && (over(r.state) || m.waits >= looksForCount):
		tell(at, "began again by itself at least once%s", between)
	case began && again > 0:
		if m.waits++; m.waits == 1 {
			m.before = m.at
		}
	default:
		m.restarts = max(n, was)
	}
}

// looksForCount is for how many looks a restart's count is waited for: of two the second is not older than the first.
const looksForCount = 2

// beganAgain reports whether a run's states say that it began again by itself since that was told last, and when it did
// last; zero: that is not known. A scheduler that stamps no restarts, as Flink's adaptive one, stamps when it runs.
func (t *take) beganAgain(r *run, m *met) (began bool, at time.Time) {
	again, running := r.stamps["RESTARTING"], r.stamps["RUNNING"]
	switch {
	case again > m.restarting && (m.restarting > 0 || m.restarts >= 0):
		return true, r.when("RESTARTING", t.round)
	case again == 0 && m.running > 0 && running > m.running:
		return true, r.when("RUNNING", t.round)
	default:
		return false, time.Time{}
	}
}

// restartsOf is how often a run began again by itself, at least; -1: not told.
func (j *job) restartsOf(r *run) int64 {
	if m := j.met[r.id]; m != nil && m.restarts > 0 {
		return max(r.restarts, m.restarts)
	}
	return r.restarts
}

func (t *take) tellCheckpoints(j *job, r *run, m *met) {
	if r.kept == nil {
		return
	}
	n, was, at := r.kept.Counts.Failed, m.failed, time.Time{}
	if last := r.kept.Latest.Failed; last != nil {
		at = r.on(last.At, t.round)
	}
	switch {
	case n < was && t.settling():
		return
	case was < 0 || n == was:
	case n > was:
		t.event(j, lineage.CheckpointFailed, at, "%s of its run %s failed%s", many(n-was, "checkpoint"), r.id, t.since(m))
	case n > 0:
		t.event(j, lineage.CheckpointFailed, at, "at least %s of its run %s failed%s: Flink counts anew", many(n, "checkpoint"), r.id, t.since(m))
	}
	m.failed = n
}

func (t *take) tellEnd(j *job, r *run, m *met) {
	if m.over || !over(r.state) {
		return
	}
	at := r.when(r.state, t.round)
	if t.mayBeSaved(r) {
		m.finished = cmp.Or(at, t.round)
		return
	}
	m.over, m.finished = true, time.Time{}
	switch {
	case r.state == "FAILED":
		t.event(j, lineage.JobFailed, at, "its run %s failed, and does not begin again by itself", r.id)
	case r.state == "CANCELED":
		t.event(j, lineage.JobEnded, at, "its run %s was cancelled", r.id)
	case r.saved():
		t.event(j, lineage.JobEnded, at, "its run %s was stopped with a savepoint", r.id)
	default:
		t.event(j, lineage.JobEnded, at, finishedWords, r.id)
	}
}

const finishedWords = "its run %s finished"

// saved reports whether Flink says that a run that is over was stopped with a savepoint.
func (r *run) saved() bool {
	return r.kept != nil && r.kept.Latest.Savepoint != nil && r.kept.Latest.Savepoint.Type == "SYNC_SAVEPOINT"
}

// mayBeSaved reports whether a run finished so short a time ago that Flink may yet say that it was stopped with a
// savepoint.
func (t *take) mayBeSaved(r *run) bool {
	return r.state == "FINISHED" && r.kept != nil && !r.saved() && t.round.Sub(r.ended) < cached
}

// tellFinished tells of runs that finished, where nobody can be asked any more whether that was with a savepoint.
func (t *take) tellFinished() {
	told := false
	for _, name := range slices.Sorted(maps.Keys(t.jobs)) {
		j := t.jobs[name]
		for _, id := range slices.Sorted(maps.Keys(j.met)) {
			if m := j.met[id]; !m.finished.IsZero() {
				t.event(j, lineage.JobEnded, m.finished, finishedWords, id)
				m.over, m.finished, j.dirty, told = true, time.Time{}, true, true
			}
		}
	}
	if told {
		t.savePositions()
	}
}

// event tells what happened to a job, at an instant; zero: it is not known when, so that it stands where it was seen.
func (t *take) event(j *job, what lineage.EventType, at time.Time, words string, args ...any) {
	if at.IsZero() {
		at = t.round
	}
	t.main.Events = append(t.main.Events, lineage.Event{
		At: at, Type: what, Access: lineage.Access{Client: lineage.Client{Mover: t.node(j)}}, Detail: fmt.Sprintf(words, args...),
	})
}

// since says between when and when what a look tells can have been, in words: what the look before told was as old as
// Flink's metrics may be.
func (t *take) since(m *met) string { return t.sinceLook(m.at) }

func (t *take) sinceLook(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return fmt.Sprintf(", between %s and %s", at.Add(-lateness).UTC().Format(time.RFC3339), t.round.UTC().Format(time.RFC3339))
}

// when returns when a run came into a state last, by the clock of lineaged; zero: Flink does not say.
func (r *run) when(state string, round time.Time) time.Time { return r.on(r.stamps[state], round) }

// on is an instant of Flink's clock by that of lineaged, which a look compared; never after the look.
func (r *run) on(ms int64, round time.Time) time.Time {
	if ms <= 0 || r.now <= 0 || r.now-ms > oldest.Milliseconds() {
		return time.Time{}
	}
	return round.Add(-time.Duration(max(r.now-ms, 0)) * time.Millisecond)
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func many(n int64, what string) string {
	if n == 1 {
		return "a " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
