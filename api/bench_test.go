package api_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
)

// graphQuery is what a page that draws a graph asks for.
const graphQuery = `{"query":"{lineage(roots:[\"topic:west/orders\"],window:{start:\"2000-01-01T00:00:00Z\",end:\"2000-01-01T00:01:00Z\"}){` +
	`nodes{id kind name owner tags} flows{id kind active recordsPerSecond from{id} to{id}} truncated totalNodes window{start end step}}}"}`

func benchHandler(b *testing.B) http.Handler {
	b.Helper()
	// with the topic and its writer: 100 nodes
	return serve(served{History: fan(b, 98).store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
}

// cpuOf measures what a benchmark spends of processors until what it returns is called, which reports it.
func cpuOf(b *testing.B) (report func()) {
	b.Helper()
	before := spentCPU(b)
	return func() {
		b.ReportMetric(float64((spentCPU(b)-before).Nanoseconds())/1000/float64(b.N), "cpu-us/op")
	}
}

// BenchmarkLineage100HTTP asks for a graph of 100 nodes over a connection; BenchmarkLineage100Handler the same without
// one; BenchmarkLineage100Direct makes the same answer by calls in Go. What GraphQL and HTTP add is the difference.
func BenchmarkLineage100HTTP(b *testing.B) {
	server := httptest.NewServer(benchHandler(b))
	defer server.Close()
	b.ReportAllocs()
	defer cpuOf(b)()
	for b.Loop() {
		resp, err := server.Client().Post(server.URL+"/graphql", "application/json", strings.NewReader(graphQuery)) //nolint:noctx // ends with the server
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || n < 10_000 {
			b.Fatal(n, err)
		}
	}
}

func BenchmarkLineage100Handler(b *testing.B) {
	h := benchHandler(b)
	b.ReportAllocs()
	defer cpuOf(b)()
	for b.Loop() {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "http://localhost/graphql", strings.NewReader(graphQuery))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Body.Len() < 10_000 {
			b.Fatal(w.Body)
		}
	}
}

func BenchmarkLineage100Direct(b *testing.B) {
	direct := api.Direct(fan(b, 98).store, people{}, shopConfig, quiet())
	w := lineage.Window{Start: midnight, End: midnight.Add(time.Minute)}
	b.ReportAllocs()
	defer cpuOf(b)()
	for b.Loop() {
		if n := direct(b.Context(), "topic:west/orders", w); n != 100+99 {
			b.Fatal(n)
		}
	}
}

// BenchmarkView asks for windows that nobody asked for before, of a cluster with 500 topics, 500 groups and 10,000
// readers: the view is built each time.
func BenchmarkView(b *testing.B) {
	const topics, groups, readers = 500, 500, 10_000
	w := newWorld(b)
	for n := 1; n <= 60; n++ {
		var fill []func(*lineage.Observation)
		if n == 1 {
			fill = append(fill, facts(clusterFact("west", west, topics, groups)))
		}
		for i := range topics {
			x := topic(west, fmt.Sprintf("topic-%d", i), byte(i))
			x.ID[0] = byte(i >> 8)
			if n == 1 {
				fill = append(fill, facts(topicFact("west", x)))
			}
			fill = append(fill, w.moved(self(x), lineage.NoEvidence, 100), w.moved(writes(x, producer(int64(i))), lineage.ProducerState, 100))
			for j := range readers / topics {
				g := reads(x, group(fmt.Sprintf("group-%d", (i*7+j*13)%groups)))
				fill = append(fill, w.moved(g, lineage.GroupOffsets, 100), level(g, lineage.Lag, int64(j)))
			}
		}
		w.observe("west", "all", n, fill...)
	}
	direct := api.Direct(w.store, people{}, shopConfig, quiet())
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		end := round(60).Add(-time.Duration(i) * tick)
		if i > 40 {
			direct, i = api.Direct(w.store, people{}, shopConfig, quiet()), 0
		}
		if n := direct(b.Context(), "topic:west/topic-1", lineage.Window{Start: end.Add(-time.Minute), End: end}); n < 40 {
			b.Fatal(n)
		}
	}
}
