package timeseries_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// created is a round in which n topics came into being, as the collector tells it: each with a fact, an event, its own
// counters and a writer. The events are all of one instant, in no order.
func created(n int) lineage.Observation {
	o := lineage.Observation{Source: west, Round: at(n), Interval: tick, At: at(n)}
	for i := range n {
		name := fmt.Sprintf("team-%d.topic-%d", i*7919%n%13, i*7919%n)
		t := lineage.Topic{Cluster: "w", ID: lineage.TopicID{1, byte(i >> 8), byte(i)}, Name: name}
		o.Facts = append(o.Facts, lineage.Fact{
			Key:   lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: name},
			Topic: &lineage.TopicFact{Topic: t, Partitions: 10, Replication: 3},
		})
		o.Events = append(o.Events, lineage.Event{At: o.Round, Type: lineage.TopicCreated, Topic: t, Detail: "created " + name})
		self, writer := lineage.Access{Topic: t}, lineage.Access{Topic: t, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))}}
		o.Samples = append(o.Samples,
			lineage.Sample{Subject: self, Metric: lineage.Appended, Value: 1},
			lineage.Sample{Subject: self, Metric: lineage.LogBytes, Value: 1},
			lineage.Sample{Subject: writer, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: 1})
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: writer, Evidence: lineage.ProducerState, Moved: true})
	}
	return o
}

// allocated returns the bytes that appending a round allocates, in a store that holds some events of that instant
// already.
func allocated(t *testing.T, n int) float64 {
	t.Helper()
	s := timeseries.NewMemory(quiet(timeseries.Options{Tick: tick}))
	o := created(n)
	before := created(10)
	before.Source.Name, before.Round, before.At = "before", o.Round, o.At
	check(t, s.Append(context.Background(), before))
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	check(t, s.Append(context.Background(), o))
	runtime.ReadMemStats(&to)
	check(t, s.Close())
	return float64(to.TotalAlloc - from.TotalAlloc)
}

// TestCreatedAtOnce has many topics created in one round, as when a cluster is restored: the work is linear in their
// number.
func TestCreatedAtOnce(t *testing.T) {
	few, many := allocated(t, 1000), allocated(t, 8000)
	t.Logf("1,000 topics: %.1f MB; 8,000: %.1f MB", few/1e6, many/1e6)
	if many > 12*few {
		t.Errorf("8,000 topics allocate %.0f MB, 1,000 %.0f MB: %.0f times as much", many/1e6, few/1e6, many/few)
	}
}

// BenchmarkCreated appends a round in which topics are created, in memory: all of it but the encoding of the log.
func BenchmarkCreated(b *testing.B) {
	for _, n := range []int{1000, 8000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := created(n)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				s := timeseries.NewMemory(quiet(timeseries.Options{Tick: tick}))
				b.StartTimer()
				check(b, s.Append(context.Background(), o))
				b.StopTimer()
				check(b, s.Close())
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(time.Millisecond), "ms/op")
		})
	}
}
