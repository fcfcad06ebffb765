package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// daysOf is an estate that was observed for days, each topic written and every tenth read all the time.
func daysOf(b *testing.B, topics, days int) *world {
	b.Helper()
	const every = 30 * time.Minute
	w := newWorld(b)
	rounds := days * int(24*time.Hour/every)
	for n := range rounds + 1 {
		at := n * int(every/tick)
		for _, source := range []string{"end-offsets", "groups"} {
			w.observeEvery(every, "west", source, at, func(o *lineage.Observation) {
				if source == "end-offsets" && n == 0 {
					facts(clusterFact("west", west, topics, topics/10))(o)
				}
				for i := range topics {
					x := lineage.Topic{Cluster: west, ID: lineage.TopicID{8: byte(i >> 24), 9: byte(i >> 16), 10: byte(i >> 8), 11: byte(i), 15: 1}, Name: fmt.Sprintf("estate.topic-%06d", i)}
					switch {
					case source == "groups" && i%10 == 0:
						w.moved(reads(x, group(fmt.Sprintf("reader-%d", i))), lineage.GroupOffsets, 10)(o)
					case source == "groups":
					default:
						if n == 0 {
							facts(topicFact("west", x))(o)
						}
						w.moved(self(x), lineage.NoEvidence, 10)(o)
						w.moved(writes(x, producer(int64(i))), lineage.ProducerState, 10)(o)
					}
				}
			})
		}
	}
	return w
}

// heapPeak watches the heap until it is stopped, and returns the most that was in it.
func heapPeak() (stop func() uint64) {
	var most atomic.Uint64
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() uint64 { close(done); <-over; return most.Load() }
}

// BenchmarkBillDays asks for the bill of a whole day of 100,000 topics, and of more days than are kept, as our command
// does: again, where it takes longer than one request may. Each time is anew, as after a restart.
func BenchmarkBillDays(b *testing.B) {
	for _, days := range []int{1, 6} {
		b.Run(fmt.Sprintf("days=%d", days), func(b *testing.B) { benchmarkBill(b, days) })
	}
}

func benchmarkBill(b *testing.B, days int) {
	b.Helper()
	w := daysOf(b, 100_000, days)
	query := fmt.Sprintf(`{usageBill(window:{start:"2000-01-01T00:00:00Z",end:"2000-01-%02dT00:00:00Z"}){totalCount totals{meter quantity observedHours unattributed}}}`, 1+days)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	// 480 a day of each topic.
	want := fmt.Sprintf(`{"meter":"INGRESS_RECORDS","quantity":"%d","observedHours":%d,"unattributed":"%[1]d"}`, days*48_000_000, days*24)
	var spent, longest time.Duration
	n, asks, peak := 0, 0, uint64(0)
	for b.Loop() {
		n++
		h := serve(served{History: w.store, Identity: everybody, Log: quiet()})
		before, stop := spentCPU(b), heapPeak()
		for again := true; again; {
			asks++
			start := time.Now()
			status, body := ask(h, query, "")
			longest = max(longest, time.Since(start))
			again = bytes.Contains(body, []byte("TIMEOUT"))
			if !again && (status != http.StatusOK || !bytes.Contains(body, []byte(want))) || asks > 60*n {
				b.Fatalf("%d %.600s", status, body)
			}
		}
		spent, peak = spent+spentCPU(b)-before, max(peak, stop())
	}
	b.ReportMetric(float64(spent.Milliseconds())/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(asks)/float64(b.N), "requests/op")
	b.ReportMetric(longest.Seconds(), "s/longest-request")
	b.ReportMetric(float64(m.HeapAlloc)/(1<<20), "MiB/store")
	b.ReportMetric(float64(peak-m.HeapAlloc)/(1<<20), "MiB/peak")
}
