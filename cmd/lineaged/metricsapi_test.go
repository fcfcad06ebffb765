package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/lineaged/lineaged/internal/config"
)

// TestTheTokenOfTheMetricsAPIOpensThatAlone asks with it and without, and after it was rotated.
func TestTheTokenOfTheMetricsAPIOpensThatAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	put := func(token string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("0123456789abcdef")
	cfg := config.Default()
	cfg.MetricsAPI.TokenFile = config.File(file)
	m, err := newMetricsAPI(cfg, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	status := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	h := m.or(status(http.StatusUnauthorized), status(http.StatusOK))
	f := func(path string, sign func(*http.Request), want int) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		sign(r)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s is answered with %d, not %d", path, w.Code, want)
		}
	}
	bearer := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	key := func(secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth("ANYKEY", secret) }
	}
	const export = "/v2/metrics/cloud/export"
	f(export, bearer("0123456789abcdef"), http.StatusOK)
	f(export, key("0123456789abcdef"), http.StatusOK)
	f(export, bearer("0123456789abcdeX"), http.StatusUnauthorized)
	f(export, key(""), http.StatusUnauthorized)
	f(export, func(*http.Request) {}, http.StatusUnauthorized)
	f("/graphql", bearer("0123456789abcdef"), http.StatusUnauthorized)
	f("/v2/metricsX", bearer("0123456789abcdef"), http.StatusUnauthorized)
	// which the mux sends elsewhere, to ask again
	f("/v2/metrics/../../graphql", bearer("0123456789abcdef"), http.StatusOK)
	put("fedcba9876543210")
	f(export, bearer("0123456789abcdef"), http.StatusUnauthorized)
	f(export, bearer("fedcba9876543210"), http.StatusOK)
	none, err := newMetricsAPI(config.Default(), nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	h = none.or(status(http.StatusUnauthorized), status(http.StatusOK))
	f(export, bearer(""), http.StatusUnauthorized)
	f(export, key(""), http.StatusUnauthorized)
}
