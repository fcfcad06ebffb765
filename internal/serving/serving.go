// Package serving bounds what clients can keep of an HTTP server by being slow or many: open connections, half-sent
// requests, answers that nobody fetches.
//
// Server returns an http.Server whose reads and writes have deadlines, Listener one that keeps connections few. It
// hides the difference between a client that is slow and one that stands still. It knows no path, asks nobody who he
// is, and refuses to wait for ever.
package serving

import (
	"cmp"
	"net/http"
	"time"
)

// Limits are what a client may take. Zero stands for the default.
type Limits struct {
	Connections int // open at once; 1,000
	// PerAddress is how many of these one address may have, of IPv6 one /64; a quarter of Connections, so that one
	// machine does not keep the others out.
	PerAddress int
	Streams    int           // requests under way at once on one HTTP/2 connection; 32
	Header     time.Duration // from a connection's or request's first byte until its header is whole; 5 s
	// the same, until its body is whole; 30 s. A handler whose work takes longer ends it when it has the body
	Body  time.Duration
	Idle  time.Duration // between two requests; 2 min
	Still time.Duration // how long a reader may take nothing of its answer; 30 s
	// Rate is how many bytes a second a reader must take on average, beyond the first Still: one that takes a byte now
	// and then does not stand still and keeps its answer for days; 16 KiB.
	Rate int
}

func (l Limits) orDefaults() Limits {
	l.Connections = cmp.Or(l.Connections, 1000)
	return Limits{
		Connections: l.Connections,
		PerAddress:  cmp.Or(l.PerAddress, max(1, l.Connections/4)),
		Streams:     cmp.Or(l.Streams, 32),
		Header:      cmp.Or(l.Header, 5*time.Second),
		Body:        cmp.Or(l.Body, 30*time.Second),
		Idle:        cmp.Or(l.Idle, 2*time.Minute),
		Still:       cmp.Or(l.Still, 30*time.Second),
		Rate:        cmp.Or(l.Rate, 16<<10),
	}
}

// Server returns a server of h that keeps to the limits. Its caller may set what else it wants before serving.
func Server(h http.Handler, l Limits) *http.Server {
	l = l.orDefaults()
	return &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(newWriter(w, l), r) }),
		ReadHeaderTimeout: l.Header,
		ReadTimeout:       l.Body,
		// Each write has a deadline of its own, see writer. This one is for what the server itself writes before that.
		WriteTimeout:   l.Body + l.Still,
		IdleTimeout:    l.Idle,
		MaxHeaderBytes: 64 << 10,
		HTTP2:          &http.HTTP2Config{MaxConcurrentStreams: l.Streams},
	}
}

// writer gives each piece of an answer a deadline. The time between two writes is the handler's and costs the reader
// nothing.
type writer struct {
	http.ResponseWriter
	control *http.ResponseController
	limits  Limits
	written int
	spent   time.Duration // waiting for the reader
}

func newWriter(w http.ResponseWriter, l Limits) *writer {
	return &writer{ResponseWriter: w, control: http.NewResponseController(w), limits: l}
}

// Unwrap lets an http.ResponseController find what the writer beneath can do.
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// piece is how much is written under one deadline.
const piece = 64 << 10

// Write writes the bytes. It fails when the reader stands still, or is slower than the limits allow.
func (w *writer) Write(b []byte) (n int, err error) {
	for {
		part := b[n:min(n+piece, len(b))]
		began := time.Now()
		patience := w.limits.Still + time.Duration(w.written+len(part))*time.Second/time.Duration(w.limits.Rate) - w.spent
		// What can't have a deadline, as in a test, has none.
		_ = w.control.SetWriteDeadline(began.Add(min(w.limits.Still, patience)))
		m, err := w.ResponseWriter.Write(part)
		w.spent += time.Since(began)
		w.written += m
		if n += m; err != nil || n >= len(b) {
			return n, err
		}
	}
}
