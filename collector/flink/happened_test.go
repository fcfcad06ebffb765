package flink

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// change changes an answer.
func (m *jobManager) change(path string, change func(is map[string]any)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var is map[string]any
	if err := json.Unmarshal(m.answers[path], &is); err != nil {
		panic(err)
	}
	change(is)
	text, err := json.Marshal(is)
	if err != nil {
		panic(err)
	}
	m.answers[path] = text
}

// state lets a run come into a state, so many seconds before it is asked.
func (m *jobManager) state(id, state string, ago float64) {
	m.change("/jobs/"+id, func(is map[string]any) {
		is["state"] = state
		stamps, ok := is["timestamps"].(map[string]any)
		if !ok {
			panic("it has no clock")
		}
		stamps[state] = m.now(is) - 1000*ago
	})
	m.list(func(all []map[string]any) []map[string]any {
		for _, j := range all {
			if j["jid"] == id {
				j["state"] = state
			}
		}
		return all
	})
}

// restarted lets a run count its restarts; it began again so many seconds before it is asked.
func (m *jobManager) restarted(id string, n int, ago float64) {
	m.state(id, "RESTARTING", ago)
	m.state(id, "RUNNING", ago-1)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.answers["/jobs/"+id+"/metrics?get=numRestarts"] = json.RawMessage(fmt.Sprintf(`[{"id": "numRestarts", "value": "%d"}]`, n))
}

// clone adds a run that is as another is, and began so many seconds after it.
func (m *jobManager) clone(id, as string, after float64) {
	m.mu.Lock()
	for path, answer := range maps.Clone(m.answers) {
		if strings.Contains(path, id) {
			m.answers[strings.ReplaceAll(path, id, as)] = answer
		}
	}
	m.mu.Unlock()
	m.change("/jobs/"+as, func(is map[string]any) {
		stamps, ok := is["timestamps"].(map[string]any)
		began, also := stamps["INITIALIZING"].(float64)
		if !ok || !also {
			panic("it has no clock")
		}
		stamps["INITIALIZING"] = began + 1000*after
	})
	m.list(func(all []map[string]any) []map[string]any {
		for _, j := range all {
			if started, ok := j["start-time"].(float64); ok && j["jid"] == id {
				another := maps.Clone(j)
				another["jid"], another["start-time"] = as, started+1000*after
				return append(all, another)
			}
		}
		panic("no such run")
	})
}

func (m *jobManager) without(id string) {
	m.list(func(all []map[string]any) []map[string]any {
		return slices.DeleteFunc(all, func(j map[string]any) bool { return j["jid"] == id })
	})
}

func (m *jobManager) checkpoints(id string, change func(counts, latest map[string]any)) {
	m.change("/jobs/"+id+"/checkpoints", func(is map[string]any) {
		counts, ok := is["counts"].(map[string]any)
		latest, also := is["latest"].(map[string]any)
		if !ok || !also {
			panic("no checkpoints")
		}
		change(counts, latest)
	})
}

// happened is what happened in the newest rounds, with the seconds since the beginning.
func (w *world) happened() (all []string) {
	for _, o := range w.obs {
		for _, e := range o.Events {
			if e.Type == lineage.SourceLost || e.Type == lineage.SourceRecovered {
				continue
			}
			if m := e.Access.Client.Mover; m.Kind != lineage.StreamJobNode || m.Scope != "flink-west" || e.Access.Topic.Name != "" || e.Access.Op != lineage.OpNone {
				w.Errorf("the event is about %+v", e.Access)
			}
			short := strings.NewReplacer(onceJob, "ONCE", leastJob, "LEAST", sqlJob, "SQL", t0.Format("2006-01-02T"), "").Replace(e.Detail)
			all = append(all, fmt.Sprintf("%.0f %s %s: %s", e.At.Sub(t0).Seconds(), e.Type, e.Access.Client.Mover.Name, short))
		}
	}
	return all
}

// What was so when lineaged first looked has not happened, and nothing happens while nothing does, over a start too.
func TestNothingHappened(t *testing.T) {
	w := newWorld(t, nil)
	w.m.restarted(onceJob, 7, 5)
	w.m.checkpoints(onceJob, func(counts, _ map[string]any) { counts["failed"] = 3 })
	w.m.state(sqlJob, "FAILED", 100)
	w.rounds(8)
	w.wants("at first", w.happened(), nil)
	w.start()
	w.rounds(8)
	w.wants("after a start", w.happened(), nil)
}

