package marquez_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/marquez"
	"github.com/lineaged/lineaged/openlineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// layers of ten jobs, each of which reads two tables of its layer and writes one of the next.
const (
	layers   = 40
	eachRuns = 10
)

// benchRules are as many as a small estate has.
func benchRules(tb testing.TB) *identity.Resolver {
	tb.Helper()
	var r identity.Rules
	for i := range 8 {
		r.Topics = append(r.Topics, identity.TopicRule{Match: regexp.MustCompile(fmt.Sprintf("^(orders|payments)-%d$", i)), Owner: "team", Tags: []string{"pii"}})
	}
	for _, m := range []string{
		`^streamjob:west/basket-totals$`, `^connector:demo-connect/orders-warehouse$`, `^dataset:.*/warehouse\.sales\.`, `^(connector:demo-connect/inventory-cdc$|dataset:.*/inventory\.public\.)`,
		`^(replicator:east/west-%3Eeast$|topic:east/west\.)`,
	} {
		r.Nodes = append(r.Nodes, identity.NodeRule{Match: regexp.MustCompile(m), Owner: "team", Tags: []string{"tier-2"}})
	}
	who, err := identity.New(r)
	if err != nil {
		tb.Fatal(err)
	}
	return who
}

// layered is an estate of jobs that tell of themselves, and who answers from it.
type layered struct {
	store timeseries.Store
	api   http.Handler
	n     int // rounds
	// answers are what the API asks, and windows how often the store was asked for one.
	answers *answer.Answers
	windows *windows
}

// windows counts how many windows are read of a store, with all accesses or what was observed.
type windows struct {
	store.Reader
	n atomic.Int64
}

func (w *windows) Window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	if ask.Accesses || ask.Coverage {
		w.n.Add(1)
	}
	return w.Reader.Window(ctx, ask)
}

func newLayered(tb testing.TB, who answer.Identity) *layered {
	tb.Helper()
	l := &layered{store: timeseries.NewMemory(timeseries.Options{Tick: tick})}
	tb.Cleanup(func() { _ = l.store.Close() })
	names, err := openlineage.NewTarget(openlineage.Marquez, []openlineage.Cluster{{Name: "west", Brokers: []string{"b1:9092"}}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	now := func() time.Time { return midnight.Add(time.Duration(l.n)*tick + time.Second) }
	l.windows = &windows{Reader: l.store}
	l.answers = answer.New(answer.Options{
		History: l.windows, Rounds: l.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}, Now: now,
	})
	l.api = marquez.New(marquez.Options{Answers: l.answers, Names: names, Now: now}).Handler(open(true))
	for range 30 {
		l.round(tb)
	}
	return l
}

// round observes that all jobs run.
func (l *layered) round(tb testing.TB) {
	tb.Helper()
	l.n++
	at := midnight.Add(time.Duration(l.n) * tick)
	o := lineage.Observation{Source: lineage.Source{Cluster: "openlineage", Name: "events"}, Round: at, Interval: tick, At: at}
	for layer := range layers {
		for k := range 10 {
			l.job(&o, at, layer, k)
		}
	}
	kafka := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "all"}, Round: at, Interval: tick, At: at}
	if l.n == 1 {
		kafka.Facts = []lineage.Fact{{Key: lineage.FactKey{Source: "west", Kind: lineage.ClusterFacts}, Cluster: &lineage.ClusterFact{ID: west, Brokers: 3, Controller: 1, Groups: -1}}}
	}
	for _, x := range []lineage.Observation{kafka, o} {
		if err := l.store.Append(tb.Context(), x); err != nil {
			tb.Fatal(err)
		}
	}
}

func layerTable(layer, k int) lineage.Dataset {
	return lineage.Dataset{Namespace: "postgres://db:5432", Name: fmt.Sprintf("a.b.t%d_%d", layer, k%10)}
}

