package timeseries

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// TestOverlapCutsAtEveryEdge holds that the pieces follow one another, and say of each tick what is so.
func TestOverlapCutsAtEveryEdge(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	for range 5000 {
		var ranges []tickRange
		for at := r.Int64N(5); at < 30 && r.IntN(5) > 0; {
			to := at + 1 + r.Int64N(6)
			ranges = append(ranges, tickRange{at, to})
			at = to + r.Int64N(4)
		}
		a := r.Int64N(30)
		b := a + r.Int64N(20) - 3
		at := a
		overlap(ranges, a, b, func(lo, hi int64, in bool) {
			if lo != at || hi <= lo {
				t.Fatalf("(%d, %d] of %v: a piece (%d, %d] after %d", a, b, ranges, lo, hi, at)
			}
			for x := lo + 1; x <= hi; x++ {
				if in != slices.ContainsFunc(ranges, func(r tickRange) bool { return r.a < x && x <= r.b }) {
					t.Fatalf("(%d, %d] of %v: tick %d is in: %t", a, b, ranges, x, in)
				}
			}
			at = hi
		})
		if at != max(a, b) {
			t.Fatalf("(%d, %d] of %v: it ends at %d", a, b, ranges, at)
		}
	}
}

// TestStepsOfAGridAreAllOfAStretch holds that each tick of a stretch is visited once, in its step.
func TestStepsOfAGridAreAllOfAStretch(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 5))
	for range 5000 {
		v := &view{lo: r.Int64N(20)}
		v.hi = v.lo + r.Int64N(50)
		g := newGrid(v, 1+r.Int64N(12))
		a := r.Int64N(80) - 5
		b := a + r.Int64N(40) - 3
		at, last := max(a, v.lo), -1
		g.each(a, b, func(i int, lo, hi int64) {
			if lo != at || hi <= lo || i <= last || i >= g.n || lo < g.start(i) || hi > g.start(i+1) || hi > v.hi {
				t.Fatalf("(%d, %d] in (%d, %d] by %d: step %d is (%d, %d] after %d", a, b, v.lo, v.hi, g.width, i, lo, hi, at)
			}
			if got := g.after(0, lo); got != i {
				t.Fatalf("tick %d is in step %d, not in %d", lo, got, i)
			}
			at, last = hi, i
		})
		if want := min(b, v.hi); max(a, v.lo) < want && at != want {
			t.Fatalf("(%d, %d] in (%d, %d] by %d: it ends at %d", a, b, v.lo, v.hi, g.width, at)
		}
	}
}

// TestPortionsAddUp holds that what is shared out over a span is all there is, to the last record and at any size.
func TestPortionsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 20_000 {
		n := r.Int64() >> r.IntN(63)
		of := 1 + r.Int64N(1<<(1+r.IntN(31)))
		k := r.Int64N(of + 1)
		want := new(big.Int).Mul(big.NewInt(n), big.NewInt(k))
		want.Div(want, big.NewInt(of))
		if got := portion(n, k, of); got != want.Int64() {
			t.Fatalf("%d × %d / %d is %d, not %v", n, k, of, got, want)
		}
		j := k + r.Int64N(of-k+1)
		if a, b, c := portion(n, k, of), portion(n, j, of)-portion(n, k, of), n-portion(n, j, of); a+b+c != n || a < 0 || b < 0 || c < 0 {
			t.Fatalf("%d of %d in three parts is %d, %d and %d", n, of, a, b, c)
		}
	}
}

// TestAdvance holds that nothing goes back, and nothing overflows.
func TestAdvance(t *testing.T) {
	f := func(before, after, want int64) {
		t.Helper()
		if got := advance(before, after); got != want {
			t.Errorf("from %d to %d it advances by %d, want %d", before, after, got, want)
		}
	}
	f(0, 0, 0)
	f(0, 7, 7)
	f(7, 7, 0)
	f(8, 7, 0)
	f(0, noTotal, noTotal)
	f(noTotal, 0, 0)
	f(noTotal, noTotal, 0)
	f(noTotal-1, noTotal, 1)
}

