package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"golang.org/x/crypto/bcrypt"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/telemetry"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// TestPushes sends clients' metrics as a forwarder does, beside users and passwords that hold for all else: who has the
// token may, what was sent is in the answers, and the token opens nothing else.
func TestPushes(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("kfake-west"), kfake.SeedTopics(1, "orders"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	dir := t.TempDir()
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	const token = "token-0123456789abcdef"
	for name, text := range map[string]string{"web.yaml": fmt.Sprintf("basic_auth_users: {anna: '%s'}\n", hash), "token": token + "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := testConfig(t, fake.ListenAddrs()[0])
	cfg.Web.ConfigFile = config.File(filepath.Join(dir, "web.yaml"))
	cfg.OTLP.TokenFile = config.File(filepath.Join(dir, "token"))
	cfg.Clusters[0].Logs.Push = true
	var log lines
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return serve(ctx, cfg, reloader{}, slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), stdout)
	})
	ask := func(method, path, auth, host, body string) (status int, text string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		switch {
		case auth == "anna":
			req.SetBasicAuth("anna", "secret")
		case auth != "":
			req.Header.Set("Authorization", "Bearer "+auth)
		}
		if host != "" {
			req.Host = host
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	now := time.Now()
	push := func(cluster string) string {
		return fmt.Sprintf(`{"resourceMetrics":[{"resource":{"attributes":[
			{"key":"kafka.cluster.id","value":{"stringValue":%q}},{"key":"client_id","value":{"stringValue":"tail-ui"}},
			{"key":"client_instance_id","value":{"stringValue":"i1"}},{"key":"principal","value":{"stringValue":"User:tail"}}]},
			"scopeMetrics":[{"metrics":[{"name":"org.apache.kafka.consumer.fetch.manager.records.consumed.total","sum":{"aggregationTemporality":1,"dataPoints":[
			{"attributes":[{"key":"topic","value":{"stringValue":"orders"}}],"asDouble":97,"startTimeUnixNano":"%d","timeUnixNano":"%d"}]}}]}]}]}`,
			cluster, now.Add(-time.Second).UnixNano(), now.UnixNano())
	}
	const path = "/v1/metrics"
	f := func(what, method, path, auth, host, body string, want int) {
		t.Helper()
		if got, text := ask(method, path, auth, host, body); got != want {
			t.Errorf("%s: %d %s, want %d", what, got, text, want)
		}
	}
	eventually(t, 20*time.Second, func() string {
		if status, text := ask(http.MethodPost, path, token, "", push("kfake-west")); status != http.StatusOK || strings.TrimSpace(text) != "{}" {
			return text
		}
		return ""
	})
	f("the same again", http.MethodPost, path, token, "", push("kfake-west"), 200)
	f("a wrong token", http.MethodPost, path, "token-of-another-one", "", push("kfake-west"), 401)
	f("no token", http.MethodPost, path, "", "", push("kfake-west"), 401)
	f("a user", http.MethodPost, path, "anna", "", push("kfake-west"), 401)
	f("a foreign host", http.MethodPost, path, token, "evil.example", push("kfake-west"), 403)
	const line = "DEBUG Principal = User:alice is Allowed operation = WRITE from host = 10.0.0.7 on resource = Topic:LITERAL:orders for request = Produce with resourceRefCount = 1 (kafka.authorizer.logger)"
	body := fmt.Sprintf(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":%q}}]}]}]}`, line)
	f("a line of the authorizer's log", http.MethodPost, "/v1/logs", token, "", body, 200)
	f("a line with a wrong token", http.MethodPost, "/v1/logs", "token-of-another-one", "", body, 401)
	f("the token on another path", http.MethodGet, "/readyz", token, "", "", 401)
	f("a user on another path", http.MethodGet, "/livez", "anna", "", "", 200)
	if status, text := ask(http.MethodPost, path, token, "", push("another")); status != 200 || !strings.Contains(text, `"rejectedDataPoints":"1"`) {
		t.Errorf("another cluster: %d %s", status, text)
	}
	eventually(t, 20*time.Second, func() string {
		_, text := ask(http.MethodPost, "/graphql", "anna", "", `{"query":"{ topicUsage(topic: \"topic:west/orders\", window: {last: \"1h\"}) { writers { from { id } } readers { from { name } to { name } records estimated evidence { kind } clients { clientId principal } } } }"}`)
		for _, want := range []string{`"name":"tail-ui"`, `"records":"97","estimated":true`, `"kind":"TELEMETRY"`, `"principal":"User:tail"`, `"id":"application:west/alice"`} {
			if !strings.Contains(text, want) {
				return want + " is not in " + text
			}
		}
		return ""
	})
	s.end()
	if strings.Contains(log.String(), "token-") {
		t.Errorf("the log shows a token:\n%s", log.String())
	}
}

// Nobody waits for telemetry that is switched off while its cluster goes on.
func TestTelemetryThatIsOffIsRetired(t *testing.T) {
	store := timeseries.NewMemory(timeseries.Options{Tick: 10 * time.Second})
	defer func() { _ = store.Close() }()
	round := time.Now().UTC().Truncate(10 * time.Second)
	err := store.Append(t.Context(), lineage.Observation{
		Source: lineage.Source{Cluster: "west", Name: telemetry.Part}, Round: round, Interval: 10 * time.Second, At: round,
		Facts: []lineage.Fact{{
			Key:    lineage.FactKey{Source: "west", Kind: lineage.SourceFacts, Name: telemetry.Part},
			Source: &lineage.SourceFact{State: lineage.SourceExpected, Interval: 10 * time.Second},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	retired := func(token string) int {
		t.Helper()
		log := slog.New(slog.DiscardHandler)
		s := &sink{Store: store, clock: collector.NewClock(10*time.Second, nil, nil, round, log), log: log}
		cfg := config.Config{Clusters: []config.Cluster{{Name: "west", Push: config.Push{Token: config.NewSecret(token)}}}}
		if err := s.retire(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		return len(s.retired)
	}
	if n := retired("token-0123456789abcdef"); n != 0 {
		t.Errorf("%d sources are retired that are on", n)
	}
	if n := retired(""); n != 1 {
		t.Errorf("%d sources are retired, want telemetry alone", n)
	}
}
