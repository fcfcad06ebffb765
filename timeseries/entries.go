package timeseries

import (
	"hash/maphash"
	"maps"
	"math/bits"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// entries finds an entry by its access. An access is 272 bytes, most of them the strings of its client, and a map by it
// would hold each a second time and hash all of them anew whenever it grows; so this is a map by their hash, whose
// entries of one hash are chained. A source names its accesses in much the same order each round, so who comes after
// one is looked for behind it before anything is hashed. Its methods need what guards the engine's entries.
type entries struct {
	hash func(*lineage.Access) uint64
	by   map[uint64]*entry
	// order is all of them by when they were first named, nil those that are gone: that many.
	order []*entry
	gone  int
}

// nearbyEntries are looked at behind one. As many comparisons that fail cost about what one hash costs.
const nearbyEntries = 8

func newEntries() entries {
	seed := maphash.MakeSeed()
	return entries{
		hash: func(a *lineage.Access) uint64 { return hashAccess(seed, a) },
		by:   map[uint64]*entry{},
	}
}

// hashAccess hashes all of an access. Most of its strings are empty, and cost nothing.
func hashAccess(seed maphash.Seed, a *lineage.Access) uint64 {
	h := maphash.Comparable(seed, struct {
		topic    lineage.TopicID
		producer lineage.ProducerID
		op       lineage.Op
		kind     lineage.ClientKind
		mover    lineage.NodeKind
	}{a.Topic.ID, a.Client.Producer, a.Op, a.Client.Kind, a.Client.Mover.Kind})
	for i, s := range [...]string{
		string(a.Topic.Cluster), a.Topic.Name, a.Client.ClientID, a.Client.Group, a.Client.Member, a.Client.TransactionalID, a.Client.Principal,
		a.Client.Host, a.Client.Software, a.Client.Instance, a.Client.Mover.Scope, a.Client.Mover.Name, a.Dataset.Namespace, a.Dataset.Name,
	} {
		if s != "" { // where it stands is a part of what is hashed
			h = bits.RotateLeft64(h*0x9e3779b97f4a7c15+uint64(i), 29) ^ maphash.String(seed, s)
		}
	}
	return h
}

// of returns nil for an access that has none.
func (e *entries) of(a *lineage.Access) *entry { return e.hashed(e.hash(a), a) }

// after returns the entry of an access where it comes soon after another one; nil where it is to be looked up, as where
// there is no other.
func (e *entries) after(x *entry, a *lineage.Access) *entry {
	if x == nil {
		return nil
	}
	from := int(x.place) + 1
	for _, y := range e.order[min(from, len(e.order)):min(from+nearbyEntries, len(e.order))] {
		if y != nil && y.is(a) {
			return y
		}
	}
	return nil
}

// is reports whether it is the entry of an access. What tells most apart is compared first.
func (x *entry) is(a *lineage.Access) bool {
	return x.access.Client.Producer == a.Client.Producer && x.access.Topic.ID == a.Topic.ID && x.access == *a
}

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

func (e *entries) putHashed(hash uint64, x *entry) {
	x.next, e.by[hash] = e.by[hash], x
	x.place = uint32(len(e.order))
	e.order = append(e.order, x)
}

// share has a new entry hold its topic's names where the newest of all does, if they are of one topic, as what is named
// in a row mostly is.
func (e *entries) share(x *entry) {
	if n := len(e.order); n > 0 && e.order[n-1] != nil && e.order[n-1].access.Topic == x.access.Topic {
		x.access.Topic = e.order[n-1].access.Topic
	}
}

// roomless returns a map with room for what is in it, where many come and go: a map keeps the room of all that were in
// it at once, and takes more where others come in their place.
func roomless[K comparable, V any](m map[K]V) map[K]V {
	out := make(map[K]V, len(m))
	maps.Copy(out, m)
	return out
}

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
	e.order[x.place] = nil
	if e.gone++; e.gone > len(e.order)/2 {
		e.order = slices.DeleteFunc(e.order, func(x *entry) bool { return x == nil })
		for i, y := range e.order {
			y.place = uint32(i)
		}
		e.gone, e.by = 0, roomless(e.by)
	}
}
