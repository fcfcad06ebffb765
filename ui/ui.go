// Package ui holds the built web page in the binary and serves it: the application under its own paths, its hashed
// assets, and GraphiQL.
//
// It hides how the page is built: it comes in one file that is committed, page.zip, hence `go build` has the whole page
// anywhere. `make build` makes that file anew where the page's sources have changed.
//
// It refuses to guess: an unknown path is 404 and never the application, a method other than GET and HEAD is 405. It
// knows nothing of GraphQL; what listens on /graphql is the caller's.
package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed" // the page
	"encoding/hex"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/lineaged/lineaged/ui/page"
)

//go:embed page.zip
var archive []byte

const (
	// Styles: React Flow, uPlot and Monaco set style attributes as they draw, hence 'unsafe-inline' there. Scripts
	// never: no inline script is in any page.
	cspApp = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	// GraphiQL's editor runs its language services in workers and carries its own fonts as data.
	cspGraphiQL = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
		"font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors 'none'"

	immutable  = "public, max-age=31536000, immutable" // assets/ carry a hash of their content in their names
	revalidate = "no-cache"                            // everything else: kept, but asked about each time
)

// Paths are the application's own pages: each answers with index.html, and the page reads its state from the URL.
// The caller routes these, /graphiql and everything else that it does not serve itself to Handler.
var Paths = []string{"/", "/catalog", "/lineage", "/node", "/reports", "/usage"}

// nowhere is what a visitor reads at a path that is none. It names no path: what a link says is foreign text.
const nowhere = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>No such page - lineaged</title>
<h1>There is no such page</h1>
<p>The link is mistyped, or of another version of lineaged. What there is:
<p><a href="/">Overview</a> <a href="/catalog">Catalog</a> <a href="/lineage">Lineage</a> <a href="/reports">Reports</a> <a href="/graphiql">GraphiQL</a>
</html>
`

// Handler serves the page. It is safe for concurrent use and starts nothing.
func Handler() http.Handler {
	files, _, err := page.Open(archive)
	if err != nil {
		panic("ui: the embedded page: " + err.Error())
	}
	return newHandler(files)
}

// file is one embedded file as served; it is immutable but for the lazily made gzip form.
type file struct {
	body  []byte
	etag  string
	mime  string
	cache string
	csp   string
	gz    func() []byte // nil: not worth it
}

type handler struct{ files map[string]*file } // by URL path

func newHandler(files map[string][]byte) http.Handler {
	h := &handler{files: map[string]*file{}}
	for name, body := range files {
		f := newFile(name, body)
		switch name {
		case "index.html":
			for _, p := range Paths {
				h.files[p] = f
			}
		case "graphiql.html":
			f.csp = cspGraphiQL
			h.files["/graphiql"] = f
		default:
			h.files["/"+name] = f
		}
	}
	return h
}

func newFile(name string, body []byte) *file {
	sum := sha256.Sum256(body)
	f := &file{
		body:  body,
		etag:  `"` + hex.EncodeToString(sum[:12]) + `"`,
		mime:  mimeOf(name),
		cache: revalidate,
		csp:   cspApp,
	}
	if strings.HasPrefix(name, "assets/") {
		f.cache = immutable
		// A dedicated worker obeys the policy that its own script was served with, not the page's.
		if strings.Contains(path.Base(name), ".worker") {
			f.csp = cspGraphiQL
		}
	}
	if compressible(f.mime) && len(body) > 1024 {
		f.gz = sync.OnceValue(func() []byte { return compress(body) })
	}
	return f
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		head.Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f, ok := h.files[r.URL.Path]
	if !ok {
		head.Set("Content-Security-Policy", "default-src 'none'")
		if strings.Contains(r.Header.Get("Accept"), "text/html") { // somebody is to read it
			head.Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(nowhere)) // a client that went away is not our error
			return
		}
		http.Error(w, "not found", http.StatusNotFound)
		return
	}
	head.Set("Content-Security-Policy", f.csp)
	head.Set("Content-Type", f.mime)
	head.Set("Cache-Control", f.cache)
	body, etag := f.body, f.etag
	if f.gz != nil {
		head.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			body, etag = f.gz(), strings.TrimSuffix(f.etag, `"`)+`-gz"`
			head.Set("Content-Encoding", "gzip")
		}
	}
	head.Set("ETag", etag)
	if matches(r.Header.Get("If-None-Match"), etag) {
		head.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(body) // a client that went away is not our error
}

// mimeOf does not ask the machine's own tables for the types that a browser is strict about.
func mimeOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".ttf":
		return "font/ttf"
	case ".woff2":
		return "font/woff2"
	default:
		if t := mime.TypeByExtension(ext); t != "" {
			return t
		}
		return "application/octet-stream"
	}
}

func compressible(mimeType string) bool {
	return strings.HasPrefix(mimeType, "text/") || strings.HasPrefix(mimeType, "image/svg") || mimeType == "font/ttf"
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		panic("ui: gzip into memory: " + err.Error())
	}
	if err := z.Close(); err != nil {
		panic("ui: gzip into memory: " + err.Error())
	}
	return b.Bytes()
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(part, ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q := strings.ReplaceAll(params, " ", "")
			return q != "q=0" && q != "q=0.0" && q != "q=0.00" && q != "q=0.000"
		}
	}
	return false
}

func matches(header, etag string) bool {
	for part := range strings.SplitSeq(header, ",") {
		if p := strings.TrimPrefix(strings.TrimSpace(part), "W/"); p == etag || p == "*" {
			return true
		}
	}
	return false
}
