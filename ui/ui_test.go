package ui

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/ui/page"
)

func site() map[string][]byte {
	return map[string][]byte{
		"index.html":                []byte("<title>app</title>"),
		"graphiql.html":             []byte("<title>graphiql</title>"),
		"theme.js":                  []byte("1"),
		"assets/index-AbC123.js":    []byte(strings.Repeat("let a = 1;", 1000)),
		"assets/editor.worker-1.js": []byte("2"),
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
	h := newHandler(site())
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
		{"GET", "/page.zip", 404, "text/plain; charset=utf-8", "", "not found"},
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

// Who comes to no page by a browser is led on, and nothing that the link says is repeated.
func TestNowhere(t *testing.T) {
	h := newHandler(site())
	r := get(t, h, "GET", "/nowhere/<script>alert(1)</script>", "Accept", "text/html,*/*;q=0.8")
	body := r.Body.String()
	if r.Code != 404 || r.Header().Get("Content-Type") != "text/html; charset=utf-8" || strings.Contains(body, "script") {
		t.Errorf("%d %q: %s", r.Code, r.Header().Get("Content-Type"), body)
	}
	for _, p := range []string{"/", "/catalog", "/lineage", "/graphiql"} {
		if !strings.Contains(body, `href="`+p+`"`) || get(t, h, "GET", p).Code != 200 {
			t.Errorf("it leads not to %s", p)
		}
	}
	if r.Header().Get("Content-Security-Policy") != "default-src 'none'" {
		t.Errorf("policy %q", r.Header().Get("Content-Security-Policy"))
	}
}

func TestPolicy(t *testing.T) {
	h := newHandler(site())
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
	h := newHandler(site())
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

// TestEmbedded looks at what is really in this binary: the page with all that it loads, and GraphiQL.
func TestEmbedded(t *testing.T) {
	h := Handler()
	for _, p := range append(slices.Clone(Paths), "/graphiql") {
		r := get(t, h, "GET", p)
		if r.Code != http.StatusOK {
			t.Fatalf("%s: %d", p, r.Code)
		}
		parts := regexp.MustCompile(`(?:src|href)="(/[^"]+)"`).FindAllStringSubmatch(r.Body.String(), -1)
		if len(parts) < 3 {
			t.Fatalf("%s loads only %v", p, parts)
		}
		for _, part := range parts {
			if r := get(t, h, "GET", part[1]); r.Code != http.StatusOK {
				t.Errorf("%s loads %s: %d", p, part[1], r.Code)
			}
		}
	}
}

// TestPageIsOfTheseSources needs no Node: the page says which sources it was built of.
func TestPageIsOfTheseSources(t *testing.T) {
	_, of, err := page.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	sources, err := page.Sources(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	if of != sources {
		t.Error("the page's sources have changed since ui/page.zip was made: run `make generate` and commit ui/page.zip")
	}
}
