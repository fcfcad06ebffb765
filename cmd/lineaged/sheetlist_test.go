package main

import (
	"context"
	"encoding/csv"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/catalog"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
)

// TestTheCatalogsListIsAFile takes lists of the catalog's page away with its filters, as of now and of an instant, and
// brings one back.
func TestTheCatalogsListIsAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, asked, _, begun := stoppedWorld(t)
		cfg.Data, cfg.Interval = t.TempDir(), config.Duration(10*time.Second)
		e := openEdits(cfg, time.Now, slog.New(slog.DiscardHandler))
		t.Cleanup(func() { _ = e.close() })
		topic := lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}
		if _, _, err := e.Set(topic, 0, []lineage.Change{{Slot: lineage.Slot{Field: lineage.DescriptionField}, Texts: []string{"=cmd()"}}}, "anna"); err != nil {
			t.Fatal(err)
		}
		get := func(query string) (string, error) {
			t.Helper()
			params, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			out, err := e.export(asked)(t.Context(), params)
			if err != nil {
				return "", err
			}
			var b strings.Builder
			if err := out.Write(&b); err != nil {
				t.Fatal(err)
			}
			return b.String(), nil
		}
		f := func(query string, want ...string) string {
			t.Helper()
			text, err := get(query)
			if err != nil {
				t.Fatal(query, err)
			}
			rows, err := catalog.ReadCSV(strings.NewReader(text))
			if err != nil {
				t.Fatalf("%s: %v in\n%s", query, err, text)
			}
			var got []string
			for _, r := range rows {
				got = append(got, r.Node.ID())
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", query, got, want)
			}
			return text
		}
		const orders, metrics, billing, ops = "topic:west/orders", "topic:west/metrics", "application:west/billing", "application:west/ops"
		if text := f("format=csv", metrics, orders, billing, ops); !strings.HasPrefix(text, "node,version,") {
			t.Errorf("a sheet of all begins with something else than its columns:\n%s", text)
		}
		f("last=1m&kind=topic", metrics, orders)
		f("last=1m&kind=application,unidentified", billing, ops)
		f("last=1m&kind=TOPIC&text=ord", orders)
		f("last=1m&kind=topic&cluster=west&includeInternal=true", metrics, orders)
		text := f("last=1m&state=moving,stalled&kind=topic", metrics, orders)
		f("last=1m&state=stalled,not_known")
		f("last=1m&owner=nobody")
		for _, want := range []string{"# nodes: 2 of those asked for\r\n", "state 'MOVING'", "observed", ",'=cmd(),", ",TOPIC,", "2000-01-01T00:02:00Z"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is not in\n%s", want, text)
			}
		}
		// Before it was edited, and before anything was seen.
		at := begun.Add(time.Minute).UTC().Format(time.RFC3339)
		if text := f("at="+at+"&kind=topic", metrics, orders); strings.Contains(text, "cmd") {
			t.Errorf("at %s it was not edited yet:\n%s", at, text)
		}
		if text, err := get("format=yaml&last=1m&kind=topic"); err != nil || !strings.Contains(text, "# asked: kind") || !strings.Contains(text, "- description: =cmd()\n") || strings.Contains(text, "metrics") ||
			!strings.Contains(text, "# nodes: 1 of those asked for\n") || !strings.Contains(text, "# not in it: 1 that nobody has edited\n") {
			t.Errorf("%v:\n%s", err, text)
		}
		for query, want := range map[string]string{
			"format=json": `format: "json" is none of csv, yaml`, "kind=topics": `kind: "TOPICS" is none of APPLICATION,`, "state=slow": `state: "SLOW" is none of CATCHING_UP,`,
			"derived=true": `derived: "true" needs a tag`, "tags=pii": `tags: "pii" is of a parameter that is not known`, "at=yesterday": `at: "yesterday" is no instant`, "owner=": `owner: "" is nothing`,
			"text=" + strings.Repeat("ü", 257): "longer than the 256 characters", "cluster=east&last=1m": "east",
		} {
			if _, err := get(query); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q in it", query, err, want)
			}
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		if _, err := e.export(asked)(gone, url.Values{"last": {"1m"}}); err == nil {
			t.Error("nobody waits for it")
		}
		lines := csv.NewReader(strings.NewReader(text))
		lines.Comment = '#'
		if table, err := lines.ReadAll(); err != nil || len(table) != 3 || !slices.Contains(table[0], "now:states") {
			t.Errorf("%q, %v", table, err)
		}
	})
}
