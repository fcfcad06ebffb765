package timeseries

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCoarserStepsHoldTheSame merges the samples of a series, block by block, into coarser steps: of a counter each
// step has the sum of what ended in it, reaching back as far as any of it did, and is estimated if a part is; of a
// gauge it has the last level. Nothing is lost, and nothing comes twice.
func TestCoarserStepsHoldTheSame(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	e := testEngine(t)
	for n := range 2000 {
		counter := n%2 == 0
		step := []int64{2, 6, 60}[r.IntN(3)]
		const start, length, blocks = 1200, 60, 4
		up := rollup{w: &blockWriter{e: e, b: &block{meta: blockMeta{start: start, end: start + length*blocks}}}, step: step}
		var got, all []point // all with ticks from start
		for b := range int64(blocks) {
			var points []point
			for tick := int64(r.IntN(9)); tick <= length; tick += 1 + r.Int64N(20) {
				if tick == 0 {
					continue // it is of the block before
				}
				p := point{value: r.Int64N(1000), tick: int32(tick), span: int32(1 + r.IntN(100))}
				if r.IntN(5) == 0 {
					p.span = -p.span
				}
				points = append(points, p)
				p.tick += int32(b * length)
				all = append(all, p)
			}
			before := slices.Clone(points)
			got = up.merge(got, start+b*length, points, counter)
			if !slices.Equal(points, before) {
				t.Fatal("what belongs to the cache was changed")
			}
		}
		var want []point
		for end := step; end <= length*blocks; end += step {
			x := point{tick: int32(end)}
			some, estimated, width := false, false, int64(0)
			for _, p := range all {
				if int64(p.tick) <= end-step || int64(p.tick) > end {
					continue
				}
				reach := end - (int64(p.tick) - p.width())
				if counter {
					x.value += p.value
					width, estimated = max(width, reach), estimated || p.estimated()
				} else {
					x.value, width, estimated = p.value, reach, p.estimated()
				}
				some = true
			}
			if !some {
				continue
			}
			if x.span = int32(width); estimated {
				x.span = -x.span
			}
			want = append(want, x)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("by %d, counter %t: %+v became %+v, want %+v", step, counter, all, got, want)
		}
	}
}

// TestNamesAreMergedOnce holds that a name is in a list once, in the order in which it came first.
func TestNamesAreMergedOnce(t *testing.T) {
	f := func(to, from, want []string) {
		t.Helper()
		if got := mergeNames(slices.Clone(to), from); !slices.Equal(got, want) {
			t.Errorf("%q and %q are %q, want %q", to, from, got, want)
		}
	}
	f(nil, nil, nil)
	f(nil, []string{"a"}, []string{"a"})
	f([]string{"a"}, nil, []string{"a"})
	f([]string{"a", "b"}, []string{"b", "c", "a"}, []string{"a", "b", "c"})
	f([]string{"a"}, []string{"b", "b", "a", "b"}, []string{"a", "b"})
}
