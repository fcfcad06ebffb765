package timeseries

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestPortion holds it against numbers without an end.
func TestPortion(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func() int64 { return []int64{0, 1, 2, r.Int64N(1000), r.Int64(), math.MaxInt64}[r.IntN(6)] }
	for range 10_000 {
		n, of := number(), max(number(), 1)
		k := min(number(), of)
		want := new(big.Int).Mul(big.NewInt(n), big.NewInt(k))
		want.Quo(want, big.NewInt(of))
		if got := portion(n, k, of); !want.IsInt64() || got != want.Int64() {
			t.Fatalf("%d × %d / %d is %d, want %s", n, k, of, got, want)
		}
	}
}

// TestClaimsAreSharedOut cuts claims of any width at the borders of blocks: the parts of one claim add up to it, none
// is below zero, and each lies in its block.
func TestClaimsAreSharedOut(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 2))
	e := testEngine(t)
	block := e.blockTicks[rawTier]
	for range 2000 {
		to := 100*block + r.Int64N(3*block) + 1
		claim := lineage.Reading{From: to - 1 - r.Int64N(5*block), To: to, Value: []int64{r.Int64N(9), r.Int64N(1 << 30), math.MaxInt64}[r.IntN(3)]}
		sum, at := int64(0), claim.From
		for lo := e.block(rawTier, claim.From+1); lo < to; lo += block {
			var g gathering
			g.begin(e, lineage.Topic{}, lo, lo+block)
			g.reading(lineage.Claimed, claim)
			if len(g.readings) != 1 {
				t.Fatalf("%+v is %d readings in (%d, %d]", claim, len(g.readings), lo, lo+block)
			}
			x := g.readings[0]
			if x.From != max(claim.From, lo) || x.To != min(to, lo+block) || x.From != at || x.Value < 0 {
				t.Fatalf("%+v is %+v in (%d, %d]", claim, x, lo, lo+block)
			}
			if whole := x.From == claim.From && x.To == to; x.Estimated == whole || x.Beyond != (claim.From < lo) {
				t.Fatalf("%+v is %+v in (%d, %d]", claim, x, lo, lo+block)
			}
			sum, at = sum+x.Value, x.To
		}
		if sum != claim.Value || at != to {
			t.Fatalf("the parts of %+v are %d together, up to %d", claim, sum, at)
		}
	}
}
