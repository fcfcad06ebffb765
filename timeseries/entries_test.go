package timeseries

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// entryOf returns the entry of an access, nil when there is none.
func entryOf(e *engine, a lineage.Access) *entry { return e.entries.of(&a) }

// TestEntries puts entries in and takes them out in any order, and finds what a map would, also where hashes collide.
func TestEntries(t *testing.T) {
	for _, hashes := range []uint64{1, 3, 0} { // 0: as many as there are
		e := newEntries()
		if hash := e.hash; hashes > 0 {
			e.hash = func(a *lineage.Access) uint64 { return hash(a) % hashes }
		}
		r := rand.New(rand.NewPCG(hashes, 1))
		want := map[lineage.Access]*entry{}
		for range 5000 {
			a := lineage.Access{Topic: lineage.Topic{Name: fmt.Sprint(r.IntN(20))}, Op: lineage.Op(r.IntN(2))}
			switch x := want[a]; {
			case x == nil && r.IntN(2) == 0:
				want[a] = &entry{access: a}
				e.put(want[a])
			case r.IntN(2) == 0:
				delete(want, a)
				e.remove(&a)
			}
			n := 0
			for _, x := range e.by {
				for ; x != nil; x = x.next {
					n++
				}
			}
			if got := e.of(&a); got != want[a] || n != len(want) {
				t.Fatalf("%v is %v of %d, want %v of %d", a, got, n, want[a], len(want))
			}
		}
	}
}
