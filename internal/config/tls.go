package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
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

func (t TLS) config(at string) (*tls.Config, error) {
	if !t.On() {
		return nil, nil //nolint:nilnil // nil is how crypto/tls and franz-go spell "plain text"
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	ca, err := content(t.CA, t.CAFile, at+"ca_file")
	if err != nil {
		return nil, err
	}
	if ca != nil {
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(ca) {
			return nil, bad(at+"ca_file", string(t.CAFile), "holds no certificate in PEM")
		}
	}
	cert, err := content(t.Cert, t.CertFile, at+"cert_file")
	if err != nil {
		return nil, err
	}
	key, err := content(t.Key, t.KeyFile, at+"key_file")
	if err != nil {
		return nil, err
	}
	switch {
	case cert == nil && key == nil:
		return c, nil
	case key == nil:
		return nil, bad(at+"key_file", "", "is not set, and cert_file is")
	case cert == nil:
		return nil, bad(at+"cert_file", "", "is not set, and key_file is")
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, bad(at+"cert_file", string(t.CertFile), "does not fit its key: %v", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}

// content returns a value from the environment, else from its file, nil when there is neither.
func content(direct Secret, path File, key string) ([]byte, error) {
	if !direct.IsZero() {
		return []byte(direct.Reveal()), nil
	}
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(string(path))
	if err != nil {
		return nil, bad(key, string(path), "%v", cause(err))
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