// A run begins again by itself: how often, and when last, as far as that can be told.
func TestRestarts(t *testing.T) {
	w := newWorld(t, nil)
	w.rounds(4) // looked at in the first and the third, at 10 and 30
	w.m.restarted(onceJob, 1, 6)
	w.rounds(2)
	w.wants("once", w.happened(), []string{"34 JOB_RESTARTED copy payments: its run ONCE began again by itself"})
	w.rounds(4)
	w.wants("told once", w.happened(), nil)

	w.m.instead(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(500) })
	w.rounds(6) // 110 to 160
	w.m.instead(nil)
	w.m.restarted(onceJob, 4, 30)
	w.rounds(1)
	w.wants("while Flink was not seen", w.happened(), []string{"130 JOB_RESTARTED copy payments: its run ONCE began again by itself at least once, 3 times by Flink's count, between 12:01:00Z and 12:02:50Z"})

	w.m.state(onceJob, "RESTARTING", 2) // the state comes before the count
	w.rounds(2)
	w.wants("it is not known yet how often", w.happened(), nil)
	w.m.restarted(onceJob, 5, 10)
	w.start() // and lineaged is not there
	w.rounds(3)
	w.wants("over a start", w.happened(), []string{"180 JOB_RESTARTED copy payments: its run ONCE began again by itself"})

	w.m.state(onceJob, "RESTARTING", 1e9)
	w.m.list(func(all []map[string]any) []map[string]any {
		for _, j := range all {
			if j["jid"] == onceJob {
				j["was"], j["start-time"] = j["start-time"], 0
			}
		}
		return all
	})
	w.rounds(2)
	w.wants("a start and a state of no time", w.happened(), nil)
	w.m.list(func(all []map[string]any) []map[string]any {
		for _, j := range all {
			if j["jid"] == onceJob {
				j["start-time"] = j["was"]
			}
		}
		return all
	})
	w.m.restarted(onceJob, 2, 3)
	w.rounds(2)
	w.wants("the count goes back, and may come yet", w.happened(), nil)
	w.rounds(4)
	w.wants("it does not", w.happened(), []string{"237 JOB_RESTARTED copy payments: its run ONCE began again by itself at least once, between 12:03:30Z and 12:05:00Z"})

	w.m.restarted(onceJob, 1, 2)
	w.m.change("/jobs/"+onceJob, func(is map[string]any) {
		stamps, ok := is["timestamps"].(map[string]any)
		started, also := stamps["RESTARTING"].(float64)
		if !ok || !also {
			t.Fatal("it has no clock")
		}
		stamps["INITIALIZING"] = started - 3000
	})
	w.m.list(func(all []map[string]any) []map[string]any {
		for _, j := range all {
			if j["jid"] == onceJob {
				j["start-time"] = 1.0
			}
		}
		return all
	})
	w.rounds(2)
	w.wants("another JobManager takes it up", w.happened(), []string{"295 JOB_RESTARTED copy payments: its run ONCE was taken up anew by a JobManager, and began again at least once, between 12:04:30Z and 12:05:20Z: how often before that is not known"})
	w.rounds(4)
	w.wants("its own count alone is no restart", w.happened(), nil)

	w.m.state(onceJob, "RESTARTING", 4)
	w.m.state(onceJob, "FAILED", 1)
	w.rounds(2)
	w.wants("its last restart is not counted any more", w.happened(), []string{
		"356 JOB_RESTARTED copy payments: its run ONCE began again by itself at least once, between 12:05:30Z and 12:06:20Z",
		"359 JOB_FAILED copy payments: its run ONCE failed, and does not begin again by itself",
	})
	w.rounds(6)
	w.wants("all is told", w.happened(), nil)
}

