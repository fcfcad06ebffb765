package timeseries

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCacheDropsTheLeastRecentlyUsed holds a cache against a list that is gone over each time.
func TestCacheDropsTheLeastRecentlyUsed(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 6))
	const limit = 100
	c := newCache(limit)
	type entry struct {
		key   cacheKey
		value string
		cost  int
	}
	var model []entry // the newest first
	used := func() (n int) {
		for _, x := range model {
			n += x.cost
		}
		return n
	}
	for n := range 20_000 {
		key := cacheKey{tier: r.IntN(2), start: r.Int64N(4), revision: r.Uint32N(2), section: 's', number: r.IntN(3)}
		i := slices.IndexFunc(model, func(x entry) bool { return x.key == key })
		switch r.IntN(8) {
		case 0:
			c.forget(key.tier, key.start, key.revision)
			model = slices.DeleteFunc(model, func(x entry) bool {
				return x.key.tier == key.tier && x.key.start == key.start && x.key.revision == key.revision
			})
		case 1, 2, 3:
			x := entry{key, fmt.Sprint(n), r.IntN(60)}
			if r.IntN(50) == 0 {
				x.cost = 3 * limit // alone it stays
			}
			c.put(key, x.value, x.cost)
			if i >= 0 {
				break // the first stands
			}
			model = slices.Insert(model, 0, x)
			for used() > limit && len(model) > 1 {
				model = model[:len(model)-1]
			}
		default:
			got, ok := c.get(key)
			if ok != (i >= 0) || ok && got != model[i].value {
				t.Fatalf("step %d: %+v is %v, %t", n, key, got, ok)
			}
			if ok {
				x := model[i]
				model = slices.Insert(slices.Delete(model, i, i+1), 0, x)
			}
		}
		if c.used != used() || c.order.Len() != len(model) || len(c.byKey) != len(model) {
			t.Fatalf("step %d: %d bytes of %d entries, want %d of %d", n, c.used, c.order.Len(), used(), len(model))
		}
	}
}
