package timeseries_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// BenchmarkReasons asks why 500 counters that are estimates in each round of a day are such, beside their evidence of
// the same window, which an answer asks for too: where words stay, and where each says something else now and then.
func BenchmarkReasons(b *testing.B) {
	const counters, day = 500, 8640
	for _, every := range []int{day, 180, 12} {
		b.Run(fmt.Sprintf("words-stay-for=%v", time.Duration(every)*tick), func(b *testing.B) {
			all := benchAccesses(counters)
			s := timeseries.NewMemory(benchOptions)
			for n := 1; n <= day; n++ {
				o := benchRound(all, n)
				for i := range o.Samples {
					o.Samples[i].Estimated = true
					if why := (n + i) / every; n == 1 || (n+i)%every == 0 {
						words := [...]string{"at most: with what another wrote", "at least: some is left for nobody", "shared out"}
						o.Sightings = append(o.Sightings, lineage.Sighting{Access: all[i], Evidence: lineage.ProducerState, Detail: words[why%len(words)]})
					}
				}
				check(b, s.Append(context.Background(), o))
				if n%360 == 0 {
					check(b, s.Maintain(context.Background(), o.Round))
				}
			}
			got := storetest.Ask(b, s, ticks(0, day))
			series, rows := make([]int32, got.Series.Len()), make([]int32, got.Rows.Len())
			for i := range series {
				series[i] = int32(i)
			}
			for i := range rows {
				rows[i] = int32(i)
			}
			for _, w := range []struct {
				name string
				is   lineage.Window
			}{{"10m", ticks(day-60, day)}, {"1h", ticks(day-2000, day-1640)}, {"24h", ticks(0, day)}} {
				spend := func(what string, of func() error) {
					b.Run(w.name+"/"+what, func(b *testing.B) {
						b.ReportAllocs()
						began := timeseries.SpentCPU(b)
						for b.Loop() {
							check(b, of())
						}
						b.ReportMetric(float64((timeseries.SpentCPU(b)-began).Microseconds())/1000/float64(b.N), "cpu-ms/op")
					})
				}
				spend("reasons", func() error { _, err := got.Details.Reasons(context.Background(), w.is, series); return err })
				spend("evidence", func() error { _, err := got.Details.Evidence(context.Background(), w.is, rows); return err })
			}
			check(b, s.Close())
		})
	}
}