// A job is stopped with a savepoint and started again from there; another is cancelled, one finishes, and of one it is
// not known how it ended.
func TestRunsBeginAndEnd(t *testing.T) {
	w := newWorld(t, nil)
	w.rounds(4)
	w.m.checkpoints(onceJob, func(_, latest map[string]any) {
		latest["savepoint"] = map[string]any{"checkpoint_type": "SYNC_SAVEPOINT"}
	})
	w.m.clone(onceJob, "again", 100)
	w.m.checkpoints("again", func(counts, latest map[string]any) {
		latest["savepoint"], latest["restored"], counts["restored"], counts["failed"] = nil, map[string]any{"is_savepoint": true}, 1, 2
	})
	w.m.state(onceJob, "FINISHED", 5)
	w.m.state("again", "INITIALIZING", 2)
	w.rounds(2)
	w.wants("stopped", w.happened(), []string{"35 JOB_ENDED copy payments: its run ONCE was stopped with a savepoint", "50 CHECKPOINT_FAILED copy payments: 2 checkpoints of its run again failed"})
	w.start() // before it was told that the run began
	w.m.state("again", "RUNNING", 1)
	w.rounds(2)
	w.wants("started again", w.happened(), []string{"38 JOB_STARTED copy payments: its run again began, from a savepoint; the run before, ONCE, is FINISHED"})

	w.m.clone(leastJob, "new", 100)
	w.m.list(func(all []map[string]any) []map[string]any { all[len(all)-1]["name"] = "new job"; return all })
	w.m.state("new", "FINISHED", 0) // within one look
	w.m.state(leastJob, "CANCELED", 3)
	w.m.without(sqlJob)
	w.rounds(2)
	got := w.happened()
	slices.Sort(got)
	w.wants("ended", got, []string{ // the last as late as another JobManager that answers after a start may hide a run
		"100 JOB_ENDED " + sqlName + ": Flink knows its run SQL no more: how it ended is not known, between 12:01:00Z and 12:01:40Z",
		"58 JOB_STARTED new job: its run new began", "77 JOB_ENDED copy fl.orders: its run LEAST was cancelled",
	})
	w.rounds(4)
	w.wants("one that finished, and not with a savepoint", w.happened(), []string{"80 JOB_ENDED new job: its run new finished"})

	w.m.clone("again", "later", 100)
	w.m.clone("again", "old", -1000)
	w.start()
	w.rounds(2)
	w.wants("a run that began while lineaged was not there, and one of which that can't be known", w.happened(), []string{
		"138 JOB_STARTED copy payments: its run later began, from a savepoint; the run before, again, is RUNNING", "150 CHECKPOINT_FAILED copy payments: 2 checkpoints of its run later failed",
	})
}

// Checkpoints that fail are told as they do, and counted from 0 where Flink counts anew.
func TestCheckpointsFail(t *testing.T) {
	w := newWorld(t, nil)
	w.rounds(4)
	fail := func(n int) {
		w.m.checkpoints(onceJob, func(counts, latest map[string]any) {
			counts["failed"], latest["failed"] = n, map[string]any{"failure_timestamp": 1795848826035 + w.m.elapsed.Milliseconds() - 4000}
		})
	}
	fail(1)
	w.rounds(2)
	w.wants("one", w.happened(), []string{"36 CHECKPOINT_FAILED copy payments: a checkpoint of its run ONCE failed, between 12:00:00Z and 12:00:50Z"})
	fail(6)
	w.rounds(2)
	w.wants("more", w.happened(), []string{"56 CHECKPOINT_FAILED copy payments: 5 checkpoints of its run ONCE failed, between 12:00:20Z and 12:01:10Z"})
	fail(2)
	w.rounds(2)
	w.wants("anew", w.happened(), []string{"76 CHECKPOINT_FAILED copy payments: at least 2 checkpoints of its run ONCE failed, between 12:00:40Z and 12:01:30Z: Flink counts anew"})
	if f := w.facts["copy payments"].Job; f.Checkpoints.Failed != 0 || w.told != 0 {
		t.Errorf("the fact is told again within five minutes: %+v", f.Checkpoints)
	}
	w.rounds(30)
	if f := w.facts["copy payments"].Job; f.Checkpoints.Failed != 2 {
		t.Errorf("after five minutes it is %+v", f.Checkpoints)
	}
}

