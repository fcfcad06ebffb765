package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// crowd is a cluster of many topics and groups, each of which reads five topics. It returns what the nth round adds.
func crowd(tb testing.TB, topics, groups int) (w *world, observe func(n int)) {
	w = newWorld(tb)
	all := make([]lineage.Topic, topics)
	for i := range all {
		all[i] = lineage.Topic{Cluster: west, ID: lineage.TopicID{8: byte(i >> 24), 9: byte(i >> 16), 10: byte(i >> 8), 11: byte(i), 15: 1}, Name: fmt.Sprintf("crowd.topic-%05d.events", i)}
	}
	observe = func(n int) {
		var fill, read, sizes []func(*lineage.Observation)
		if n == 1 {
			fill = append(fill, facts(clusterFact("west", west, topics, groups)))
		}
		for i, x := range all {
			if n == 1 {
				fill = append(fill, facts(topicFact("west", x)))
				sizes = append(sizes, level(self(x), lineage.LogBytes, int64(i)*1000))
			}
			fill = append(fill, w.moved(self(x), lineage.NoEvidence, 10), w.moved(writes(x, producer(int64(i))), lineage.ProducerState, 10))
		}
		for g := range groups {
			for j := range 5 {
				x := reads(all[(g*7+j*131)%topics], group(fmt.Sprintf("crowd.group-%05d", g)))
				read = append(read, w.moved(x, lineage.GroupOffsets, 10), level(x, lineage.Lag, int64(g+j)), level(x, lineage.LagMillis, int64(g*j)))
			}
		}
		w.observe("west", "end-offsets", n, fill...)
		w.observe("west", "log-dirs", n, sizes...)
		w.observe("west", "groups", n, read...)
	}
	for n := 1; n <= 60; n++ {
		observe(n)
	}
	return w, observe
}

// BenchmarkMetrics scrapes a cluster of 10,000 topics and 5,000 groups, which read five topics each: of a round that
// was scraped before, and of a new one, whose view is built first.
func BenchmarkMetrics(b *testing.B) {
	w, observe := crowd(b, 10_000, 5000)
	n := 60
	h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Now: func() time.Time { return round(n).Add(time.Second) }})
	scrape := func(b *testing.B, encoding string) {
		r := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "http://localhost/metrics", nil)
		if encoding != "" {
			r.Header.Set("Accept-Encoding", encoding)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != http.StatusOK || rec.Body.Len() < 300_000 {
			b.Fatalf("%d %.300s", rec.Code, rec.Body)
		}
		b.SetBytes(int64(rec.Body.Len()))
	}
	run := func(name, encoding string, before func()) {
		b.Run(name, func(b *testing.B) {
			scrape(b, encoding)
			b.ReportAllocs()
			spent := time.Duration(0)
			for b.Loop() {
				b.StopTimer()
				before()
				b.StartTimer()
				from := spentCPU(b)
				scrape(b, encoding)
				spent += spentCPU(b) - from
			}
			b.ReportMetric(float64(spent.Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
	run("kept", "", func() {})
	run("kept gzip", "gzip", func() {})
	run("new", "", func() {
		n++
		observe(n)
	})
}
