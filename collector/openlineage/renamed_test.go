package openlineage

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// called is an event of the first run of a job of another name, which reads a/in.
func (w *world) called(name, kind, out string) string {
	return strings.Replace(w.event(1, kind, "", "a/in", out), `"name":"j"`, `"name":"`+name+`"`, 1)
}

// TestARunWhoseJobIsRenamedEnds has a job that calls itself otherwise once it knows what it writes, within one run, as
// Spark's do: what it said under the first name has ended with the run.
func TestARunWhoseJobIsRenamedEnds(t *testing.T) {
	w := newWorld(t)
	w.ttl = time.Hour
	w.start()
	w.send(w.called("load", "START", ""))
	w.wants("it begins", "job:ns/load read a/in moved=false", "job:ns/load read a/in pending=1")
	w.lists("it goes on", "job:ns/load", "01 GOES_ON started=true 0s to ? <dataset:a/in")
	w.send(w.called("load.out", "FAIL", "a/out"))
	w.wants("it ends under another name", "job:ns/load read a/in moved=false", "job:ns/load read a/in pending=0",
		"job:ns/load.out read a/in moved=false", "job:ns/load.out read a/in pending=0", "job:ns/load.out write a/out moved=false", "job:ns/load.out write a/out pending=0")
	of := func(name string) (state string) {
		for _, o := range w.obs {
			for _, x := range o.Facts {
				if x.Runs != nil && x.Runs.Job.Name == name {
					state = x.Runs.Runs[0].State.String()
				}
			}
		}
		return state
	}
	if first, last := of("load"), of("load.out"); first != "FAILED" || last != "FAILED" {
		t.Errorf("the run is %s by its first name, and %s by its last", first, last)
	}
	w.start()
	w.wants("after a restart")
	if first := of("load"); first != "FAILED" {
		t.Errorf("after a restart it is %s", first)
	}
	// What it says after that end is a run's that goes on.
	w.send(w.called("load", "RUNNING", ""))
	w.wants("it says that it goes on", "job:ns/load read a/in moved=true", "job:ns/load read a/in pending=1")
}

// Jobs that only share an id end each by its own word: one that is no UUID, of zeros, or of another namespace.
func TestAnIDThatSeveralJobsShareEndsNone(t *testing.T) {
	for _, change := range []func(string, string) string{
		func(e, _ string) string {
			return strings.ReplaceAll(e, "9c66b278-db60-4da4-a9df-000000000001", "daily")
		},
		func(e, _ string) string {
			return strings.ReplaceAll(e, "9c66b278-db60-4da4-a9df-000000000001", "00000000-0000-0000-0000-000000000000")
		},
		func(e, name string) string {
			return strings.Replace(e, `"namespace":"ns"`, `"namespace":"ns-`+name+`"`, 1)
		},
	} {
		w := newWorld(t)
		w.ttl = time.Hour
		w.start()
		w.send(change(w.called("x", "START", ""), "x"), change(w.called("y", "COMPLETE", ""), "y"))
		open := 0
		for _, said := range w.round() {
			if strings.HasSuffix(said, "pending=1") {
				open++
			}
		}
		if open != 1 {
			t.Errorf("%d runs go on", open)
		}
	}
}

// Two jobs that speak by turns with one id are two: neither ends with the other.
func TestJobsThatSpeakByTurnsEndEachByItself(t *testing.T) {
	w := newWorld(t)
	w.ttl = time.Hour
	w.start()
	w.send(w.called("y", "START", ""))
	w.send(w.called("x", "START", ""))
	said := w.round()
	w.send(w.called("y", "COMPLETE", ""))
	if said = append(said, w.round()...); slices.Contains(said, "job:ns/x read a/in pending=0") || !slices.Contains(said, "job:ns/y read a/in pending=0") {
		t.Errorf("of x, which has not ended, and y, which has: %q", said)
	}
}
