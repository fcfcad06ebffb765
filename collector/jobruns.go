package collector

import "github.com/lineaged/lineaged/lineage"

// JobRun is what events say of a run that an engine knows by an id.
type JobRun struct {
	Node   lineage.Node // as which they tell of its job
	Writes bool         // they say what it writes
}

// mostJobRuns bounds how many are remembered: beyond it, none is until the process starts again.
const mostJobRuns = 20_000

// SetJobRun says what events say of a run that an engine, as Flink, knows by an id.
func (b *Board) SetJobRun(id string, is JobRun) {
	if b == nil || id == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.jobRuns == nil {
		b.jobRuns = map[string]JobRun{}
	}
	if _, known := b.jobRuns[id]; known || len(b.jobRuns) < mostJobRuns {
		b.jobRuns[id] = is
	}
}

// JobRun returns what events say of a run; ok is false where none has.
func (b *Board) JobRun(id string) (is JobRun, ok bool) {
	if b == nil {
		return is, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	is, ok = b.jobRuns[id]
	return is, ok
}

// RunMode is whether a run has an end of its own.
type RunMode uint8

// The modes; 0: that was not told.
const (
	StreamRun RunMode = iota + 1
	BatchRun
)

// AddEngine says that an engine is watched, which will tell the mode of its runs.
func (b *Board) AddEngine() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.engines++
}

// SetRunMode says what an engine says of a run that it knows by an id.
func (b *Board) SetRunMode(id string, is RunMode) {
	if b == nil || id == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.modes == nil {
		b.modes = map[string]RunMode{}
	}
	if _, known := b.modes[id]; known || len(b.modes) < mostJobRuns {
		b.modes[id] = is
	}
}

// RunMode returns what an engine says of a run; awaited: none has, and one that is watched may yet.
func (b *Board) RunMode(id string) (is RunMode, awaited bool) {
	if b == nil || id == "" {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	is = b.modes[id]
	return is, is == 0 && b.engines > 0
}
