package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/timeseries"
)

// TestRulesThatStopTagsAreToldToTheLedger takes them from a configuration that changes while the program runs, writes
// them down, and has them from the folder as an auditor does.
func TestRulesThatStopTagsAreToldToTheLedger(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "lineaged.yaml")
	load := func(rules string) config.Config {
		t.Helper()
		if err := os.WriteFile(file, []byte("clusters: [{name: west, brokers: ['b:9092']}]\n"+rules), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := config.Load(config.Input{File: file})
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	store := timeseries.NewMemory(timeseries.Options{Tick: time.Minute})
	t.Cleanup(func() { _ = store.Close() })
	log := slog.New(slog.DiscardHandler)
	who, err := newRules(t.Context(), load(`
applications:
  - {match: {group: ^plain$}, name: plain}
  - {match: {group: ^masker$, principal: ^User:anna$}, name: masker, stops: [pii, gdpr]}
topics: [{match: ^masked, stops: ["*"]}]
nodes: [{match: "^application:", stops: [tier-1]}]
`), store, log)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ledger.OpenKey(filepath.Join(dir, "ledger.key"), true)
	if err != nil {
		t.Fatal(err)
	}
	l, err := ledger.Open(filepath.Join(dir, ledgerFolder), key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	hour := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	closes := func() (out string) {
		t.Helper()
		p := ledger.Period{Start: ledger.At(hour), End: ledger.At(hour.Add(time.Hour))}
		hour = hour.Add(time.Hour)
		_, err := l.Append(ledger.Batch{Period: p, Closed: p.End.Add(time.Minute), Final: p.End.Add(time.Hour), Breakers: *who.breakers.Load()})
		if err == nil {
			err = l.Publish()
		}
		if err != nil {
			t.Fatal(err)
		}
		code, out, errs := ran(t, "audit", "verify", dir)
		if code != exitOK {
			t.Fatalf("exit code %d: %s", code, errs)
		}
		return out
	}
	f := func(out string, want ...string) {
		t.Helper()
		for _, text := range want {
			if !strings.Contains(out, text) {
				t.Errorf("%q is not in\n%s", text, out)
			}
		}
		if strings.Contains(out, "anna") {
			t.Errorf("a person is told in the clear:\n%s", out)
		}
	}
	f(closes(), "tags stop by 3 rules since 2026-11-01T01:01:00Z, in the entries from 0 on:",
		`  applications[1] group "^masker$", principal "sha256:`, `stops ["pii" "gdpr"]`, `  topics[0] name "^masked" stops ["*"]`, `  nodes[0] id "^application:" stops ["tier-1"]`)
	who.reload(t.Context(), reloader{load: func() (config.Config, error) {
		return load("topics: [{match: ^masked, stops: [pii]}]\n"), nil
	}})
	f(closes(), "tags stop by 1 rule since 2026-11-01T02:01:00Z", `topics[0] name "^masked" stops ["pii"]`)
	first := slices.Clone(*who.breakers.Load())
	who.reload(t.Context(), reloader{load: func() (config.Config, error) { return load("topics: [{match: ^masked, owner: x}]\n"), nil }})
	if out := closes(); len(first) != 1 || strings.Contains(out, "tags stop") {
		t.Errorf("no rule stops tags any more, and it says\n%s", out)
	}
}

// TestRulesThatAreNotHeldAreSaid: that tags stop by rules of which no entry is held is not said as if there were none,
// and of rules that held before what is held nobody says since when.
func TestRulesThatAreNotHeldAreSaid(t *testing.T) {
	f := func(is ledger.Stopping, want string) {
		t.Helper()
		var out strings.Builder
		printBreakers(func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }, is)
		if got := out.String(); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%+v: %q, want %q", is, got, want)
		}
	}
	f(ledger.Stopping{}, "")
	f(ledger.Stopping{Digest: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}, "") // of no rule
	f(ledger.Stopping{Digest: "ab12"}, "rules stop tags, their digest is ab12, and their entries were removed (ledger.retention)\n")
	one := []ledger.Breaker{{At: ledger.At(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC))}}
	f(ledger.Stopping{Digest: "ab12", Rules: one, First: 7}, "tags stop by 1 rule since 2026-11-01T00:00:00Z, in the entries from 7 on:\n")
	f(ledger.Stopping{Digest: "ab12", Rules: one, First: 7, Before: true}, "tags stop by 1 rule since 2026-11-01T00:00:00Z or before, in the entries from 7 on:\n")
}
