package timeseries

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// TestMarksAsSets holds what is done with marks against sets, and that what they are made of stays as it was.
func TestMarksAsSets(t *testing.T) {
	type set map[[2]int]bool // kind, or -1 for moved, and id
	of := func(m *marks) set {
		out := set{}
		add := func(k int, b *roaring.Bitmap) {
			if b != nil {
				b.Iterate(func(id uint32) bool { out[[2]int{k, int(id)}] = true; return true })
			}
		}
		add(-1, m.moved)
		for k, b := range m.seen {
			add(k, b)
		}
		return out
	}
	r := rand.New(rand.NewPCG(8, 1))
	random := func() *marks {
		m := &marks{}
		for range r.IntN(12) {
			if id := r.Uint32N(4); r.IntN(3) == 0 {
				m.move(id)
			} else {
				m.see(lineage.EvidenceKind(1+r.IntN(3)), id)
			}
		}
		if r.IntN(4) == 0 { // empty is as good as nil
			m.seen[5] = roaring.New()
		}
		return m
	}
	for range 3000 {
		a, b := random(), random()
		x, y := of(a), of(b)
		less, both, either := set{}, set{}, set{}
		for k := range x {
			either[k] = true
			if y[k] {
				both[k] = true
			} else {
				less[k] = true
			}
		}
		for k := range y {
			either[k] = true
		}
		sum := &marks{}
		sum.or(a)
		sum.or(b)
		without, common := a.without(b), a.common(b)
		for name, c := range map[string][2]set{"without": {of(without), less}, "common": {of(common), both}, "or": {of(sum), either}} {
			if !reflect.DeepEqual(c[0], c[1]) {
				t.Fatalf("%s of %v and %v is %v, want %v", name, x, y, c[0], c[1])
			}
		}
		if got := a.equal(b); got != reflect.DeepEqual(x, y) || !a.equal(a) || common.any() != (len(both) > 0) {
			t.Fatalf("equal of %v and %v is %v; common has any: %v", x, y, got, common.any())
		}
		for _, m := range []*marks{without, common, sum} { // what is made is its own
			m.move(9)
			m.see(1, 9)
		}
		if !reflect.DeepEqual(of(a), x) || !reflect.DeepEqual(of(b), y) {
			t.Fatalf("%v and %v were changed", x, y)
		}
	}
}
