package ui

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func site() fstest.MapFS {
	return fstest.MapFS{
		"dist/.gitkeep":                  {},
		"dist/index.html":                {Data: []byte("<title>app</title>")},
		"dist/graphiql.html":             {Data: []byte("<title>graphiql</title>")},
		"dist/theme.js":                  {Data: []byte("1")},
		"dist/assets/index-AbC123.js":    {Data: []byte(strings.Repeat("let a = 1;", 1000))},
		"dist/assets/editor.worker-1.js": {Data: []byte("2")},
	}
}

func get(t *testing.T, h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestServe(t *testing.T) {
	var log bytes.Buffer
	h := newHandler(site(), slog.New(slog.NewTextHandler(&log, nil)))
	if log.Len() > 0 {
		t.Errorf("a built page is logged about: %s", &log)
	}
	for _, c := range []struct {
		method, path string
		status       int
		mime, cache  string
		has          string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "no-cache", "<title>app"},
		{"GET", "/lineage?root=topic:west/orders", 200, "text/html; charset=utf-8", "no-cache", "<title>app"},
		{"GET", "/graphiql", 200, "text/html; charset=utf-8", "no-cache", "<title>graphiql"},
		{"GET", "/theme.js", 200, "text/javascript; charset=utf-8", "no-cache", "1"},
		{"GET", "/assets/index-AbC123.js", 200, "text/javascript; charset=utf-8", immutable, "let a = 1;"},
		{"HEAD", "/assets/index-AbC123.js", 200, "text/javascript; charset=utf-8", immutable, ""},
		{"GET", "/assets/index-gone.js", 404, "text/plain; charset=utf-8", "", "not found"},
		{"GET", "/assets/", 404, "text/plain; charset=utf-8", "", "not found"},
		{"GET", "/.gitkeep", 404, "text/plain; charset=utf-8", "", "not found"},
		{"GET", "/nowhere", 404, "text/plain; charset=utf-8", "", "not found"},
		{"GET", "/index.html", 404, "text/plain; charset=utf-8", "", "not found"},
		{"GET", "/../ui.go", 404, "text/plain; charset=utf-8", "", "not found"},
		{"POST", "/", 405, "text/plain; charset=utf-8", "", "not allowed"},
	} {
		r := get(t, h, c.method, c.path)
		if r.Code != c.status || r.Header().Get("Content-Type") != c.mime || r.Header().Get("Cache-Control") != c.cache {
			t.Errorf("%s %s: %d %q %q, want %d %q %q", c.method, c.path, r.Code, r.Header().Get("Content-Type"),
				r.Header().Get("Cache-Control"), c.status, c.mime, c.cache)
		}
		if b := r.Body.String(); !strings.Contains(b, c.has) || (c.method == "HEAD" && b != "") {
			t.Errorf("%s %s: body %.40q has no %q", c.method, c.path, b, c.has)
		}
		if r.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s: no nosniff", c.method, c.path)
		}
	}
}

func TestPolicy(t *testing.T) {
	h := newHandler(site(), slog.New(slog.DiscardHandler))
	for path, worker := range map[string]bool{"/": false, "/lineage": false, "/graphiql": true, "/assets/editor.worker-1.js": true} {
		csp := get(t, h, "GET", path).Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "script-src 'self';") || strings.Contains(csp, "unsafe-eval") {
			t.Errorf("%s: scripts are not held to our own: %q", path, csp)
		}
		if got := strings.Contains(csp, "worker-src 'self' blob:"); got != worker {
			t.Errorf("%s: workers allowed: %v, want %v", path, got, worker)
		}
	}
}

func TestRevalidateAndGzip(t *testing.T) {
	h := newHandler(site(), slog.New(slog.DiscardHandler))
	const path = "/assets/index-AbC123.js"
	plain := get(t, h, "GET", path)
	zipped := get(t, h, "GET", path, "Accept-Encoding", "br, gzip")
	if zipped.Header().Get("Content-Encoding") != "gzip" || zipped.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("not compressed: %v", zipped.Header())
	}
	if zipped.Header().Get("Etag") == plain.Header().Get("Etag") {
		t.Error("both forms have one ETag: a cache may mix them up")
	}
	z, err := gzip.NewReader(zipped.Body)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil || string(b) != plain.Body.String() {
		t.Errorf("unpacked is not the file: %v", err)
	}
	if r := get(t, h, "GET", path, "Accept-Encoding", "gzip;q=0"); r.Header().Get("Content-Encoding") != "" {
		t.Error("compressed for a client that refuses it")
	}
	same := get(t, h, "GET", path, "If-None-Match", plain.Header().Get("Etag"))
	if same.Code != http.StatusNotModified || same.Body.String() != "" {
		t.Errorf("known ETag: %d", same.Code)
	}
	if r := get(t, h, "GET", path, "If-None-Match", `"other"`); r.Code != http.StatusOK {
		t.Errorf("other ETag: %d", r.Code)
	}
}

func TestPlaceholder(t *testing.T) {
	var log bytes.Buffer
	h := newHandler(fstest.MapFS{"dist/.gitkeep": {}}, slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "make build") {
		t.Errorf("the log does not say what to do: %q", &log)
	}
	for _, p := range Paths {
		r := get(t, h, "GET", p)
		if b := r.Body.String(); r.Code != 200 || !strings.Contains(b, "make build") || strings.Contains(b, "<script") {
			t.Errorf("%s: %d %.80q", p, r.Code, b)
		}
	}
	if r := get(t, h, "GET", "/graphiql"); r.Code != 404 {
		t.Errorf("/graphiql without a build: %d", r.Code)
	}
}

// TestEmbedded looks at what is really in this binary: either the whole page or none of it.
func TestEmbedded(t *testing.T) {
	h := Handler()
	if r := get(t, h, "GET", "/"); r.Code != 200 {
		t.Fatalf("/: %d", r.Code)
	}
	want := http.StatusNotFound
	if Built() {
		want = http.StatusOK
	}
	if r := get(t, h, "GET", "/graphiql"); r.Code != want {
		t.Errorf("/graphiql: %d, want %d (built: %v)", r.Code, want, Built())
	}
}
