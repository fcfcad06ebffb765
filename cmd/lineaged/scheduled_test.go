package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lineaged/lineaged/internal/config"
)

// TestScheduledReports writes reports of a world of two minutes to a folder: of one minute of it, and of one that
// nobody observed.
func TestScheduledReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, asked, _, begun := stoppedWorld(t)
		cfg.Data = t.TempDir()
		folder := filepath.Join(cfg.Data, "reports")
		every := config.Every{Length: time.Minute}
		cfg.Usage.Reports = []config.Report{
			{Scope: config.Scope{Topic: "topic:west/metrics"}, Every: every, After: config.Duration(time.Second), Format: "json", Folder: config.File(folder)},
			{Report: "register", Name: "who", Scope: config.Scope{Tag: "pii"}, Every: every, After: config.Duration(time.Second), Folder: config.File(folder)},
			{Scope: config.Scope{Tag: "pii"}, Name: "all", Every: every, After: config.Duration(time.Second), Format: "json", Folder: config.File(folder)},
			{Scope: config.Scope{Tag: "pii"}, Name: "bearers", Derived: new(false), Every: every, After: config.Duration(time.Second), Format: "json", Folder: config.File(folder)},
			{Report: "register", Scope: config.Scope{Tag: "pii"}, Name: "bearers-register", Derived: new(false), Every: every, After: config.Duration(time.Second), Format: "json", Folder: config.File(folder)},
			{Scope: config.Scope{Cluster: "west"}, Every: every, After: config.Duration(time.Second), Rows: "periods", Folder: config.File(folder)},
		}
		w := newScheduled(cfg, asked, &past{}, time.Now, slog.New(slog.DiscardHandler))
		minute := func(n int) string {
			const instant = "20060102T150405Z"
			at := begun.UTC().Truncate(time.Minute).Add(time.Duration(n) * time.Minute)
			return at.Format(instant) + "-" + at.Add(time.Minute).Format(instant)
		}
		w.Step(t.Context())
		is := reportIn(t, filepath.Join(folder, "usage-topic-topic_west_metrics-*-"+minute(1)+".json"))
		if len(is.Uses) != 1 || is.Uses[0].Records == nil || is.Coverage.ObservedFraction < 0.8 {
			t.Errorf("%+v", is)
		}
		text, err := os.ReadFile(filepath.Join(folder, "who-"+minute(1)+".csv"))
		if err != nil || !strings.Contains(string(text), "tag pii") {
			t.Errorf("%s %v", text, err)
		}
		for name, want := range map[string]bool{"all": false, "bearers": true, "bearers-register": true} {
			is := reportIn(t, filepath.Join(folder, name+"-"+minute(1)+".json"))
			if got := strings.Contains(strings.Join(is.NotShown, "\n"), "are left out"); got != want {
				t.Errorf("%s: topics to which the tag only comes are left out: %v, not %v: %q", name, got, want, is.NotShown)
			}
		}
		if trouble := w.Trouble(); len(trouble) != 1 || !strings.Contains(trouble[0], noLedger) {
			t.Errorf("%q: one wants rows of the ledger, and there is none", trouble)
		}
		names := map[string]bool{}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(scheduledFigures{w})
		families, err := registry.Gather()
		for _, f := range families {
			names[f.GetName()] = true
		}
		if err != nil || len(names) != 4 {
			t.Errorf("%v %v", names, err)
		}
		// Nobody is there for ten minutes: each minute has its report, which says that nothing was observed.
		time.Sleep(10 * time.Minute)
		w.Step(t.Context())
		is = reportIn(t, filepath.Join(folder, "usage-topic-topic_west_metrics-*-"+minute(7)+".json"))
		if len(is.Uses) != 1 || is.Uses[0].Records != nil || is.Coverage.Complete || is.Coverage.ObservedFraction != 0 || is.Coverage.GapCount == 0 {
			t.Errorf("%+v", is)
		}
	})
}

type scheduledReport struct {
	Uses     []struct{ Records *int64 }
	NotShown []string
	Coverage struct {
		Complete         bool
		ObservedFraction float64
		GapCount         int
	}
}

func reportIn(t *testing.T, path string) (is scheduledReport) {
	t.Helper()
	found, err := filepath.Glob(path)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q %v", path, found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &is); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return is
}
