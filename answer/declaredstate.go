package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// observed reports whether a declared flow moved in the window. That it did not is said only where it would have been
// seen: see ADR 14.
func (c *comparer) observed(f lineage.Flow, at *Cluster, clients []lineage.Client) (moved *bool, why string) {
	v := c.v
	resting, said := true, false // of those that are known; what one did whom only a rule names was not seen
	for _, i := range v.of(f) {
		switch x := &v.accesses[i]; {
		case x.state == graph.Active && !x.declared():
			return new(true), ""
		case x.state == graph.Active:
			said = true
		case x.state == graph.Unknown:
			resting = false
		}
	}
	if said {
		return nil, "that it wrote is said by a rule, and was not seen"
	}
	topic, other, writes := f.To, f.From, true
	if topic.Kind != lineage.TopicNode {
		topic, other, writes = f.From, f.To, false
	}
	t := v.topics[topic]
	switch {
	case at.known.ID == "":
		return nil, "the cluster was never reached"
	case !c.observedWhole(at):
		return nil, "the window was not observed as a whole"
	case t == nil || t.fact == nil:
		return nil, "the topic was not seen"
	case t.fact.Unseen != "":
		return nil, "the topic is out of sight"
	case !resting:
		return nil, "whether it moved is not known"
	case writes && v.rests(t):
		return new(false), ""
	case writes && len(t.subjects) == 0:
		return nil, "whether the topic grew was not seen"
	case writes && !v.heldThroughout(t):
		return nil, "the topic was first seen within the window"
	}
	known := v.of(f)
	switch other.Kind {
	case lineage.ConnectorNode, lineage.ReplicatorNode:
		if len(known) > 0 {
			return new(false), ""
		}
		return nil, "it was not seen to be configured for that"
	default:
	}
	if writes {
		if v.writersNamed(t) {
			return new(false), ""
		}
		return nil, "not all who wrote to the topic are known by name"
	}
	for _, x := range clients {
		if why := c.restless(known, x.Group); why != "" {
			return nil, why
		}
	}
	if len(clients) > 0 {
		return new(false), ""
	}
	return nil, noTrace
}

const noTrace = "a reader without a group leaves no trace"

// restless says why it is not known that a group rests, which is among those that a flow is known by or not, none of
// which moved; empty: it does. It has a position, and has shown by moving it that this is where it keeps it: there are
// readers that committed once and keep their offsets in checkpoints of their own since.
func (c *comparer) restless(known []int32, group string) string {
	why := noTrace
	for _, i := range known {
		x := &c.v.accesses[i]
		if group == "" || x.Access.Client.Group != group || x.Access.Client.Member != "" || x.counter.metric == lineage.NoMetric {
			continue
		}
		if c.v.commits[x.row] {
			return ""
		}
		why = "its committed offsets were not seen to move of late, and it may keep those that it reads by elsewhere"
	}
	return why
}

// logs are the sources that follow the brokers' logs. They name who writes and reads, and who is known by them alone is
// in doubt in their gaps by himself; what grew and who moved it others tell, by counts. So a sample of the request log,
// which is a gap but for some seconds, leaves what these say as it is.
var logs = [...]string{"log-files", "log-topic", "log-push"}

// wholeBesidesLogs reports whether the sources of a cluster but those of its logs observed all of the window.
func (v *View) wholeBesidesLogs(id lineage.ClusterID) bool {
	c := v.Coverage(id)
	if c.Complete {
		return true
	}
	others := func(g lineage.Gap) bool { return !slices.Contains(logs[:], g.Source.Name) }
	return c.ObservedFraction > 0 && !slices.ContainsFunc(c.Gaps, others)
}

