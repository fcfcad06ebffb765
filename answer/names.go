package answer

import (
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// mostResolutions is when what identity said is forgotten.
const mostResolutions = 1 << 20

// resolution is what identity said of an access, by which rules and of what was known of it.
type resolution struct {
	identity Identity
	known    *lineage.Known
	cluster  *lineage.Cluster
	node     lineage.Node
	namedBy  string
}

// resolving is the accesses of a view while it is asked whose they are. What is known of many in a row is the same, and
// is kept once.
type resolving struct {
	known   *lineage.Known
	cluster *lineage.Cluster
}

// resolve asks who an access' client is once, and again when what is known of it or the rules have changed.
func (v *View) resolve(x *lineage.Access, known *lineage.Known, last *resolving) (lineage.Node, string) {
	a, c := v.a, v.clusters.of(x.Topic.Cluster)
	if kept, ok := a.resolved.Load(x); ok {
		if r := kept.(*resolution); r.identity == v.identity && *r.cluster == c && sameKnown(r.known, known) {
			return r.node, r.namedBy
		}
	}
	n, by := v.identity.Resolve(c, *x, *known)
	if a.resolutions.Add(1) > mostResolutions { // those that left the dictionary are never asked for again
		a.resolved.Clear()
		a.resolutions.Store(1)
	}
	if last.cluster == nil || *last.cluster != c {
		last.cluster = &c
	}
	if last.known == nil || !sameKnown(last.known, known) {
		k := *known
		last.known = &k
	}
	a.resolved.Store(x, &resolution{v.identity, last.known, last.cluster, n, by})
	return n, by
}

func sameKnown(a, b *lineage.Known) bool {
	return sameJoined(a.Joined, b.Joined) && a.Crowded == b.Crowded && a.Connector == b.Connector && slices.Equal(a.Sharers, b.Sharers) &&
		a.Application == b.Application && a.By == b.By && a.Home == b.Home && a.MemberBy == b.MemberBy && a.Name == b.Name && a.NameBy == b.NameBy &&
		sameGroup(a.Group, b.Group) && sameGroup(a.Job, b.Job) && sameGroup(a.Member, b.Member)
}

func sameJoined(a, b *lineage.Joined) bool { return a == b || a != nil && b != nil && *a == *b }

func sameGroup(a, b *lineage.GroupFact) bool {
	if a == nil || b == nil || a == b {
		return a == b
	}
	if a.Ref != b.Ref || a.Type != b.Type || a.Protocol != b.Protocol || len(a.Members) != len(b.Members) {
		return false
	}
	for i := range a.Members {
		if a.Members[i] != b.Members[i] {
			return false
		}
	}
	return true
}
