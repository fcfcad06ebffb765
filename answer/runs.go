package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// JobRuns is what a job said of itself and its runs, as it was known at a window's end. It is shared: it must not be
// changed.
type JobRuns struct{ lineage.RunsFact }

// jobRuns are those of all jobs of a view, read when somebody asks first.
type jobRuns struct {
	mu sync.Mutex // guards of
	// by the node that a batch job of that name has, and by the connector that told; nil: nobody asked
	of map[lineage.Node]*JobRuns
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
			n := lineage.Node{Scope: x.Job.Scope, Kind: lineage.JobNode, Name: x.Job.Name}
			if first := of[n]; first != nil { // events and an engine tell of different runs of one job
				joined := *first
				joined.add(x)
				x = &joined
			}
			of[n] = x
		}
		v.joinRuns(of)
		v.joinTasks(of)
		v.jobRuns.of = of
	}
	if n.Kind != lineage.ConnectorNode {
		n.Kind = lineage.JobNode
	}
	return v.jobRuns.of[n], nil
}

// joinTasks gives a connector the runs that its tasks told of, the newest first.
func (v *View) joinTasks(of map[lineage.Node]*JobRuns) {
	tasks := map[lineage.Node][]*JobRuns{}
	for name, connector := range told(v.held.FactsOf(lineage.ConnectorFacts)) {
		name.Kind = lineage.JobNode
		if x := of[name]; x != nil {
			tasks[connector] = append(tasks[connector], x)
		}
	}
	for connector, all := range tasks {
		slices.SortFunc(all, func(a, b *JobRuns) int { return a.Job.Compare(b.Job) })
		joined := *all[0]
		for _, x := range all[1:] {
			joined.add(x)
		}
		of[connector] = &joined
	}
}

// add adds the runs of another task. Of each only as many are known as of a job.
func (r *JobRuns) add(x *JobRuns) {
	shift := func(ends []int) []int {
		out := slices.Clone(ends)
		for i := range out {
			out[i] += len(r.Ends)
		}
		return out
	}
	runs := slices.Clone(r.Runs)
	for _, run := range x.Runs {
		run.Reads, run.Writes = shift(run.Reads), shift(run.Writes)
		runs = append(runs, run)
	}
	slices.SortFunc(runs, func(a, b lineage.Run) int { return cmp.Or(b.First.Compare(a.First), strings.Compare(a.ID, b.ID)) })
	r.Runs, r.Ends, r.Older = runs, slices.Concat(r.Ends, x.Ends), r.Older || x.Older
	r.Integration, r.Type, r.Description = cmp.Or(r.Integration, x.Integration), cmp.Or(r.Type, x.Type), cmp.Or(r.Description, x.Description)
	if r.Owners == nil {
		r.Owners = x.Owners
	}
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
	x.Ends = slices.Clone(x.Ends)
	if v.lens != All { // else they are shown as they were said, and shared with the store
		x.Description = v.words(x.Description)
		x.Runs, x.Owners = slices.Clone(x.Runs), slices.Clone(x.Owners)
		for i := range x.Owners {
			x.Owners[i].Name = v.words(x.Owners[i].Name)
		}
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
