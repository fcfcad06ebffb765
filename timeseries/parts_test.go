package timeseries

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
)

// TestAnAlignedHourIsAnsweredWithoutSamples asks for the amounts of a sealed hour of which all was observed: no samples
// are read, as they are for one that begins in another's midst, and both are exact.
func TestAnAlignedHourIsAnsweredWithoutSamples(t *testing.T) {
	t.Parallel()
	s := NewMemory(testOpts)
	defer func() { must(t, s.Close()) }()
	for n := 1; n <= 6*60; n++ {
		must(t, s.Append(t.Context(), testRound(n)))
	}
	must(t, s.Maintain(t.Context(), testRound(6*60).Round))
	faults, slabs := &Faults{}, 0
	faults.Put(s)
	faults.Ask(func(op string) error {
		if strings.HasPrefix(op, "get s") && !strings.HasSuffix(op, ", done") {
			slabs++
		}
		return nil
	})
	for _, x := range []struct{ from, to, slabs int }{{60, 120, 0}, {60, 240, 0}, {61, 120, 1}, {60, 121, 1}, {90, 150, 2}} {
		s.cache, slabs = newCache(cacheBytes), 0
		w := lineage.Window{Start: testRound(x.from).Round, End: testRound(x.to).Round}
		got := storetest.Ask(t, s, w).Amount(storetest.Key{Access: testWriter, Metric: lineage.Records, Evidence: lineage.ProducerState})
		if want := float64(10 * (x.to - x.from)); got.Total != want || got.Observed != want {
			t.Errorf("minutes %d to %d: %+v, want %v", x.from, x.to, got, want)
		}
		if slabs != x.slabs {
			t.Errorf("minutes %d to %d: %d slabs were read, want %d", x.from, x.to, slabs, x.slabs)
		}
	}
}

// TestAMinuteMakesItsOwnMarks reads the marks of a minute and of the hour about it: one sixtieth is decoded. Of a day
// that begins a minute late one hour is. The samples
// of one series are decoded without those that share its slab.
func TestAMinuteMakesItsOwnMarks(t *testing.T) {
	e := testEngine(t)
	addMarks(t, e, 3000, 1)
	addDay(t, e, 300)
	b := e.tiers[minuteTier].blocks[0]
	read := func(lo, hi int64) float64 {
		return testing.AllocsPerRun(5, func() {
			must(t, e.blockMarks(b, lo, hi, func(int64, *marks) bool { return true }))
		})
	}
	from := b.meta.start + 120
	if minute, hour := read(from, from+1), read(from, from+60); minute > hour/30 {
		t.Errorf("a minute takes %v allocations, an hour %v", minute, hour)
	}
	union := func(lo, hi int64) float64 {
		return testing.AllocsPerRun(5, func() {
			var u marksUnion
			must(t, e.blockUnionIn(b, lo, hi, &u))
		})
	}
	if day, hours := union(b.meta.start+1, b.meta.end), read(b.meta.start+1, b.meta.start+60); day > 2*hours {
		t.Errorf("a day that lacks a minute takes %v allocations, and its first hour %v", day, hours)
	}
	b = e.tiers[rawTier].blocks[0]
	x, err := e.blockEntry(b, seriesKey{Subject: 100, Metric: lineage.Records, Evidence: lineage.ProducerState})
	must(t, err)
	cold := testing.AllocsPerRun(5, func() {
		e.cache.forget(b.tier, b.meta.start, b.revision)
		points, err := e.blockPoints(b, x)
		if must(t, err); len(points) != int(e.blockTicks[rawTier]) {
			t.Fatalf("%d samples", len(points))
		}
	})
	if cold > slabSeries/4 {
		t.Errorf("one of %d series takes %v allocations", slabSeries, cold)
	}
}

// TestMarksAreJoinedAtOnce joins random marks, few and many, dense and scattered: the union is that of joining them one
// after another, and they stay as they were.
func TestMarksAreJoinedAtOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 71))
	for range 400 {
		var union marksUnion
		want := &marks{}
		var all, were []marks
		for range r.IntN(12) {
			m := randomMarks(r)
			if from := r.Uint64N(1 << 18); r.IntN(2) == 0 && m.moved != nil {
				m.moved.AddRange(from, from+r.Uint64N(1<<17))
				m.moved.RunOptimize()
			}
			all = append(all, m)
			copied := marks{}
			copied.or(&m)
			were = append(were, copied)
		}
		for i := range all {
			union.add(&all[i])
			want.or(&all[i])
		}
		got := union.marks()
		if !sameMarks(got, want) {
			t.Fatalf("%d marks: their union is another", len(all))
		}
		got.move(77) // it is the caller's
		got.see(lineage.Connect, 78)
		for i := range all {
			if !sameMarks(&all[i], &were[i]) {
				t.Fatal("what was joined changed")
			}
		}
	}
}
