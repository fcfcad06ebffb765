package acceptance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/lineaged/lineaged/internal/cast"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// BenchmarkReporter is what the telemetry reporter costs a broker at full speed: records a second of one producer that
// pushes its metrics each second, to a broker without the reporter, to one with, and to one whose lineaged is gone and
// whose queue is so short that it drops. They take turns; what is reported is the median of each. `make bench` leaves
// it out, since it takes minutes of a whole machine:
//
//	go test ./internal/acceptance -run '^$' -bench Reporter -benchtime 1x
func BenchmarkReporter(b *testing.B) {
	const rounds, records = 7, 400_000
	var taken atomic.Int64
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		taken.Add(1)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer sink.Close()
	token := filepath.Join(b.TempDir(), "token")
	if err := os.WriteFile(token, []byte(tellingToken), 0o600); err != nil {
		b.Fatal(err)
	}
	arms := []string{"without", "with", "lineaged is gone"}
	clusters, rates := map[string]*kafkatest.Cluster{}, map[string][]float64{}
	for _, arm := range arms {
		o := kafkatest.Options{Config: map[string]string{}}
		if arm != "without" {
			o.Plugins = []string{cast.ReporterJar(b)}
			o.Config["metric.reporters"] = "org.apache.kafka.common.metrics.JmxReporter,io.lineaged.telemetry.TelemetryReporter"
			o.Config["lineaged.telemetry.url"], o.Config["lineaged.telemetry.token.file"] = sink.URL+"/v1/metrics", token
		}
		if arm == "lineaged is gone" {
			o.Config["lineaged.telemetry.url"], o.Config["lineaged.telemetry.queue.bytes"] = "http://127.0.0.1:9/v1/metrics", "2048"
		}
		c := kafkatest.Start(b, o)
		clusters[arm] = c
		c.CreateTopic(b, "load", 2)
		if _, err := c.Tool(b.Context(), "configs", "--alter", "--entity-type", "client-metrics", "--entity-name", "all", "--add-config", "interval.ms=1000,metrics=[org.apache.kafka.producer.]"); err != nil {
			b.Fatal(err)
		}
	}
	for range b.N {
		for round := range rounds + 1 {
			for _, arm := range arms {
				p := clusters[arm].StartProducerPerf(b, kafkatest.Perf{Topic: "load", Records: records})
				if n := p.Wait(b); n != records {
					b.Fatalf("%s: %d records were sent", arm, n)
				}
				if round > 0 { // the first is for the broker to grow warm
					rates[arm] = append(rates[arm], p.Rate(b))
				}
			}
		}
	}
	if taken.Load() == 0 {
		b.Fatal("nothing was forwarded: there was nothing to measure")
	}
	dropped := dropsOf(b, clusters["lineaged is gone"])
	if dropped == 0 {
		b.Fatal("nothing was dropped: the queue was never full")
	}
	median := func(arm string) float64 {
		slices.Sort(rates[arm])
		return rates[arm][len(rates[arm])/2]
	}
	for _, arm := range arms {
		b.Logf("%s: median %.0f records/s of %.0f", arm, median(arm), rates[arm])
	}
	b.ReportMetric(median("without"), "records/s-without")
	b.ReportMetric(median("with"), "records/s-with")
	b.ReportMetric(median("lineaged is gone"), "records/s-gone")
	b.ReportMetric(float64(dropped), "dropped")
	b.ReportMetric(0, "ns/op")
}

var dropsSaid = regexp.MustCompile(`(\d+) client metrics dropped so far`)

// dropsOf returns how many pushes a broker's reporter says that it dropped.
func dropsOf(tb testing.TB, c *kafkatest.Cluster) (n int) {
	tb.Helper()
	for _, file := range c.Logs() {
		log, err := os.ReadFile(file)
		if err != nil {
			tb.Fatal(err)
		}
		for _, m := range dropsSaid.FindAllStringSubmatch(string(log), -1) {
			said, err := strconv.Atoi(m[1])
			if err != nil {
				tb.Fatal(fmt.Errorf("drops: %w", err))
			}
			n = max(n, said)
		}
	}
	return n
}
