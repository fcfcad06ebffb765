package openlineage

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// runs is what was told last of the runs of a job; nil: nothing.
func (w *world) runs() (f *lineage.RunsFact) {
	for _, o := range w.obs {
		for _, x := range o.Facts {
			if x.Key.Kind == lineage.RunFacts {
				f = x.Runs
			}
		}
	}
	return f
}

// listed are the runs in words.
func (w *world) listed() string {
	f := w.runs()
	if f == nil {
		return ""
	}
	out := f.Job.ID()
	since := func(t time.Time) string {
		if t.IsZero() {
			return "?"
		}
		return t.Sub(t0).String()
	}
	for _, r := range f.Runs {
		out += fmt.Sprintf("\n%s %s started=%v %s to %s", r.ID[len(r.ID)-2:], r.State, r.Started, since(r.First), since(r.Ended))
		for _, i := range r.Reads {
			out += " <" + f.Ends[i].ID()
		}
		for _, i := range r.Writes {
			out += " >" + f.Ends[i].ID()
		}
	}
	return out
}

func (w *world) lists(what string, want ...string) {
	w.Helper()
	w.round()
	if got := w.listed(); got != strings.Join(want, "\n") {
		w.Errorf("%s:\n%s\nwant\n%s", what, got, strings.Join(want, "\n"))
	}
}

func TestRunsAreListed(t *testing.T) {
	w := newWorld(t)
	w.ttl = time.Hour
	w.start()
	w.send(w.event(1, "START", "", "kafka://b1:9092/orders", ""))
	w.lists("one goes on", "job:ns/j", "01 GOES_ON started=true 0s to ? <topic:id-west/orders")
	w.send(w.event(1, "RUNNING", "", "", ""))
	told := len(w.obs)
	w.round()
	for _, o := range w.obs[told:] {
		if len(o.Facts) > 0 {
			t.Errorf("it moves, and the list is told again: %+v", o.Facts)
		}
	}
	w.send(w.event(1, "FAIL", "", "", "pg://db/t"), w.event(2, "COMPLETE", "", "", ""))
	w.lists("two are over", "job:ns/j", "02 COMPLETED started=false 20s to 20s", "01 FAILED started=true 0s to 20s <topic:id-west/orders >dataset:pg%3A%2F%2Fdb/t")
	w.start()
	w.send(w.event(3, "START", streaming, "", ""))
	w.lists("it streams, after a kill", "streamjob:ns/j", "03 GOES_ON started=true 30s to ?", "02 COMPLETED started=false 20s to 20s",
		"01 FAILED started=true 0s to 20s <topic:id-west/orders >dataset:pg%3A%2F%2Fdb/t")
	late := strings.Replace(w.event(1, "OTHER", "", "pg://db/u", ""), "12:00:30", "12:00:25", 1)
	w.at = w.at.Add(25 * time.Hour)
	w.lists("one is silent", "streamjob:ns/j", "03 SILENT started=true 30s to ?", "02 COMPLETED started=false 20s to 20s",
		"01 FAILED started=true 0s to 20s <topic:id-west/orders >dataset:pg%3A%2F%2Fdb/t")
	if n := len(w.c.source.runs); n != 0 {
		t.Errorf("%d runs are remembered for their events", n)
	}
	w.send(late)
	w.lists("an event of one that was forgotten adds to it", "streamjob:ns/j", "03 SILENT started=true 30s to ?", "02 COMPLETED started=false 20s to 20s",
		"01 FAILED started=true 0s to 20s <dataset:pg%3A%2F%2Fdb/u <topic:id-west/orders >dataset:pg%3A%2F%2Fdb/t")
	for n := range runsOfJob {
		w.send(w.event(10+n, "COMPLETE", "", "", ""))
	}
	w.round()
	if f := w.runs(); len(f.Runs) != runsOfJob || !f.Older {
		t.Errorf("%d runs are listed, older ones: %v", len(f.Runs), f.Older)
	}
}
