package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/openlineage/outbox"
)

// TestTargetsOverTLS sends an event to a server of an authority of its own that asks for our certificate: it is taken
// where both are configured, also once they are renewed in their files, and else not sent.
func TestTargetsOverTLS(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var server atomic.Pointer[tls.Config]
	renew := func() { // the server's certificate, and ours
		cert, key := selfSigned(t)
		write("ca.pem", cert)
		ours, ourKey := selfSigned(t)
		write("our.pem", ours)
		write("our-key.pem", ourKey)
		pair, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		clients := x509.NewCertPool()
		clients.AppendCertsFromPEM(ours)
		server.Store(&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients})
	}
	renew()
	var taken atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil && string(body) == "{}" && r.URL.Path == "/api/v1/lineage" {
			taken.Add(1)
		}
		w.WriteHeader(http.StatusCreated)
	}))
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return server.Load(), nil }}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError) // of clients that do not get in
	s.StartTLS()
	defer s.Close()

	sender := func(keys string) (outbox.Sender, func()) {
		t.Helper()
		cfg, err := config.Load(config.Input{Content: []byte("clusters: [{name: west, brokers: ['127.0.0.1:9092']}]\nopenlineage: {targets: [{url: '" + s.URL + "'" + keys + "}]}\n"), File: filepath.Join(dir, "x.yaml")})
		if err != nil {
			t.Fatal(err)
		}
		to, end, err := senderFor(cfg, cfg.OpenLineage.Targets[0])
		if err != nil {
			t.Fatal(err)
		}
		return to, end
	}
	refused := func(keys, want string) {
		t.Helper()
		to, end := sender(keys)
		defer end()
		if err := to.Send(t.Context(), outbox.Event{Body: []byte("{}")}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with %s: %v, not %q", keys, err, want)
		}
	}
	refused("", "certificate")
	refused(", tls: {ca_file: our.pem, cert_file: our.pem, key_file: our-key.pem}", "certificate")
	refused(", tls: {ca_file: ca.pem}", "certificate required")
	if n := taken.Load(); n != 0 {
		t.Fatalf("%d events came to a server that is not known to be the one, or does not know us", n)
	}
	to, end := sender(", tls: {ca_file: ca.pem, cert_file: our.pem, key_file: our-key.pem}")
	defer end()
	for n := range int64(3) { // twice with the same, and once with new ones
		if n == 2 {
			renew()
			s.CloseClientConnections()
		}
		if err := to.Send(t.Context(), outbox.Event{Body: []byte("{}")}); err != nil || taken.Load() != n+1 {
			t.Errorf("the event %d: %v, %d were taken", n, err, taken.Load())
		}
	}
}
