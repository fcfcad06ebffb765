package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/lineaged/lineaged/internal/config"
)

// ran runs the program as a shell would, without its process.
func ran(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, nil, &out, &errs)
	return code, out.String(), errs.String()
}

// TestGraph asks the demo for graphs, as a user with a shell does.
func TestGraph(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	cfg, err := demoConfig("127.0.0.1:0", "warn")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return (&program{stdout: stdout, stderr: io.Discard}).runDemo(ctx, cfg, true, false)
	})
	eventually(t, time.Minute, func() string {
		return s.lacks("topic:west/orders", []string{"topic:west/orders->application:shop/billing", "topic:west/orders->replicator:east/west-%3Eeast"})
	})
	eventually(t, time.Minute, func() string {
		return s.lacks("topic:east/orders", []string{"topic:east/orders->application:shop/order-analytics"})
	})

	for form, want := range map[string][]string{
		"svg":     {"<svg ", `data-id="topic:west/orders-&gt;application:shop/billing"`, "<title>orders (topic, west), owner "},
		"dot":     {"digraph lineage {", `"topic:west/orders" -> "application:shop/billing" [`},
		"mermaid": {"flowchart LR", "is topic:west/orders\n"},
		"json":    {`"format": "lineaged-lineage"`, `"id":"topic:west/orders->application:shop/billing"`},
		"csv":     {"# lineaged-lineage, version 1\r\n", "\r\nflow,topic:west/orders->application:shop/billing,CONSUME,"},
	} {
		code, out, errs := ran(t, "graph", "topic:west/orders", "--server", s.url, "--format", form, "--last", "1m", "--depth", "1")
		if code != exitOK || errs != "" {
			t.Errorf("%s: exit code %d, %s", form, code, errs)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%s lacks %q:\n%s", form, w, out)
			}
		}
		if form == "svg" {
			if err := xml.Unmarshal([]byte(out), new(struct{})); err != nil {
				t.Error(err)
			}
		}
		if form == "json" && !json.Valid([]byte(out)) {
			t.Error("this is no JSON")
		}
	}

	s.wantAudit(t)

	// billing is one node's name; downstream of it is less than on both sides.
	_, both, _ := ran(t, "graph", "billing", "--server", s.url, "--format", "csv", "--depth", "1")
	_, down, _ := ran(t, "graph", "billing", "--server", s.url, "--format", "csv", "--depth", "1", "--direction", "downstream")
	if strings.Count(both, "\nflow,") <= strings.Count(down, "\nflow,") || !strings.Contains(both, "# roots: application:shop/billing\r\n") {
		t.Errorf("both ways:\n%s\ndownstream:\n%s", both, down)
	}

	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"orders"}, exitUsage, `lineaged: ROOT: "orders" is the name of 2 nodes: topic:east/orders, topic:west/orders; give the id of one`},
		{[]string{"nobody-is-called-so"}, exitFailure, `lineaged: ROOT: "nobody-is-called-so" is neither a node's id, such as topic:west/orders, nor the name of one in this window`},
		{[]string{"topic:west/nothing"}, exitFailure, "lineaged: no node topic:west/nothing"},
		{[]string{"billing", "--depth", "99"}, exitUsage, `lineaged: --depth: "99" is no whole number of 0 to 15`},
		{[]string{"billing", "--include-internal", "perhaps"}, exitUsage, `lineaged: --include-internal: "perhaps" is neither true nor false`},
		{[]string{"billing", "--format", "png"}, exitUsage, `lineaged: --format: "png" is none of svg, dot, mermaid, csv, json`},
		{[]string{"billing", "--at", "noon"}, exitUsage, `lineaged: --at: "noon" is no instant`},
		{[]string{"billing", "--start", "2026-01-01T00:00:00Z"}, exitUsage, `lineaged: --start: "2026-01-01T00:00:00Z" has no end: give both`},
	} {
		code, out, errs := ran(t, append([]string{"graph", "--server", s.url}, x.args...)...)
		if code != x.code || out != "" || !strings.HasPrefix(errs, x.want) {
			t.Errorf("graph %v: exit code %d, %s%s, want %d, %s", x.args, code, out, errs, x.code, x.want)
		}
	}

	for begun, want := range map[string]string{"topic:west/ord": "topic:west/orders", "billi": "billing"} {
		if _, out, _ := ran(t, "__complete", "graph", "--server", s.url, begun); !strings.Contains(out, want+"\n") {
			t.Errorf("%s is completed with %s", begun, out)
		}
	}
	if _, out, _ := ran(t, "__complete", "graph", "--server", s.url, "orders"); strings.Contains(out, "orders\n") {
		t.Errorf("a name that several bear is offered: %s", out)
	}
	s.end()
}

