package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/lineaged/lineaged/internal/config"
)

// lines is a log that is read while it is written.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestProtectionStays takes the users out of the web configuration in several ways while the server runs: nothing
// opens, the password goes on to hold, and it is said. A new password is taken over.
func TestProtectionStays(t *testing.T) {
	users := func(password string) string {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("basic_auth_users: {anna: '%s'}\n", hash)
	}
	file := filepath.Join(t.TempDir(), "web.yaml")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(users("first"))
	broker, _ := freePort(t)
	cfg := testConfig(t, broker)
	cfg.Web.ConfigFile = config.File(file)
	var log lines
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return serve(ctx, cfg, reloader{}, slog.New(slog.NewTextHandler(&log, nil)), stdout)
	})
	get := func(path, password string) (status int, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("anna", password)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(text)
	}
	check := func(when, path, password string, want int) {
		t.Helper()
		if got, _ := get(path, password); got != want {
			t.Errorf("%s: %s with password %q: %d, want %d", when, path, password, got, want)
		}
	}
	check("at first", "/metrics", "", http.StatusUnauthorized)
	check("at first", "/metrics", "first", http.StatusOK)
	for _, less := range []string{"", "{}\n", "basic_auth_users: {}\n", "http_server_config: {http2: false}\n"} {
		write(less)
		for _, path := range []string{"/metrics", "/graphql", "/mcp", "/readyz", "/"} {
			check(fmt.Sprintf("with %q", less), path, "", http.StatusUnauthorized)
			check(fmt.Sprintf("with %q", less), path, "wrong", http.StatusUnauthorized)
		}
		check(fmt.Sprintf("with %q", less), "/healthz", "first", http.StatusOK)
	}
	if _, body := get("/readyz", "first"); !strings.Contains(body, "basic_auth_users is missing") {
		t.Errorf("readyz says %q", body)
	}
	if _, body := get("/metrics", "first"); !strings.Contains(body, "\nlineaged_web_config_refused 1\n") {
		t.Error("metrics do not say it")
	}
	if n := strings.Count(log.String(), "protects less than before"); n != 1 {
		t.Errorf("said %d times, want once: %s", n, log.String())
	}
	write("basic_auth_users: [" + "hunter2-canary" + "]\n")
	check("with a broken file", "/metrics", "first", http.StatusInternalServerError)
	if strings.Contains(log.String(), "hunter") {
		t.Errorf("the log quotes the file: %s", log.String())
	}
	write(users("second"))
	check("with a new password", "/metrics", "first", http.StatusUnauthorized)
	check("with a new password", "/metrics", "second", http.StatusOK)
	if _, body := get("/metrics", "second"); !strings.Contains(body, "\nlineaged_web_config_refused 0\n") {
		t.Error("metrics do not say that it is over")
	}
	s.end()
}

// TestCertified holds what a client's certificate has to be, as far as the file in force asked for one.
func TestCertified(t *testing.T) {
	shown := &x509.Certificate{DNSNames: []string{"anna"}}
	state := func(verified bool, certs ...*x509.Certificate) *tls.ConnectionState {
		s := &tls.ConnectionState{PeerCertificates: certs}
		if verified {
			s.VerifiedChains = [][]*x509.Certificate{certs}
		}
		return s
	}
	f := func(force config.Protection, s *tls.ConnectionState, want bool) {
		t.Helper()
		if got := certified(force, s); got != want {
			t.Errorf("%+v: %v, want %v", force, got, want)
		}
	}
	f(config.Protection{}, nil, true)
	f(config.Protection{TLS: true}, nil, false)
	f(config.Protection{TLS: true}, state(false), true)
	f(config.Protection{TLS: true, Certificate: true}, state(false), false)
	f(config.Protection{TLS: true, Certificate: true}, state(false, shown), true)
	f(config.Protection{TLS: true, Certificate: true, Verified: true}, state(false, shown), false)
	f(config.Protection{TLS: true, Certificate: true, Verified: true}, state(true, shown), true)
	f(config.Protection{TLS: true, Certificate: true, Verified: true, Names: []string{"bert"}}, state(true, shown), false)
	f(config.Protection{TLS: true, Certificate: true, Verified: true, Names: []string{"anna"}}, state(true, shown), true)
}

// TestLessProtection compares what files ask for.
func TestLessProtection(t *testing.T) {
	dir := t.TempDir()
	read := func(text string) config.Protection {
		t.Helper()
		file := filepath.Join(dir, "web.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := config.ReadProtection(file)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	f := func(before, after, want string) {
		t.Helper()
		if got := read(before).Lacks(read(after)); got != want {
			t.Errorf("from %q to %q: lacks %q, want %q", before, after, got, want)
		}
	}
	f("", "", "")
	f("", "basic_auth_users: {a: x}", "")
	f("basic_auth_users: {a: x, b: y}", "basic_auth_users: {b: z}", "")
	f("basic_auth_users: {a: x}", "", "basic_auth_users")
	f("tls_server_config: {cert_file: c}", "basic_auth_users: {a: x}", "tls_server_config")
	f("tls_server_config: {client_auth_type: RequireAndVerifyClientCert}", "tls_server_config: {client_auth_type: NoClientCert}", "client_auth_type")
	f("tls_server_config: {client_auth_type: RequireAndVerifyClientCert}", "tls_server_config: {client_auth_type: RequireAnyClientCert}", "client_auth_type")
	f("tls_server_config: {client_auth_type: RequireAnyClientCert}", "tls_server_config: {client_auth_type: VerifyClientCertIfGiven}", "client_auth_type")
	f("tls_server_config: {client_allowed_sans: [a]}", "tls_server_config: {client_auth_type: RequireAndVerifyClientCert}", "client_allowed_sans")
}