// A position of before is read, and then nothing is new.
func TestPositionsOfBefore(t *testing.T) {
	w := newWorld(t, nil)
	w.rounds(4)
	if _, ok := w.positions[listedKey]; !ok {
		t.Fatal("it is not kept that jobs were listed")
	}
	delete(w.positions, listedKey)
	for key := range w.positions {
		j, err := decodeJob(w.positions[key])
		if err != nil || len(j.met) != 1 {
			t.Fatalf("%+v, %v", j, err)
		}
		w.positions[key] = j.encodeAs(1)
	}
	w.start()
	w.rounds(4)
	w.wants("nothing", w.happened(), nil)
	if len(w.facts) != 4 {
		t.Errorf("%d jobs", len(w.facts))
	}
	w.m.restarted(leastJob, 1, 1)
	w.rounds(2)
	if got := w.happened(); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

// How a run ended is told though a request of its last look fails, whichever it is, and then nobody asks for it again.
func TestLastLookFails(t *testing.T) {
	for _, failing := range []string{"/metrics?get=numRestarts", "/checkpoints", "agg=max", "agg=sum"} {
		t.Run(failing, func(t *testing.T) {
			w := newWorld(t, nil)
			w.rounds(4)
			w.m.state(onceJob, "FAILED", 3)
			w.m.failing = failing
			w.rounds(2)
			w.wants("while it is not all seen", w.happened(), nil)
			w.m.failing = ""
			w.rounds(4)
			w.wants("then", w.happened(), []string{"37 JOB_FAILED copy payments: its run ONCE failed, and does not begin again by itself"})
			w.m.asked = nil
			w.rounds(4)
			if slices.ContainsFunc(w.m.asked, func(path string) bool { return strings.Contains(path, onceJob) }) {
				t.Errorf("it is asked for again: %q", w.m.asked)
			}
			for _, o := range w.obs {
				if len(o.Missing) > 0 {
					t.Errorf("it is missing: %v", o.Missing)
				}
			}
		})
	}
}

// A run that began while lineaged was not there is told where Flink knows the run before it no more.
func TestBeganAfterAForgottenRun(t *testing.T) {
	w := newWorld(t, nil)
	w.rounds(4)
	w.m.clone(onceJob, "again", 100)
	w.m.without(onceJob)
	w.start()
	w.rounds(5)
	w.wants("told", w.happened(), []string{
		"50 JOB_STARTED copy payments: its run again began",
		"80 JOB_ENDED copy payments: Flink knows its run ONCE no more: how it ended is not known, between 12:00:00Z and 12:01:20Z",
	})
}

// From what a run began is said only where nothing was restored since.
func TestBeganFrom(t *testing.T) {
	f := func(name, want string, restored, restarts int, savepoint bool) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.rounds(4)
			w.m.clone(onceJob, "again", 100)
			w.m.checkpoints("again", func(counts, latest map[string]any) {
				counts["restored"], latest["restored"] = restored, map[string]any{"is_savepoint": savepoint}
			})
			if restarts > 0 {
				w.m.restarted("again", restarts, 2)
			}
			w.rounds(2)
			got := slices.DeleteFunc(w.happened(), func(s string) bool { return !strings.Contains(s, " JOB_STARTED ") })
			if len(got) != 1 || !strings.HasSuffix(got[0], "its run again began"+want+"; the run before, ONCE, is RUNNING") {
				t.Errorf("it is said %q, want that it began%s", got, want)
			}
		})
	}
	f("a checkpoint", ", from a checkpoint", 1, 0, false)
	f("a savepoint", ", from a savepoint", 1, 0, true)
	f("began again by itself, of a checkpoint of its own", "", 1, 1, false)
	f("began again by itself, after a savepoint", "", 2, 1, false)
	f("restored twice, and its restarts are not told", "", 2, 0, true)
}

// A job whose position can't be read is none that began: it was there.
func TestUnreadablePosition(t *testing.T) {
	w := newWorld(t, nil)
	w.rounds(4)
	w.positions[positionKey("copy payments")] = []byte("no position")
	w.m.checkpoints(onceJob, func(counts, _ map[string]any) { counts["failed"] = 3 })
	w.m.restarted(onceJob, 2, 5)
	w.start()
	w.rounds(4)
	w.wants("nothing is known to be new", w.happened(), nil)
	w.m.clone(leastJob, "new", 100)
	w.m.list(func(all []map[string]any) []map[string]any { all[len(all)-1]["name"] = "new job"; return all })
	w.rounds(2)
	w.wants("then what is new is", w.happened(), []string{"58 JOB_STARTED new job: its run new began"})
}

// Jobs that were left out of the list, as there were too many, are not new after a start.
func TestLeftOutAndStarted(t *testing.T) {
	w := newWorld(t, nil)
	w.m.list(func(all []map[string]any) []map[string]any {
		var others []map[string]any
		for i := range mostJobs {
			other := maps.Clone(all[0])
			other["jid"], other["name"] = fmt.Sprint("other", i), fmt.Sprint("other ", i)
			others = append(others, other)
		}
		return append(others, all...)
	})
	w.rounds(1)
	w.m.list(func(all []map[string]any) []map[string]any { return all[100:] })
	w.rounds(4) // after half a minute they make room
	w.start()
	w.rounds(2)
	if w.facts["copy payments"].Job == nil {
		t.Fatal("there was room for it, and it is not told")
	}
	w.wants("nothing is known to be new", w.happened(), nil)
}
