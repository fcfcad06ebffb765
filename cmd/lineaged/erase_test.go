package main

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// erasable makes a data folder in which a person reads a topic, with a ledger that says so.
func erasable(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	held, err := timeseries.Open(dir, timeseries.Options{MinFree: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	client := lineage.Client{ClientID: "shell-10.1.2.3-1", Principal: "User:ann", Host: "/10.1.2.3"}
	for n := range 20 {
		err := held.Append(t.Context(), lineage.Observation{
			Source: lineage.Source{Cluster: "west", Name: "log-files"}, Round: start.Add(time.Duration(n) * 10 * time.Second), Interval: 10 * time.Second,
			Sightings: []lineage.Sighting{{
				Access:   lineage.Access{Topic: lineage.Topic{Cluster: "c", Name: "orders"}, Op: lineage.Read, Client: client},
				Evidence: lineage.RequestLog, Moved: true, Detail: "as User:ann",
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	key, err := ledger.OpenKey(filepath.Join(dir, ledgerKey), true)
	if err != nil {
		t.Fatal(err)
	}
	book, err := ledger.Open(filepath.Join(dir, ledgerFolder), key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = book.Append(ledger.Batch{
		Period: ledger.Period{Start: ledger.At(start), End: ledger.At(start.Add(time.Hour))}, Closed: start.Add(time.Hour), Final: start.Add(48 * time.Hour),
		Usage: []ledger.Usage{{
			Topic: "topic:west/orders", Operation: ledger.Read, Node: "application:west/ann", ClientCount: 1,
			Clients: []ledger.Client{{Kind: "CONNECTION", Principal: &client.Principal, Host: &client.Host}},
		}},
	})
	if err == nil {
		err = book.Publish()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestErase erases a person as somebody with a shell does.
func TestErase(t *testing.T) {
	dir := erasable(t)
	f := func(want int, says []string, args ...string) {
		t.Helper()
		code, out, errs := ran(t, append([]string{"data", "erase"}, args...)...)
		if code != want {
			t.Errorf("%q exits with %d, want %d: %s%s", args, code, want, out, errs)
		}
		for _, s := range says {
			if !strings.Contains(out+errs, s) {
				t.Errorf("%q says %q and %q, not %q", args, out, errs, s)
			}
		}
	}
	f(exitUsage, []string{"DIR is missing"})
	f(exitFailure, []string{"nobody is named: give --principal or --host"}, dir)
	f(exitFailure, []string{`the principal "ann" is not TYPE:NAME`}, dir, "--principal", "ann")
	f(exitFailure, []string{"is no data folder"}, t.TempDir(), "--host", "10.1.2.3")
	ann := []string{dir, "--principal", "User:ann", "--host", "10.1.2.3"}
	f(exitOK, []string{"would be erased: 1 client, ", "open any more: 2", "stays: in the clear in 1 entry of the ledger", "out of reach: backups"}, append(ann, "--dry-run")...)
	held, err := timeseries.Open(dir, timeseries.Options{MinFree: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f(exitFailure, []string{"another process has it open"}, ann...)
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	f(exitOK, []string{"erased: 1 client, ", "open any more: 2", "can be opened in the ledger again once one of these rules changes"}, ann...)
	f(exitOK, []string{"erased: 0 clients, 0 facts, 0 events, 0 texts, 0 positions, 0 edits", "open any more: 0"}, ann...)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, name := range []string{"User:ann", "10.1.2.3"} {
			if bytes.Contains(b, []byte(name)) {
				t.Errorf("%s still has %s", path, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if code, out, errs := ran(t, "data", "check", dir); code != exitOK || !strings.Contains(out, "nothing is damaged") {
		t.Errorf("check: %d, %s%s", code, out, errs)
	}
	if code, out, errs := ran(t, "audit", "verify", dir); code != exitOK || !strings.Contains(out, "verified: ") {
		t.Errorf("verify: %d, %s%s", code, out, errs)
	}
	wantForgotten(t, dir)
}

// wantForgotten asks the store who it was.
func wantForgotten(t *testing.T, dir string) {
	t.Helper()
	held, err := timeseries.Open(dir, timeseries.Options{MinFree: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	w, err := held.Window(t.Context(), store.Ask{Window: lineage.Window{Start: start, End: start.Add(time.Hour)}, Accesses: true})
	if err != nil {
		t.Fatal(err)
	}
	if w.Rows.Len() != 1 {
		t.Fatalf("%d accesses, want the one that there was", w.Rows.Len())
	}
	c := w.Rows.Access[0].Client
	host, isHost := strings.CutPrefix(c.Host, "/erased-")
	if !strings.HasPrefix(c.Principal, "User:erased-") || !isHost || c.ClientID != "shell-erased-"+host+"-1" || !w.Rows.Moved[0] {
		t.Errorf("%+v", c)
	}
}

// TestBackupOfTheLedger backs a folder with a ledger up, and restores it.
func TestBackupOfTheLedger(t *testing.T) {
	dir, at := erasable(t), t.TempDir()
	f := func(want int, says string, args ...string) {
		t.Helper()
		code, out, errs := ran(t, append([]string{"data"}, args...)...)
		if code != want || !strings.Contains(out+errs, says) {
			t.Errorf("%q exits with %d and says %q and %q, not %d and %q", args, code, out, errs, want, says)
		}
	}
	one, two := filepath.Join(at, "one"), filepath.Join(at, "two")
	f(exitOK, "the ledger is in it and verifies: 3 entries, 1 period, key ", "backup", dir, one)
	f(exitOK, "a whole backup of ", "check", one)
	f(exitOK, "put its key back, as ", "restore", one, filepath.Join(at, "back-one"))
	f(exitOK, "the ledger is in it", "backup", "--ledger-key", dir, two)
	back := filepath.Join(at, "back")
	f(exitOK, "an anchor that holds more says so", "restore", two, back)
	if code, out, errs := ran(t, "audit", "verify", back); code != exitOK || !strings.Contains(out, "verified: 3 entries") {
		t.Errorf("%d: %s%s", code, out, errs)
	}
	key, err := ledger.OpenKey(filepath.Join(back, ledgerKey), false)
	if err != nil {
		t.Fatal(err)
	}
	book, err := ledger.Open(filepath.Join(back, ledgerFolder), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := book.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(filepath.Join(one, ledgerKey)); !os.IsNotExist(err) {
		t.Errorf("the key was copied unasked: %v", err)
	}
	tile := filepath.Join(two, ledgerFolder, "tile", "entries", "000.p", "3")
	b, err := os.ReadFile(tile)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(tile, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f(exitFailure, "entry 0, tile/entries/000.p/3: it is not the one that was signed", "check", two)
	f(exitFailure, "cannot be restored: its ledger", "restore", two, filepath.Join(at, "none"))
	if err := os.WriteFile(filepath.Join(dir, ledgerFolder, "checkpoint"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	f(exitFailure, "the backup of the data is whole, and the ledger is not in it", "backup", dir, filepath.Join(at, "three"))
}
