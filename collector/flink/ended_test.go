package flink

import (
	"testing"
)

// Flink tells that a run is over before it tells of the savepoint with which it was stopped, as it keeps that answer
// for some seconds. How the run ended is told once that is known, or nobody can be asked any more.
func TestHowItEnded(t *testing.T) {
	saved := func(w *world) {
		w.m.checkpoints(onceJob, func(_, latest map[string]any) {
			latest["savepoint"] = map[string]any{"checkpoint_type": "SYNC_SAVEPOINT"}
		})
	}
	f := func(name string, after func(*world), want ...string) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.rounds(4)
			w.m.state(onceJob, "FINISHED", 5)
			w.rounds(2)
			w.wants("it is not known yet", w.happened(), nil)
			after(w)
			w.wants("then", w.happened(), want)
			w.m.instead(nil)
			w.rounds(6)
			w.wants("once", w.happened(), nil)
			w.start()
			w.rounds(4)
			w.wants("and not after a start", w.happened(), nil)
		})
	}
	f("with a savepoint", func(w *world) {
		saved(w)
		w.rounds(2)
	}, "35 JOB_ENDED copy payments: its run ONCE was stopped with a savepoint")
	f("without", func(w *world) { w.rounds(2) }, "35 JOB_ENDED copy payments: its run ONCE finished")
	f("Flink is away", func(w *world) {
		w.m.instead(refuses)
		w.rounds(1)
	}, "35 JOB_ENDED copy payments: its run ONCE finished")
	f("Flink has forgotten it", func(w *world) {
		w.m.without(onceJob)
		w.rounds(1)
	}, "35 JOB_ENDED copy payments: its run ONCE finished")
}
