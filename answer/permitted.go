package answer

import (
	"slices"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// Permitted is who may read or write a topic, which is no flow.
type Permitted struct {
	lineage.Permission
	// Open: the cluster has no authorizer, and this stands for all that everybody may.
	Open bool
	// Used reports whether somebody of that principal and host did so in the window; nil: that is not known. That
	// nobody read is never known: readers without a group leave no trace, and no log says that it is all brokers'.
	Used *bool
}

// Permitted returns who may use a topic at the window's end; ok is false when that is not known.
func (v *View) Permitted(topic lineage.Node) (all []Permitted, ok bool) {
	t := v.topics[topic]
	if t == nil {
		return nil, false
	}
	fact := v.permissions(t.cluster)
	switch {
	case fact == nil:
		return nil, false
	case fact.Open:
		return []Permitted{{Permission: lineage.Permission{Topic: "*", Principal: "User:*", Host: "*", Operation: "ALL", Allowed: true}, Open: true}}, true
	}
	all = []Permitted{}
	sure := v.writersKnown(t)
	for _, p := range fact.Rules {
		if !p.Covers(t.node.Name) {
			continue
		}
		x := Permitted{Permission: p}
		if used := v.uses(t, &p); used == graph.Active || used == graph.Inactive && sure && p.Operation == "WRITE" {
			x.Used = new(used == graph.Active)
		}
		all = append(all, x)
	}
	return all, true
}

// permissions returns who may use a cluster's topics at the window's end; nil: that is not known.
func (v *View) permissions(cluster lineage.ClusterID) (fact *lineage.PermissionFact) {
	for _, f := range v.held.FactsOf(lineage.PermissionFacts) {
		if c := v.clusters.bySource[f.Key.Source]; c != nil && c.known.ID == cluster && f.Permission != nil {
			fact = f.Permission
		}
	}
	return fact
}

// uses reports whether somebody whom an entry is about did what it is about: moved records in the window. It is unknown
// where one did who may be another: an entry of a host, and his own that nobody tells.
func (v *View) uses(t *topicView, p *lineage.Permission) graph.State {
	did := func(accesses []int32) (is graph.State) {
		is = graph.Inactive
		for _, i := range accesses {
			x := &v.accesses[i]
			if x.state != graph.Active {
				continue
			}
			c := x.client()
			switch {
			case c.Principal == "", p.Principal != "User:*" && p.Principal != c.Principal:
			case p.Host != "*" && c.Host == "":
				is = graph.Unknown
			case p.Host != "*" && p.Host != strings.TrimPrefix(c.Host, "/"):
			default:
				return graph.Active
			}
		}
		return is
	}
	read, wrote := graph.Inactive, graph.Inactive
	if p.Operation != "WRITE" {
		read = did(t.reads)
	}
	if p.Operation != "READ" {
		wrote = did(t.writes)
	}
	switch {
	case read == graph.Active || wrote == graph.Active:
		return graph.Active
	case read == graph.Unknown || wrote == graph.Unknown:
		return graph.Unknown
	default:
		return graph.Inactive
	}
}

// writersKnown reports whether the principals of all who wrote to a topic in the window are known. Where nobody is
// known to have written, they are if it was seen not to grow.
func (v *View) writersKnown(t *topicView) bool {
	if t.fact == nil || t.fact.Unseen != "" {
		return false
	}
	rested := len(t.subjects) > 0 && !slices.ContainsFunc(t.subjects, func(s incarnation) bool { return v.held.Rows.Moved[s.row] || v.unobserved(s.row) })
	wrote := false
	for _, i := range t.writes {
		x := &v.accesses[i]
		if x.state == graph.Unknown || x.state == graph.Active && x.client().Principal == "" {
			return false
		}
		wrote = wrote || x.state == graph.Active
	}
	if !wrote {
		return rested && v.wholeBesidesLogs(t.cluster)
	}
	return v.Coverage(t.cluster).Complete
}
