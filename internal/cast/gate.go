package cast

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"
)

// Gate stands where the brokers send to, and passes each request on to all who listen. Who sends hears the first
// refusal.
type Gate struct {
	*httptest.Server
	mu      sync.Mutex // guards the others
	to      []string
	refused int // requests while it was shut
	gzip    int // requests that came packed
}

// NewGate returns a gate that is shut.
func NewGate() *Gate {
	g := &Gate{}
	g.Server = httptest.NewServer(g)
	return g
}

// Open has the gate pass on to these from now on; to none, it is shut.
func (g *Gate) Open(to ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.to, g.refused = to, 0
}

// TurnedAway is how many requests came while it was shut.
func (g *Gate) TurnedAway() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refused
}

// Zipped is how many requests came packed.
func (g *Gate) Zipped() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.gzip
}

// ServeHTTP implements http.Handler.
func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
