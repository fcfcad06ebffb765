package timeseries

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSortLarge sorts many slices as a stable sort of the standard library does.
func TestSortLarge(t *testing.T) {
	type large struct{ key, number int }
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 2000 {
		got := make([]large, n%40)
		for i := range got {
			got[i] = large{r.IntN(1 + n%7), i}
		}
		want := slices.Clone(got)
		slices.SortStableFunc(want, func(a, b large) int { return cmp.Compare(a.key, b.key) })
		if sortLarge(got, func(a, b *large) int { return cmp.Compare(a.key, b.key) }); !slices.Equal(got, want) {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}
