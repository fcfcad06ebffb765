package timeseries

import (
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// SpentCPU is spentCPU for the benchmarks that see the store from outside.
var SpentCPU = spentCPU

// BenchmarkHead appends 120 rounds in which 100,000 series move, in memory: what they cost a processor, garbage
// collection included, and what is alive then.
func BenchmarkHead(b *testing.B) {
	const series, rounds = 100_000, 120
	for b.Loop() {
		b.StopTimer()
		alive := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := alive()
		s := NewMemory(testOpts)
		o := testRound(1)
		o.Samples = make([]lineage.Sample, series)
		for i := range o.Samples {
			topic := lineage.Topic{Cluster: "5L6g3nShT-eMCtK--X86sw", ID: lineage.TopicID{byte(i / 10), byte(i / 2560), byte(i / 655360)}, Name: "orders.events.v1." + strconv.Itoa(i/10)}
			o.Samples[i] = lineage.Sample{
				Subject: lineage.Access{Topic: topic, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))}},
				Metric:  lineage.Records, Evidence: lineage.ProducerState,
			}
		}
		spent := time.Duration(0)
		for n := 1; n <= rounds; n++ {
			o.Round = testStart.Add(time.Duration(n) * time.Minute)
			o.At = o.Round
			for i := range o.Samples {
				o.Samples[i].Value += int64(100 + (i*i+n*7919)%9973)
			}
			from := spentCPU(b)
			b.StartTimer()
			must(b, s.Append(b.Context(), o))
			b.StopTimer()
			spent += spentCPU(b) - from
		}
		o.Samples = nil
		b.ReportMetric(float64(alive()-before)/(1<<20), "heap-MiB")
		b.ReportMetric(float64(spent.Nanoseconds())/(series*rounds), "cpu-ns/sample")
		must(b, s.Close())
		b.StartTimer()
	}
}
