package config

import (
	"crypto/tls"
	"strings"
	"sync"
)

// Secrets change while lineaged runs: passwords are rotated and certificates renewed in their files. The functions in
// this file return them as they are now. What can't be read, as while it is being written, stays what it was: it was
// checked at the start.

// Reread returns a function that reads the password each time it is called. It is safe for concurrent use.
func (s SASL) Reread() (func() Secret, error) { return latest(s.Secret) }

// Reread returns a function that reads the password each time it is called. It is safe for concurrent use.
func (b BasicAuth) Reread() (func() Secret, error) { return latest(b.Secret) }

// Reread returns a function that reads the token each time it is called. It is safe for concurrent use.
func (o OTLP) Reread() (func() Secret, error) { return latest(o.Bearer) }

// Reread returns a function that returns the token as it is in its file now.
func (o OpenLineage) Reread() (func() Secret, error) { return latest(o.Bearer) }

// Reread returns a function that reads the token each time it is called. It is safe for concurrent use.
func (p Push) Reread() (func() Secret, error) { return latest(p.Bearer) }

// Reread returns a function that reads the token each time it is called. It is safe for concurrent use.
func (m MetricsAPI) Reread() (func() Secret, error) { return latest(m.Bearer) }

// Reread returns a function that reads the files each time it is called, and nil where TLS is off. As long as nothing
// changed it returns the same pointer. It is safe for concurrent use.
func (t TLS) Reread() (func() *tls.Config, error) {
	if !t.On() {
		return nil, nil //nolint:nilnil // nil is how crypto/tls and franz-go spell "plain text"
	}
	type version struct {
		text string
		made *tls.Config
	}
	return latestOf(func(old version) (version, error) {
		var text strings.Builder
		for _, s := range t.sources("tls.") {
			b, err := s.content()
			if err != nil {
				return old, err
			}
			text.Write(b)
			text.WriteByte(0)
		}
		if text.String() == old.text && old.made != nil {
			return old, nil
		}
		made, err := t.Config()
		return version{text.String(), made}, err
	}, func(v version) *tls.Config { return v.made })
}

func latest(read func() (Secret, error)) (func() Secret, error) {
	return latestOf(func(Secret) (Secret, error) { return read() }, func(s Secret) Secret { return s })
}

// latestOf returns what is read when it is called, or what was read before where that fails. The error is the first
// reading's.
func latestOf[V, T any](read func(old V) (V, error), of func(V) T) (func() T, error) {
	var zero V
	v, err := read(zero)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex // guards v
	return func() T {
		mu.Lock()
		defer mu.Unlock()
		if now, err := read(v); err == nil {
			v = now
		}
		return of(v)
	}, nil
}
