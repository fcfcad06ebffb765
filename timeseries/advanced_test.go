package timeseries

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestAdvancedIsWhatSamplesSay makes tables of random columns: a stretch of which a table says something has that much,
// and of what does not lie in it as a whole, or was estimated, it says nothing.
func TestAdvancedIsWhatSamplesSay(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 2))
	const ticks = 360
	said, silent := 0, 0
	for range 500 {
		unit := [...]int64{1, 6, 60}[r.IntN(3)]
		a := &advanced{series: 1 + r.IntN(5), unit: unit}
		a.even, a.sums = make([]bool, a.series), make([]uint32, ticks/int(unit)*a.series)
		columns := make([][]point, a.series)
		for i := range columns {
			columns[i] = randomColumn(r, ticks)
			for j := range columns[i] {
				if r.IntN(3) > 0 {
					columns[i][j].tick = int32((int64(columns[i][j].tick) + unit - 1) / unit * unit)
				}
			}
			a.even[i] = a.fill(i, columns[i])
		}
		for range 50 {
			i, lo, hi := r.IntN(a.series), r.Int64N(ticks+1), r.Int64N(ticks+1)
			if lo > hi {
				lo, hi = hi, lo
			}
			if r.IntN(2) == 0 {
				lo, hi = lo/unit*unit, hi/unit*unit
			}
			want, whole := int64(0), true
			for _, p := range columns[i] {
				tick := int64(p.tick)
				from := tick - p.width()
				if p.estimated() || from < lo && tick > lo || from < hi && tick > hi {
					whole = false
				}
				if from >= lo && tick <= hi {
					want += p.value
				}
			}
			sum, ok := a.within(i, lo, hi)
			switch {
			case !ok:
				silent++
			case !whole || sum != want:
				t.Fatalf("(%d, %d] of %v by %d: %d, want %d, %t", lo, hi, columns[i], unit, sum, want, whole)
			default:
				said++
			}
		}
	}
	if said < 1000 || silent < 1000 {
		t.Errorf("the tables said something %d times, and nothing %d times", said, silent)
	}
}

// TestAmountOfTables has the counters of TestAmountOfPacks, sealed: an amount of any window, at any resolution, is the
// same whether tables are read or each sample is looked at. Few series make no tables, and use what others made.
func TestAmountOfTables(t *testing.T) {
	for _, tick := range []time.Duration{time.Minute, 10 * time.Second} {
		r := rand.New(rand.NewPCG(11, 3))
		o := testOpts
		o.Tick = tick
		s := NewMemory(o)
		appendUneven(t, s, r)
		must(t, s.Maintain(t.Context(), testRound(uneven).Round.Add(30*time.Hour)))
		even := 0
		for range 1500 {
			tier := r.IntN(minuteTier + 1)
			lo := s.floor(testStart) + r.Int64N(uneven*int64(time.Minute/tick))
			hi := lo + 1 + r.Int64N(uneven)
			if r.IntN(2) == 0 {
				lo, hi = s.down(minuteTier, lo), s.down(minuteTier, hi)+s.stepTicks[minuteTier]
			}
			ask := func(i, asked int) (a lineage.Amount, ticks int64) {
				v, err := s.viewTicks(t.Context(), lo, hi, func(v *view) { v.tier, v.asked, v.cover = tier, asked, s.cover(tier) })
				must(t, err)
				defer v.end()
				x := entryOf(s.engine, unevenWriter(i)).subject.find(lineage.Records, lineage.ProducerState)
				a, ticks, err = v.amount(s.probe(x.key, nil))
				must(t, err)
				return a, ticks
			}
			for i := range 3 {
				s.cache = newCache(cacheBytes)
				want, wantTicks := ask(i, 0)
				if tablesOf(s.cache, nil) > 0 {
					t.Fatal("a table was made for one series")
				}
				got, ticks := ask(i, 100)
				if got != want || ticks != wantTicks {
					t.Fatalf("tick %s, ticks %d to %d of %d: %+v over %d, want %+v over %d", tick, lo, hi, i, got, ticks, want, wantTicks)
				}
				even += tablesOf(s.cache, func(a *advanced) bool { return slices.Contains(a.even, true) })
			}
		}
		if even == 0 {
			t.Errorf("tick %s: no table said anything", tick)
		}
		must(t, s.Close())
	}
}

// tablesOf returns how many tables of a kind are cached; nil: of any.
func tablesOf(c *cache, kind func(*advanced) bool) (n int) {
	for _, x := range c.byKey {
		if a, ok := x.Value.(*cached).value.(*advanced); ok && (kind == nil || kind(a)) {
			n++
		}
	}
	return n
}
