package flink

import (
	"slices"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// This file is about runs of which it was told that Flink knows them no more, and how they ended is not known. One that
// is listed again, as after an election that took longer than one is waited for, was there all along.

const (
	// mostVanished bounds those that are remembered, the newest.
	mostVanished = 200
	vanishedKey  = "vanished"
)

// vanished is what was told of such a run, as a met.
type vanished struct {
	ID                                    string
	Started, Restarts, Restarting, Failed int64
	Begins                                bool `json:",omitempty"`
	At                                    time.Time
}

// vanish remembers a run that Flink knows no more. The id of an application's one job says nothing of which it is.
func (t *take) vanish(m *met) {
	if collector.SharedRun(m.id) {
		return
	}
	t.vanished = append(t.vanished, vanished{m.id, m.started, m.restarts, m.restarting, m.failed, m.begins, m.at})
	t.vanished = t.vanished[max(0, len(t.vanished)-mostVanished):]
	t.unsaved = true
}

// back returns what was told of a run that is listed again; nil: that it vanished was not told.
func (t *take) back(j *job, id string) *met {
	i := slices.IndexFunc(t.vanished, func(v vanished) bool { return v.ID == id })
	if i < 0 {
		return nil
	}
	v := t.vanished[i]
	t.vanished, t.unsaved = slices.Delete(t.vanished, i, i+1), true
	t.again = append(t.again, j.name)
	t.cfg.Log.Info("a run of which it was told that Flink knows it no more is listed again", "job", j.name, "run", id)
	return &met{id: v.ID, started: v.Started, restarts: v.Restarts, restarting: v.Restarting, failed: v.Failed, begins: v.Begins, at: v.At}
}

// sayAgain says which jobs had not ended as was told.
func (t *take) sayAgain() {
	if len(t.again) == 0 {
		return
	}
	t.main.Missing = append(t.main.Missing, lineage.Missing{
		Reason: "what happened to " + collector.Some(t.again) + ": runs of which it was told that Flink knows them no more are listed again, and were there all along",
		Share:  float64(len(t.again)) / float64(max(len(t.runs), len(t.again))),
	})
}
