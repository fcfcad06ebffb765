package api_test

import (
	"bytes"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// spentCPU returns what the process has spent of processors, collecting garbage included: on a busy machine it says
// more than the clock.
func spentCPU(tb testing.TB) time.Duration {
	tb.Helper()
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkEstate asks of 100,000 topics, of which each is written and every tenth read, what a page asks first: each
// time anew, as after a restart.
func BenchmarkEstate(b *testing.B) {
	w := estate(b, 100_000)
	const window = `window:{start:"2000-01-01T00:00:00Z",end:"2000-01-01T00:00:30Z"}`
	for name, query := range map[string]string{
		"flows":    `{flows(` + window + `,limit:300){nodes{id name}flows{id recordsPerSecond}positions{node x y}coverage{complete}totalNodes}}`,
		"lineage":  `{lineage(roots:["topic:west/estate.topic-000000"],` + window + `){nodes{id}flows{id recordsPerSecond lag}}}`,
		"nodes":    `{nodes(` + window + `,first:50){totalCount edges{node{id name owner}}}}`,
		"findings": `{findings(` + window + `){totalCount unknown edges{node{id since flow{id}starves{count}}}}}`,
		"bill":     `{usageBill(window:{start:"2000-01-01T00:00:00Z",end:"2000-01-01T01:00:00Z"}){totalCount totals{quantity}}}`,
		"top":      `{top(metric:RECORDS_PER_SECOND,by:TOPIC,` + window + `){ranked{node{id}value}}}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			spent := time.Duration(0)
			for b.Loop() {
				h := serve(served{History: w.store, Identity: everybody, Log: quiet()})
				before := spentCPU(b)
				if status, body := ask(h, query, ""); status != http.StatusOK || bytes.Contains(body, []byte(`"errors"`)) {
					b.Fatalf("%d %.300s", status, body)
				}
				spent += spentCPU(b) - before
			}
			b.ReportMetric(float64(spent.Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}
