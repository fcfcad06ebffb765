package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// On reports whether the connection is encrypted: when enabled says so, or when it says nothing and any other key is
// set.
func (t TLS) On() bool {
	if t.Enabled != nil {
		return *t.Enabled
	}
	return t.any()
}

func (t TLS) any() bool {
	return t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" || !t.CA.IsZero() || !t.Cert.IsZero() || !t.Key.IsZero()
}

// Config returns the settings of a TLS client, nil when TLS is off. It reads the files. Without an authority of its own
// the system's are trusted.
func (t TLS) Config() (*tls.Config, error) { return t.config("tls.") }

func (t TLS) check(at string) error {
	if !t.On() && t.any() {
		return bad(at+"enabled", "false", "and other keys of tls are set")
	}
	_, err := t.config(at)
	return err
}

// sources are those of the authority, the certificate and its key.
func (t TLS) sources(at string) [3]source {
	return [3]source{{t.CA, t.CAFile, at + "ca"}, {t.Cert, t.CertFile, at + "cert"}, {t.Key, t.KeyFile, at + "key"}}
}

func (t TLS) config(at string) (*tls.Config, error) {
	if !t.On() {
		return nil, nil //nolint:nilnil // nil is how crypto/tls and franz-go spell "plain text"
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	from := t.sources(at)
	caFrom, certFrom, keyFrom := from[0], from[1], from[2]
	ca, err := caFrom.content()
	if err != nil {
		return nil, err
	}
	if ca != nil {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(ca) {
			return nil, caFrom.bad("holds no certificate in PEM")
		}
	}
	cert, err := certFrom.content()
	if err != nil {
		return nil, err
	}
	key, err := keyFrom.content()
	if err != nil {
		return nil, err
	}
	switch {
	case cert == nil && key == nil:
		return c, nil
	case key == nil:
		return nil, keyFrom.missing(certFrom)
	case cert == nil:
		return nil, certFrom.missing(keyFrom)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, certFrom.bad("does not fit %s: %v", keyFrom.name(), err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// source is a text that stands in the environment or in a file.
type source struct {
	direct Secret // from the environment, which wins
	path   File
	key    string // of direct; with _file of path
}

// name is the key of the two that holds, a file's where neither is set.
func (s source) name() string {
	if !s.direct.IsZero() {
		return s.key
	}
	return s.key + "_file"
}

// bad says what is wrong with the text, which it never shows.
func (s source) bad(format string, args ...any) error {
	if !s.direct.IsZero() {
		return bad(s.name(), "", format, args...)
	}
	return bad(s.name(), string(s.path), format, args...)
}

// missing says that there is none, and other asks for it.
func (s source) missing(other source) error {
	return &Error{Key: s.name(), Problem: fmt.Sprintf("is not set, and %s is", other.name()), beside: other.name()}
}

// content returns the text, nil when there is neither.
func (s source) content() ([]byte, error) {
	if !s.direct.IsZero() {
		return []byte(s.direct.Reveal()), nil
	}
	if s.path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(string(s.path))
	if err != nil {
		return nil, s.bad("%v", cause(err))
	}
	return text, nil
}

// cause leaves the path out of a file's error: the message names it already.
func cause(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