// TestIDsOfBitmaps holds the walks over bitmaps against going over all ids.
func TestIDsOfBitmaps(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	for range 2000 {
		var ids []subjectID
		all, other := roaring.New(), roaring.New()
		limit := uint32(1 << (1 + r.IntN(18)))
		for range r.IntN(40) {
			ids = append(ids, subjectID(r.Uint32N(limit)))
			all.Add(r.Uint32N(limit))
			other.Add(r.Uint32N(limit))
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if !bitmapOf(ids).Equals(roaring.BitmapOf(func() (out []uint32) {
			for _, x := range ids {
				out = append(out, uint32(x))
			}
			return out
		}()...)) {
			t.Fatalf("the bitmap of %v", ids)
		}
		var got, want []int
		eachOf(all, ids, func(i int) { got = append(got, i) })
		for i, id := range ids {
			if all.Contains(uint32(id)) {
				want = append(want, i)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("of %v in %v: %v, want %v", ids, all, got, want)
		}
		var both []uint32
		each(all, other, func(id uint32) { both = append(both, id) })
		if !slices.Equal(both, roaring.And(all, other).ToArray()) {
			t.Fatalf("in both of %v and %v: %v", all, other, both)
		}
	}
	none := func(int) { t.Error("an id of nothing") }
	eachOf(nil, []subjectID{1}, none)
	eachOf(roaring.BitmapOf(1), nil, none)
	each(nil, roaring.BitmapOf(1), func(uint32) { t.Error("an id of nothing") })
}

// TestMarksAreSets holds or, only, without and common against sets, and that what goes in is not changed.
func TestMarksAreSets(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	type mark struct {
		kind int // -1: moved
		id   uint32
	}
	list := func(m *marks) map[mark]bool {
		out := map[mark]bool{}
		if m.moved != nil {
			m.moved.Iterate(func(id uint32) bool { out[mark{-1, id}] = true; return true })
		}
		for k, b := range m.seen {
			if b != nil {
				b.Iterate(func(id uint32) bool { out[mark{k, id}] = true; return true })
			}
		}
		return out
	}
	some := func() *marks {
		m := &marks{}
		for range r.IntN(12) {
			if r.IntN(3) == 0 {
				m.move(r.Uint32N(8))
			} else {
				m.see(lineage.EvidenceKind(1+r.IntN(3)), r.Uint32N(8))
			}
		}
		return m
	}
	for range 3000 {
		a, b := some(), some()
		inA, inB := list(a), list(b)
		ids := roaring.BitmapOf(r.Uint32N(8), r.Uint32N(8))
		union := &marks{}
		union.or(a)
		union.or(b)
		for name, x := range map[string]struct {
			got  *marks
			want func(mark) bool
		}{
			"or":      {union, func(m mark) bool { return inA[m] || inB[m] }},
			"only":    {a.only(ids), func(m mark) bool { return inA[m] && ids.Contains(m.id) }},
			"without": {a.without(b), func(m mark) bool { return inA[m] && !inB[m] }},
			"common":  {a.common(b), func(m mark) bool { return inA[m] && inB[m] }},
		} {
			got := list(x.got)
			for kind := -1; kind < 5; kind++ {
				for id := range uint32(8) {
					if m := (mark{kind, id}); got[m] != x.want(m) {
						t.Fatalf("%s of %v and %v: %v is %t", name, inA, inB, m, got[m])
					}
				}
			}
			if x.got.any() != (len(got) > 0) {
				t.Fatalf("%s: any of %v is %t", name, got, x.got.any())
			}
			x.got.move(7) // it is the caller's
			x.got.see(1, 7)
			if nowA, nowB := list(a), list(b); len(nowA) != len(inA) || len(nowB) != len(inB) {
				t.Fatalf("%s changed what it was given", name)
			}
		}
		same := len(inA) == len(inB)
		for m := range inA {
			same = same && inB[m]
		}
		if a.equal(b) != same {
			t.Fatalf("%v and %v are equal: %t", inA, inB, !same)
		}
	}
}
