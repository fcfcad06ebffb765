package answer

import (
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file says which ways lead through jobs that tell of them themselves. See docs/adr/0057-ways-through-a-job.md.

// restLane is of the outputs of a job of which nobody says what leads to them: all that it reads does. It is one lane
// among others, and not anyLane.
const restLane = "the rest"

// onlyRest is of what a job reads that leads nowhere else.
var onlyRest = []string{restLane}

// waysThrough are the lanes of what a job reads and writes. Outputs to which the same leads have one.
type waysThrough struct {
	reads  map[lineage.Node][]string
	writes map[lineage.Node][]string
}

// lanes returns those of an access of the job.
func (w *waysThrough) lanes(x *access) []string {
	of := w.writes
	if x.Access.Op == lineage.Read {
		of = w.reads
	}
	if own, told := of[x.far]; told {
		return own
	}
	return onlyRest
}

// jobPair is a way through a job; a zero from says that all that leads to its end is told.
type jobPair struct{ from, to lineage.Node }

// waysOfJobs are those through the jobs that tell of any; nil: none does. A job that another source tells of under
// another name is that one.
func (v *View) waysOfJobs() map[lineage.Node]*waysThrough {
	facts := map[lineage.Node]*lineage.WaysFact{}
	for _, f := range v.held.FactsOf(lineage.WaysFacts) {
		if f.Ways != nil {
			facts[f.Ways.Job] = f.Ways
		}
	}
	if len(facts) == 0 {
		return nil
	}
	of := map[lineage.Node]map[*lineage.WaysFact]bool{}
	for i := range v.accesses {
		x := &v.accesses[i]
		m := x.Access.Client.Mover
		if m.Kind != lineage.JobNode && m.Kind != lineage.StreamJobNode {
			continue
		}
		m.Kind = lineage.JobNode
		if f := facts[m]; f != nil {
			if of[x.node] == nil {
				of[x.node] = map[*lineage.WaysFact]bool{}
			}
			of[x.node][f] = true
		}
	}
	out := make(map[lineage.Node]*waysThrough, len(of))
	for n, all := range of {
		pairs := map[jobPair]bool{}
		for f := range all {
			v.pairsOf(f, pairs)
		}
		out[n] = throughPairs(pairs)
	}
	return out
}

// pairsOf adds the ways of a fact, in the names of answers. One that was gone last before the window is left out where
// of both of its ends something newer is told: it is what led there before.
func (v *View) pairsOf(f *lineage.WaysFact, pairs map[jobPair]bool) {
	in := func(x lineage.JobWay) bool { return x.Until.IsZero() || x.Until.After(v.win.Start) }
	reads, writes := map[int]bool{}, map[int]bool{}
	for _, x := range f.Ways {
		if in(x) {
			reads[x.From], writes[x.To] = true, true
		}
	}
	end := func(i int) (n lineage.Node) {
		if i < 0 {
			return n
		}
		if n = f.Ends[i]; n.Kind == lineage.TopicNode {
			n.Scope = v.clusters.of(lineage.ClusterID(n.Scope)).Name
		}
		return n
	}
	for _, x := range f.Ways {
		if x.From < 0 || in(x) || !reads[x.From] || !writes[x.To] {
			pairs[jobPair{end(x.From), end(x.To)}] = true
		}
	}
}

// throughPairs gives outputs lanes, one to all to which the same leads.
func throughPairs(pairs map[jobPair]bool) *waysThrough {
	into := map[lineage.Node][]lineage.Node{}
	for p := range pairs {
		from := into[p.to]
		if p.from.Kind != lineage.NoKind {
			from = append(from, p.from)
		}
		into[p.to] = from
	}
	w := &waysThrough{reads: map[lineage.Node][]string{}, writes: make(map[lineage.Node][]string, len(into))}
	lanes := map[string]string{} // by what leads there
	outputs := make([]lineage.Node, 0, len(into))
	for to := range into {
		outputs = append(outputs, to)
	}
	slices.SortFunc(outputs, lineage.Node.Compare)
	for _, to := range outputs {
		from := into[to]
		slices.SortFunc(from, lineage.Node.Compare)
		ids := make([]string, len(from))
		for i, n := range from {
			ids[i] = n.ID()
		}
		key := strings.Join(ids, "\n") // which no id holds
		lane, known := lanes[key]
		if !known {
			lane = "to " + to.ID()
			lanes[key] = lane
			for _, n := range from {
				w.reads[n] = append(w.reads[n], lane)
			}
		}
		w.writes[to] = []string{lane}
	}
	for n := range w.reads {
		w.reads[n] = append(w.reads[n], restLane)
	}
	return w
}
