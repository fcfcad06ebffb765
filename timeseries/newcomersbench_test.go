package timeseries

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
)

// BenchmarkNewcomers looks for a round of 2,000 who are new in all who ever were put away, on disk, by how many these
// are: 288,000 a day is 200 a minute. It prints the time of processors of each, garbage collection included.
func BenchmarkNewcomers(b *testing.B) {
	for _, days := range []int{1, 11, 100} {
		b.Run(fmt.Sprint("days=", days), func(b *testing.B) {
			o := testOpts
			o.Log = slog.New(slog.DiscardHandler)
			s, err := Open(b.TempDir(), o)
			must(b, err)
			defer func() { must(b, s.Close()) }()
			r := rand.New(rand.NewPCG(11, 9))
			for left := days * 288_000; left > 0; { // as merging leaves them
				size := max(left*2/3, min(left, recentSums))
				left -= size
				all := make([]rosterEntry, size)
				for i := range all {
					all[i] = rosterEntry{r.Uint32(), r.Uint32N(uint32(9 * days))}
				}
				slices.SortFunc(all, compareEntries)
				files := make([]rosterFile, 9*days)
				for i := range files {
					files[i].number = int64(i)
				}
				w, err := s.beginRoster(files)
				must(b, err)
				for _, x := range all {
					must(b, w.add(x))
				}
				x, err := w.finish()
				must(b, err)
				s.rosters = append(s.rosters, x)
			}
			sums := make([]uint32, 2000)
			b.ResetTimer()
			began := spentCPU(b)
			for b.Loop() {
				for i := range sums {
					sums[i] = r.Uint32()
				}
				slices.Sort(sums)
				s.askAll(sums)
				if s.asked == nil {
					b.Fatal("the rosters are not read")
				}
			}
			b.ReportMetric(float64((spentCPU(b)-began).Nanoseconds())/float64(b.N)/float64(len(sums)), "cpu-ns/newcomer")
			b.ReportMetric(float64(len(s.rosters)), "rosters")
		})
	}
}
