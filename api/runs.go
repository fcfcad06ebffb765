package api

import (
	"context"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// JobRuns is the schema's type of that name.
type JobRuns struct {
	said  *answer.JobRuns
	first int
}

// runs answers runs of a job of either kind.
func (n *nodeRow) runs(ctx context.Context, first int) (*JobRuns, error) {
	if err := firstOf("runs", first); err != nil {
		return nil, err
	}
	said, err := n.rows.v.Runs(ctx, n.node)
	if err != nil || said == nil {
		return nil, err
	}
	return &JobRuns{said, first}, nil
}

// Nodes answers nodes.
func (r *JobRuns) Nodes() []JobRun {
	out := []JobRun{}
	for i := range r.said.Runs[:min(r.first, len(r.said.Runs))] {
		x := &r.said.Runs[i]
		run := JobRun{
			ID: x.ID, State: x.State, Started: x.First, StartKnown: x.Started, Ended: timeOrNil(x.Ended), NominalStart: timeOrNil(x.NominalStart),
			NominalEnd: timeOrNil(x.NominalEnd), Failure: textOrNil(x.Failure), Engine: textOrNil(x.Engine), EngineVersion: textOrNil(x.EngineVersion),
			Reads: r.ends(x.Reads), Writes: r.ends(x.Writes), Cut: x.Cut,
		}
		if p := x.Parent; p != (lineage.ParentRun{}) {
			run.Parent = &ParentRun{Namespace: p.Namespace, Job: p.Job, Run: p.Run}
		}
		out = append(out, run)
	}
	return out
}

func (r *JobRuns) ends(of []int) []RunEnd {
	out := make([]RunEnd, len(of))
	for i, at := range of {
		n := r.said.Ends[at]
		out[i] = RunEnd{ID: n.ID(), Kind: n.Kind, Scope: n.Scope, Name: n.Name}
	}
	return out
}

// TotalCount answers totalCount.
func (r *JobRuns) TotalCount() int { return len(r.said.Runs) }

// Older answers older.
func (r *JobRuns) Older() bool { return r.said.Older }

// Integration answers integration.
func (r *JobRuns) Integration() *string { return textOrNil(r.said.Integration) }

// Type answers type.
func (r *JobRuns) Type() *string { return textOrNil(r.said.Type) }

// Description answers description.
func (r *JobRuns) Description() *string { return textOrNil(r.said.Description) }

// Owners answers owners.
func (r *JobRuns) Owners() []JobOwner {
	out := []JobOwner{}
	for _, o := range r.said.Owners {
		out = append(out, JobOwner{Name: o.Name, Type: textOrNil(o.Type)})
	}
	return out
}
