package timeseries

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBits writes numbers of all sizes by all that is usual, and reads them again: to the last bit, and none more.
func TestBits(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		number := func() uint64 {
			switch r.IntN(10) {
			case 0:
				return math.MaxUint64
			case 1:
				return 0
			}
			return r.Uint64() >> r.IntN(64)
		}
		type written struct {
			x     uint64
			u     usual
			large bool
		}
		var all []written
		var w bitWriter
		u := usual(0)
		for range r.IntN(300) {
			x := written{x: number(), u: u}
			if x.large = !w.number(x.x, x.u); x.large {
				w.large(x.x)
			}
			if all = append(all, x); r.IntN(3) > 0 {
				u.saw(x.x)
			} else {
				u = usual(number())
			}
		}
		b := w.end()
		for _, cut := range []int{0, 1, 9} {
			y := newBitReader(b[:max(len(b)-cut, 0)])
			for i, x := range all {
				got, large := y.number(x.u)
				if y.left < 0 {
					break
				}
				if got != x.x || large != x.large {
					t.Fatalf("seed %d: number %d is %d, large %t, want %+v", seed, i, got, large, x)
				}
			}
			if cut == 0 && (y.left < 0 || y.left >= 8) || len(b) > cut && cut == 9 && y.left >= 0 {
				t.Errorf("seed %d: %d bits are left of %d bytes less %d", seed, y.left, len(b), cut)
			}
		}
	}
}

// TestUsual holds what numbers that are alike take: little more than they tell.
func TestUsual(t *testing.T) {
	for _, most := range []uint64{1, 50, 10_000, 1 << 30} {
		r := rand.New(rand.NewPCG(most, 1))
		var w bitWriter
		var u usual
		const n = 10_000
		for range n {
			x := r.Uint64N(most)
			if !w.number(x, u) {
				w.large(x)
			}
			u.saw(x)
		}
		if got, want := float64(8*len(w.end()))/n, math.Log2(float64(most))+1.2; got > want {
			t.Errorf("below %d: %.2f bits a number, want %.2f at most", most, got, want)
		}
	}
}
