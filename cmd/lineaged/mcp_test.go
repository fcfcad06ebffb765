package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/config"
)

// TestAssistantOnStdio speaks to the command as an assistant does that starts it, and asks servers of every kind.
func TestAssistantOnStdio(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		switch {
		case r.URL.Path != "/graphql" || r.Method != http.MethodPost:
			http.NotFound(w, r)
		case user == "anna" && password != "right":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.Contains(string(body), `"text":"html"`):
			_, _ = io.WriteString(w, "<html>a proxy</html>")
		case strings.Contains(string(body), `"text":"large"`):
			_, _ = w.Write(bytes.Repeat([]byte(" "), 9<<20))
		case strings.Contains(string(body), `"text":"busy"`):
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, `{"errors":[{"message":"try again soon","extensions":{"code":"TOO_MANY_REQUESTS"}}]}`)
		default:
			_, _ = io.WriteString(w, `{"data":{"nodes":{"edges":[],"totalCount":0,"coverage":{"window":{"start":"2026-03-01T12:00:00Z","end":"2026-03-01T12:10:00Z","step":"10s"},"complete":true}}}}`)
		}
	}))
	defer server.Close()
	file := func(password string) string {
		name := filepath.Join(t.TempDir(), "password")
		if err := os.WriteFile(name, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	f := func(text, want string, args ...string) {
		t.Helper()
		lines := strings.Join([]string{
			`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`,
			`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
			`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"search","arguments":{"text":"` + text + `"}}}`,
		}, "\n") + "\n"
		in, asks := io.Pipe()
		out := &until{answer: `"id":2`, done: asks.Close}
		go func() { _, _ = io.WriteString(asks, lines) }()
		p := &program{stdout: out, stderr: io.Discard}
		root := p.root()
		root.SetIn(in)
		root.SetArgs(append([]string{"mcp", "--server", server.URL}, args...))
		if err := root.ExecuteContext(t.Context()); err != nil {
			t.Fatal(err)
		}
		var last struct {
			ID     int
			Result struct{ Content []struct{ Text string } }
		}
		answers := strings.Split(strings.TrimSpace(out.String()), "\n")
		for _, line := range answers {
			if err := json.Unmarshal([]byte(line), &last); err != nil {
				t.Fatalf("%q is no message: %v", line, err)
			}
		}
		if len(answers) != 2 || last.ID != 2 || len(last.Result.Content) != 1 || !strings.Contains(last.Result.Content[0].Text, want) {
			t.Errorf("%s %q: %s, want %s", text, args, out, want)
		}
	}
	f("orders", `"page":"`+server.URL+`/catalog?q=orders&start=`)
	f("orders", `"page":"https://lineaged.example/catalog?q=orders&start=`, "--pages", "https://lineaged.example/")
	f("orders", `"total":0`, "--user", "anna", "--password-file", file("right\n"))
	f("orders", "does not let in anna", "--user", "anna", "--password-file", file("wrong\n"))
	f("busy", `"code":"TOO_MANY_REQUESTS"`)
	f("html", "none of lineaged's API")
	f("large", "more than")

	for want, args := range map[string][]string{
		"--server: ": {"--server", "ftp://nowhere"},
		`--pages: "https://lineaged.example/…" `: {"--pages", "https://lineaged.example/x"},
	} {
		p := &program{stdout: io.Discard, stderr: io.Discard}
		root := p.root()
		root.SetArgs(append([]string{"mcp"}, args...))
		err := root.ExecuteContext(t.Context())
		if wrong, ok := errors.AsType[*config.Error](err); !ok || !strings.Contains(wrong.Error(), want) {
			t.Errorf("%q: %v, want %s", args, err, want)
		}
	}
}

// until keeps what is written, and calls done when the answer is among it: an assistant that has what it asked for
// hangs up.
type until struct {
	strings.Builder
	answer string
	done   func() error
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.Builder.Write(b)
	if strings.Contains(u.String(), u.answer) && strings.HasSuffix(u.String(), "\n") {
		err = errors.Join(err, u.done())
	}
	return n, err
}

// TestAssistantsAreWired looks at what the configuration makes of /mcp.
func TestAssistantsAreWired(t *testing.T) {
	cfg, o := config.Default(), api.Options{}
	assistants(&o, cfg, slog.New(slog.DiscardHandler))
	if o.Asking[assistantsPath] == nil {
		t.Error("assistants are not answered by default")
	}
	cfg.Web.URL = "https://lineaged.example"
	assistants(&o, cfg, slog.New(slog.DiscardHandler))
	h := o.Asking[assistantsPath](http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.RemoteAddr != "192.0.2.7:1234" {
			t.Errorf("%s asks", r.RemoteAddr)
		}
		_, _ = io.WriteString(w, `{"data":{"nodes":{"edges":[],"totalCount":0}}}`)
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{}}}`))
	r.RemoteAddr = "192.0.2.7:1234"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), "https://lineaged.example/catalog") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	cfg.MCP.Enabled, o = false, api.Options{}
	if assistants(&o, cfg, slog.New(slog.DiscardHandler)); o.Asking != nil {
		t.Error("they are answered though they are switched off")
	}
}
