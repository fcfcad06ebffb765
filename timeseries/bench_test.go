package timeseries_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

var benchOptions = quiet(timeseries.Options{Tick: tick, MinFree: 1, Settle: attribution.Settle})

// benchAccesses are n writers over n/10 topics, with names as long as real ones.
func benchAccesses(n int) []lineage.Access {
	out := make([]lineage.Access, n)
	for i := range out {
		topic := lineage.Topic{Cluster: "5L6g3nShT-eMCtK--X86sw", ID: lineage.TopicID{byte(i / 10), byte(i / 2560)}, Name: "team.domain.topic-" + strconv.Itoa(i/10)}
		out[i] = lineage.Access{Topic: topic, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))}}
	}
	return out
}

// benchRound has all of them advance, each at its mean rate give or take one round's worth, so that the numbers
// compress no better than real ones.
func benchRound(all []lineage.Access, n int) lineage.Observation {
	o := lineage.Observation{Source: west, Round: at(n), Interval: tick, At: at(n).Add(time.Duration(n%90) * time.Millisecond)}
	o.Samples = make([]lineage.Sample, len(all))
	for i, a := range all {
		o.Samples[i] = lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: benchTotal(n, i)}
	}
	return o
}

func benchTotal(n, i int) int64 {
	rate := int64(100 + i*i%9973)
	x := uint64(n)<<32 | uint64(i)
	x = (x ^ x>>31) * 0x9E3779B97F4A7C15
	x = (x ^ x>>29) * 0xBF58476D1CE4E5B9
	return int64(n)*rate + int64(x>>33)%rate
}

func fill(b *testing.B, s timeseries.Store, all []lineage.Access, rounds int) {
	b.Helper()
	for n := 1; n <= rounds; n++ {
		o := benchRound(all, n)
		check(b, s.Append(context.Background(), o))
		if n%360 == 0 {
			check(b, s.Maintain(context.Background(), o.Round))
		}
	}
}

// BenchmarkAppend appends a round of 10,000 changed samples. The peer is a bare write and fsync of the bytes that such
// a round takes in the log.
func BenchmarkAppend(b *testing.B) {
	all := benchAccesses(10_000)
	run := func(b *testing.B, s timeseries.Store) {
		b.ReportAllocs()
		n, spent := 0, time.Duration(0)
		for b.Loop() {
			n++
			b.StopTimer()
			o := benchRound(all, n)
			if n%180 == 0 { // as every half hour: so the head does not grow without end
				check(b, s.Maintain(context.Background(), o.Round))
			}
			from := timeseries.SpentCPU(b)
			b.StartTimer()
			check(b, s.Append(context.Background(), o))
			spent += timeseries.SpentCPU(b) - from
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(all)), "ns/sample")
		b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N*len(all)), "cpu-ns/sample")
	}
	b.Run("memory", func(b *testing.B) {
		s := timeseries.NewMemory(benchOptions)
		run(b, s)
		check(b, s.Close())
	})
	b.Run("disk", func(b *testing.B) {
		s, err := timeseries.Open(b.TempDir(), benchOptions)
		check(b, err)
		run(b, s)
		check(b, s.Close())
	})
	size := roundBytes(b, all)
	b.Run("bare-write-fsync", func(b *testing.B) {
		f, err := os.Create(filepath.Join(b.TempDir(), "bare"))
		check(b, err)
		block := bytes.Repeat([]byte{7}, size)
		for b.Loop() {
			_, err := f.Write(block)
			check(b, err)
			check(b, f.Sync())
		}
		check(b, f.Close())
		b.ReportMetric(float64(size)/float64(len(all)), "B/sample")
	})
}

// roundBytes returns what a round takes in the log once its series are known.
func roundBytes(b *testing.B, all []lineage.Access) int {
	b.Helper()
	s, err := timeseries.Open(b.TempDir(), benchOptions)
	check(b, err)
	fill(b, s, all, 20)
	first := s.Stats().LogBytes
	o := benchRound(all, 21)
	check(b, s.Append(context.Background(), o))
	size := int(s.Stats().LogBytes - first)
	check(b, s.Close())
	return size
}

