package main

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/bcrypt"

	"github.com/lineaged/lineaged/internal/config"
)

// protection keeps the server from being protected less than before while it runs. The toolkit that serves reads the
// web configuration file at every request, which rotates passwords without a restart; a file whose last user is removed
// by mistake, or which an editor has emptied, would open everything the same way. So what the file asked for when it
// last protected enough is asked for still, by us, and it is said.
type protection struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex // guards the fields below
	inForce config.Protection
	lacks   string            // what the file does not ask for any more; empty: nothing
	proven  map[[32]byte]bool // user, hash and password that were found to fit, hashed

	trying sync.Mutex // one password at a time: it takes a tenth of a second of a processor. Taken before mu
}

// newProtection returns the protection that the web configuration asks for now; without such a file it is none.
func newProtection(web config.Web, log *slog.Logger) (*protection, error) {
	p := &protection{path: string(web.ConfigFile), log: log, proven: map[[32]byte]bool{}}
	if p.path == "" {
		return p, nil
	}
	var err error
	if p.inForce, err = config.ReadProtection(p.path); err != nil {
		return nil, &config.Error{Key: "web.config_file", Value: p.path, Problem: err.Error()}
	}
	return p, nil
}

// look reads the file and returns what is in force from now on.
func (p *protection) look() config.Protection {
	now, err := config.ReadProtection(p.path)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		return p.inForce // the toolkit refuses to serve by such a file
	}
	lacks := p.inForce.Lacks(now)
	switch {
	case lacks == "":
		if p.lacks != "" {
			p.log.Info("the web configuration protects again as before, and holds")
		}
		p.inForce = now
	case p.lacks == "":
		p.log.Error("the changed web configuration protects less than before: it is refused, and the one before holds; restart to protect less",
			"file", p.path, "lacks", lacks)
	}
	p.lacks = lacks
	return p.inForce
}

// watch looks at the file now and then, so that it is said also when nobody asks anything.
func (p *protection) watch(ctx context.Context) error {
	if p.path == "" {
		return nil
	}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			p.look()
		}
	}
}

// trouble tells /readyz what the file lacks.
func (p *protection) trouble() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lacks == "" {
		return nil
	}
	return []string{fmt.Sprintf("the web configuration protects less than before (%s is missing) and is refused", p.lacks)}
}

// figure is 1 for /metrics while a file is refused.
func (p *protection) figure() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "lineaged_web_config_refused", Help: "1 while the web configuration file protects less than the one in force, and is refused.",
	}, func() float64 { return float64(len(p.trouble())) })
}

// guard answers those whom the protection in force lets pass.
func (p *protection) guard(next http.Handler) http.Handler {
	if p.path == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		force := p.look()
		if !certified(force, r.TLS) {
			http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
			return
		}
		if len(force.Users) > 0 && !p.known(force.Users, r) {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// guardPushes answers those who have the encryption and the certificate that the protection in force asks for. That
// they may send they prove by a token of their own.
func (p *protection) guardPushes(next http.Handler) http.Handler {
	if p.path == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !certified(p.look(), r.TLS) {
			http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// certified reports whether a connection has the encryption and the client's certificate that are asked for.
func certified(force config.Protection, state *tls.ConnectionState) bool {
	switch {
	case !force.TLS:
		return true
	case state == nil,
		force.Certificate && len(state.PeerCertificates) == 0,
		force.Verified && len(state.VerifiedChains) == 0:
		return false
	case len(force.Names) == 0 || len(state.PeerCertificates) == 0:
		return true
	}
	leaf := state.PeerCertificates[0]
	names := slices.Concat(leaf.DNSNames, leaf.EmailAddresses)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	for _, u := range leaf.URIs {
		names = append(names, u.String())
	}
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(force.Names, n) })
}

// nobody is the hash of a password that is thrown away: who is not known takes as long to refuse as who is.
const nobody = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"

// mostProven is when the passwords that were found to fit are forgotten, and found again.
const mostProven = 100

// known reports whether a request has a user's name and password.
func (p *protection) known(users map[string]string, r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	if !ok {
		return false
	}
	hash, exists := users[user]
	if !exists {
		hash = nobody
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", user, hash, password))
	if p.isProven(key) {
		return true
	}
	p.trying.Lock()
	defer p.trying.Unlock()
	if err := bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)); err != nil || !exists {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.proven) >= mostProven {
		clear(p.proven)
	}
	p.proven[key] = true
	return true
}

func (p *protection) isProven(key [32]byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.proven[key]
}
