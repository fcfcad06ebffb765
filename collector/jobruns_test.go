package collector

import (
	"fmt"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// However many runs there were, what is told of the newest is known, and of one that is told of again and again too.
func TestTheNewestRunsAreRemembered(t *testing.T) {
	b := &Board{}
	b.AddEngine()
	of := func(n int) JobRun {
		return JobRun{Node: lineage.Node{Scope: "ns", Kind: lineage.JobNode, Name: fmt.Sprint(n)}}
	}
	b.SetJobRun("asked", of(-1))
	for n := range 5 * mostJobRuns {
		id := fmt.Sprintf("r%d", n)
		b.SetRunMode("listed", StreamRun)
		b.SetRunMode(id, BatchRun)
		b.SetJobRun(id, of(n))
		if is, awaited := b.RunMode(id); is != BatchRun || awaited {
			t.Fatalf("run %d is %d, awaited %t", n, is, awaited)
		}
		if is, ok := b.JobRun(id); !ok || is != of(n) {
			t.Fatalf("run %d is %+v", n, is)
		}
		if _, ok := b.JobRun("asked"); !ok {
			t.Fatalf("after %d others one that is asked for each time is forgotten", n+1)
		}
		if old := n - mostJobRuns + 2; old >= 0 && n%1000 == 0 {
			if is, _ := b.RunMode(fmt.Sprintf("r%d", old)); is != BatchRun {
				t.Fatalf("run %d is forgotten after %d others", old, n-old)
			}
		}
	}
	if is, _ := b.RunMode("listed"); is != StreamRun {
		t.Error("one that is listed each time is forgotten")
	}
	if n, m := b.modes.len(), b.jobRuns.len(); n > 2*mostJobRuns || m > 2*mostJobRuns {
		t.Errorf("%d modes and %d runs are held", n, m)
	}
}

// What no engine will say of a run is not waited for: what the id of several says nothing of, and what it listed and
// said nothing of. What it said once stands.
func TestWhatNobodyWillSayIsNotAwaited(t *testing.T) {
	b := &Board{}
	b.AddEngine()
	if _, awaited := b.RunMode("00000000000000000000000000000000"); awaited {
		t.Error("the id that the jobs of all application clusters have is waited for")
	}
	b.SetRunMode("old", UntoldRun)
	if is, awaited := b.RunMode("old"); is == BatchRun || is == StreamRun || awaited {
		t.Errorf("one of which the engine does not say it is %d, awaited %t", is, awaited)
	}
	b.SetRunMode("batch", BatchRun)
	b.SetRunMode("batch", UntoldRun)
	if is, _ := b.RunMode("batch"); is != BatchRun {
		t.Errorf("what was said is %d after nothing was", is)
	}
}
