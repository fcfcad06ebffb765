package answer

import (
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Permitted is who may read or write a topic, which is no flow.
type Permitted struct {
	lineage.Permission
	// Open: the cluster has no authorizer, and this stands for all that everybody may.
	Open bool
	// Used reports whether somebody of that principal and host did so in the window; nil: who does is not seen, or not
	// for all of the window.
	Used *bool
}

// seesPrincipals are the sources that see the principal of each who reads and writes.
var seesPrincipals = map[string]bool{"request-log": true, "authorizer-log": true, "audit": true}

// Permitted returns who may use a topic at the window's end; ok is false when that is not known.
func (v *View) Permitted(topic lineage.Node) (all []Permitted, ok bool) {
	t := v.topics[topic]
	if t == nil {
		return nil, false
	}
	var fact *lineage.PermissionFact
	for _, f := range v.held.FactsOf(lineage.PermissionFacts) {
		if c := v.clusters.bySource[f.Key.Source]; c != nil && c.known.ID == t.cluster && f.Permission != nil {
			fact = f.Permission
		}
	}
	switch {
	case fact == nil:
		return nil, false
	case fact.Open:
		return []Permitted{{Permission: lineage.Permission{Topic: "*", Principal: "User:*", Host: "*", Operation: "ALL", Allowed: true}, Open: true}}, true
	}
	all = []Permitted{}
	sure := v.principalsSeen(t.cluster)
	for _, p := range fact.Rules {
		if !p.Covers(t.node.Name) {
			continue
		}
		x := Permitted{Permission: p}
		if used := v.uses(t, &p); used || sure {
			x.Used = &used
		}
		all = append(all, x)
	}
	return all, true
}

// uses reports whether somebody whom an entry is about did what it is about.
func (v *View) uses(t *topicView, p *lineage.Permission) bool {
	did := func(accesses []int32) bool {
		for _, i := range accesses {
			x := &v.accesses[i]
			if !x.inWindow && x.state != graph.Active {
				continue
			}
			c := x.client()
			switch {
			case c.Principal == "", p.Principal != "User:*" && p.Principal != c.Principal:
			case p.Host != "*" && p.Host != strings.TrimPrefix(c.Host, "/"):
			default:
				return true
			}
		}
		return false
	}
	return p.Operation != "WRITE" && did(t.reads) || p.Operation != "READ" && did(t.writes)
}

// principalsSeen reports whether a source saw in all of the window who reads and writes in a cluster.
func (v *View) principalsSeen(cluster lineage.ClusterID) bool {
	for _, s := range v.held.Sources {
		if c := v.clusters.bySource[s.Source.Cluster]; c != nil && c.known.ID == cluster && seesPrincipals[s.Source.Name] && wholly(&s) {
			return true
		}
	}
	return false
}

func wholly(s *store.SourceCoverage) bool {
	return len(s.Gaps) == 0 && s.Expected > 0 && s.Seen >= s.Expected
}