// job tells of one job: that it runs, and in the first round what there is.
func (l *layered) job(o *lineage.Observation, at time.Time, layer, k int) {
	job := lineage.Node{Scope: "bench", Kind: lineage.JobNode, Name: fmt.Sprintf("job.%d", layer*10+k)}
	ends := []lineage.Dataset{layerTable(layer, k), layerTable(layer, k+1), layerTable(layer+1, k)}
	for i, d := range ends {
		a := lineage.Access{Dataset: d, Op: lineage.Read, Client: lineage.Client{Mover: job}}
		if i == 2 {
			a.Op = lineage.Write
		}
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.OpenLineage, Moved: true, Detail: "the job's own word"})
	}
	if l.n > 1 {
		return
	}
	runs := &lineage.RunsFact{Job: job, Integration: "BENCH", Ends: []lineage.Node{ends[0].Node(), ends[1].Node(), ends[2].Node()}}
	for i := range eachRuns {
		runs.Runs = append(runs.Runs, lineage.Run{
			ID: fmt.Sprintf("01936b5e-0000-7000-8000-%06d%06d", layer*10+k, i), State: lineage.RunCompleted, First: at, Started: true, Ended: at.Add(time.Second), Reads: []int{0, 1}, Writes: []int{2},
		})
	}
	o.Facts = append(o.Facts, lineage.Fact{Key: lineage.FactKey{Source: "openlineage", Kind: lineage.RunFacts, Name: job.ID()}, Runs: runs})
	of := []lineage.Dataset{ends[2]}
	if layer == 0 {
		of = append(of, ends[0])
	}
	for _, d := range of {
		s := &lineage.SchemaFact{Dataset: d, Origin: lineage.FromOpenLineage}
		for i := range 8 {
			s.Columns = append(s.Columns, lineage.Column{Path: fmt.Sprintf("column_%d", i), Type: "VARCHAR"})
		}
		o.Facts = append(o.Facts, lineage.Fact{Key: lineage.FactKey{Source: "openlineage", Kind: lineage.SchemaFacts, Name: d.Node().ID()}, Schema: s})
	}
}

// around asks for the lineage of a job in the middle.
func (l *layered) around(tb testing.TB, depth int) []byte {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, fmt.Sprintf("%slineage?nodeId=job:bench:job.205&depth=%d", marquez.Prefix, depth), http.NoBody)
	w := httptest.NewRecorder()
	l.api.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		tb.Fatalf("%d: %s", w.Code, w.Body)
	}
	return w.Body.Bytes()
}

func spentCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkLineage asks for the lineage of a job, as in docs/performance.md beside a Marquez: again, as the first
// question of a round, and as that where it is kept ready.
func BenchmarkLineage(b *testing.B) {
	for _, depth := range []int{0, 2, 5, 20} {
		l := newLayered(b, benchRules(b))
		b.Run(fmt.Sprintf("depth=%d/again", depth), func(b *testing.B) {
			b.ReportAllocs()
			b.ReportMetric(float64(len(l.around(b, depth))), "body-bytes")
			spent := spentCPU(b)
			for b.Loop() {
				l.around(b, depth)
			}
			b.ReportMetric(float64((spentCPU(b)-spent).Nanoseconds())/1000/float64(b.N), "cpu-us/op")
		})
		b.Run(fmt.Sprintf("depth=%d/first", depth), func(b *testing.B) { l.first(b, depth, 0) })
		b.Run(fmt.Sprintf("depth=%d/ready", depth), func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context())
			var run sync.WaitGroup
			run.Go(func() { l.answers.KeepReady(ctx) })
			defer run.Wait()
			defer cancel()
			l.first(b, depth, 100*time.Millisecond)
		})
	}
}

// first asks the first question of each round, a while after that.
func (l *layered) first(b *testing.B, depth int, after time.Duration) {
	b.ReportAllocs()
	spent := time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		l.round(b)
		time.Sleep(after)
		b.StartTimer()
		before := spentCPU(b)
		l.around(b, depth)
		spent += spentCPU(b) - before
	}
	b.ReportMetric(float64(spent.Nanoseconds())/1000/float64(b.N), "cpu-us/op")
}
