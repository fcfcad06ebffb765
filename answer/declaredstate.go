package answer

import (
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
	if len(clients) > 0 && !slices.ContainsFunc(clients, func(x lineage.Client) bool { return x.Group == "" || !c.groupRests(known, x.Group) }) {
		return new(false), ""
	}
	return nil, "a reader without a group leaves no trace"
}

// groupRests reports whether a group is among those that a flow is known by, none of which moved: it has a position.
func (c *comparer) groupRests(known []int32, group string) bool {
	return slices.ContainsFunc(known, func(i int32) bool {
		x := &c.v.accesses[i]
		return x.Access.Client.Group == group && x.Access.Client.Member == "" && x.counter.metric != lineage.NoMetric
	})
}

func (c *comparer) observedWhole(at *Cluster) bool {
	complete, ok := c.complete[at]
	if !ok {
		complete = c.v.Coverage(at.known.ID).Complete
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
// and by counts among which nobody else's can be. Where nobody is known to have written what it grew by they are not.
func (v *View) writersNamed(t *topicView) bool {
	counted := map[lineage.Node]bool{} // whether something counts what one wrote
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
		}
	}
	for _, is := range counted {
		if !is {
			return false
		}
	}
	return len(counted) > 0
}

// byAccount reports whether only its principal names a client.
func (x *access) byAccount() bool {
	return x.namedBy == lineage.ByPrincipal || strings.HasPrefix(x.namedBy, lineage.ByPrincipal+",")
}