// takeCommits notes which of the declared groups moved their committed offsets within the lookback, and, where writers
// are declared, what topics grew by.
func (v *View) takeCommits(ctx context.Context) error {
	if v.declared == nil {
		return nil
	}
	if slices.ContainsFunc(v.declared.Flows, func(f lineage.DeclaredFlow) bool { d := Declared{DeclaredFlow: &f}; return d.Writes() }) {
		if _, err := v.topicAmounts.get(ctx, v.readWritten); err != nil {
			return err
		}
	}
	groups := map[string]bool{}
	for i := range v.declared.Flows {
		for _, x := range v.declared.Flows[i].Clients {
			groups[x.Group] = x.Group != ""
		}
	}
	var rows []int32
	for i := range v.accesses {
		if x := &v.accesses[i]; groups[x.Access.Client.Group] && x.Access.Client.Member == "" && x.state != graph.Active {
			rows = append(rows, x.row)
		}
	}
	if len(rows) == 0 {
		return nil
	}
	last, err := v.held.LastMoved(ctx, v.held.Back, rows)
	if err != nil {
		return fmt.Errorf("read which groups commit: %w", err)
	}
	v.commits = make(map[int32]bool, len(rows))
	for i, row := range rows {
		v.commits[row] = !last[i].IsZero()
	}
	return nil
}

// observedWhole reports whether all sources saw all of the window whose word is needed to say that nothing moved.
func (c *comparer) observedWhole(at *Cluster) bool {
	complete, ok := c.complete[at]
	if !ok {
		complete = c.v.wholeBesidesLogs(at.known.ID)
		c.complete[at] = complete
	}
	return complete
}

// rests reports whether a topic was seen not to grow in the window.
func (v *View) rests(t *topicView) bool {
	return len(t.subjects) > 0 && v.heldThroughout(t) && !slices.ContainsFunc(t.subjects, func(s incarnation) bool {
		return v.held.Rows.Moved[s.row] || v.unobserved(s.row)
	})
}

// heldThroughout reports whether a topic was looked at since the window began: before that nobody knows what it did.
func (v *View) heldThroughout(t *topicView) bool {
	return slices.ContainsFunc(t.subjects, func(s incarnation) bool { return !s.firstSeen.IsZero() && !s.firstSeen.After(v.win.Start) })
}

// writersNamed reports whether all who wrote to a topic in the window are known by a name that is more than an account,
// and by counts among which nobody else's can be, and which are together what it grew by.
func (v *View) writersNamed(t *topicView) bool {
	counted := map[lineage.Node]bool{} // whether something counts what one wrote
	wrote, shared := 0.0, 0.0
	for _, i := range t.writes {
		x := &v.accesses[i]
		switch {
		case x.state == graph.Unknown:
			return false
		case x.state != graph.Active:
		case x.node.Kind == lineage.UnidentifiedNode, x.declared(), x.byAccount(), x.crowded, len(x.sharers) > 0, x.isEstimated(), x.counter.evidence == lineage.Elimination:
			return false
		default:
			counted[x.node] = counted[x.node] || x.counter.metric != lineage.NoMetric
			wrote, shared = wrote+x.amount.Total, shared+x.amount.Shared
		}
	}
	for _, is := range counted {
		if !is {
			return false
		}
	}
	return len(counted) > 0 && v.isAll(t, wrote, shared)
}

// isAll reports whether so many records, of which so many are shares of readings that straddle the window's ends, are
// all that a topic grew by.
func (v *View) isAll(t *topicView, wrote, shared float64) bool {
	written, ok := v.topicAmounts.loaded()
	grew := 0.0
	for _, s := range t.subjects {
		appended, known := written.by[lineage.Appended][s.row]
		ok = ok && known && appended.Known
		grew += appended.Total - written.by[lineage.Markers][s.row].Total
		shared += appended.Shared
	}
	const half = 0.5 // of a record
	return ok && grew-wrote <= half+shared
}

// byAccount reports whether only its principal names a client.
func (x *access) byAccount() bool {
	return x.namedBy == lineage.ByPrincipal || strings.HasPrefix(x.namedBy, lineage.ByPrincipal+",")
}
