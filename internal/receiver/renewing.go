package receiver

import (
	"crypto/tls"
	"net/http"
	"sync"
)

// Renewing is a Transport whose settings of TLS are as they are at each request: certificates are renewed in their
// files while lineaged runs. It is safe for concurrent use.
type Renewing struct {
	tls func() *tls.Config

	mu   sync.Mutex // guards the fields below
	told *tls.Config
	to   *http.Transport
}

// NewRenewing makes one. t returns the settings as they are now, the same pointer as long as they are the same; nil:
// the system's.
func NewRenewing(t func() *tls.Config) *Renewing { return &Renewing{tls: t} }

// RoundTrip is http.RoundTripper's.
func (r *Renewing) RoundTrip(req *http.Request) (*http.Response, error) {
	return r.now().RoundTrip(req)
}

// now returns the transport of the settings as they are now. Open connections of older ones are given up.
func (r *Renewing) now() *http.Transport {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := (*tls.Config)(nil)
	if r.tls != nil {
		now = r.tls()
	}
	if r.to == nil || r.told != now {
		if r.to != nil {
			r.to.CloseIdleConnections()
		}
		r.told, r.to = now, Transport(now.Clone())
	}
	return r.to
}

// Close gives up open connections. The transport may be used again.
func (r *Renewing) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.to != nil {
		r.to.CloseIdleConnections()
	}
}
