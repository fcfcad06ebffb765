package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/internal/otlp"
)

// TestMetricsPush runs lineaged for a receiver of metrics: it is sent what a scrape would have of the cluster, the
// program's own figures and how pushes fare among it.
func TestMetricsPush(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("kfake-west"), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	const token = "0123456789abcdef"
	var mu sync.Mutex // guards got
	got := map[string]int{}
	receives := otlp.New(otlp.Options{
		Tokens: func() []otlp.Token { return []otlp.Token{{Secret: token}} },
		Metrics: func(_ otlp.Sender, m *metrics.MetricsData) (otlp.Taken, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, r := range m.ResourceMetrics {
				for _, metric := range r.ScopeMetrics[0].Metrics {
					got[metric.Name]++
					for _, p := range metric.GetSum().GetDataPoints() {
						for _, a := range p.Attributes {
							got[metric.Name+" "+a.Key+"="+a.Value.GetStringValue()]++
						}
					}
				}
			}
			return otlp.Taken{}, nil
		},
	})
	to := httptest.NewServer(receives.Handlers()[otlp.MetricsPath])
	t.Cleanup(to.Close)
	cfg := testConfig(t, fake.ListenAddrs()[0])
	cfg.Metrics.Push = config.MetricsPush{URL: to.URL, Every: config.Duration(200 * time.Millisecond), Headers: config.NewSecret("Authorization: Bearer " + token)}
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return serve(ctx, cfg, reloader{}, slog.New(slog.DiscardHandler), stdout)
	})
	eventually(t, 20*time.Second, func() string {
		mu.Lock()
		defer mu.Unlock()
		for _, want := range []string{
			"lineaged_kafka_topic_records_appended_total topic_name=orders", "lineaged_observed_ratio", "lineaged_metrics_series_left_out",
			"lineaged_build_info", "lineaged_metrics_push_up",
		} {
			if got[want] == 0 {
				return fmt.Sprintf("%s is not pushed: %v", want, got)
			}
		}
		return ""
	})
	to.Close()
	const said = "the receiver of metrics does not take them: "
	eventually(t, 20*time.Second, func() string {
		if _, ready := s.get("/readyz"); !strings.Contains(ready, said) {
			return ready
		}
		return ""
	})
	s.end()
}
