package answer

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// JobRuns is what a job said of itself and its runs, as it was known at a window's end. It is shared: it must not be
// changed.
type JobRuns struct{ lineage.RunsFact }

// jobRuns are those of all jobs of a view, read when somebody asks first.
type jobRuns struct {
	mu sync.Mutex                // guards of
	of map[lineage.Node]*JobRuns // by the node that a batch job of that name has; nil: nobody asked
}

// Runs returns what a job said of its runs; nil: nothing, or it is kept no more.
func (v *View) Runs(ctx context.Context, n lineage.Node) (*JobRuns, error) {
	v.jobRuns.mu.Lock()
	defer v.jobRuns.mu.Unlock()
	if v.jobRuns.of == nil {
		end := v.win.End
		held, err := v.a.history.Window(ctx, store.Ask{Window: lineage.Window{Start: end, End: end}, Facts: []lineage.FactKind{lineage.RunFacts}})
		if err != nil {
			return nil, fmt.Errorf("read runs: %w", err)
		}
		of := map[lineage.Node]*JobRuns{}
		for _, f := range held.FactsOf(lineage.RunFacts) {
			if f.Gone {
				continue
			}
			x := v.runsSeen(f.Runs)
			of[lineage.Node{Scope: x.Job.Scope, Kind: lineage.JobNode, Name: x.Job.Name}] = x
		}
		v.joinRuns(of)
		v.jobRuns.of = of
	}
	n.Kind = lineage.JobNode
	return v.jobRuns.of[n], nil
}

// joinRuns gives a job that its engine tells of the runs that it told of itself, where that is no other engine's job.
func (v *View) joinRuns(of map[lineage.Node]*JobRuns) {
	engines := map[lineage.Node][]lineage.Node{}
	for _, f := range v.held.FactsOf(lineage.JobFacts) {
		if f.Gone {
			continue
		}
		for _, n := range f.Job.Also {
			n.Kind = lineage.JobNode
			engines[n] = append(engines[n], lineage.Node{Scope: f.Key.Source, Kind: lineage.JobNode, Name: f.Key.Name})
		}
	}
	for n, jobs := range engines {
		if x := of[n]; x != nil && len(jobs) == 1 && of[jobs[0]] == nil {
			of[jobs[0]] = x
		}
	}
}

// runsSeen is what a job said, in the names of answers, as far as the lens shows it.
func (v *View) runsSeen(f *lineage.RunsFact) *JobRuns {
	x := &JobRuns{*f}
	x.Description = v.words(x.Description)
	x.Ends, x.Runs, x.Owners = slices.Clone(x.Ends), slices.Clone(x.Runs), slices.Clone(x.Owners)
	for i := range x.Owners {
		x.Owners[i].Name = v.words(x.Owners[i].Name)
	}
	hidden := map[int]bool{}
	for i := range x.Ends {
		e := &x.Ends[i]
		if e.Kind != lineage.TopicNode {
			hidden[i] = v.words(e.Name) != e.Name
			continue
		}
		id := lineage.ClusterID(e.Scope)
		hidden[i] = !v.mayBeSeen(id, e.Name)
		e.Scope = v.clusters.of(id).Name
	}
	if v.lens == All {
		return x
	}
	seen := func(ends []int) []int {
		return slices.DeleteFunc(slices.Clone(ends), func(i int) bool { return hidden[i] })
	}
	for i := range x.Runs {
		r := &x.Runs[i]
		r.Reads, r.Writes, r.Cut = seen(r.Reads), seen(r.Writes), 0 // how many more there are may count what is hidden
		if v.words(r.Parent.Job) != r.Parent.Job {
			r.Parent = lineage.ParentRun{}
		}
	}
	return x
}
