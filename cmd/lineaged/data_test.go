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
	f(exitUsage, []string{"needs one of: backup, check, erase, repair, restore, upgrade"}, "data")
	f(exitUsage, []string{"DIR is missing: lineaged data check DIR"}, "data", "check")
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, []byte("-----BEGIN CERTIFICATE-----"), 0o600); err != nil {
		t.Fatal(err)
	}
	half := t.TempDir()
	if err := os.Mkdir(filepath.Join(half, "log"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"check", "repair", "upgrade"} {
		f(exitFailure, []string{dir + " is no data folder: it has no folder \"log\""}, "data", command, dir)
		f(exitFailure, []string{file + " is no data folder: it is a file"}, "data", command, file)
		f(exitFailure, []string{file + ".x is no data folder: it is not there"}, "data", command, file+".x")
		f(exitFailure, []string{half + " is no data folder: it has no folder \"blocks\""}, "data", command, half)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("a folder that was refused has %v in it, %v", left, err)
	}

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
	if err := os.WriteFile(path, b[:len(b)-7], 0o600); err != nil { // as a kill within a write leaves it
		t.Fatal(err)
	}
	f(exitOK, []string{"the folder is of this lineaged's format: 0 files made anew"}, "data", "upgrade", dir)
	torn := []string{"nothing is damaged", "left by a crash, which costs nothing: a part of the last write", path, "to 2026-03-01T00:03:00Z"}
	f(exitOK, torn, "data", "check", dir)
	f(exitOK, torn, "data", "check", dir) // which has changed nothing
	f(exitOK, torn, "data", "repair", dir)
	f(exitOK, []string{"nothing is damaged\n", "to 2026-03-01T00:03:00Z"}, "data", "check", dir)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f(exitFailure, []string{"found: a segment of the log is damaged", path, "lost: 2026-03-01T00:01:", "lineaged data repair"}, "data", "check", dir)
	f(exitOK, []string{"found: a segment of the log is damaged", "lost: 2026-03-01T00:01:"}, "data", "repair", dir)
}

// What data backup, data check of a backup, and data restore say, while the folder is open.
func TestDataBackup(t *testing.T) {
	f := func(want int, says string, args ...string) {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append([]string{"data"}, args...), nil, &stdout, &stderr); code != want {
			t.Errorf("%q exits with %d, want %d: %s", args, code, want, stderr.String())
		}
		if said := stdout.String() + stderr.String(); !strings.Contains(said, says) {
			t.Errorf("%q says %q, not %q", args, said, says)
		}
	}
	dir, to, back := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
	o := timeseries.Options{MinFree: 1, Log: slog.New(slog.DiscardHandler)}
	store, err := timeseries.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	source := lineage.Source{Cluster: "west", Name: "end-offsets"}
	at := time.Date(2026, 3, 1, 0, 0, 10, 0, time.UTC)
	if err := store.Append(t.Context(), lineage.Observation{Source: source, Round: at, Interval: 10 * time.Second}); err != nil {
		t.Fatal(err)
	}
	f(exitUsage, "TO is missing: lineaged data backup DIR TO", "backup", dir)
	f(exitFailure, "another process has it open", "check", dir)
	f(exitOK, "backed up as of ", "backup", dir, to)
	f(exitOK, "a whole backup of ", "check", to)
	f(exitFailure, "is not empty", "backup", dir, to)
	f(exitOK, "restored as of ", "restore", to, back)
	f(exitFailure, "is not empty", "restore", to, back)
	f(exitFailure, "is a backup: restore it", "repair", to)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if store, err = timeseries.Open(back, o); err != nil {
		t.Fatal(err)
	}
	if got := store.Newest(source); !got.Equal(at) {
		t.Errorf("restored, the newest round is of %v, want %v", got, at)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(to, "log", "*.log"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments %q, %v", segments, err)
	}
	b, err := os.ReadFile(segments[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(segments[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	f(exitFailure, "00000000000000000001.log is not what was written: its checksum does not match", "check", to)
	f(exitFailure, "cannot be restored", "restore", to, back+"2")
	if err := os.Remove(filepath.Join(to, "BACKUP")); err != nil {
		t.Fatal(err)
	}
	f(exitFailure, "is no whole backup", "restore", to, back+"2")
}
