package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUsage asks a server that says what it was asked, as a user with a shell does.
func TestUsage(t *testing.T) {
	late := 3
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case q.Get("cluster") == "large" && late > 0:
			late--
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, `{"errors":[{"message":"it takes too long","extensions":{"code":"TIMEOUT"}}]}`)
		case q.Get("month") == "2026-13":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errors":[{"message":"month: \"2026-13\" is no month; one is e.g. 2026-11","extensions":{"code":"BAD_USER_INPUT"}}]}`)
		default:
			_, _ = io.WriteString(w, r.URL.Path+" "+q.Encode())
		}
	}))
	defer server.Close()
	f := func(want string, wantCode int, args ...string) {
		t.Helper()
		code, out, errs := ran(t, append([]string{"usage", "--server", server.URL}, args...)...)
		if code != wantCode || !strings.Contains(out+errs, want) {
			t.Errorf("%q: exit code %d, %s%s, want %q", args, code, out, errs, want)
		}
	}
	f("/export/bill format=focus&month=2026-11", exitOK, "--month", "2026-11", "--focus")
	f("/export/bill cluster=west&format=focus&last=24h&version=1.3", exitOK, "--last", "24h", "--format", "focus", "--focus-version", "1.3", "--cluster", "west")
	f("/export/bill format=csv&groupBy=owner", exitOK, "--group-by", "owner")
	f("/export/statement format=focus&month=2026-10", exitOK, "--month", "2026-10", "--focus", "--sealed")
	f(`--month: "2026-13" is no month`, exitUsage, "--month", "2026-13")
	f("beside --focus", exitUsage, "--focus", "--format", "json")
	f("/export/bill cluster=large&format=csv", exitOK, "--cluster", "large")
	file := filepath.Join(t.TempDir(), "bill.csv")
	f("", exitOK, "--month", "2026-11", "-o", file)
	if text, err := os.ReadFile(file); err != nil || string(text) != "/export/bill format=csv&month=2026-11" {
		t.Errorf("%s %v", text, err)
	}
	f("--output", exitUsage, "--month", "2026-11", "-o", file) // it is there already
}
