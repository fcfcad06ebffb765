package flink

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// batch makes a run of a batch job, as another one is, which began so many seconds after that.
func (w *world) batch(name, id, as string, after float64) {
	w.m.clone(as, id, after)
	w.m.mu.Lock()
	for path, values := range maps.Clone(w.m.values) {
		if strings.Contains(path, as) {
			w.m.values[strings.ReplaceAll(path, as, id)] = maps.Clone(values)
		}
	}
	w.m.mu.Unlock()
	w.m.list(func(all []map[string]any) []map[string]any {
		all[len(all)-1]["name"], all[len(all)-1]["jobType"] = name, "BATCH"
		return all
	})
}

// runs are those that were told of a job last, in words.
func (w *world) runs(name string) (all []string) {
	f := w.facts[lineage.Node{Scope: "flink-west", Kind: lineage.JobNode, Name: name}.ID()].Runs
	if f == nil {
		return nil
	}
	if f.Integration != "FLINK" || f.Type != "BATCH" || f.Job.Kind != lineage.JobNode {
		w.Errorf("the job is %+v", f)
	}
	for i := range f.Runs {
		r := &f.Runs[i]
		text := fmt.Sprintf("%s %s began %.0f", r.ID, r.State, r.First.Sub(t0).Seconds())
		if !r.Ended.IsZero() {
			text += fmt.Sprintf(" ended %.0f", r.Ended.Sub(t0).Seconds())
		}
		for _, e := range r.Reads {
			text += " read " + f.Ends[e].Name
		}
		if !r.Started || r.Engine != Engine || r.EngineVersion != "2.3.0" {
			w.Errorf("the run is %+v", r)
		}
		all = append(all, text)
	}
	return all
}

// A batch job is a JOB node with runs, and reads what its metrics told while it ran. It is no stream job.
func TestBatchJobs(t *testing.T) {
	w := newWorld(t, nil)
	w.batch("nightly", "n1", leastJob, 10)
	w.rounds(6)
	job := lineage.Node{Scope: "flink-west", Kind: lineage.JobNode, Name: "nightly"}
	seen := 0
	for _, o := range w.obs {
		for _, s := range o.Sightings {
			if s.Access.Client.Mover.Name == "nightly" {
				if seen++; s.Access.Client.Mover != job || s.Access.Op != lineage.Read || s.Access.Topic.Name != "fl.orders" || s.Evidence != lineage.Flink {
					t.Errorf("the sighting is %+v", s)
				}
			}
		}
	}
	if seen == 0 || w.facts["nightly"].Job != nil {
		t.Errorf("%d sightings of the batch job, and as a stream job it is %+v", seen, w.facts["nightly"].Job)
	}
	w.wants("nothing happened to a stream job", w.happened(), nil)
	began := w.runs("nightly")
	if len(began) != 1 || !strings.HasPrefix(began[0], "n1 GOES_ON began ") || !strings.HasSuffix(began[0], " read fl.orders") {
		t.Fatalf("its runs are %q", began)
	}
	if !w.spotted("what batch jobs of this Flink write, and what they read beside what is shown: nightly") || w.spotted("what runs of batch jobs") {
		t.Errorf("%v", w.spots)
	}

	w.m.state("n1", "FINISHED", 3)
	w.batch("nightly", "n2", leastJob, 30) // and one that is over before its metrics are told
	w.m.state("n2", "FAILED", 2)
	w.batch("of one moment", "m1", onceJob, 20)
	w.m.state("m1", "CANCELED", 1)
	w.m.mu.Lock() // before its metrics are told, which go with its tasks
	for path := range w.m.values {
		if strings.Contains(path, "/jobs/"+leastJob) { // both runs' vertices are as that one's
			delete(w.m.values, strings.ReplaceAll(path, leastJob, "n2"))
		}
		if strings.Contains(path, "/jobs/m1/") {
			delete(w.m.values, path)
		}
	}
	w.m.mu.Unlock()
	w.rounds(3)
	got := w.runs("nightly")
	if len(got) != 2 || !strings.HasPrefix(got[0], "n2 FAILED began ") || !strings.HasPrefix(got[1], "n1 COMPLETED began ") || !strings.HasSuffix(got[1], " read fl.orders") {
		t.Errorf("its runs are %q", got)
	}
	if got := w.runs("of one moment"); len(got) != 1 || !strings.HasPrefix(got[0], "m1 ABORTED began ") {
		t.Errorf("the runs of the other are %q", got)
	}
	if !w.spotted("what runs of batch jobs of this Flink read and wrote, which it does not tell, or no more once they are over: nightly and of one moment") &&
		!w.spotted("what runs of batch jobs of this Flink read and wrote, which it does not tell, or no more once they are over: nightly, of one moment") {
		t.Errorf("%v", w.spots)
	}

	w.start()
	w.rounds(3)
	w.wants("over a start", w.runs("nightly"), got)
	for _, o := range w.obs {
		for _, f := range o.Facts {
			if f.Key.Kind == lineage.RunFacts {
				t.Errorf("it is told again over a start: %+v", f.Runs)
			}
		}
		for _, s := range o.Sightings {
			if s.Access.Client.Mover.Kind == lineage.JobNode {
				t.Errorf("what is over is seen: %+v", s)
			}
		}
	}
	w.m.without("n1") // Flink forgets it after an hour, and its run stays
	w.m.without("n2")
	w.rounds(3)
	if got := w.runs("nightly"); len(got) != 2 {
		t.Errorf("what Flink has forgotten: %q", got)
	}
}

