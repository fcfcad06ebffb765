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

// TestReport asks a server that says what it was asked, as a user with a shell does.
func TestReport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		switch q.Get("groupBy") {
		case "week":
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"errors":[{"message":"groupBy: \"week\" is none of none, topic","extensions":{"code":"BAD_USER_INPUT"}}]}`)
		case "day": // cut
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "the beginning")
		default:
			_, _ = io.WriteString(w, r.URL.Path+" "+q.Encode())
		}
	}))
	defer server.Close()
	f := func(want string, wantCode int, args ...string) {
		t.Helper()
		args = append([]string{"report", args[0], "--server", server.URL}, args[1:]...)
		code, out, errs := ran(t, args...)
		if code != wantCode || !strings.Contains(out+errs, want) {
			t.Errorf("%q: exit code %d, %s%s, want %q", args, code, out, errs, want)
		}
	}
	f("/export/report format=csv&last=30d&tag=pii", exitOK, "usage", "--tag", "pii", "--last", "30d")
	f("/export/report end=2026-04-01T00%3A00%3A00Z&format=html&groupBy=owner&source=sealed&start=2026-03-01T00%3A00%3A00Z&topic=topic%3Awest%2Forders", exitOK, "usage", "--topic", "topic:west/orders",
		"--start", "2026-03-01T00:00:00Z", "--end", "2026-04-01T00:00:00Z", "--group-by", "owner", "--source", "sealed", "--format", "html")
	f("/export/report cluster=west&format=csv&rows=periods", exitOK, "usage", "--cluster", "west", "--rows", "periods")
	f("/export/register format=json&last=90d&tag=pii", exitOK, "register", "--tag", "pii", "--last", "90d", "--format", "json")
	f("unknown flag: --owner", exitUsage, "register", "--owner", "shop")
	f(`--group-by: "week" is none of`, exitUsage, "usage", "--tag", "pii", "--group-by", "week")
	f("broke off", exitFailure, "usage", "--tag", "pii", "--group-by", "day")
	f("/export/deletion days=90&format=json&topic=topic%3Awest%2Forders", exitOK, "safe-to-delete", "topic:west/orders", "--days", "90", "--format", "json")
	f("/export/what-if format=csv&last=1h&lose=cluster%3Awest&lose=broker%3Aeast%2F3", exitOK, "what-if", "cluster:west", "broker:east/3", "--last", "1h")
	f("/export/retire cluster=west&format=csv&kinds=UNUSED_TOPIC&owner=", exitOK, "retire", "--cluster", "west", "--owner", "", "--kinds", "UNUSED_TOPIC")
	f("/export/columns direction=DOWNSTREAM&field=topic%3Awest%2Forders%23value.email&format=csv&last=1h", exitOK, "columns", "topic:west/orders#value.email", "--direction", "DOWNSTREAM", "--last", "1h")
	f("accepts 1 arg", exitUsage, "safe-to-delete")

	file := filepath.Join(t.TempDir(), "report.csv")
	f("broke off", exitFailure, "usage", "--tag", "pii", "--group-by", "day", "-o", file)
	if _, err := os.Stat(file); !os.IsNotExist(err) {
		t.Errorf("half a report is left: %v", err)
	}
	f("", exitOK, "usage", "--tag", "pii", "-o", file)
	if text, err := os.ReadFile(file); err != nil || string(text) != "/export/report format=csv&tag=pii" {
		t.Errorf("%s %v", text, err)
	}
	f("--output", exitUsage, "usage", "--tag", "pii", "-o", file) // it is there already
}
