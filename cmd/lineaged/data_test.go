package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// What data check and data repair say, and how they exit.
func TestData(t *testing.T) {
	f := func(want int, says []string, args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != want {
			t.Errorf("%q exits with %d, want %d: %s", args, code, want, stderr.String())
		}
		for _, s := range says {
			if !strings.Contains(stdout.String()+stderr.String(), s) {
				t.Errorf("%q says %q and %q, not %q", args, stdout.String(), stderr.String(), s)
			}
		}
	}
	dir := t.TempDir()
	f(exitUsage, []string{"needs one of: check, repair"}, "data")
	f(exitUsage, []string{"accepts 1 arg"}, "data", "check")
	f(exitFailure, []string{"is no data folder"}, "data", "check", dir)

	store, err := timeseries.Open(dir, timeseries.Options{MinFree: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for n := range 20 {
		o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "end-offsets"}, Round: start.Add(time.Duration(n) * 10 * time.Second), Interval: 10 * time.Second}
		if err := store.Append(context.Background(), o); err != nil {
			t.Fatal(err)
		}
	}
	f(exitFailure, []string{"another process has it open"}, "data", "repair", dir)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	f(exitOK, []string{"nothing is damaged", "tick 10s", "to 2026-03-01T00:03:10Z"}, "data", "check", dir)

	path := filepath.Join(dir, "log", "00000000000000000001.log")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f(exitFailure, []string{"found: a segment of the log is damaged", path, "lost: 2026-03-01T00:01:", "lineaged data repair"}, "data", "check", dir)
	f(exitOK, []string{"found: a segment of the log is damaged", "lost: 2026-03-01T00:01:"}, "data", "repair", dir)
}
