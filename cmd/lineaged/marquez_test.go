package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/internal/lineagein"
)

// TestMarquezBesideEvents asks Marquez's paths of the whole server: names with slashes reach it as they were sent, what
// is read at /api/v1/lineage is Marquez's and what is posted there is an event, and other paths are others' still.
func TestMarquezBesideEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, asked, store, _ := stoppedWorld(t)
		cfg.Clusters[0].Brokers = []string{"B1:9092"}
		o := apiOptions(cfg, store, asked, &book{}, slog.New(slog.DiscardHandler))
		o.Questions = map[string]func(api.Gate) http.Handler{}
		if err := addMarquez(o.Questions, cfg, asked, time.Now, nil); err != nil {
			t.Fatal(err)
		}
		o.Pushes = map[string]http.Handler{lineagein.Path: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) })}
		h := api.New(o)
		defer h.Close()
		f := func(method, path string, status int, words string) {
			t.Helper()
			r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, http.NoBody)
			w := httptest.NewRecorder()
			if h.ServeHTTP(w, r); w.Code != status || !strings.Contains(w.Body.String(), words) {
				t.Errorf("%s %s: %d %s, not %d %s", method, path, w.Code, w.Body, status, words)
			}
		}
		f("GET", "/api/v1/namespaces", 200, `{"name":"kafka://b1:9092"`)
		f("GET", "/api/v1/namespaces/kafka%3A%2F%2Fb1%3A9092/datasets/orders", 200, `"type":"STREAM"`)
		f("GET", "/api/v1/lineage?nodeId=dataset:kafka://b1:9092:orders", 200, `"origin":"dataset:kafka://b1:9092:orders","destination":"job:west:billing"`)
		f("HEAD", "/api/v1/lineage?nodeId=dataset:kafka://b1:9092:orders", 200, "")
		f("POST", "/api/v1/lineage", 201, "")
		f("POST", "/api/v1/namespaces", 405, `"code":405`)
		f("GET", "/api/v1/grafana/nodes", 200, `"id":"topic:west/orders"`)
	})
}

// TestATokenForEventsReadsNothing: who may send may not read for that, whatever he claims to bear.
func TestATokenForEventsReadsNothing(t *testing.T) {
	cfg := config.Default()
	cfg.OpenLineage.Token = config.NewSecret("0123456789abcdef")
	p := &pushes{}
	if err := p.addEvents(cfg, events{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	answers := func(who string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, who) })
	}
	for method, want := range map[string]string{"POST": "by token", "GET": "guarded", "HEAD": "guarded"} {
		r := httptest.NewRequestWithContext(t.Context(), method, lineagein.Path, http.NoBody)
		r.Header.Set("Authorization", "Bearer 0123456789abcdef")
		w := &recorded{}
		if p.or(answers("guarded"), answers("by token")).ServeHTTP(w, r); w.text != want {
			t.Errorf("%s is answered %s, not %s", method, w.text, want)
		}
	}
}
