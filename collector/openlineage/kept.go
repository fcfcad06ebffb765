package openlineage

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// This file keeps what jobs say of their runs, as a fact of each job with its newest runs. See
// docs/adr/0055-runs-and-facets.md.

const (
	// runsOfJob is how many runs of a job are kept, the newest: a month of a nightly one.
	runsOfJob = 30
	// endsOfRun is how many datasets of a run are named, those that it reads and those that it writes.
	endsOfRun = 100
	// mostKept is of how many jobs runs are kept.
	mostKept = 5000
)

// said is what the newest event that has it says of one facet, as JSON.
type said struct {
	at   time.Time
	text string
}

// takeFacets keeps of each facet what the newest event says, and of two of one time the greater, so that the order in
// which they come does not matter.
func (r *run) takeFacets(f *runevent.Facets, at time.Time) {
	text, err := json.Marshal(f)
	var each map[string]json.RawMessage
	if err != nil || json.Unmarshal(text, &each) != nil {
		return // it was read from JSON
	}
	for name, value := range each {
		if was := r.said[name]; at.After(was.at) || at.Equal(was.at) && string(value) > was.text {
			r.said[name] = said{at, string(value)}
		}
	}
}

// facets puts together what is known of some runs, each facet of the newest event.
func facets(runs ...*run) (f runevent.Facets) {
	newest := map[string]said{}
	for _, r := range runs {
		for name, x := range r.said {
			if was := newest[name]; x.at.After(was.at) || x.at.Equal(was.at) && x.text > was.text {
				newest[name] = x
			}
		}
	}
	each := map[string]json.RawMessage{}
	for name, x := range newest {
		each[name] = json.RawMessage(x.text)
	}
	text, err := json.Marshal(each)
	if err != nil || json.Unmarshal(text, &f) != nil {
		return runevent.Facets{} // a position that is damaged and has the right sum
	}
	return f
}

// kept is what is kept of a job.
type kept struct {
	fact  lineage.RunsFact
	text  string // the fact as JSON
	dirty bool
	name  runevent.Name
}

func (k *kept) job() runevent.Name { return k.name }

func (k *kept) factKey() lineage.FactKey {
	n := lineage.Node{Scope: k.name.Namespace, Kind: lineage.JobNode, Name: k.name.Name}
	return lineage.FactKey{Source: Name, Kind: lineage.RunFacts, Name: n.ID()}
}

// state is how a run goes.
func (r *run) state(now time.Time, ttl time.Duration) lineage.RunState {
	switch {
	case r.goesOn(now, ttl):
		return lineage.RunGoesOn
	case r.over().IsZero():
		return lineage.RunSilent
	case r.how() == runevent.Fail:
		return lineage.RunFailed
	case r.how() == runevent.Abort:
		return lineage.RunAborted
	default:
		return lineage.RunCompleted
	}
}

// tellRuns tells what changed of the runs of jobs.
func (s *source) tellRuns(o *lineage.Observation, jobs []*job) {
	for _, j := range jobs {
		if slices.ContainsFunc(j.runs, func(r *run) bool { return r.changed(o.Round, s.cfg.TimeToLive) }) {
			s.keep(o, j)
		}
	}
	if n := len(s.kept) - mostKept; n > 0 {
		all := slices.SortedFunc(maps.Values(s.kept), func(a, b *kept) int {
			return cmp.Or(a.newest().Compare(b.newest()), strings.Compare(a.factKey().Name, b.factKey().Name))
		})
		for _, k := range all[:n] {
			delete(s.kept, k.name)
			s.gone = append(s.gone, keptKey(k.name))
			o.Facts = append(o.Facts, lineage.Fact{Key: k.factKey(), Gone: true})
			s.forgotten++
		}
	}
}

func (k *kept) newest() time.Time {
	if len(k.fact.Runs) == 0 {
		return time.Time{}
	}
	return k.fact.Runs[0].First
}

// keep makes the fact of a job anew, and tells it where it is another.
func (s *source) keep(o *lineage.Observation, j *job) {
	k := s.kept[j.name]
	if k == nil {
		k = &kept{name: j.name}
		s.kept[j.name] = k
	}
	said := facets(j.runs...)
	f := lineage.RunsFact{Job: j.node, Type: said.JobType, Description: said.Description, Older: k.fact.Older}
	if k.fact.Job.Kind == lineage.StreamJobNode && !slices.ContainsFunc(j.runs, func(r *run) bool { return r.batch }) {
		// what said so may be forgotten
		f.Job.Kind = lineage.StreamJobNode
	}
	for _, owner := range said.Owners {
		f.Owners = append(f.Owners, lineage.Owner(owner))
	}
	for _, r := range j.runs {
		f.Integration = max(f.Integration, r.integration)
	}
	f.Integration, f.Type, f.Description = cmp.Or(f.Integration, k.fact.Integration), cmp.Or(f.Type, k.fact.Type), cmp.Or(f.Description, k.fact.Description)
	if f.Owners == nil {
		f.Owners = k.fact.Owners
	}
	ends := table{}
	was := map[string]*lineage.Run{}
	for i := range k.fact.Runs {
		was[k.fact.Runs[i].ID] = &k.fact.Runs[i]
	}
	for _, r := range j.runs {
		if r.id == "" {
			continue
		}
		x := s.listed(o.Round, j, r, &ends)
		if old := was[r.id]; old != nil && old.First.Before(x.First) { // it was forgotten meanwhile
			fill(&x, old, func(i int) int { return ends.index(k.fact.Ends[i]) })
		}
		delete(was, r.id)
		f.Runs = append(f.Runs, x)
	}
	for _, old := range was {
		x := *old
		x.Reads, x.Writes = nil, nil
		fill(&x, old, func(i int) int { return ends.index(k.fact.Ends[i]) })
		f.Runs = append(f.Runs, x)
	}
	slices.SortFunc(f.Runs, func(a, b lineage.Run) int { return cmp.Or(b.First.Compare(a.First), strings.Compare(a.ID, b.ID)) })
	if len(f.Runs) > runsOfJob {
		f.Runs, f.Older = f.Runs[:runsOfJob], true
	}
	f.Ends = ends.all
	text, err := json.Marshal(f)
	if err != nil || string(text) == k.text {
		return // it holds nothing that can't be written
	}
	k.fact, k.text, k.dirty = f, string(text), true
	fact := f
	o.Facts = append(o.Facts, lineage.Fact{Key: k.factKey(), Runs: &fact})
}

