package timeseries

import (
	"hash/maphash"

	"github.com/lineaged/lineaged/lineage"
)

// entries finds an entry by its access. An access is 272 bytes, most of them the strings of its client, and a map by it
// would hold each a second time and hash all of them anew whenever it grows; so this is a map by their hash, whose
// entries of one hash are chained. Its methods need what guards the engine's entries.
type entries struct {
	hash func(*lineage.Access) uint64
	by   map[uint64]*entry
}

func newEntries() entries {
	seed := maphash.MakeSeed()
	return entries{
		hash: func(a *lineage.Access) uint64 { return maphash.Comparable(seed, *a) },
		by:   map[uint64]*entry{},
	}
}

// of returns nil for an access that has none.
func (e *entries) of(a *lineage.Access) *entry { return e.hashed(e.hash(a), a) }

// hashed is of for who has the access' hash.
func (e *entries) hashed(hash uint64, a *lineage.Access) *entry {
	x := e.by[hash]
	for x != nil && x.access != *a {
		x = x.next
	}
	return x
}

// put needs that its access has no entry.
func (e *entries) put(x *entry) { e.putHashed(e.hash(&x.access), x) }

func (e *entries) putHashed(hash uint64, x *entry) { x.next, e.by[hash] = e.by[hash], x }

// remove takes away the entry of an access, if there is one.
func (e *entries) remove(a *lineage.Access) {
	h := e.hash(a)
	var before *entry
	x := e.by[h]
	for x != nil && x.access != *a {
		before, x = x, x.next
	}
	switch {
	case x == nil:
		return
	case before != nil:
		before.next = x.next
	case x.next != nil:
		e.by[h] = x.next
	default:
		delete(e.by, h)
	}
	x.next = nil
}
