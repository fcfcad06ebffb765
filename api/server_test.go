package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/lineage"
)

// get asks for a path under a Host.
func get(h http.Handler, host, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+host+path, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestHosts(t *testing.T) {
	h := serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet(), Hosts: []string{"lineage.example"}})
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8420": 200, "LOCALHOST": 200, "demo.localhost:8420": 200, "127.0.0.1:8420": 200, "[::1]:8420": 200, "10.1.2.3": 200,
		"lineage.example": 200, "Lineage.Example:443": 200, "evil.example": 403, "lineage.example.evil.example": 403, "notlocalhost": 403,
	} {
		for _, path := range []string{"/healthz", "/metrics"} {
			if got := get(h, host, path).Code; got != want {
				t.Errorf("%s%s: %d, want %d", host, path, got, want)
			}
		}
	}
}

func TestUI(t *testing.T) {
	ui := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "the UI's own")
		_, _ = w.Write([]byte("page " + r.URL.Path))
	})
	h := serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet(), UI: ui})
	for _, path := range []string{"/", "/graphiql", "/lineage/topic:west/orders", "/graphqlx"} {
		if w := get(h, "localhost", path); w.Body.String() != "page "+path || w.Header().Get("Content-Security-Policy") != "the UI's own" {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
	if w := get(serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet()}), "localhost", "/"); w.Code != 404 {
		t.Errorf("without a UI: %d", w.Code)
	}
}

// TestReady follows a start: no round, a first round without Kafka, Kafka, trouble, the way out. Liveness never moves.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var trouble []string
		stopping := false
		h := serve(served{
			History: w.store, Identity: everybody, Log: quiet(), Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "east", Name: "east"}},
			Trouble: func() []string { return trouble }, Stopping: func() bool { return stopping },
		})
		check := func(code int, want string) {
			t.Helper()
			got := get(h, "localhost", "/readyz")
			if got.Code != code || got.Body.String() != want {
				t.Errorf("%d %q, want %d %q", got.Code, got.Body, code, want)
			}
			if live := get(h, "localhost", "/healthz"); live.Code != 200 {
				t.Errorf("healthz: %d", live.Code)
			}
		}
		check(503, "starting\ncluster west: no round yet\ncluster east: no round yet\n")
		time.Sleep(tick)
		w.observe("west", "end-offsets", 1, facts(clusterFact("west", west, 1, 1)))
		check(503, "starting\ncluster east: no round yet\n")
		w.observe("east", "end-offsets", 1, missing("connection refused"))
		check(200, "degraded\ncluster east: connection refused\n")
		time.Sleep(tick)
		w.observe("west", "end-offsets", 2)
		w.observe("east", "end-offsets", 2, facts(clusterFact("east", "e", 1, 1)))
		check(200, "ready\n")
		trouble = []string{"less than 512 MiB are free"}
		check(200, "degraded\nless than 512 MiB are free\n")
		trouble = nil
		time.Sleep(4 * tick)
		check(200, "degraded\ncluster west: no round since 2000-01-01T00:00:20Z\ncluster east: no round since 2000-01-01T00:00:20Z\n")
		var verbose struct {
			Status   string
			Clusters []struct {
				Name      string
				LastRound time.Time
				Reason    string
			}
		}
		if err := json.Unmarshal(get(h, "localhost", "/readyz?verbose").Body.Bytes(), &verbose); err != nil || verbose.Status != "degraded" ||
			len(verbose.Clusters) != 2 || !verbose.Clusters[0].LastRound.Equal(round(2)) || verbose.Clusters[1].Reason == "" {
			t.Errorf("%v %+v", err, verbose)
		}
		stopping = true
		check(503, "stopping\ncluster west: no round since 2000-01-01T00:00:20Z\ncluster east: no round since 2000-01-01T00:00:20Z\n")
	})
}

// TestMetrics scrapes the shop, lints the figures and looks at some.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 30)
		time.Sleep(time.Until(round(30)) + time.Second)
		h := serve(served{
			History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet(), Version: "1.2.3", Revision: "abc",
			Sizes: func() api.Sizes { return api.Sizes{Subjects: 7, Series: 9, LogBytes: 1, DiskBytes: 2, FreeBytes: -1} },
		})
		ask(h, "{clusters{id}}", "")
		ask(h, "{nothing}", "")
		first := get(h, "localhost", "/metrics").Body.String()
		problems, err := promlint.New(strings.NewReader(first)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			if !strings.HasPrefix(p.Metric, "go_") && !strings.HasPrefix(p.Metric, "process_") {
				// the client library's own
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
		for _, want := range []string{
			`lineaged_kafka_topic_records_appended_total{cluster="west",topic_name="orders"} 0`,
			`lineaged_kafka_topic_log_bytes{cluster="west",topic_name="orders"} 7.5e+06`,
			`lineaged_kafka_consumer_group_topic_lag{cluster="west",group_id="billing",topic_name="orders"} 40`,
			`lineaged_kafka_consumer_group_topic_lag_seconds{cluster="west",group_id="analytics",topic_name="orders"} 150`,
			`lineaged_kafka_consumer_group_info{cluster="west",group_id="billing",node="application:shop/billing"} 1`,
			`lineaged_last_round_timestamp_seconds{cluster="west"} 9.466851e+08`,
			`lineaged_source_gap_seconds{cluster="west",source="groups"} `,
			`lineaged_source_blind_spots{cluster="west",source="groups"} 1`,
			`lineaged_history_up 1`, `lineaged_store_subjects 7`, `lineaged_store_disk_bytes 2`,
			`lineaged_graphql_request_duration_seconds_count{outcome="answered"} 1`, `lineaged_graphql_request_duration_seconds_count{outcome="refused"} 1`,
			`lineaged_build_info{goversion=`,
		} {
			if !strings.Contains(first, want) {
				t.Errorf("no %s", want)
			}
		}
		for _, no := range []string{"partition_id", "lineaged_store_free_bytes ", `topic_name="refunds"`, `group_id="ended"`} {
			if strings.Contains(first, no) {
				t.Errorf("there is %s", no)
			}
		}
		w.observe("west", "end-offsets", 31, w.moved(self(orders), lineage.NoEvidence, 1234))
		w.end(31)
		time.Sleep(tick)
		second := get(h, "localhost", "/metrics").Body.String()
		if want := `lineaged_kafka_topic_records_appended_total{cluster="west",topic_name="orders"} 1234`; !strings.Contains(second, want) {
			t.Errorf("after another round there is no %s", want)
		}
		_ = w.store.Close()
		time.Sleep(tick)
		third := get(h, "localhost", "/metrics")
		if !strings.Contains(third.Body.String(), "lineaged_history_up 0") || strings.Contains(third.Body.String(), "consumer_group_topic_lag{") ||
			strings.Contains(third.Body.String(), "lineaged_metrics_series_left_out{") {
			t.Errorf("with the store closed: %d", third.Code)
		}
	})
}
