package marquez

import (
	"cmp"
	"slices"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// worker are the members of a job that are in lineage too.
type worker struct {
	workerHead
	Inputs  []name `json:"inputs"`
	Outputs []name `json:"outputs"`
	workerTail
}

// workerHead and workerTail are what of it is the same in each answer of a view, before and after what it uses.
type workerHead struct {
	ID            name     `json:"id"`
	Type          string   `json:"type"`
	Name          string   `json:"name"`
	SimpleName    string   `json:"simpleName"`
	ParentJobName *string  `json:"parentJobName"`
	ParentJobUUID *string  `json:"parentJobUuid"`
	CreatedAt     *instant `json:"createdAt"`
	UpdatedAt     *instant `json:"updatedAt"`
	Namespace     string   `json:"namespace"`
}

type workerTail struct {
	Location    *string `json:"location"`
	Description *string `json:"description"`
	LatestRun   *run    `json:"latestRun"`
}

type job struct {
	worker
	LatestRuns     []run    `json:"latestRuns"`
	Facets         struct{} `json:"facets"`
	CurrentVersion *string  `json:"currentVersion"`
	Labels         []string `json:"labels"`
	Tags           []string `json:"tags"`
}

// run is one that a job told of. Of a run that fell silent nobody knows the state.
type run struct {
	ID               string       `json:"id"`
	CreatedAt        *instant     `json:"createdAt"`
	UpdatedAt        *instant     `json:"updatedAt"`
	NominalStartTime *instant     `json:"nominalStartTime"`
	NominalEndTime   *instant     `json:"nominalEndTime"`
	State            *string      `json:"state"`
	StartedAt        *instant     `json:"startedAt"`
	EndedAt          *instant     `json:"endedAt"`
	DurationMs       *int64       `json:"durationMs"`
	Args             struct{}     `json:"args"`
	JobVersion       *string      `json:"jobVersion"`
	Inputs           []runDataset `json:"inputDatasetVersions"`
	Outputs          []runDataset `json:"outputDatasetVersions"`
	Facets           struct{}     `json:"facets"`
}

type runDataset struct {
	ID struct {
		name
		Version *string `json:"version"`
	} `json:"datasetVersionId"`
	Facets struct{} `json:"facets"`
}

// mostLatest is how many runs a job shows by itself, as Marquez has it.
const mostLatest = 10

type jobList struct {
	TotalCount int   `json:"totalCount"`
	Jobs       []job `json:"jobs"`
}

func (a *API) jobs(q *question) (any, error) { return q.jobs(q.estate.jobs) }

func (a *API) jobsOf(q *question) (any, error) {
	ns, err := q.namespace()
	if err != nil {
		return nil, err
	}
	return q.jobs(within(q.estate.jobs, ns))
}

func (q *question) jobs(found []entry) (any, error) {
	p, err := q.page()
	if err != nil {
		return nil, err
	}
	list, shown := jobList{len(found), []job{}}, of(p, found)
	rows, uses := q.view.Rows(nodes(shown), nil), q.uses(nodes(shown))
	for _, x := range shown {
		j, err := q.job(rows, uses, x.node)
		if err != nil {
			return nil, err
		}
		list.Jobs = append(list.Jobs, j)
	}
	return list, nil
}

func (a *API) job(q *question) (any, error) {
	n, err := q.named(q.estate.job, "Job")
	if err != nil {
		return nil, err
	}
	only := []lineage.Node{n}
	return q.job(q.view.Rows(only, nil), q.uses(only), n)
}

// mostUses bounds the datasets that the jobs of one answer are told to use.
const mostUses = 20_000

// uses is what jobs read and wrote, the silent of the lookback as well: Marquez too forgets nothing soon.
type uses struct{ in, out map[lineage.Node][]name }

func (q *question) uses(of []lineage.Node) uses {
	u := uses{map[lineage.Node][]name{}, map[lineage.Node][]name{}}
	if len(of) == 0 {
		return u
	}
	walk := q.view.Walk(graph.Query{Roots: of, Direction: graph.Both, Depth: 1, Limit: len(of) + mostUses}, answer.Filter{IncludeInactive: true})
	q.cut = q.cut || walk.Truncated
	for _, f := range walk.Flows() {
		u.take(q.estate, f)
	}
	return u
}

func (u uses) take(e *estate, f lineage.Flow) {
	switch {
	case isDataset(f.From) && isJob(f.To):
		u.in[f.To] = append(u.in[f.To], e.nameOf(f.From))
	case isJob(f.From) && isDataset(f.To):
		u.out[f.From] = append(u.out[f.From], e.nameOf(f.To))
	}
}

// of are the names in one of the maps, each once.
func (u uses) of(in map[lineage.Node][]name, n lineage.Node) []name {
	all := append([]name{}, in[n]...)
	slices.SortFunc(all, name.compare)
	return slices.Compact(all)
}

func (q *question) job(rows *answer.Rows, u uses, n lineage.Node) (j job, err error) {
	head, tail, said, err := q.worker(rows, n)
	if err != nil {
		return j, err
	}
	j.worker = worker{head, u.of(u.in, n), u.of(u.out, n), tail}
	j.LatestRuns, j.Labels, j.Tags = []run{}, []string{}, tagsOf(rows.Node(n))
	for i := range said.Runs[:min(len(said.Runs), mostLatest)] {
		j.LatestRuns = append(j.LatestRuns, q.run(said, &said.Runs[i]))
	}
	return j, nil
}

// worker says what is known of one of the rows, but for what it uses, and what it said of its runs.
func (q *question) worker(rows *answer.Rows, n lineage.Node) (head workerHead, tail workerTail, said *answer.JobRuns, err error) {
	is, row := q.estate.jobName[n], rows.Node(n)
	first, last, err := row.Seen(q.Context())
	if err != nil {
		return head, tail, nil, err
	}
	if said, err = q.saidRuns(n); err != nil {
		return head, tail, nil, err
	}
	head = workerHead{
		ID: is, Type: "STREAM", Name: is.Name, SimpleName: is.Name, CreatedAt: when(first), UpdatedAt: when(last), Namespace: is.Namespace,
	}
	if n.Kind == lineage.JobNode {
		head.Type = "BATCH"
	}
	if tail.Description = description(row); tail.Description == nil && said.Description != "" {
		tail.Description = new(said.Description)
	}
	if len(said.Runs) > 0 {
		tail.LatestRun = new(q.run(said, &said.Runs[0]))
	}
	return head, tail, said, nil
}

// saidRuns are what a job said of itself and its runs; only jobs that tell of themselves have any.
func (q *question) saidRuns(n lineage.Node) (*answer.JobRuns, error) {
	if n.Kind != lineage.JobNode && n.Kind != lineage.StreamJobNode && n.Kind != lineage.ConnectorNode {
		return &answer.JobRuns{}, nil
	}
	said, err := q.view.Runs(q.Context(), n)
	if said == nil {
		said = &answer.JobRuns{}
	}
	return said, err
}

func (q *question) run(of *answer.JobRuns, r *lineage.Run) run {
	out := run{
		ID: r.ID, CreatedAt: when(r.First), UpdatedAt: when(r.Ended), NominalStartTime: when(r.NominalStart), NominalEndTime: when(r.NominalEnd), EndedAt: when(r.Ended),
		Inputs: q.runDatasets(of.Ends, r.Reads), Outputs: q.runDatasets(of.Ends, r.Writes),
	}
	switch r.State {
	case lineage.RunGoesOn:
		out.State = new("RUNNING")
	case lineage.RunCompleted, lineage.RunFailed, lineage.RunAborted:
		out.State = new(r.State.String())
	case lineage.RunSilent, lineage.RunStates: // nobody knows
	}
	if r.Started {
		out.StartedAt = when(r.First)
		if !r.Ended.IsZero() && !r.Ended.Before(r.First) {
			out.DurationMs = new(r.Ended.Sub(r.First).Milliseconds())
		}
	}
	return out
}

func (q *question) runDatasets(ends []lineage.Node, which []int) []runDataset {
	all := []runDataset{}
	for _, i := range which {
		var d runDataset
		d.ID.name = q.estate.nameOf(ends[i])
		all = append(all, d)
	}
	slices.SortFunc(all, func(x, y runDataset) int { return x.ID.compare(y.ID.name) })
	return all
}

func (a *API) runs(q *question) (any, error) {
	n, err := q.named(q.estate.job, "Job")
	if err != nil {
		return nil, err
	}
	p, err := q.page()
	if err != nil {
		return nil, err
	}
	list := struct {
		Runs       []run `json:"runs"`
		TotalCount int   `json:"totalCount"`
	}{Runs: []run{}}
	said, err := q.saidRuns(n)
	if err != nil {
		return nil, err
	}
	list.TotalCount = len(said.Runs)
	q.cut = said.Older
	shown := of(p, said.Runs)
	for i := range shown {
		list.Runs = append(list.Runs, q.run(said, &shown[i]))
	}
	return list, nil
}

// run answers which run bears an id. Where two jobs told of one, it is that which is first by name.
func (a *API) run(q *question) (any, error) {
	id := q.PathValue("id")
	for _, x := range q.estate.jobs {
		said, err := q.saidRuns(x.node)
		if err != nil {
			return nil, err
		}
		for i := range said.Runs {
			if said.Runs[i].ID == id {
				return q.run(said, &said.Runs[i]), nil
			}
		}
	}
	return nil, missing("Run '%s' not found.", cutShort(cmp.Or(id, "?")))
}
