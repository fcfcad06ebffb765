package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lineaged/lineaged/answer"
)

// Options are what a server needs, and what may be chosen about it.
type Options struct {
	// Answers is who is asked, and whom others may ask too: the windows that are kept are kept for all.
	Answers *answer.Answers

	// UI answers all paths that are not the API's, /graphiql among them; nil: 404.
	UI http.Handler
	// Hosts are the names, without ports, under which the server may be asked beside loopback names and literal
	// addresses.
	Hosts []string
	Log   *slog.Logger // nil: slog.Default

	Version, Revision string
	NoIntrospection   bool // also stops suggesting names that a document may have meant
	Limits            Limits
	Metrics           Metrics

	// Sizes tells the store's sizes for /metrics; nil: left out.
	Sizes func() Sizes
	// Storage tells what the store holds and what a year of it would take; nil: null.
	Storage func(context.Context) (*Storage, error)
	// Spellings tells how others call the watched clusters; nil: null.
	Spellings func() *ClusterSpellings
	// Ledger tells how the ledger is; nil, or one that returns nil: there is none.
	Ledger func() *Ledger
	// Catalog takes what people say of nodes; nil: nobody can.
	Catalog Catalog
	// User tells who asks, as far as that is known; nil, or empty: it is not.
	User func(*http.Request) string
	// Trouble tells what degrades the service beside what the history shows, one sentence each, e.g. that space is
	// short; nil: nothing does.
	Trouble func() []string
	// Stopping reports whether the process is on its way out; /readyz then says so. nil: it never is.
	Stopping func() bool
	// Collectors are further figures for /metrics.
	Collectors []prometheus.Collector
	// Exports answer further paths by GET with files, within the limits of GraphQL.
	Exports map[string]Exporter
	// Questions answer further paths, those that end in a slash with all beneath them, by who bounds what he does by
	// the gate that he is given.
	Questions map[string]func(Gate) http.Handler
	// Files answer further paths, those that end in a slash with all beneath them, with what lies on disk as it is.
	Files map[string]http.Handler
	// Imports answer further paths by POST, for who brings something from this server's own origin and may ask at all.
	Imports map[string]http.Handler
	// Asking answer further paths for who asks in another protocol: each is handed what answers /graphql, and asks that
	// in the name of who asks it, by his RemoteAddr.
	Asking map[string]func(graphql http.Handler) http.Handler
	// Pushes answer further paths, for who sends something and proves by himself that he may. Host and Origin are held
	// for them too.
	Pushes map[string]http.Handler
}

// Sizes are sizes of the store.
type Sizes struct {
	Subjects, Series               int
	LogBytes, DiskBytes, FreeBytes int64 // FreeBytes -1: not known
}

// Server answers all that is asked: /graphql, the exports, /healthz, /livez, /readyz, /metrics and the UI.
type Server struct {
	http.Handler
	live    *live
	metrics *metrics
}

// Close ends the websockets, which http.Server's Shutdown neither ends nor waits for, and returns when they have ended.
// It may be called more than once.
func (s *Server) Close() { s.live.Close() }

// New returns a server. It starts nothing but what serves a websocket while that is open.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	a := &resolver{answers: o.Answers, stored: o.Storage, spelled: o.Spellings, ledger: o.Ledger, catalog: o.Catalog, log: o.Log}
	m := newMetrics(a, o)

	mux := http.NewServeMux()
	limits := o.Limits.orDefaults()
	asked := newGraphQL(a, limits, !o.NoIntrospection, m.observe)
	watched, answered := newLive(asked, limits.Live), compressed(asked)
	m.registry.MustRegister(watched.figures()...)
	mux.HandleFunc("/graphql", func(w http.ResponseWriter, r *http.Request) {
		if upgrades(r) {
			watched.ServeHTTP(w, r)
			return
		}
		if o.User != nil {
			r = r.WithContext(as(r.Context(), o.User(r)))
		}
		answered.ServeHTTP(w, r)
	})
	for path, e := range o.Exports {
		mux.Handle(path, compressed(newExports(e, asked)))
	}
	for path, asking := range o.Asking {
		mux.Handle(path, compressed(asking(asked)))
	}
	for path, q := range o.Questions {
		mux.Handle(path, compressed(question(q(Gate{asked}))))
	}
	for path, h := range o.Files {
		mux.Handle("GET "+path, h)
	}
	for path, h := range o.Imports {
		mux.Handle("POST "+path, h)
	}
	mux.Handle("GET /metrics", compressed(m))
	h := &health{a: a, trouble: o.Trouble, stopping: o.Stopping}
	mux.HandleFunc("GET /healthz", h.live)
	mux.HandleFunc("GET /livez", h.live)
	mux.HandleFunc("GET /readyz", h.ready)
	for path, h := range o.Pushes {
		mux.Handle(path, h)
	}
	if o.UI != nil {
		mux.Handle("/", o.UI)
	}
	return &Server{guard(mux, o.Hosts), watched, m}
}

// guard refuses requests under a foreign Host, which is how DNS rebinding reaches a server on loopback, and
// cross-origin requests, which is how a page elsewhere would use its reader's access; and it sets the headers that keep
// answers from being misused in a browser.
func guard(next http.Handler, hosts []string) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range securityHeaders {
			w.Header().Set(name, value)
		}
		if !allowedHost(r.Host, hosts) {
			plainRefusal(w, http.StatusForbidden, codeForbidden, "this server is not asked under that Host; add it to the configuration if it should be")
			return
		}
		checked := r
		if upgrades(r) {
			// It comes by GET, which a page elsewhere may have a browser send, and is a way to ask all the same.
			checked = r.Clone(r.Context())
			checked.Method = http.MethodPost
		}
		if err := origins.Check(checked); err != nil {
			plainRefusal(w, http.StatusForbidden, codeForbidden, "cross-origin requests are refused")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// securityHeaders go with every answer; the UI may set its own Content-Security-Policy over this one. Styles may be
// inline, as chart and graph libraries position by them; workers come from blobs in GraphiQL's editor.
var securityHeaders = map[string]string{
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; " +
		"worker-src 'self' blob:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
}

// allowedHost reports whether a Host header is a loopback name, a literal address, or configured. A literal address
// cannot be rebound: whoever asks under it has reached it on purpose.
func allowedHost(host string, configured []string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(strings.Trim(name, "[]")), ".")
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") ||
		slices.ContainsFunc(configured, func(c string) bool { return strings.EqualFold(c, name) })
}

// plainRefusal answers outside of GraphQL in the same form.
func plainRefusal(w http.ResponseWriter, status int, code, sentence string) {
	w.Header().Set("Content-Type", mediaJSON+"; charset=utf-8")
	w.WriteHeader(status)
	writeError(w, sentence, map[string]any{"code": code})
}

// writeError writes one error with its extensions. Who has gone does not want to know.
func writeError(w http.ResponseWriter, sentence string, extensions map[string]any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []any{map[string]any{"message": sentence, "extensions": extensions}}})
}
