package main

import (
	"bytes"
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
	"github.com/lineaged/lineaged/openlineage"
)

// TestTellsTargets writes events of a world of two minutes for a target that nobody answers for: they are on disk, what
// is observed no more is told as unknown, and that they are not taken is said.
func TestTellsTargets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, asked, _, _ := stoppedWorld(t)
		cfg.Data = t.TempDir()
		cfg.OpenLineage.Targets = []config.Target{{URL: "http://127.0.0.1:1", Every: config.Duration(time.Minute)}}
		tells, err := newTeller(cfg, asked, time.Now, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		x := tells.targets[0]
		events := func() (all []openlineage.Event) {
			t.Helper()
			files, err := filepath.Glob(filepath.Join(cfg.Data, "openlineage-out", "openlineage", "*.events"))
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				text, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				for line := range bytes.Lines(text) {
					_, body, _ := bytes.Cut(line, []byte("\t"))
					var e openlineage.Event
					if err := json.Unmarshal(body, &e); err != nil {
						t.Fatal(err)
					}
					all = append(all, e)
				}
			}
			return all
		}
		tells.step(t.Context(), x)
		first := events()
		if len(first) == 0 || x.trouble != "" {
			t.Fatalf("%d events: %s", len(first), x.trouble)
		}
		told := false
		for _, e := range first {
			for _, d := range append(e.Inputs, e.Outputs...) {
				told = told || d.Name == "metrics" && strings.HasPrefix(d.Namespace, "kafka://")
			}
		}
		if !told {
			t.Errorf("nobody moves anything of the topic metrics: %+v", first)
		}
		tells.step(t.Context(), x) // the same window is told once
		time.Sleep(10 * time.Minute)
		tells.step(t.Context(), x) // of a time in which nobody looked nothing is told
		if again := events(); len(again) != len(first) || x.trouble != "" {
			t.Errorf("%d events and not %d: %s", len(again), len(first), x.trouble)
		}
		x.queue.Step(t.Context(), time.Now())
		if all := tells.troubles(); len(all) != 1 || !strings.Contains(all[0], "does not take events") {
			t.Errorf("%q", all)
		}
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(tells)
		families, err := registry.Gather()
		if err != nil || len(families) != 5 {
			t.Errorf("%v, %v", families, err)
		}
	})
}

func TestChecksTargets(t *testing.T) {
	cfg := config.Default()
	cfg.Clusters = []config.Cluster{{Name: "west", Brokers: []string{"B1:9092"}}}
	cfg.OpenLineage.Targets = []config.Target{{Kind: "datahub", URL: "http://a"}, {Name: "om", Kind: "openmetadata", Cluster: "west", Topic: "t", Namespaces: config.Aliases{"west": "kafka://a:1,b:2"}}}
	f := func(only, want, problem string) {
		t.Helper()
		var out strings.Builder
		err := checkTargets(&out, cfg, only)
		if !strings.Contains(out.String(), want) || (problem == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%q: %v\n%s", only, err, out.String())
		}
	}
	f("datahub", "in the namespace kafka://b1:9092", "")
	f("", "target om, of the kind openmetadata", "not all of it will be found")
	f("om", "! a list never matches", "not all of it will be found")
	f("marquez", "dataset:kafka://b1:9092:TOPIC", "")
	f("atlas", "", `no target "atlas"`)
}
