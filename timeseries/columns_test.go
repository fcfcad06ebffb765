package timeseries

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// randomColumn returns samples of a block of so many ticks: even or not, of one tick several, small or as large as
// numbers get, alike or not.
func randomColumn(r *rand.Rand, ticks int) (out []point) {
	value := [...]func() int64{
		func() int64 { return 7 },
		func() int64 { return r.Int64N(3) },
		func() int64 { return 50_000 + r.Int64N(900) },
		func() int64 { return (60_000 + r.Int64N(900)) * int64(min(1, r.IntN(4))) },
		func() int64 { return -r.Int64N(100) },
		func() int64 { return int64(r.Uint64()) },
		func() int64 { return [...]int64{0, 1, math.MaxInt64, math.MinInt64, -1}[r.IntN(5)] },
	}[r.IntN(7)]
	gap := [...]func() int{
		func() int { return 1 }, func() int { return 6 }, func() int { return 1 + r.IntN(2) }, func() int { return 3 * (1 + r.IntN(5)) },
		func() int { return r.IntN(3) }, func() int { return 1 + r.IntN(ticks) },
	}[r.IntN(6)]
	span := [...]func() int32{
		func() int32 { return 1 }, func() int32 { return r.Int32N(7) - 3 }, func() int32 { return [...]int32{math.MaxInt32, -math.MaxInt32}[r.IntN(2)] },
	}[r.IntN(3)]
	for tick := gap(); tick <= ticks && len(out) < 2*ticks; tick += gap() {
		out = append(out, point{value: value(), tick: int32(tick), span: span()})
	}
	if len(out) == 0 {
		out = append(out, point{tick: int32(r.IntN(ticks + 1))})
	}
	return out[:1+r.IntN(len(out))]
}

// TestColumns holds that a slab of any samples is read as it was written, and that one which is cut off, or of which a
// bit is another, is read or refused as damaged.
func TestColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 15))
	const ticks = 360
	b := &block{meta: blockMeta{start: 720, end: 720 + ticks}}
	for n := range 600 {
		slab := make([][]point, 1+r.IntN(20))
		for i := range slab {
			if i > 0 && r.IntN(2) == 0 { // of the same source
				slab[i] = slices.Clone(slab[i-1])
				for j := range slab[i] {
					slab[i][j].value += int64(j * i)
				}
				continue
			}
			slab[i] = randomColumn(r, ticks)
		}
		content := encodeSlab(slab)
		got, _, err := decodeSlab(b, content)
		if err != nil || got.len() != len(slab) {
			t.Fatalf("slab %d: %v, %v", n, got, err)
		}
		for i, want := range slab {
			if points, err := got.points(b, i); err != nil || !slices.Equal(points, want) {
				t.Fatalf("slab %d, column %d: %v, %v, want %v", n, i, points, err, want)
			}
		}
		for range 20 {
			hurt := slices.Clone(content[:1+r.IntN(len(content))])
			if len(hurt) == len(content) || r.IntN(2) == 0 {
				hurt[r.IntN(len(hurt))] ^= 1 << r.IntN(8)
			}
			if err := readSlab(b, hurt); err != nil && !errors.Is(err, errCorrupt) {
				t.Fatalf("slab %d, damaged: %v", n, err)
			}
		}
	}
}

// TestColumnsAreSmall holds that what counters advance, each by about as much as of late, takes little more than there
// is to say of it: of normal deviations log2(4.13 × deviation) bits, and of whole columns that are equal a few.
func TestColumnsAreSmall(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 16))
	for _, x := range []struct{ mean, deviation float64 }{{100, 10}, {5000, 90}, {1e6, 3e4}} {
		slab := make([][]point, slabSeries)
		for i := range slab {
			for tick := range int32(360) {
				slab[i] = append(slab[i], point{value: int64(x.mean + x.deviation*r.NormFloat64()), tick: tick + 1, span: 1})
			}
		}
		bits := 8 * float64(len(encodeSlab(slab))) / (slabSeries * 360)
		least := math.Log2(4.13 * x.deviation)
		t.Logf("advances of %.0f ± %.0f: %.2f bits each, of %.2f", x.mean, x.deviation, bits, least)
		if bits > 1.08*least+0.1 {
			t.Errorf("advances of %.0f ± %.0f take %.2f bits each, and there are %.2f", x.mean, x.deviation, bits, least)
		}
		for i := range slab {
			for j := range slab[i] {
				slab[i][j].value = 7
			}
		}
		if n := len(encodeSlab(slab)); n > 6*slabSeries {
			t.Errorf("equal advances take %d bytes, want 6 a column at most", n)
		}
	}
}
