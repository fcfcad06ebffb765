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
