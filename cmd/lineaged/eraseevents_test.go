package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/collector/openlineage"
	"github.com/lineaged/lineaged/internal/deadletter"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/openlineage/outbox"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// withEvents puts into a data folder what OpenLineage leaves there: dead letters, an event that was taken and is not
// observed yet, and one that waits for a receiver. A person is in each.
func withEvents(t *testing.T, dir string) {
	t.Helper()
	b := deadletter.New(filepath.Join(dir, eventsFolder))
	for n, l := range []deadletter.Letter{
		{Address: "10.1.2.3", Agent: "of User:ann", Index: -1, Pointer: "/eventTime", Why: "is missing", Namespace: "ns", Job: "j", Bytes: 9},
		{Topic: "west/events", Offset: 77, Index: -1, Why: "the body is not JSON", Producer: "https://10.1.2.3/ann", Bytes: 1},
	} {
		l.At = time.Now().UTC().Add(time.Duration(n) * time.Second)
		if err := b.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	takeEvent(t, dir, "START")
	q, err := outbox.New(outbox.Options{Name: "lab", Folder: filepath.Join(dir, "openlineage-out", "lab"), Most: 1 << 20, Log: slog.New(slog.DiscardHandler)})
	for _, body := range []string{`{"job":{"namespace":"west","name":"User:ann"}}`, `{"job":{"name":"as User:CN=a\u0026b"}}`, `{"job":{"name":"nobody"}}`} {
		if err == nil {
			err = q.Put([]outbox.Event{{Key: "k", Body: []byte(body)}})
		}
	}
	if err != nil {
		t.Fatal(err)
	}
}

// takeEvent has a collector take an event of a job, whose owner and description name a person but where it is RUNNING.
func takeEvent(t *testing.T, dir, kind string) {
	t.Helper()
	held, err := timeseries.Open(dir, timeseries.Options{MinFree: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := openlineage.New(openlineage.Config{Folder: filepath.Join(dir, eventsFolder), Interval: 10 * time.Second}, held)
	if err != nil {
		t.Fatal(err)
	}
	facets := `{"ownership":{"owners":[{"name":"User:ann","type":"OWNER"},{"name":"User:CN=a&b"}]},"documentation":{"description":"runs on 10.1.2.3"}}`
	if kind == "RUNNING" { // says nothing of them anew
		facets = `{}`
	}
	event, _, err := runevent.Parse([]byte(`{"eventType":"` + kind + `","eventTime":"2026-03-01T00:00:00Z","run":{"runId":"9c66b278-db60-4da4-a9df-000000000001"},
		"job":{"namespace":"ns","name":"load","facets":` + facets + `}}`))
	if err == nil {
		err = c.Take(t.Context(), []runevent.Event{event})
	}
	if err == nil {
		err = held.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// observeEvents has a collector observe what it took, as a server does in its next rounds.
func observeEvents(t *testing.T, dir string) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)))
		held, err := timeseries.Open(dir, timeseries.Options{MinFree: 1, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		c, err := openlineage.New(openlineage.Config{Folder: filepath.Join(dir, eventsFolder), Interval: 10 * time.Second}, held)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		if err := errors.Join(c.Run(ctx), held.Close()); err != nil {
			t.Fatal(err)
		}
	})
}

// saidByEvents is all that a folder's store has of what events said: the positions of their source and the facts of
// runs.
func saidByEvents(t *testing.T, dir string) string {
	t.Helper()
	held, err := timeseries.Open(dir, timeseries.Options{MinFree: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	var out strings.Builder
	positions, err := held.Positions(t.Context(), lineage.Source{Cluster: openlineage.Name, Name: openlineage.Part})
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range positions {
		fmt.Fprintf(&out, "%s: %s\n", key, value)
	}
	at := time.Date(2026, 3, 1, 4, 0, 0, 0, time.UTC)
	w, err := held.Window(t.Context(), store.Ask{Window: lineage.Window{Start: at.Add(-3 * time.Hour), End: at}, Facts: []lineage.FactKind{lineage.RunFacts}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range w.Facts {
		if f.Runs != nil {
			fmt.Fprintf(&out, "told: %+v\n", *f.Runs)
		}
	}
	return out.String()
}

// TestEraseWithEvents erases a person of whom OpenLineage's events and dead letters tell too: nothing of the folder has
// the name then, and what was taken away is said.
func TestEraseWithEvents(t *testing.T) {
	dir := erasable(t)
	takeEvent(t, dir, "START")
	observeEvents(t, dir)
	if is := saidByEvents(t, dir); strings.Count(is, "User:ann") != 3 || strings.Count(is, "10.1.2.3") != 3 {
		t.Fatalf("a job, its run and the fact of both do not name the person:\n%s", is)
	}
	withEvents(t, dir)
	names := func() (where []string) {
		t.Helper()
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte("User:ann")) || bytes.Contains(text, []byte("10.1.2.3")) || bytes.Contains(text, []byte(`CN=a`)) {
				is, _ := filepath.Rel(dir, path)
				where = append(where, filepath.ToSlash(is))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return where
	}
	before := strings.Join(names(), " ")
	for _, want := range []string{"openlineage/dead-letters", "openlineage/journal", "openlineage-out/lab/"} {
		if !strings.Contains(before, want) {
			t.Fatalf("the name is not in %s, but in %s", want, before)
		}
	}
	ann := []string{"data", "erase", dir, "--principal", "User:ann", "--principal", "User:CN=a&b", "--host", "10.1.2.3"}
	said := func(verb string, args ...string) {
		t.Helper()
		code, out, errs := ran(t, append(ann, args...)...)
		for _, want := range []string{
			"2 positions, ", "2 dead letters of OpenLineage: all are " + verb, "1 event of OpenLineage not observed yet: the names " + verb,
			"2 windows of events for OpenLineage targets: all " + verb,
		} {
			if code != exitOK || !strings.Contains(out, want) {
				t.Errorf("%q exits with %d and says %s%s, not %q", args, code, out, errs, want)
			}
		}
	}
	said("would be erased", "--dry-run")
	if now := strings.Join(names(), " "); now != before {
		t.Errorf("asked what would be erased, it is in %s and was in %s", now, before)
	}
	said("erased")
	if left := names(); len(left) > 0 {
		t.Errorf("the name is still in %q", left)
	}
	if waits, err := filepath.Glob(filepath.Join(dir, "openlineage-out", "lab", "*")); err != nil || len(waits) != 1 {
		t.Errorf("what names nobody waits no more: %q, %v", waits, err)
	}
	if code, out, errs := ran(t, ann...); code != exitOK || strings.Contains(out, "OpenLineage") {
		t.Errorf("again: %d, %s%s", code, out, errs)
	}
	if got, err := deadletter.Read(filepath.Join(dir, eventsFolder), time.Now()); err != nil || len(got) > 0 {
		t.Errorf("letters are %+v, %v", got, err)
	}
	if code, out, errs := ran(t, "data", "check", dir); code != exitOK || !strings.Contains(out, "nothing is damaged") {
		t.Errorf("check: %d, %s%s", code, out, errs)
	}
	wantForgotten(t, dir)
	// What is told again of a run that was observed before is without the person too.
	takeEvent(t, dir, "RUNNING")
	observeEvents(t, dir)
	is := saidByEvents(t, dir)
	for _, name := range []string{"User:ann", "10.1.2.3", "CN=a&b", `CN=a\u0026b`} {
		if strings.Contains(is, name) {
			t.Errorf("%s is in what events said:\n%s", name, is)
		}
	}
	if !strings.Contains(is, "told: ") || strings.Count(is, "runs on erased-") != 3 {
		t.Errorf("it is not told without the person:\n%s", is)
	}
	// An instance goes on where it was: an event is taken, and one is put for the receiver.
	withEvents(t, dir)
}