// A run of which OpenLineage tells is OpenLineage's, over a start too, and one that Flink knows no more went silent.
func TestBatchJobsOfOthers(t *testing.T) {
	w := newWorld(t, nil)
	w.batch("theirs", "t1", leastJob, 10)
	w.batch("ours", "o1", leastJob, 10)
	w.board.SetJobRun("t1", collector.JobRun{Node: lineage.Node{Scope: "jobs", Kind: lineage.JobNode, Name: "theirs"}, Writes: true})
	look := func(when string) {
		t.Helper()
		w.rounds(6)
		if w.runs("theirs") != nil || w.spotted("theirs") || slices.ContainsFunc(w.reads(), func(r string) bool { return strings.HasPrefix(r, "theirs ") }) {
			t.Errorf("%s Flink tells of a run of which OpenLineage does: %q, %v", when, w.runs("theirs"), w.spots)
		}
	}
	look("at first")
	w.board = &collector.Board{} // which knows no event after a start
	w.board.SetCluster(collector.Watched{Source: "west", ID: west, Topics: []string{"clicks", "fl.orders", "payments"}})
	w.cfg.Board = w.board
	w.start()
	look("after a start")
	w.m.without("o1")
	w.rounds(2)
	if got := w.runs("ours"); len(got) != 1 || !strings.HasPrefix(got[0], "o1 SILENT ") {
		t.Errorf("a run that is there no more is %q", got)
	}
}

// Of a job's runs the newest are kept, and of many jobs those that ran last.
func TestBatchJobsAreBounded(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 40 {
		w.batch("often", fmt.Sprintf("r%02d", i), leastJob, float64(60*(i-41)))
		w.m.state(fmt.Sprintf("r%02d", i), "FINISHED", 1)
	}
	w.rounds(60) // so many rounds it takes to ask for all of them
	f := w.facts[lineage.Node{Scope: "flink-west", Kind: lineage.JobNode, Name: "often"}.ID()].Runs
	if f == nil || len(f.Runs) != runsOfBatch || !f.Older || f.Runs[0].ID != "r39" {
		t.Fatalf("its runs are %q", w.runs("often"))
	}
	w.rounds(4)
	for _, o := range w.obs {
		for _, p := range o.Positions {
			if strings.HasPrefix(p.Key, batchPrefix) {
				t.Errorf("nothing changed, and a position is written: %.200s", p.Value)
			}
		}
	}
	if at := w.at.Sub(t0); at > time.Hour {
		t.Fatal(at)
	}
}

// That a batch job's looks fail, or wait behind others', is missing, and what it reads is not known meanwhile.
func TestBatchJobsThatAreNotLookedAt(t *testing.T) {
	const blind = "what runs of batch jobs of this Flink read and wrote, which it does not tell, or no more once they are over: nightly"
	t.Run("fails", func(t *testing.T) {
		w := newWorld(t, nil)
		w.batch("nightly", "n1", leastJob, 10)
		w.batch("theirs", "t1", leastJob, 10)
		w.board.SetJobRun("t1", collector.JobRun{Node: lineage.Node{Scope: "jobs", Kind: lineage.JobNode, Name: "theirs"}, Writes: true})
		w.m.failing = "/jobs/n1"
		w.rounds(10)
		gaps := strings.Join(w.gaps(), "\n")
		if !strings.Contains(gaps, "what nightly is made of, reads and writes: ") || !strings.Contains(gaps, "status 500") || strings.Contains(gaps, "theirs") {
			t.Errorf("missing is %q", gaps)
		}
		if !w.spotted(blind) {
			t.Errorf("blind is %v", w.spots)
		}
		w.m.failing = ""
		w.rounds(8)
		if w.rounds(2); len(w.gaps()) > 0 || w.spotted(blind) {
			t.Errorf("it is over: %q, %v", w.gaps(), w.spots)
		}
		w.m.failing = "/jobs/t1" // OpenLineage's, and its looks are nobody's matter
		w.rounds(10)
		w.wants("another's", w.gaps(), nil)
	})
	t.Run("waits", func(t *testing.T) {
		w := newWorld(t, nil)
		for i := range 40 {
			w.batch(fmt.Sprintf("nightly %02d", i), fmt.Sprintf("r%02d", i), leastJob, float64(i))
		}
		w.rounds(1)
		if gaps := strings.Join(w.gaps(), "\n"); !strings.Contains(gaps, "not asked yet") || !strings.Contains(gaps, "nightly") {
			t.Errorf("missing is %q", gaps)
		}
		if !w.spotted(blind) {
			t.Errorf("blind is %v", w.spots)
		}
	})
}

// What Flink lists is told to who takes in events of its runs: which is a batch job, and which is none. The id that
// each application cluster's job has says nothing, and neither it nor one of which Flink does not say it is awaited.
func TestModesOfRunsAreTold(t *testing.T) {
	const zero = "00000000000000000000000000000000"
	w := newWorld(t, nil)
	if _, awaited := w.board.RunMode("n1"); !awaited {
		t.Error("before the first list none is awaited")
	}
	w.batch("nightly", "n1", leastJob, 10)
	w.batch("other", zero, leastJob, 10)
	w.batch("old", "o1", leastJob, 10)
	w.m.list(func(all []map[string]any) []map[string]any {
		delete(all[len(all)-1], "jobType") // as a Flink that does not say it
		return all
	})
	w.rounds(1)
	for id, want := range map[string]collector.RunMode{"n1": collector.BatchRun, onceJob: collector.StreamRun, "o1": collector.UntoldRun, zero: 0, "none": 0} {
		if is, awaited := w.board.RunMode(id); is != want || awaited != (id == "none") {
			t.Errorf("%s is %d, awaited %t; want %d", id, is, awaited, want)
		}
	}
}
