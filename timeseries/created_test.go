package timeseries

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/store/storetest"
)

// created is a round in which n topics came into being, as the collector tells it: each with a fact, an event, its own
// counters and a writer. The events are all of one instant, in no order.
func created(n int) lineage.Observation {
	o := testRound(100)
	o.Samples = nil
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
	s, err := Open(t.TempDir(), testOpts)
	must(t, err)
	o := created(n)
	before := created(10)
	before.Source.Name, before.Round, before.At = "before", o.Round, o.At
	must(t, s.Append(context.Background(), before))
	var from, to runtime.MemStats
	runtime.ReadMemStats(&from)
	must(t, s.Append(context.Background(), o))
	runtime.ReadMemStats(&to)
	must(t, s.Close())
	return float64(to.TotalAlloc - from.TotalAlloc)
}

// TestCreatedAtOnce has many topics created in one round, as when a cluster is restored: the work is linear in their
// number, and no more than it takes: what is allocated is most of it.
func TestCreatedAtOnce(t *testing.T) {
	few, many := allocated(t, 1000), allocated(t, 8000)
	t.Logf("1,000 topics: %.1f MB; 8,000: %.1f MB", few/1e6, many/1e6)
	if many > 12*few || many > mostCreated {
		t.Errorf("8,000 topics allocate %.0f MB, want %.0f at most; 1,000 %.0f MB: %.0f times as much", many/1e6, mostCreated/1e6, few/1e6, many/few)
	}
}

// mostCreated is in bytes. It was 46 MB before the log found names by their hash and grew its frame by doubling it, and
// 42 before a fact had a place for what is told of columns and jobs; the race detector makes it a tenth more.
var mostCreated = map[bool]float64{false: 44e6, true: 49e6}[raced]

// BenchmarkApply puts a round into memory in which topics are created: what a query may have to wait for.
func BenchmarkApply(b *testing.B) {
	opts, err := testOpts.withDefaults()
	must(b, err)
	for _, n := range []int{1000, 8000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			o := created(n)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				e := newEngine(opts, noJournal{}, newMemoryVault())
				c := &commit{records: []*record{e.recordOf(&o, e.floor(o.Round))}}
				c.prepare()
				b.StartTimer()
				e.mu.Lock()
				e.apply(c)
				e.publish()
				e.mu.Unlock()
				b.StopTimer()
				must(b, e.Close())
				b.StartTimer()
			}
		})
	}
}

// BenchmarkCreated appends such a round whole, to a store that knows nothing yet.
func BenchmarkCreated(b *testing.B) {
	o := created(8000)
	for name, open := range map[string]func() (Store, error){
		"memory": func() (Store, error) { return NewMemory(testOpts), nil },
		"disk":   func() (Store, error) { return Open(b.TempDir(), testOpts) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			spent := time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				s, err := open()
				must(b, err)
				before := spentCPU(b)
				b.StartTimer()
				must(b, s.Append(b.Context(), o))
				b.StopTimer()
				spent += spentCPU(b) - before
				must(b, s.Close())
				b.StartTimer()
			}
			b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

// spentCPU returns what the process has spent of processors, collecting garbage included: on a busy machine it says
// more than the clock.
func spentCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var r syscall.Rusage
	must(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &r))
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// slowJournal takes as long for a write as the test wants.
type slowJournal struct {
	noJournal
	begun, leave chan struct{} // closed when it is under way, and when it may end
}

func (j slowJournal) write([]*commit) error {
	close(j.begun)
	<-j.leave
	return nil
}

// TestQueriesDoNotWaitForARound asks all there is to ask while a round is being written, and then how far the store is
// while it is being put into memory.
func TestQueriesDoNotWaitForARound(t *testing.T) {
	s := NewMemory(testOpts)
	must(t, s.Append(t.Context(), created(10)))
	want := storetest.Everything(t, s, createdWindow)
	slow := slowJournal{begun: make(chan struct{}), leave: make(chan struct{})}
	s.journal = slow
	appended := make(chan error, 1)
	big := created(3000)
	big.Source.Name = "big"
	go func() { appended <- s.Append(context.Background(), big) }()
	<-slow.begun
	answered := func(what string, ask func()) {
		t.Helper()
		done := make(chan struct{})
		go func() { defer close(done); ask() }()
		select {
		case <-done:
		case <-time.After(30 * time.Second): // as good as never
			t.Fatalf("%s waits for a round", what)
		}
	}
	answered("a query of everything", func() {
		if got := storetest.Everything(t, s, createdWindow); !reflect.DeepEqual(got, want) {
			t.Error("a round that is not durable yet is visible")
		}
		_, err := s.Positions(t.Context(), testSource)
		must(t, err)
		_, _, err = s.Record(t.Context(), store.IdentityRecord)
		must(t, err)
	})
	close(slow.leave)
	must(t, <-appended)
	s.mu.Lock()
	answered("the state", func() {
		state, err := s.State(t.Context())
		must(t, err)
		for r, err := range s.Rounds(t.Context(), 0) {
			must(t, err)
			if r.Version == state.Version {
				break
			}
		}
	})
	s.mu.Unlock()
	must(t, s.Close())
}

// createdWindow holds the rounds of created.
var createdWindow = lineage.Window{Start: testStart, End: testStart.Add(200 * time.Minute)}
