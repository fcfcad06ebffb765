package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/ledger"
)

// TestAStatementIsTakenAwayAndVerified fetches the bundle of a sealed month, and verifies it, as an auditor with a
// shell does.
func TestAStatementIsTakenAwayAndVerified(t *testing.T) {
	key, err := ledger.OpenKey(filepath.Join(t.TempDir(), "key"), true)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(filepath.Join(t.TempDir(), "ledger"), key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	march := ledger.MonthOf(time.Date(2026, 3, 9, 0, 0, 0, 0, time.UTC))
	start := march.End.Add(72 * time.Hour)
	line := ledger.BillLine{Basis: "MEASURED", Cluster: "west", Count: "7", Start: march.Start, End: march.End, Meter: "INGRESS_RECORDS", Topic: "topic:west/orders"}
	b := ledger.Batch{
		Period: ledger.Period{Start: ledger.At(start), End: ledger.At(start.Add(time.Hour))}, Closed: start.Add(time.Hour), Final: start.Add(49 * time.Hour),
		Statement: &ledger.BillStatement{Month: march, Lines: []ledger.BillLine{line}},
	}
	if _, err := l.Append(b); err != nil {
		t.Fatal(err)
	}
	if err := l.Publish(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path+" "+r.URL.Query().Encode() != "/export/statement format=bundle&month=2026-03" {
			http.NotFound(w, r)
			return
		}
		bundle, err := l.Reader().StatementBundle(march)
		if err == nil {
			_, err = bundle.WriteTo(w)
		}
		if err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "march.lineaged-bundle")
	if code, _, errs := ran(t, "audit", "export", "--server", server.URL, "--month", "2026-03", "-o", file); code != exitOK {
		t.Fatal(errs)
	}
	if code, out, errs := ran(t, "audit", "verify", file, "--key", key.Public); code != exitOK || !strings.Contains(out, "verified: the statement of 2026-03, 1 line of 1 part") || !strings.Contains(out, "not checked: whether later statements correct it") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if code, _, errs := ran(t, "audit", "export", "--server", server.URL, "--month", "2026-03", "--format", "csv"); code != exitUsage || !strings.Contains(errs, "lineaged usage --sealed") {
		t.Errorf("as CSV: exit code %d, %s", code, errs)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed")
	if err := os.WriteFile(changed, bytes.Replace(text, []byte(`"count":"7"`), []byte(`"count":"8"`), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := ran(t, "audit", "verify", changed); code == exitOK || !strings.Contains(errs, "NOT verified") {
		t.Errorf("a changed one: exit code %d, %s", code, errs)
	}
}
