package timeseries

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestPendingWalks has a reader that commits now and then, and of whom it is told, seldom or often, that it may have
// read more, over hours of which some are sealed, in rounds that come in any order within an hour. In each window what
// is pending is what a walk back over all readings says: the ticks at its end since the newest commit, or since it was
// first told so, that no commit reaches over. What is pending is not observed for a rate.
func TestPendingWalks(t *testing.T) {
	t.Parallel()
	reader := lineage.Access{Topic: lineage.Topic{Cluster: "w", Name: "orders"}, Op: lineage.Read, Client: lineage.Client{Group: "g"}}
	some, own := 0, 0
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 4))
		dir := t.TempDir()
		s, err := Open(dir, testOpts)
		must(t, err)
		const hours = 5
		start := s.floor(testStart)
		gauge := make([]int64, hours*60+1)   // by tick
		commits := make([]int64, hours*60+1) // the commit that reaches over a tick; 0: none
		last, level, total := int64(0), int64(0), int64(0)
		often := 2 + r.IntN(30)
		for hour := range int64(hours) {
			var obs []lineage.Observation
			for n := hour*60 + 1; n <= hour*60+60; n++ {
				o := testRound(int(n))
				o.Samples, o.At = nil, o.Round
				if r.IntN(often) == 0 {
					if r.IntN(3) > 0 { // it read all of it since the round before
						last = n - 1
					}
					total += 1 + int64(r.IntN(3))
					o.Samples = append(o.Samples, lineage.Sample{
						Subject: reader, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: total, Since: s.at(start + last),
					})
					for k := last + 1; k <= n; k++ {
						commits[k] = n
					}
					last = n
				}
				if r.IntN(often) == 0 {
					level = []int64{0, 1, 1, lineage.Unknown}[r.IntN(4)]
					o.Samples = append(o.Samples, lineage.Sample{Subject: reader, Metric: lineage.Pending, Value: level})
				}
				gauge[n] = level
				obs = append(obs, o)
			}
			r.Shuffle(len(obs), func(i, j int) { obs[i], obs[j] = obs[j], obs[i] })
			must(t, s.Append(t.Context(), obs...))
			must(t, s.Maintain(t.Context(), s.at(start+(hour+1)*60)))
			if r.IntN(3) == 0 {
				must(t, s.Close())
				s, err = Open(dir, testOpts)
				must(t, err)
			}
		}
		if s.sealed <= start {
			t.Fatalf("seed %d: sealed up to %d", seed, s.sealed-start)
		}
		key := entryOf(s.engine, reader).subject.find(lineage.Records, lineage.GroupOffsets).key
		for hi := int64(1); hi <= hours*60; hi++ {
			widths := []int64{1, 2, 59, 60, 61, 1 + r.Int64N(hours*60)}
			lo := max(hi-widths[r.IntN(len(widths))], 0)
			from := hi
			for from > lo && gauge[from] == 1 && commits[from] == 0 {
				from--
			}
			got, err := s.amounts(t.Context(), lineage.Window{Start: s.at(start + lo), End: s.at(start + hi)}, []seriesKey{key})
			must(t, err)
			more := gauge[hi] == 1 && commits[hi] <= hi // what was read after the tick's own commit is pending too
			if x := got[0]; x.Pending != more || x.ObservedFor != time.Duration(from-lo)*time.Minute {
				t.Fatalf("seed %d: ticks %d to %d: %+v, want pending after %d, %t", seed, lo, hi, x, from, more)
			}
			if more && from == hi {
				own++
			}
			if from < hi {
				some++
			}
		}
		must(t, s.Close())
	}
	if some < 100 || own < 20 {
		t.Errorf("%d windows of 1,800 have something pending, and %d beside a commit of the last tick", some, own)
	}
}
