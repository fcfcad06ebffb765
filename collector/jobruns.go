package collector

import (
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// JobRun is what events say of a run that an engine knows by an id.
type JobRun struct {
	Node   lineage.Node // as which they tell of its job
	Writes bool         // they say what it writes
}

// mostJobRuns is how many of the runs that were told or asked of last are remembered at least; no more than twice as
// many are.
const mostJobRuns = 20_000

// recent remembers the newest of what was told by ids. What is told again or asked for is new. The zero value is empty.
type recent[V any] struct{ now, before map[string]V }

func (r *recent[V]) set(id string, is V) {
	if _, known := r.now[id]; r.now == nil || !known && len(r.now) >= mostJobRuns {
		r.before, r.now = r.now, map[string]V{}
	}
	r.now[id] = is
}

func (r *recent[V]) get(id string) (is V, ok bool) {
	if is, ok = r.now[id]; ok {
		return is, true
	}
	if is, ok = r.before[id]; ok {
		r.set(id, is)
	}
	return is, ok
}

func (r *recent[V]) len() int { return len(r.now) + len(r.before) }

// SetJobRun says what events say of a run that an engine, as Flink, knows by an id.
func (b *Board) SetJobRun(id string, is JobRun) {
	if b == nil || id == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.jobRuns.set(id, is)
}

// JobRun returns what events say of a run; ok is false where none has.
func (b *Board) JobRun(id string) (is JobRun, ok bool) {
	if b == nil {
		return is, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.jobRuns.get(id)
}

// RunMode is whether a run has an end of its own.
type RunMode uint8

// The modes; 0: that was not told.
const (
	StreamRun RunMode = iota + 1
	BatchRun
	UntoldRun // the engine knows the run, and does not say
)

// SharedRun reports whether an id may be of runs of several clusters, and so says nothing of any: that of the one job
// of Flink's application cluster is 0 where it is not given another. So is none.
func SharedRun(id string) bool { return strings.Trim(id, "0") == "" }

// AddEngine says that an engine is watched, which will tell the mode of its runs.
func (b *Board) AddEngine() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.engines++
}

// SetRunMode says what an engine says of a run that it knows by an id. What it said once stands where it says nothing.
func (b *Board) SetRunMode(id string, is RunMode) {
	if b == nil || SharedRun(id) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if was, _ := b.modes.get(id); is == UntoldRun && was != 0 {
		is = was
	}
	b.modes.set(id, is)
}

// RunMode returns what an engine says of a run; awaited: none has, and one that is watched may yet.
func (b *Board) RunMode(id string) (is RunMode, awaited bool) {
	if b == nil || SharedRun(id) {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	is, _ = b.modes.get(id)
	return is, is == 0 && b.engines > 0
}
