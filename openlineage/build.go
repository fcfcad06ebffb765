package openlineage

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	mostNodes    = 100_000 // of one window
	mostGaps     = 20      // of one event
	mostEvidence = 20      // of one input or output
)

// Jobs are who moved what in a window, in no receiver's words yet.
type Jobs struct {
	window lineage.Resolved
	whole  bool // nothing was cut
	// sources are under which names the clusters are configured that answers call as they do.
	sources map[string]string
	all     []*job
}

// job is one node and its flows.
type job struct {
	node     lineage.Node
	in, out  []flow
	unknown  int
	coverage lineage.Coverage
}

type flow struct {
	id       string
	far      lineage.Node // topic or dataset
	records  *int64
	guessed  bool
	evidence []answer.Evidence
}

// Observe reads who moved what in the window of a view. What jobs say of themselves by OpenLineage alone is left out:
// it would come back to who told it. Writers and readers that nothing names are no jobs.
func Observe(ctx context.Context, v *answer.View) (*Jobs, error) {
	walker, err := v.EverythingWithSilent(ctx, nil, answer.Filter{IncludeInactive: true})
	if err != nil {
		return nil, err
	}
	walk := walker(mostNodes)
	flows := slices.DeleteFunc(walk.Flows(), func(f lineage.Flow) bool { return !isJob(f.From) && !isJob(f.To) })
	rows := v.Rows(nil, flows)
	out := &Jobs{window: v.Window(), whole: !walk.Truncated, sources: map[string]string{}}
	for _, c := range v.Clusters() {
		if name := c.Known().Name; out.sources[name] == "" {
			out.sources[name] = c.Source()
		}
	}
	byNode, covered := map[lineage.Node]*job{}, map[string]lineage.Coverage{}
	coverage := func(ids []lineage.ClusterID) lineage.Coverage {
		key := fmt.Sprint(ids)
		c, known := covered[key]
		if !known {
			c = v.Coverage(ids...)
			covered[key] = c
		}
		return c
	}
	for _, f := range flows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		self, far := f.From, f.To
		if !isJob(self) {
			self, far = far, self
		}
		j := byNode[self]
		if j == nil {
			j = &job{node: self, coverage: coverage(v.ClustersOf(self))}
			byNode[self], out.all = j, append(out.all, j)
		}
		if err := j.take(ctx, rows.Flow(f), far); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out.all, func(a, b *job) int { return a.node.Compare(b.node) })
	return out, nil
}

// isJob reports whether a node is who moves records.
func isJob(n lineage.Node) bool {
	switch n.Kind {
	case lineage.TopicNode, lineage.DatasetNode, lineage.UnidentifiedNode, lineage.GroupNode, lineage.NoKind:
		return false
	default:
		return true
	}
}

// take adds a flow that moved.
func (j *job) take(ctx context.Context, f answer.Flow, far lineage.Node) error {
	active := f.Active()
	switch {
	case active == nil:
		j.unknown++
		return nil
	case !*active:
		return nil
	}
	evidence, err := f.Evidence(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(evidence, func(e answer.Evidence) bool { return e.Kind.String() != "OPENLINEAGE" }) {
		return nil
	}
	x := flow{id: f.Flow().ID(), far: far, records: f.Records(), guessed: f.Estimated(), evidence: evidence[:min(len(evidence), mostEvidence)]}
	if f.Flow().To == j.node {
		j.in = append(j.in, x)
	} else {
		j.out = append(j.out, x)
	}
	return nil
}

// Events writes the jobs for a receiver.
func (t *Target) Events(jobs *Jobs) []Event {
	var nodes []lineage.Node
	for _, j := range jobs.all {
		nodes = append(nodes, j.node)
	}
	names := t.JobNames(nodes)
	events := make([]Event, 0, len(jobs.all))
	for _, j := range jobs.all {
		w := jobs.window
		// Only what was observed whole tells that what is missing has ended.
		mode := "ACCUMULATIVE"
		if j.coverage.Complete && j.unknown == 0 && jobs.whole {
			mode = "COMPLETE_SNAPSHOT"
		}
		if mode == "ACCUMULATIVE" && len(j.in)+len(j.out) == 0 {
			continue // it says nothing
		}
		events = append(events, Event{
			EventTime: w.End.UTC(), EventType: "RUNNING", Producer: producer, SchemaURL: runEvent, Run: Run{RunID: runID(j.node)},
			Job: Job{Namespace: j.node.Scope, Name: names[j.node], Facets: JobFacets{
				JobType: JobType{
					facet: facet{producer, jobTypeAt}, ProcessingType: "STREAMING", Integration: "KAFKA", JobType: j.node.Kind.String(),
					EmissionPattern: EmissionPattern{"PERIODIC", mode, max(1, int64(w.End.Sub(w.Start).Seconds()))},
				},
				Observed: j.observed(w.Window),
			}},
			Inputs: t.datasets(jobs, j.in, true), Outputs: t.datasets(jobs, j.out, false),
		})
	}
	return events
}

func (j *job) observed(w lineage.Window) Observed {
	out := Observed{
		facet: facet{producer, facetsAt + "ObservedJobFacet"}, Node: j.node.ID(), Name: j.node.Name, Kind: j.node.Kind.String(), Start: w.Start.UTC(), End: w.End.UTC(),
		Complete: j.coverage.Complete, ObservedFraction: j.coverage.ObservedFraction, Gaps: []Gap{}, UnknownFlows: j.unknown,
	}
	for i, g := range j.coverage.Gaps {
		if i == mostGaps {
			out.MoreGaps = len(j.coverage.Gaps) - mostGaps
			break
		}
		out.Gaps = append(out.Gaps, Gap{g.Source.Cluster + "/" + g.Source.Name, g.Window.Start.UTC(), g.Window.End.UTC(), g.Reason})
	}
	return out
}

func (t *Target) datasets(jobs *Jobs, flows []flow, input bool) []Dataset {
	out := make([]Dataset, 0, len(flows))
	for _, f := range flows {
		d := Dataset{Namespace: f.far.Scope, Name: f.far.Name}
		if f.far.Kind == lineage.TopicNode {
			d.Namespace = t.Namespace(cmp.Or(jobs.sources[f.far.Scope], f.far.Scope))
			d.Facets.DatasetType = &DatasetType{facet{producer, datasetAt}, "TOPIC"}
		}
		is := &FlowFacets{FlowFacet{facet: facet{producer, facetsAt + "FlowFacet"}, Flow: f.id, Records: f.records, Estimated: f.guessed, Evidence: []Evidence{}}}
		for _, e := range f.evidence {
			is.Flow.Evidence = append(is.Flow.Evidence, Evidence{e.Kind.String(), e.Source, e.FirstSeen.UTC(), e.LastSeen.UTC()})
		}
		if input {
			d.InputFacets = is
		} else {
			d.OutputFacets = is
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b Dataset) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// runID is a job's run: one for as long as the job has its name, since nothing tells where a run of a stream ends.
func runID(n lineage.Node) string {
	sum := sha256.Sum256([]byte("https://github.com/lineaged/lineaged/run/" + n.ID()))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // version 8 of RFC 9562: made in one's own way
	x := hex.EncodeToString(b)
	return fmt.Sprintf("%s-%s-%s-%s-%s", x[:8], x[8:12], x[12:16], x[16:20], x[20:])
}

// Key is the key of an event in a topic, as OpenLineage's own client has it: a receiver that compacts by it keeps the
// newest of each job.
func (e *Event) Key() string { return "run:" + e.Job.Namespace + "/" + e.Job.Name }
