package config

import (
	"errors"
	"os"

	"go.yaml.in/yaml/v3"
)

// Protection is what a web configuration file asks of those who ask the server. The toolkit that serves by the file
// reads it anew at every request.
type Protection struct {
	TLS   bool
	Users map[string]string // password hashes (bcrypt) by user; empty: no password is asked for
	// Certificate: a client has to show one; Verified: one that an authority of the file has signed.
	Certificate, Verified bool
	Names                 []string // of which a client's certificate has to bear one; empty: any
}

// TLS reports whether the server speaks HTTPS.
func (w Web) TLS() bool {
	if w.ConfigFile == "" {
		return false
	}
	p, err := ReadProtection(string(w.ConfigFile))
	return err == nil && p.TLS
}

// ReadProtection reads what a web configuration file asks for. Its error never repeats what stands in the file, which
// the toolkit checks.
func ReadProtection(path string) (Protection, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Protection{}, err
	}
	var f struct {
		TLS   map[string]any    `yaml:"tls_server_config"`
		Users map[string]string `yaml:"basic_auth_users"`
	}
	if err := yaml.Unmarshal(text, &f); err != nil {
		return Protection{}, errors.New(syntax(err))
	}
	p := Protection{TLS: len(f.TLS) > 0, Users: f.Users}
	switch f.TLS["client_auth_type"] {
	case "RequireAndVerifyClientCert":
		p.Certificate, p.Verified = true, true
	case "RequireAnyClientCert", "RequireClientCert":
		p.Certificate = true
	}
	names, _ := f.TLS["client_allowed_sans"].([]any)
	for _, n := range names {
		if s, ok := n.(string); ok {
			p.Names = append(p.Names, s)
		}
	}
	return p, nil
}

// Lacks says what p asks for that other does not; empty: other protects as much. That one of several users has gone is
// no less: it is how a password is taken back.
func (p Protection) Lacks(other Protection) string {
	switch {
	case p.TLS && !other.TLS:
		return "tls_server_config"
	case len(p.Users) > 0 && len(other.Users) == 0:
		return "basic_auth_users"
	case p.Certificate && !other.Certificate, p.Verified && !other.Verified:
		return "client_auth_type"
	case len(p.Names) > 0 && len(other.Names) == 0:
		return "client_allowed_sans"
	}
	return ""
}
