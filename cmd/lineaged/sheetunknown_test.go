package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/internal/config"
)

// TestAnImportSaysWhichNodesNobodyKnows has a sheet in which an id is misspelt: it is a node that may come, so that it
// is taken, and said.
func TestAnImportSaysWhichNodesNobodyKnows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg, asked, _, _ := stoppedWorld(t)
		cfg.Data, cfg.Interval = t.TempDir(), config.Duration(10*time.Second)
		e := openEdits(cfg, time.Now, slog.New(slog.DiscardHandler))
		t.Cleanup(func() { _ = e.close() })
		for _, dry := range []string{"?dry_run=true", ""} {
			const sheet = "node,owner\ntopic:west/orders,a\ntopic:west/ordres,b\napplication:west/billing,c\ntopic:wset/orders,d\n"
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, catalogImport+dry, strings.NewReader(sheet))
			r.Header.Set("Content-Type", "text/csv")
			w := httptest.NewRecorder()
			e.imports(true, func(*http.Request) string { return "" }, asked).ServeHTTP(w, r)
			var out imported
			if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || out.Edits != 4 {
				t.Fatalf("%v, %s", err, w.Body)
			}
			if want := []string{"topic:west/ordres", "topic:wset/orders"}; !slices.Equal(out.Unknown, want) || out.UnknownCount == nil || *out.UnknownCount != len(want) {
				t.Errorf("not known are %q of %v, want %q", out.Unknown, out.UnknownCount, want)
			}
			var said strings.Builder
			if err := (&program{stdout: &said}).told(out); err != nil || !strings.Contains(said.String(), "topic:west/ordres: nothing is known of it in the last 7 days: is its id right?\n") {
				t.Errorf("%v, it is said\n%s", err, &said)
			}
		}
	})
}
