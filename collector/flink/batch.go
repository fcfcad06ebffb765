package flink

import (
	"cmp"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// This file is about batch jobs: JOB nodes with runs. Which topics one reads is told by the same metrics as of other
// jobs, and only for as long as its tasks run: of one that was over before they were told, a blind spot says so. A run
// that OpenLineage tells of is left to that, which tells it whole.

const (
	// mostBatches is of how many batch jobs runs are kept, those that ran last, and runsOfBatch how many of each.
	mostBatches, runsOfBatch = 500, 30
	// batchReads bounds the topics of a run.
	batchReads = 100
	// freshly is for how long after a run's end what it read is seen: later it is told of the run alone.
	freshly = time.Minute
)

// batch is a batch job.
type batch struct {
	*job
	told   []batchRun // the newest first
	older  bool       // there were older ones
	others []string   // runs of which OpenLineage tells; of those that Flink lists
	said   *lineage.RunsFact
}

// batchRun is what is kept of a run.
type batchRun struct {
	ID      string
	Version string `json:",omitempty"` // of Flink
	State   lineage.RunState
	Began   time.Time
	Ended   time.Time   `json:",omitzero"`
	Reads   []readTopic `json:",omitempty"` // sorted
}

// readTopic is a topic by its name.
type readTopic struct {
	Cluster lineage.ClusterID
	Name    string
}

func newBatch(name string) *batch {
	b := &batch{job: newJob(name)}
	b.kind = lineage.JobNode
	return b
}

// tellBatches tells of batch jobs: their runs, and which topics each read. known is false where the Kafka cluster is
// not known.
func (t *take) tellBatches(cluster collector.Watched, known bool) {
	var silent, part []string
	for _, name := range slices.Sorted(maps.Keys(t.batches)) {
		b, blind, seen := t.batches[name], false, false
		for i := range b.runs {
			l := &b.runs[i]
			if t.isOthers(b, l.ID) {
				continue
			}
			x := t.takeRun(b, l)
			if x == nil {
				blind = blind || t.runs[l.ID].seen.IsZero() // else it is older than those that are kept
				continue
			}
			if known {
				t.readBatch(cluster, b, t.runs[l.ID], x)
			}
			blind, seen = blind || len(x.Reads) == 0, seen || len(x.Reads) > 0
		}
		if blind {
			silent = append(silent, name)
		}
		if seen {
			part = append(part, name)
		}
		t.tellRuns(b)
	}
	const remedy = "let them send OpenLineage events, docs/openlineage.md"
	if len(silent) > 0 {
		t.spot("what runs of batch jobs of this Flink read and wrote, which it does not tell, or no more once they are over: "+collector.Some(silent), remedy)
	}
	if len(part) > 0 {
		t.spot("what batch jobs of this Flink write, and what they read beside what is shown: "+collector.Some(part), remedy)
	}
	t.forgetBatches()
}

// isOthers reports whether OpenLineage tells of a run.
func (t *take) isOthers(b *batch, id string) bool {
	if slices.Contains(b.others, id) {
		return true
	}
	if _, ok := t.jobRun(b.name, id); !ok {
		return false
	}
	b.others, b.dirty = append(b.others, id), true
	b.told = slices.DeleteFunc(b.told, func(x batchRun) bool { return x.ID == id })
	return true
}

// takeRun takes in how a run goes; nil: that was not told yet.
func (t *take) takeRun(b *batch, l *listed) *batchRun {
	r := t.runs[l.ID]
	i := slices.IndexFunc(b.told, func(x batchRun) bool { return x.ID == l.ID })
	if r.seen.IsZero() && i < 0 {
		return nil
	}
	if i < 0 {
		began := cmp.Or(r.on(l.Started, r.seen), r.when("INITIALIZING", r.seen), r.seen).UTC().Truncate(time.Millisecond)
		if n := len(b.told); n >= runsOfBatch && !began.After(b.told[n-1].Began) {
			b.older = true
			return nil
		}
		b.told, b.dirty = append(b.told, batchRun{ID: l.ID, Version: t.version, State: lineage.RunGoesOn, Began: began}), true
		slices.SortFunc(b.told, func(x, y batchRun) int { return cmp.Or(y.Began.Compare(x.Began), strings.Compare(x.ID, y.ID)) })
		b.older = b.older || len(b.told) > runsOfBatch
		b.told = b.told[:min(len(b.told), runsOfBatch)]
		i = slices.IndexFunc(b.told, func(x batchRun) bool { return x.ID == l.ID })
	}
	x := &b.told[i]
	if state := stateOf(l.State); state != x.State {
		x.State, b.dirty = state, true
	}
	if x.State != lineage.RunGoesOn && x.Ended.IsZero() && over(r.state) {
		x.Ended, b.dirty = cmp.Or(r.when(r.state, r.seen), r.seen).UTC().Truncate(time.Millisecond), true
	}
	return x
}

// stateOf is how a run goes, by Flink's word for it.
func stateOf(state string) lineage.RunState {
	switch state {
	case "FINISHED":
		return lineage.RunCompleted
	case "FAILED":
		return lineage.RunFailed
	case "CANCELED":
		return lineage.RunAborted
	default:
		return lineage.RunGoesOn
	}
}

// readBatch tells which topics a run reads, as far as its metrics told.
func (t *take) readBatch(cluster collector.Watched, b *batch, r *run, x *batchRun) {
	for _, name := range r.topics() {
		t.cfg.Board.WantEnds(cluster.ID, candidates(cluster, name)...)
		is := t.topicOf(cluster, b.job, r, name)
		if is == "" {
			continue
		}
		topic := readTopic{cluster.ID, is}
		at, known := slices.BinarySearchFunc(x.Reads, topic, compareTopics)
		if !known && len(x.Reads) < batchReads {
			x.Reads, b.dirty = slices.Insert(x.Reads, at, topic), true
		}
		if !over(r.state) || !known && t.round.Sub(x.Ended) < freshly {
			t.sight(b.job, r, lineage.Topic{Cluster: topic.Cluster, Name: topic.Name}, name)
		}
	}
}

func compareTopics(a, b readTopic) int {
	return cmp.Or(strings.Compare(string(a.Cluster), string(b.Cluster)), strings.Compare(a.Name, b.Name))
}

// tellRuns tells the runs of a job where they are others than were told.
func (t *take) tellRuns(b *batch) {
	for i := range b.told {
		x := &b.told[i]
		gone := !slices.ContainsFunc(b.runs, func(l listed) bool { return l.ID == x.ID })
		if gone && x.State == lineage.RunGoesOn && !t.mayHide() { // how it ended nobody knows
			x.State, b.dirty = lineage.RunSilent, true
		}
	}
	b.others = slices.DeleteFunc(b.others, func(id string) bool {
		gone := !slices.ContainsFunc(b.runs, func(l listed) bool { return l.ID == id }) && !t.mayHide()
		b.dirty = b.dirty || gone
		return gone
	})
	f := b.factOf(t.node(b.job))
	if reflect.DeepEqual(f, b.said) || b.said == nil && len(f.Runs) == 0 {
		return
	}
	key := lineage.FactKey{Source: t.cfg.Name, Kind: lineage.RunFacts, Name: f.Job.ID()}
	if len(f.Runs) == 0 {
		t.main.Facts = append(t.main.Facts, lineage.Fact{Key: key, Gone: true})
		b.said = nil
		return
	}
	t.main.Facts = append(t.main.Facts, lineage.Fact{Key: key, Runs: f})
	b.said = f
}

// factOf is what is told of a job's runs, the newest of them.
func (b *batch) factOf(n lineage.Node) *lineage.RunsFact {
	f := &lineage.RunsFact{Job: n, Integration: "FLINK", Type: "BATCH", Older: b.older}
	ends := map[readTopic]int{}
	for i := range b.told {
		x := &b.told[i]
		run := lineage.Run{ID: x.ID, State: x.State, First: x.Began, Started: true, Ended: x.Ended, Engine: Engine, EngineVersion: x.Version}
		for _, topic := range x.Reads {
			at, there := ends[topic]
			if !there {
				at = len(f.Ends)
				ends[topic] = at
				f.Ends = append(f.Ends, lineage.Node{Scope: string(topic.Cluster), Kind: lineage.TopicNode, Name: topic.Name})
			}
			run.Reads = append(run.Reads, at)
		}
		f.Runs = append(f.Runs, run)
	}
	return f
}

// forgetBatches forgets the jobs that ran longest ago, beyond as many as are kept.
func (t *take) forgetBatches() {
	n := len(t.batches) - mostBatches
	if n <= 0 {
		return
	}
	newest := func(b *batch) time.Time {
		if len(b.told) == 0 {
			return time.Time{}
		}
		return b.told[0].Began
	}
	all := slices.SortedFunc(maps.Values(t.batches), func(a, b *batch) int {
		return cmp.Or(newest(a).Compare(newest(b)), strings.Compare(a.name, b.name))
	})
	for _, b := range all[:n] {
		if len(b.runs) > 0 {
			continue
		}
		if b.said != nil || b.kept {
			t.main.Facts = append(t.main.Facts, lineage.Fact{Key: lineage.FactKey{Source: t.cfg.Name, Kind: lineage.RunFacts, Name: t.node(b.job).ID()}, Gone: true})
		}
		delete(t.batches, b.name)
		t.gone = append(t.gone, batchKey(b.name))
	}
}

// batchPosition is what is kept of a batch job over a start.
type batchPosition struct {
	Name   string
	Runs   []batchRun `json:",omitempty"`
	Others []string   `json:",omitempty"`
	Older  bool       `json:",omitempty"`
}

const batchPrefix = "batch/"

func batchKey(name string) string { return batchPrefix + strings.TrimPrefix(positionKey(name), "job/") }

func (b *batch) encode() []byte { return seal(batchPosition{b.name, b.told, b.others, b.older}) }

// restoreBatch takes in a position. What it holds was told.
func (s *source) restoreBatch(key string, value []byte) error {
	var p batchPosition
	if err := unseal(value, &p); err != nil {
		return err
	}
	if batchKey(p.Name) != key {
		return errors.New("it is another job's")
	}
	b := newBatch(p.Name)
	b.told, b.others, b.older, b.kept = p.Runs, p.Others, p.Older, true
	if len(b.told) > 0 {
		b.said = b.factOf(s.node(b.job))
	}
	s.batches[b.name] = b
	return nil
}
