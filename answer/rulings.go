package answer

import (
	"sync"

	"github.com/lineaged/lineaged/lineage"
)

// mostRulings is when what rules say of nodes is forgotten: some 100 bytes a node.
const mostRulings = 1 << 16

// rulings are what an identity said of nodes. It says the same of a node for as long as it is the same one, so each is
// asked for once. The zero value is ready.
type rulings[T any] struct {
	mu sync.RWMutex // guards the fields below
	by Identity
	of map[lineage.Node]T
}

// get returns what an identity says of a node, which is shared. say asks it.
func (r *rulings[T]) get(by Identity, n lineage.Node, say func() T) T {
	r.mu.RLock()
	is, ok := r.of[n]
	ok = ok && r.by == by
	r.mu.RUnlock()
	if ok {
		return is
	}
	is = say()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by != by || r.of == nil || len(r.of) >= mostRulings {
		r.by, r.of = by, map[lineage.Node]T{}
	}
	r.of[n] = is
	return is
}

// ruledOwner returns whose a node is by the rules, and its tags.
func (v *View) ruledOwner(n lineage.Node) (owner string, tags []string) {
	is := v.a.described.get(v.identity, n, func() (d description) {
		d.owner, d.tags = v.identity.Describe(n)
		return d
	})
	return is.owner, is.tags
}

// ruled returns all that the rules say of a node. The map is shared: it must not be changed.
func (v *View) ruled(n lineage.Node) map[lineage.Slot]lineage.Ruled {
	return v.a.says.get(v.identity, n, func() map[lineage.Slot]lineage.Ruled { return v.identity.Says(n) })
}