// TestGraphUsage gets the command line wrong before any server is asked.
func TestGraphUsage(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\nsecond line"), 0o600); err != nil {
		t.Fatal(err)
	}
	nowhere, _ := freePort(t)
	for _, x := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "lineaged: ROOT is missing: lineaged graph ROOT [flags]"},
		{[]string{"a", "b"}, exitUsage, `lineaged: "b" is one argument too many: lineaged graph ROOT [flags]`},
		{[]string{"x", "--server", "nowhere"}, exitUsage, `lineaged: --server: "nowhere" must be a URL such as http://127.0.0.1:8420`},
		{[]string{"x", "--server", "http://h/graphql"}, exitUsage, `lineaged: --server: "http://h/…" must be a URL`},
		{[]string{"x", "--server", "http://anna:secret@127.0.0.1:1"}, exitUsage, `lineaged: --server: "http://<redacted>@127.0.0.1:1" must not hold a password`},
		{[]string{"x", "--user", "anna"}, exitUsage, "lineaged: --user and --password-file belong together"},
		{[]string{"x", "--user", "anna", "--password-file", empty}, exitUsage, fmt.Sprintf("lineaged: --password-file: %q has no password in its first line", empty)},
		{[]string{"x", "--user", "anna", "--password-file", empty, "--server", "http://lineaged.example"}, exitUsage, `lineaged: --server: "http://lineaged.example" is asked in plain text`},
		{[]string{"x", "--ca-file", empty}, exitUsage, fmt.Sprintf("lineaged: --ca-file: %q holds no certificate in PEM", empty)},
		{[]string{"x", "--cert-file", empty}, exitUsage, "lineaged: --cert-file and --key-file belong together"},
		{[]string{"x", "--server", "http://" + nowhere}, exitFailure, "lineaged: no lineaged answers at http://" + nowhere},
	} {
		code, out, errs := ran(t, append([]string{"graph"}, x.args...)...)
		if code != x.code || out != "" || !strings.HasPrefix(errs, x.want) || strings.Contains(errs, "secret") {
			t.Errorf("graph %v: exit code %d, %s%s, want %d, %s", x.args, code, out, errs, x.code, x.want)
		}
	}
	if code, out, _ := ran(t, "__complete", "graph", "--server", "http://"+nowhere, "ord"); code != exitOK || strings.Contains(out, "ord") {
		t.Errorf("without a server: exit code %d, %s", code, out)
	}
	if _, out, _ := ran(t, "__complete", "graph", "x", "--format", ""); !strings.HasPrefix(out, "svg\ndot\nmermaid\ncsv\njson\n") {
		t.Errorf("--format is completed with %s", out)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if code, out, errs := ran(t, "completion", shell); code != exitOK || !strings.Contains(out, "lineaged") || errs != "" {
			t.Errorf("completion %s: exit code %d, %s", shell, code, errs)
		}
	}
}

// TestGraphBroken asks servers that are none, or break off.
func TestGraphBroken(t *testing.T) {
	for _, x := range []struct {
		answer func(http.ResponseWriter)
		want   string
	}{
		{func(w http.ResponseWriter) { http.Error(w, "not found", http.StatusNotFound) }, " answered 404 Not Found: is it a lineaged that has exports?"},
		{func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://elsewhere.example/")
			w.WriteHeader(http.StatusFound)
		}, " answered 302 Found: is it a lineaged that has exports?"},
		{func(w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) }, " asks for a user and a password: give --user and --password-file"},
		{func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "<svg>")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, " broke off: what was written is not whole"},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { x.answer(w) }))
		code, _, errs := ran(t, "graph", "x", "--server", s.URL)
		s.Close()
		if code != exitFailure || !strings.Contains(errs, x.want) {
			t.Errorf("exit code %d, %s, want %s", code, errs, x.want)
		}
	}
}

// TestGraphProtected asks a server that asks back who it is.
func TestGraphProtected(t *testing.T) {
	dir := t.TempDir()
	cert, key := selfSigned(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"cert.pem": cert, "key.pem": key, "password": []byte("open sesame\n"), "wrong": []byte("sesame\n"),
		"web.yaml": fmt.Appendf(nil, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {anna: '%s'}\n", hash),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	broker, _ := freePort(t)
	cfg := testConfig(t, broker)
	cfg.Web.ConfigFile = config.File(filepath.Join(dir, "web.yaml"))
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return serve(ctx, cfg, reloader{}, slog.New(slog.DiscardHandler), stdout)
	})
	ask := func(args ...string) string {
		code, _, errs := ran(t, append([]string{"graph", "topic:west/orders", "--server", s.url}, args...)...)
		if code != exitFailure { // nothing was observed yet
			t.Errorf("%v: exit code %d", args, code)
		}
		return errs
	}
	ca := filepath.Join(dir, "cert.pem")
	if got := ask(); !strings.Contains(got, "certificate") {
		t.Errorf("with a stranger's certificate: %s", got)
	}
	if got := ask("--ca-file", ca); !strings.Contains(got, "give --user and --password-file") {
		t.Errorf("without a user: %s", got)
	}
	if got := ask("--ca-file", ca, "--user", "anna", "--password-file", filepath.Join(dir, "wrong")); !strings.Contains(got, "does not let in anna with this password") {
		t.Errorf("with a wrong password: %s", got)
	}
	if got := ask("--ca-file", ca, "--user", "anna", "--password-file", filepath.Join(dir, "password")); !strings.Contains(got, "is not known: nothing was observed in this window") {
		t.Errorf("with the password: %s", got)
	}
	s.end()
}
