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

	"github.com/lineaged/lineaged/internal/config"
)

// TestOpenLineage sends events as their clients do to a server on a loopback address, those of the corpus among them:
// what jobs say is in the graph beside what Kafka says, also of an event that was taken just before lineaged ended, and
// after each file all can still be read.
func TestOpenLineage(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ClusterID("kfake-west"), kfake.SeedTopics(1, "orders", "enriched"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	cfg := testConfig(t, fake.ListenAddrs()[0])
	log := slog.New(slog.DiscardHandler)
	serves := func(ctx context.Context, stdout io.Writer) error { return serve(ctx, cfg, reloader{}, log, stdout) }
	s := start(t, serves)
	ask := func(method, path, body string) (status int, text string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
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
	send := func(kind, in, out string) {
		t.Helper()
		body := fmt.Sprintf(`{"eventType":%q,"eventTime":%q,"producer":"p","schemaURL":"s","run":{"runId":"9c66b278-db60-4da4-a9df-d3deeb7064e0"},
			"job":{"namespace":"flink-jobs","name":"enrich","facets":{"jobType":{"processingType":"STREAMING","integration":"FLINK"}}},"inputs":[%s],"outputs":[%s]}`,
			kind, time.Now().UTC().Format(time.RFC3339Nano), in, out)
		if status, text := ask(http.MethodPost, "/api/v1/lineage", body); status != http.StatusCreated {
			t.Fatalf("%s: %d %s", kind, status, text)
		}
	}
	topic := func(name string) string {
		return fmt.Sprintf(`{"namespace":"kafka://%s","name":%q}`, fake.ListenAddrs()[0], name)
	}
	wants := func(what string, want ...string) {
		t.Helper()
		eventually(t, 20*time.Second, func() string {
			_, text := ask(http.MethodPost, "/graphql", `{"query":"{ lineage(roots: [\"streamjob:flink-jobs/enrich\"], window: {last: \"1h\"}) { nodes { id kind ... on StreamJob { applicationId namedBy } } flows { id kind active evidence { kind source detail } } } }"}`)
			for _, w := range want {
				if !strings.Contains(text, w) {
					return fmt.Sprintf("%s: %s is not in %s", what, w, text)
				}
			}
			return ""
		})
	}
	// Input and output come in two events, as Debezium's do. Kafka sees that nothing is new in either topic, which
	// outranks the job's own word.
	send("START", topic("orders"), "")
	send("RUNNING", "", topic("enriched"))
	wants("two events of a run", `"id":"topic:west/orders->streamjob:flink-jobs/enrich","kind":"CONSUME","active":null`,
		`"id":"streamjob:flink-jobs/enrich->topic:west/enriched","kind":"PRODUCE","active":false`,
		`"applicationId":null,"namedBy":"OpenLineage"`, `"kind":"OPENLINEAGE","source":"openlineage/events","detail":"the job's own word, by FLINK: RUNNING"`)
	files, err := filepath.Glob(filepath.Join("..", "..", "internal", "runevent", "testdata", "*.ndjson"))
	if err != nil || len(files) < 5 {
		t.Fatalf("the corpus: %d files, %v", len(files), err)
	}
	for _, file := range files {
		events, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		body := "[" + strings.Join(strings.Split(strings.TrimSpace(string(events)), "\n"), ",") + "]"
		if status, text := ask(http.MethodPost, "/api/v1/lineage/batch", body); status != http.StatusNoContent && status != http.StatusOK {
			t.Fatalf("%s: %d %s", file, status, text)
		}
		for _, read := range []string{
			`{ clusters { id } nodes(window: {last: \"1h\"}, first: 500) { edges { node { id name cluster { id } owner tags flowStates { state count } coverage { complete } } } } }`,
			`{ events(window: {last: \"1h\"}) { totalCount } coverage(window: {last: \"1h\"}) { blindSpots { what } } }`,
		} {
			if status, text := ask(http.MethodPost, "/graphql", `{"query":"`+read+`"}`); status != http.StatusOK || strings.Contains(text, `"errors"`) {
				t.Fatalf("after %s: %d %s", file, status, text)
			}
		}
	}
	compatible(t, ask)
	send("RUNNING", `{"namespace":"pg://db:5432","name":"late"}`, "")
	s.end()
	s = start(t, serves)
	wants("taken just before the end", `"id":"dataset:pg%3A%2F%2Fdb%3A5432/late->streamjob:flink-jobs/enrich"`)
	eventually(t, 20*time.Second, func() string {
		_, text := ask(http.MethodPost, "/graphql", `{"query":"{ nodes(window: {last: \"1h\"}, kinds: [JOB], first: 500) { edges { node { id ... on Job { namespace namedBy } } } } }"}`)
		if want := `{"node":{"id":"job:airflow/BQ.copy","namespace":"airflow","namedBy":"OpenLineage"}}`; !strings.Contains(text, want) {
			return want + " is not in " + text
		}
		return ""
	})
	for _, path := range []string{"/metrics", "/readyz", "/export/lineage?root=streamjob:flink-jobs/enrich&last=1h&format=svg"} {
		if status, text := ask(http.MethodGet, path, ""); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	s.end()
}

// TestOpenLineageWithUsers holds that where users and passwords hold for all else they hold for events too, unless
// there is a token for them, which then opens nothing else.
func TestOpenLineageWithUsers(t *testing.T) {
	answers := func(who string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, who) })
	}
	f := func(token, path, want string) {
		t.Helper()
		cfg := config.Default()
		if token != "" {
			cfg.OpenLineage.Token = config.NewSecret(token)
		}
		p := &pushes{}
		if err := p.addEvents(cfg, events{}, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		w := &recorded{}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer 0123456789abcdef")
		p.or(answers("guarded"), answers("by token")).ServeHTTP(w, r)
		if w.text != want {
			t.Errorf("token %q, %s: %s, want %s", token, path, w.text, want)
		}
	}
	f("", "/api/v1/lineage", "guarded")
	f("0123456789abcdef", "/api/v1/lineage", "by token")
	f("0123456789abcdef", "/api/v1/lineage/batch", "by token")
	f("0123456789abcdef", "/graphql", "guarded")
}

// recorded is what was answered.
type recorded struct{ text string }

func (r *recorded) Header() http.Header { return http.Header{} }

func (r *recorded) WriteHeader(int) {}

func (r *recorded) Write(b []byte) (int, error) {
	r.text += string(b)
	return len(b), nil
}
