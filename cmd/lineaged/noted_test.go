package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/timeseries"
)

// TestAnEditOfTheConfigurationFileIsInTheLedger changes a rule that stops tags and takes that back, both within one
// period: the ledger says what changed, and when, of the configuration and of no person.
func TestAnEditOfTheConfigurationFileIsInTheLedger(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "lineaged.yaml")
	load := func(rules string) (config.Config, error) {
		if err := os.WriteFile(file, []byte("clusters: [{name: west, brokers: ['b:9092']}]\ndata: "+dir+"\n"+rules), 0o600); err != nil {
			t.Fatal(err)
		}
		return config.Load(config.Input{File: file})
	}
	const usual, other = "topics: [{match: ^masked, owner: crm}]\n", "topics: [{match: ^masked, owner: crm, stops: [pii]}]\n"
	cfg, err := load(usual)
	if err != nil {
		t.Fatal(err)
	}
	store, log := timeseries.NewMemory(timeseries.Options{Tick: time.Minute}), slog.New(slog.DiscardHandler)
	t.Cleanup(func() { _ = store.Close() })
	rules, err := newRules(t.Context(), cfg, store, log)
	if err != nil {
		t.Fatal(err)
	}
	said := &declarations{}
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	b := openBook(cfg, nil, rules, said, func() time.Time { return now }, log)
	t.Cleanup(func() { _ = b.close() })
	if trouble := b.trouble(); len(trouble) > 0 {
		t.Fatal(trouble)
	}
	rules.changed = b.note
	by, err := sources(cfg, rules, said)
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	// closes writes the hour that ended, and returns the changes that it says.
	closes := func() (changes []ledger.Change) {
		t.Helper()
		end := now.Truncate(time.Hour)
		batch := ledger.Batch{Period: ledger.Period{Start: ledger.At(end.Add(-time.Hour)), End: ledger.At(end)}, Closed: now, Final: end.Add(time.Hour), Sources: map[string]string{}}
		for what, text := range by() {
			sum := sha256.Sum256(text)
			batch.Sources[what] = hex.EncodeToString(sum[:])
		}
		if _, err := b.log.Append(batch); err != nil {
			t.Fatal(err)
		}
		if err := b.log.Publish(); err != nil {
			t.Fatal(err)
		}
		for ; size < b.log.Newest().Size; size++ {
			text, err := b.log.Reader().Entry(size)
			var c ledger.Change
			if err == nil {
				err = json.Unmarshal(text, &c)
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Type == "change" {
				changes = append(changes, c)
			}
		}
		return changes
	}
	reload := func(text string) {
		rules.reload(t.Context(), reloader{load: func() (config.Config, error) { return load(text) }})
	}
	now = now.Add(2 * time.Minute)
	b.note()
	if got := closes(); len(got) > 0 {
		t.Errorf("the first hour says %+v", got)
	}
	edited := []time.Time{now.Add(10 * time.Minute), now.Add(11 * time.Minute)}
	for i, text := range []string{other, usual} {
		now = edited[i]
		reload(text)
	}
	now = now.Add(time.Hour)
	b.note()
	got := closes()
	var what []string
	for i, c := range got {
		at := edited[i*2/max(len(got), 1)]
		if what = append(what, c.What); !c.At.Equal(at) || c.Before == nil || c.After == nil {
			t.Errorf("%+v, want it at %s", c, at)
		}
	}
	if want := []string{"configuration", "configuration.topics", "rules", "configuration", "configuration.topics", "rules"}; !slices.Equal(what, want) {
		t.Errorf("changed are %q, want %q", what, want)
	}
	for i := range got[:len(got)/2] {
		if x, y := got[i], got[i+len(got)/2]; *x.Before != *y.After || *x.After != *y.Before {
			t.Errorf("%s is taken back as %s", *x.Before, *y.After)
		}
	}
}
