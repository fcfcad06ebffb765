package main

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
)

func TestSheetsAreTakenWhole(t *testing.T) {
	cfg := config.Default()
	cfg.Data = t.TempDir()
	e := openEdits(cfg, func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { _ = e.close() })
	anna := func(*http.Request) string { return "anna" }
	send := func(allowed bool, query, media, body string) (int, imported) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, catalogImport+query, strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		e.imports(allowed, anna, nil).ServeHTTP(w, r)
		var out imported
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatalf("%v in %s", err, w.Body)
		}
		return w.Code, out
	}
	f := func(status int, want string, allowed bool, query, media, body string) {
		t.Helper()
		code, out := send(allowed, query, media, body)
		if code != status || len(out.Errors) != 1 || !strings.Contains(out.Errors[0].Message, want) {
			t.Errorf("got %d, %+v, want %d, %q", code, out.Errors, status, want)
		}
	}
	const sheet = "node,version,owner,tags\ntopic:west/a,0,team-a,pii; x\ntopic:west/b,,team-b,(none)\n"
	f(http.StatusForbidden, "catalog.edit is off", false, "", "text/csv", sheet)
	f(http.StatusUnsupportedMediaType, "text/csv or application/yaml", true, "", "text/plain", sheet)
	f(http.StatusBadRequest, `line 3, owner: " x"`, true, "", "text/csv", "node,owner\ntopic:west/a,y\ntopic:west/b,\" x\"\n")
	f(http.StatusRequestEntityTooLarge, "larger than", true, "", "text/csv", strings.Repeat("x", mostSheet+1))
	code, out := send(true, "?dry_run=true", "text/csv; charset=utf-8", sheet)
	if code != http.StatusOK || !out.DryRun || out.Edits != 2 || out.ChangeCount != 4 || len(e.all().All()) != 0 {
		t.Errorf("a dry run: %d, %+v, %d edits", code, out, len(e.all().All()))
	}
	code, out = send(true, "", "text/csv", sheet)
	if code != http.StatusOK || out.Edits != 2 || len(e.all().All()) != 2 || e.all().All()[0].By != "anna" {
		t.Errorf("got %d, %+v", code, out)
	}
	if code, out = send(true, "", "text/csv", strings.Replace(sheet, ",0,", ",,", 1)); code != http.StatusOK || out.Edits != 0 {
		t.Errorf("the same again: %d, %+v", code, out)
	}
	f(http.StatusConflict, "line 3, node: topic:west/a was edited by anna", true, "", "text/csv", "node,version,owner\ntopic:west/b,,z\ntopic:west/a,0,z\n")
	if got := e.all().Now(lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "b"}).Version(); got != 2 {
		t.Errorf("a sheet with a conflict was taken in part: version %d", got)
	}
	if code, out = send(true, "", "application/yaml", "- node: topic:west/a\n  owner: null\n"); code != http.StatusOK || out.ChangeCount != 1 || out.Changes[0].After != nil {
		t.Errorf("YAML: %d, %+v", code, out)
	}
}
