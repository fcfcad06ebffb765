package timeseries_test

import (
	"context"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// BenchmarkWindow asks for all accesses over an hour: one of the clock's, any, and any of what is not sealed; and for
// one series over a day. There are 100,000 counters of two hours, a tick a minute, and 10,000 of a day.
func BenchmarkWindow(b *testing.B) {
	hours := func(b *testing.B, s timeseries.Store, hour time.Time) {
		b.Helper()
		for _, x := range []struct {
			name string
			ask  func(n int) time.Time
		}{{"aligned", func(int) time.Time { return hour }}, {"any", func(n int) time.Time { return hour.Add(time.Duration(7+n%10) * time.Minute) }}} {
			b.Run(x.name, func(b *testing.B) {
				b.ReportAllocs()
				n := 0
				began := timeseries.SpentCPU(b)
				for b.Loop() {
					start := x.ask(n)
					n++
					_, err := s.Window(context.Background(), store.Ask{Window: lineage.Window{Start: start, End: start.Add(time.Hour)}, Accesses: true})
					check(b, err)
				}
				b.ReportMetric(float64((timeseries.SpentCPU(b)-began).Microseconds())/1000/float64(b.N), "cpu-ms/op")
			})
		}
	}
	s, start := flows(b, 100_000, 120)
	b.Run("open", func(b *testing.B) { hours(b, s, start.Add(30*time.Minute)) })
	// sooner than who was seen for two hours and fell silent is put away
	check(b, s.Maintain(context.Background(), start.Add(3*time.Hour+50*time.Minute)))
	b.Run("sealed", func(b *testing.B) { hours(b, s, start.Add(30*time.Minute)) })
	check(b, s.Close())
	s, start = flows(b, 10_000, 1440)
	check(b, s.Maintain(context.Background(), start.Add(27*time.Hour)))
	w, err := s.Window(context.Background(), store.Ask{Window: lineage.Window{Start: start, End: start.Add(24 * time.Hour)}, Accesses: true})
	check(b, err)
	b.Run("day-of-one", func(b *testing.B) {
		b.ReportAllocs()
		began := timeseries.SpentCPU(b)
		for b.Loop() {
			_, err := w.Points(context.Background(), time.Minute, []int32{3333})
			check(b, err)
		}
		b.ReportMetric(float64((timeseries.SpentCPU(b)-began).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
	})
	check(b, s.Close())
}

// flows returns a store in memory with counters as those of topics are, of which those that advance are told of each
// minute, half an hour after an hour's start.
func flows(b *testing.B, series, rounds int) (s timeseries.Store, start time.Time) {
	b.Helper()
	o, all, totals := benchOptions, benchAccesses(series), flowTotals(series, rounds)
	o.Tick = time.Minute
	s = timeseries.NewMemory(o)
	start = time.Date(2026, 3, 2, 0, 30, 0, 0, time.UTC)
	for n := 1; n <= rounds; n++ {
		x := lineage.Observation{Source: west, Round: start.Add(time.Duration(n) * time.Minute), Interval: time.Minute}
		x.At = x.Round.Add(37 * time.Millisecond)
		for i, a := range all {
			if n == 1 || totals[n-1][i] != totals[n-2][i] {
				x.Samples = append(x.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: totals[n-1][i]})
			}
		}
		check(b, s.Append(context.Background(), x))
	}
	return s, start
}
