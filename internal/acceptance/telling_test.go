package acceptance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// tellingToken is the bearer token by which the telling cluster's brokers forward what clients push.
const tellingToken = "acceptance-token-0123456789"

// people are the users of the telling cluster besides Admin, none of whom has a right at first.
var people = []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ruth"}

// telling is the secured cluster whose brokers forward their clients' metrics, which several tests have in common.
var telling struct {
	once sync.Once
	dir  string
	gate *gate
	err  error
}

// tellingCluster returns that cluster. Its gate is shut until a test opens it.
func tellingCluster(t *testing.T) *kafkatest.Cluster {
	t.Helper()
	jar := reporterJar(t)
	telling.once.Do(func() {
		telling.gate = newGate()
		if telling.dir, telling.err = os.MkdirTemp("", "lineaged-telling-"); telling.err == nil { //nolint:usetesting // shared by all tests
			telling.err = os.WriteFile(filepath.Join(telling.dir, "token"), []byte(tellingToken), 0o600)
		}
	})
	if telling.err != nil {
		t.Fatal(telling.err)
	}
	t.Cleanup(func() { telling.gate.open() })
	return kafkatest.Shared(t, kafkatest.Options{Secure: true, Users: people, Plugins: []string{jar}, Config: map[string]string{
		"metric.reporters":              "org.apache.kafka.common.metrics.JmxReporter,io.lineaged.telemetry.TelemetryReporter",
		"lineaged.telemetry.url":        telling.gate.URL + "/v1/metrics",
		"lineaged.telemetry.token.file": filepath.Join(telling.dir, "token"),
	}})
}

func closeTelling() {
	if telling.gate != nil {
		telling.gate.Close()
	}
	if telling.dir != "" {
		os.RemoveAll(telling.dir)
	}
}

// gate stands where the brokers send to, and passes each request on to all who listen. Who sends hears the first
// refusal.
type gate struct {
	*httptest.Server
	mu      sync.Mutex // guards the others
	to      []string
	refused int // requests while it was shut
	gzip    int // requests that came packed
}

func newGate() *gate {
	g := &gate{}
	g.Server = httptest.NewServer(g)
	return g
}

// open has the gate pass on to these from now on; to none, it is shut.
func (g *gate) open(to ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.to, g.refused = to, 0
}

func (g *gate) turnedAway() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

func (g *gate) zipped() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gzip
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	if r.Header.Get("Content-Encoding") == "gzip" {
		g.gzip++
	}
	to := g.to
	if len(to) == 0 {
		g.refused++
	}
	g.mu.Unlock()
	if len(to) == 0 {
		http.Error(w, "shut", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answers := make([]answered, len(to))
	errs := make([]error, len(to))
	var wg sync.WaitGroup
	for i, url := range to {
		wg.Go(func() { answers[i], errs[i] = pass(r, url, body) })
	}
	wg.Wait()
	said := -1
	for i, a := range answers {
		switch {
		case errs[i] != nil:
			http.Error(w, errs[i].Error(), http.StatusBadGateway)
			return
		case said < 0 || a.status != http.StatusOK:
			said = i
		}
	}
	maps.Copy(w.Header(), answers[said].header)
	w.WriteHeader(answers[said].status)
	_, _ = w.Write(answers[said].body)
}

// answered is an answer that is read to its end.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// pass sends a request on.
func pass(r *http.Request, url string, body []byte) (answered, error) {
	ctx, cancel := context.WithTimeout(r.Context(), 30*time.Second)
	defer cancel()
	on, err := http.NewRequestWithContext(ctx, r.Method, url+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return answered{}, err
	}
	on.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(on)
	if err != nil {
		return answered{}, fmt.Errorf("pass on: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answered{resp.StatusCode, resp.Header, b}, err
}
