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
	known    lineage.Known
	cluster  lineage.Cluster
	node     lineage.Node
	namedBy  string
}

// resolve asks who an access' client is once, and again when what is known of it or the rules have changed.
func (v *View) resolve(c lineage.Cluster, x *lineage.Access, known lineage.Known) (lineage.Node, string) {
	a := v.a
	if kept, ok := a.resolved.Load(x); ok {
		if r := kept.(resolution); r.identity == v.identity && r.cluster == c && sameKnown(r.known, known) {
			return r.node, r.namedBy
		}
	}
	n, by := v.identity.Resolve(c, *x, known)
	if a.resolutions.Add(1) > mostResolutions { // those that left the dictionary are never asked for again
		a.resolved.Clear()
		a.resolutions.Store(1)
	}
	a.resolved.Store(x, resolution{v.identity, known, c, n, by})
	return n, by
}

func sameKnown(a, b lineage.Known) bool {
	return sameJoined(a.Joined, b.Joined) && a.Crowded == b.Crowded && a.Connector == b.Connector && slices.Equal(a.Sharers, b.Sharers) && a.Application == b.Application && a.By == b.By && a.Home == b.Home && a.MemberBy == b.MemberBy && a.Name == b.Name && a.NameBy == b.NameBy &&
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
