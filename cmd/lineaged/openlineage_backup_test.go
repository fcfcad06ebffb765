package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector/openlineage"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/timeseries"
)

// An OpenLineage event that was acknowledged and is not observed yet is in a backup, and in what is restored.
func TestBackupOfEvents(t *testing.T) {
	f := func(want int, says string, args ...string) {
		t.Helper()
		code, out, errs := ran(t, append([]string{"data"}, args...)...)
		if code != want || !strings.Contains(out+errs, says) {
			t.Errorf("%q exits with %d and says %q and %q, not %d and %q", args, code, out, errs, want, says)
		}
	}
	at := t.TempDir()
	dir, to, back := filepath.Join(at, "data"), filepath.Join(at, "backup"), filepath.Join(at, "restored")
	store, err := timeseries.Open(dir, timeseries.Options{MinFree: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	c, err := openlineage.New(openlineage.Config{Folder: filepath.Join(dir, eventsFolder), Interval: 10 * time.Second}, store)
	if err != nil {
		t.Fatal(err)
	}
	event, _, err := runevent.Parse([]byte(`{"eventTime":"2026-03-01T00:00:00Z","run":{"runId":"9c66b278-db60-4da4-a9df-000000000001"},"job":{"namespace":"ns","name":"acknowledged"}}`))
	if err == nil {
		err = c.Take(t.Context(), []runevent.Event{event})
	}
	if err != nil {
		t.Fatal(err)
	}
	f(exitOK, "the journal of OpenLineage events is in it: 1 event", "backup", dir, to)
	f(exitOK, "a whole backup of ", "check", to)
	f(exitOK, "restored as of ", "restore", to, back)
	journal := filepath.Join(eventsFolder, "journal")
	text, err := os.ReadFile(filepath.Join(back, journal))
	if err != nil || !strings.Contains(string(text), `"acknowledged"`) {
		t.Errorf("restored is %q, %v", text, err)
	}
	if text, err = os.ReadFile(filepath.Join(to, journal)); err != nil {
		t.Fatal(err)
	}
	text[len(text)-10] ^= 1
	if err := os.WriteFile(filepath.Join(to, journal), text, 0o600); err != nil {
		t.Fatal(err)
	}
	f(exitFailure, "of the journal of OpenLineage events 1 line is damaged", "check", to)
	f(exitFailure, "cannot be restored", "restore", to, filepath.Join(at, "none"))
}
