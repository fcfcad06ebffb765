package answer

import (
	"slices"
	"sync"

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

// resolutions are what identity said of the accesses that were in a window. The zero value is ready.
type resolutions struct {
	mu sync.RWMutex // guards of
	of map[*lineage.Access]*resolution
}

func (r *resolutions) get(x *lineage.Access) *resolution {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.of[x]
}

// keep takes in what was said of some accesses. Those that left the dictionary are never asked for again, so all is
// forgotten at times.
func (r *resolutions) keep(accesses []*lineage.Access, said []*resolution) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil || len(r.of)+len(said) > max(mostResolutions, len(said)) {
		r.of = make(map[*lineage.Access]*resolution, len(said))
	}
	for i, x := range accesses {
		r.of[x] = said[i]
	}
}

// resolving asks whose the accesses of a view are. What is known of many in a row is the same, and is kept once.
type resolving struct {
	known    *lineage.Known
	cluster  *lineage.Cluster
	accesses []*lineage.Access // that were asked for
	said     []*resolution     // of them
}

// resolve asks who an access' client is once, and again when what is known of it or the rules have changed. What is
// said of it is to be kept when all are asked for.
func (v *View) resolve(x *lineage.Access, known *lineage.Known, all *resolving) (lineage.Node, string) {
	c := v.clusters.of(x.Topic.Cluster)
	if r := v.a.resolved.get(x); r != nil && r.identity == v.identity && *r.cluster == c && sameKnown(r.known, known) {
		return r.node, r.namedBy
	}
	n, by := v.identity.Resolve(c, *x, *known)
	if all.cluster == nil || *all.cluster != c {
		all.cluster = &c
	}
	if all.known == nil || !sameKnown(all.known, known) {
		k := *known
		all.known = &k
	}
	all.accesses, all.said = append(all.accesses, x), append(all.said, &resolution{v.identity, all.known, all.cluster, n, by})
	return n, by
}

func sameKnown(a, b *lineage.Known) bool {
	return sameJoined(a.Joined, b.Joined) && a.Crowded == b.Crowded && a.Connector == b.Connector && a.Runs == b.Runs && a.RunsBy == b.RunsBy && slices.Equal(a.Sharers, b.Sharers) &&
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
