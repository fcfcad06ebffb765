package api_test

import (
	"net/http"
	"testing"
)

// BenchmarkEstate asks of 100,000 topics, of which each is written and every tenth read, what a page asks first: each
// time anew, as after a restart.
func BenchmarkEstate(b *testing.B) {
	w := estate(b, 100_000)
	const window = `window:{start:"2000-01-01T00:00:00Z",end:"2000-01-01T00:00:30Z"}`
	for name, query := range map[string]string{
		"flows":   `{flows(` + window + `,limit:300){nodes{id name}flows{id recordsPerSecond}positions{node x y}coverage{complete}totalNodes}}`,
		"lineage": `{lineage(roots:["topic:west/estate.topic-000000"],` + window + `){nodes{id}flows{id recordsPerSecond lag}}}`,
		"nodes":   `{nodes(` + window + `,first:50){totalCount edges{node{id name owner}}}}`,
		"top":     `{top(metric:RECORDS_PER_SECOND,by:TOPIC,` + window + `){ranked{node{id}value}}}`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h := serve(served{History: w.store, Identity: everybody, Log: quiet()})
				if status, body := ask(h, query, ""); status != http.StatusOK {
					b.Fatalf("%d %.300s", status, body)
				}
			}
		})
	}
}
