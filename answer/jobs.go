package answer

import (
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// takeJob takes a stream job that its engine tells of. What others tell of one that its engine knows no more is that
// job's all the same.
func (v *View) takeJob(f lineage.DatedFact) {
	n := lineage.Node{Scope: f.Key.Source, Kind: lineage.StreamJobNode, Name: f.Key.Name}
	is := f.Job
	if is == nil && f.Before != nil {
		is = f.Before.Job
	}
	v.movers.jobs[n] = mover[lineage.JobFact]{fact: f.Job, was: is, gone: f.Gone, since: f.Since}
	if is != nil {
		v.knows.AddJob(n, is)
	}
}

// over reports whether a job in a state runs no more, and will not by itself.
func over(state string) bool {
	switch state {
	case "FINISHED", "CANCELED", "FAILED", "SUSPENDED":
		return true
	}
	return false
}

// EngineJob returns what its engine tells of a stream job; nil: none does now.
func (n Node) EngineJob() *lineage.JobFact { return n.rows.v.movers.jobs[n.node].fact }

// Unseen is why nobody looked at something at a window's end.
type Unseen struct {
	Since time.Time // zero: since before the window
	Why   string
}

// EngineUnseen returns why what its engine tells of a stream job is not of the window's end; nil: it is, or nothing is
// told. A run that was over then stays so.
func (n Node) EngineUnseen() *Unseen {
	v := n.rows.v
	is := v.movers.jobs[n.node].fact
	if is == nil || over(is.State) {
		return nil
	}
	for _, s := range v.held.Sources {
		if s.Source != (lineage.Source{Cluster: n.node.Scope, Name: lineage.JobsSource}) {
			continue
		}
		since, why := v.blindAtEnd(s.Gaps)
		switch {
		case why == "":
			return nil
		case !since.After(v.win.Start):
			since = time.Time{}
		}
		return &Unseen{Since: since, Why: why}
	}
	return &Unseen{Why: notWatchedNow}
}

// notWatchedNow is why nothing is seen of what no source looks at that is switched on.
const notWatchedNow = "it is not watched in this window"

// Engine returns what runs a stream job; empty: that is not told.
func (n Node) Engine() string {
	m := n.rows.v.movers.jobs[n.node]
	switch {
	case m.was != nil:
		return m.was.Engine
	case n.OfItself():
		return ""
	}
	by := n.NamedBy()
	for _, x := range [...][2]string{{"faust", "faust"}, {"quixstreams", "quixstreams"}, {"Kafka Streams", "Kafka Streams"}} {
		if strings.Contains(by, x[0]) {
			return x[1]
		}
	}
	if g := n.JobGroup(); g != nil && strings.EqualFold(g.Type, "Streams") {
		return "Kafka Streams"
	}
	return ""
}