// BenchmarkQuery asks for the amounts of 1,000 series: over open blocks, and over sealed ones that are in memory
// already.
func BenchmarkQuery(b *testing.B) {
	const day = 8640
	all := benchAccesses(1000)
	s := timeseries.NewMemory(benchOptions)
	fill(b, s, all, day)
	got := storetest.Ask(b, s, ticks(0, day))
	series := make([]int32, got.Series.Len())
	for i := range series {
		series[i] = int32(i)
	}
	for _, q := range []struct {
		name string
		w    lineage.Window
	}{
		{"10m-open", ticks(day-60, day)}, {"1h-open-and-sealed", ticks(day-360, day)}, {"1h-sealed", ticks(100, 460)}, {"1h-aligned", ticks(360, 720)}, {"24h", ticks(0, day)},
	} {
		b.Run("amounts/"+q.name, func(b *testing.B) {
			b.ReportAllocs()
			began := timeseries.SpentCPU(b)
			for b.Loop() {
				_, err := got.Amounts(context.Background(), q.w, series)
				check(b, err)
			}
			b.ReportMetric(float64((timeseries.SpentCPU(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
		b.Run("window/"+q.name, func(b *testing.B) {
			b.ReportAllocs()
			began := timeseries.SpentCPU(b)
			for b.Loop() {
				_, err := s.Window(context.Background(), store.Ask{Window: q.w, Accesses: true})
				check(b, err)
			}
			b.ReportMetric(float64((timeseries.SpentCPU(b)-began).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
	b.Run("series/1h-open-and-sealed-by-1m", func(b *testing.B) {
		got := storetest.Ask(b, s, ticks(day-360, day))
		for b.Loop() {
			_, err := got.Details.Points(context.Background(), time.Minute, series)
			check(b, err)
		}
	})
	check(b, s.Close())
}

// BenchmarkReopen opens a folder whose log holds an hour of 10,000 samples a round, to the first answer.
func BenchmarkReopen(b *testing.B) {
	dir := b.TempDir()
	all := benchAccesses(10_000)
	s, err := timeseries.Open(dir, benchOptions)
	check(b, err)
	for n := 1; n <= 360; n++ {
		check(b, s.Append(context.Background(), benchRound(all, n)))
	}
	logged := s.Stats().LogBytes
	check(b, s.Close())
	spent := time.Duration(0)
	for b.Loop() {
		from := timeseries.SpentCPU(b)
		s, err := timeseries.Open(dir, benchOptions)
		check(b, err)
		_, err = s.Window(context.Background(), store.Ask{Window: ticks(350, 360), Accesses: true})
		check(b, err)
		spent += timeseries.SpentCPU(b) - from
		b.StopTimer()
		check(b, s.Close())
		b.StartTimer()
	}
	b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(logged)/(360*10_000), "logB/sample")
}

// BenchmarkSeal seals an hour of 10,000 samples a round.
func BenchmarkSeal(b *testing.B) {
	all := benchAccesses(10_000)
	benchSeal(b, benchOptions, 10_000, 360, func(n int) lineage.Observation { return benchRound(all, n) })
}

// BenchmarkSealFlows seals a day of 2,000 counters as those of topics are, each minute: of very different rates, with
// three in ten idle in an hour, and noise. They go into two tiers, the coarser of which has steps of a minute too.
func BenchmarkSealFlows(b *testing.B) {
	const series, rounds = 2_000, 1440
	o, all, totals := benchOptions, benchAccesses(series), flowTotals(series, rounds)
	o.Tick = time.Minute
	start := time.Date(2026, 3, 2, 0, 30, 0, 0, time.UTC)
	benchSeal(b, o, series, rounds, func(n int) lineage.Observation {
		x := lineage.Observation{Source: west, Round: start.Add(time.Duration(n) * time.Minute), Interval: time.Minute}
		x.At = x.Round.Add(37 * time.Millisecond)
		for i, a := range all {
			x.Samples = append(x.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: totals[n-1][i]})
		}
		return x
	})
}

// flowTotals returns totals by round and series: log-normal rates with a daily swing, noise of the kind that arrivals
// in batches have, and three in ten hours idle.
func flowTotals(series, rounds int) [][]int64 {
	out := make([][]int64, rounds)
	for n := range out {
		out[n] = make([]int64, series)
	}
	r := rand.New(rand.NewPCG(1, 7))
	for i := range series {
		rate, phase := 60*min(2*math.Exp(2.2*r.NormFloat64()), 50_000), 2*math.Pi*r.Float64()
		total, idle := r.Int64N(1<<34), false
		for n := range rounds {
			if n%60 == 0 {
				idle = r.Float64() < 0.3
			}
			if !idle {
				mean := rate * (1 + 0.3*math.Sin(2*math.Pi*float64(n)/1440+phase))
				total += int64(max(mean+math.Sqrt(mean+0.0009*mean*mean)*r.NormFloat64(), 0))
			}
			out[n][i] = total
		}
	}
	return out
}

// benchSeal seals rounds of so many samples, and tells what they take on disk and of a processor.
func benchSeal(b *testing.B, o timeseries.Options, series, rounds int, round func(n int) lineage.Observation) {
	samples := float64(series * rounds)
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		s, err := timeseries.Open(dir, o)
		check(b, err)
		var last time.Time
		for n := 1; n <= rounds; n++ {
			x := round(n)
			check(b, s.Append(context.Background(), x))
			last = x.Round
		}
		logged := s.Stats().LogBytes
		from := timeseries.SpentCPU(b)
		b.StartTimer()
		check(b, s.Maintain(context.Background(), last.Add(90*time.Minute)))
		b.StopTimer()
		spent := timeseries.SpentCPU(b) - from
		check(b, s.Close())
		files, err := filepath.Glob(filepath.Join(dir, "blocks", "raw-*"))
		check(b, err)
		sealed := int64(0)
		for _, path := range files {
			info, err := os.Stat(path)
			check(b, err)
			sealed += info.Size()
		}
		if sealed == 0 {
			b.Fatal("nothing was sealed")
		}
		b.ReportMetric(float64(sealed)/samples, "B/sample")
		b.ReportMetric(float64(logged)/samples, "logB/sample")
		b.ReportMetric(float64(spent.Nanoseconds())/samples, "cpu-ns/sample")
		b.StartTimer()
	}
}
