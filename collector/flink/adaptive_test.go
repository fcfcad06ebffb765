package flink

import (
	"encoding/json"
	"testing"
)

// A scheduler that stamps no restarts, as Flink's adaptive one, stamps when the run came to run again.
func TestRestartsWithoutStamp(t *testing.T) {
	w := newWorld(t, nil)
	w.rounds(4)
	count := func(n string) {
		w.m.mu.Lock()
		defer w.m.mu.Unlock()
		w.m.answers["/jobs/"+onceJob+"/metrics?get=numRestarts"] = json.RawMessage(`[{"id": "numRestarts", "value": "` + n + `"}]`)
	}
	count("1")
	w.rounds(4)
	w.wants("a count alone is none", w.happened(), nil)
	w.m.state(onceJob, "RUNNING", 4)
	w.rounds(2)
	w.wants("nor is a state that is told before its count", w.happened(), nil)
	count("2")
	w.rounds(2)
	w.wants("both are", w.happened(), []string{"76 JOB_RESTARTED copy payments: its run ONCE began again by itself"})
	w.rounds(4)
	w.wants("once", w.happened(), nil)
}