// table gives each node one number.
type table struct {
	all []lineage.Node
	at  map[lineage.Node]int
}

func (t *table) index(n lineage.Node) int {
	i, known := t.at[n]
	if !known {
		if t.at == nil {
			t.at = map[lineage.Node]int{}
		}
		i = len(t.all)
		t.at[n], t.all = i, append(t.all, n)
	}
	return i
}

// listed is a run as it is listed: with all that it ever named.
func (s *source) listed(round time.Time, j *job, r *run, ends *table) lineage.Run {
	f := facets(r)
	r.stated = r.state(round, s.cfg.TimeToLive)
	x := lineage.Run{
		ID: r.id, State: r.stated, First: r.first, Started: r.began, Ended: r.over(), Engine: f.Engine, EngineVersion: f.EngineVersion, Failure: f.Failure,
	}
	if x.First.IsZero() { // it was kept before first was
		x.First = r.seen
	}
	if f.NominalStart != nil {
		x.NominalStart = *f.NominalStart
	}
	if f.NominalEnd != nil {
		x.NominalEnd = *f.NominalEnd
	}
	if p := f.Parent; p != nil {
		x.Parent = lineage.ParentRun{Namespace: p.Job.Namespace, Job: p.Job.Name, Run: p.Run}
	}
	for _, e := range slices.SortedFunc(maps.Keys(r.named()), edge.compare) {
		list := &x.Reads
		if e.op == lineage.Write {
			list = &x.Writes
		}
		a, known := s.access(j, e)
		if !known || len(*list) >= endsOfRun {
			x.Cut++
			continue
		}
		*list = append(*list, ends.index(end(a)))
	}
	return x
}

// end is what an access is to. A topic's scope is the id of its cluster.
func end(a lineage.Access) lineage.Node {
	if a.Dataset != (lineage.Dataset{}) {
		return lineage.Node{Scope: a.Dataset.Namespace, Kind: lineage.DatasetNode, Name: a.Dataset.Name}
	}
	return lineage.Node{Scope: string(a.Topic.Cluster), Kind: lineage.TopicNode, Name: a.Topic.Name}
}

// fill adds to a run what was known of it before it was forgotten.
func fill(x, old *lineage.Run, index func(int) int) {
	x.First, x.Started = old.First, x.Started || old.Started
	if x.Ended.IsZero() && !old.Ended.IsZero() {
		x.Ended, x.State = old.Ended, old.State
	}
	for _, t := range [...]struct{ now, was *time.Time }{{&x.NominalStart, &old.NominalStart}, {&x.NominalEnd, &old.NominalEnd}} {
		if t.now.IsZero() {
			*t.now = *t.was
		}
	}
	if x.Parent == (lineage.ParentRun{}) {
		x.Parent = old.Parent
	}
	x.Engine, x.EngineVersion, x.Failure = cmp.Or(x.Engine, old.Engine), cmp.Or(x.EngineVersion, old.EngineVersion), cmp.Or(x.Failure, old.Failure)
	for _, list := range [...]struct {
		now *[]int
		was []int
	}{{&x.Reads, old.Reads}, {&x.Writes, old.Writes}} {
		for _, i := range list.was {
			if n := index(i); !slices.Contains(*list.now, n) {
				*list.now = append(*list.now, n)
			}
		}
	}
	x.Cut = max(x.Cut, old.Cut)
}

// keptKey is a position's.
func keptKey(job runevent.Name) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q", job.Namespace, job.Name))
	return keptPrefix + hex.EncodeToString(sum[:16])
}

// saveKept saves what changed.
func (s *source) saveKept(put func(string, varint.Encoder)) {
	for _, k := range slices.SortedFunc(maps.Values(s.kept), func(a, b *kept) int { return strings.Compare(keptKey(a.name), keptKey(b.name)) }) {
		if !k.dirty {
			continue
		}
		k.dirty = false
		put(keptKey(k.name), k.encode())
	}
}

func (k *kept) encode() (e varint.Encoder) {
	e.Uint(positionsVersion)
	e.String(k.name.Namespace)
	e.String(k.name.Name)
	e.String(k.text)
	return e
}

func decodeKept(d *varint.Decoder) *kept {
	k := &kept{name: runevent.Name{Namespace: d.String(), Name: d.String()}}
	if k.text = d.String(); d.Err() != nil || json.Unmarshal([]byte(k.text), &k.fact) != nil {
		d.Fail()
		return nil
	}
	for i := range k.fact.Runs {
		for _, list := range [...][]int{k.fact.Runs[i].Reads, k.fact.Runs[i].Writes} {
			for _, n := range list {
				if n < 0 || n >= len(k.fact.Ends) {
					d.Fail()
					return nil
				}
			}
		}
	}
	return k
}
