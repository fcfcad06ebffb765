package main

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
)

func TestWhoAsks(t *testing.T) {
	f := func(cfg config.Config, set func(*http.Request), want string) {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
		set(r)
		if got := user(cfg)(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	header := config.Config{Catalog: config.Catalog{UserHeader: "X-Forwarded-User"}}
	both := func(r *http.Request) {
		r.Header.Set("X-Forwarded-User", " anna\x07\xff ")
		r.SetBasicAuth("ben", "x")
	}
	f(header, both, "anna\uFFFD")
	f(header, func(r *http.Request) { r.Header.Set("X-Forwarded-User", strings.Repeat("ü", 200)) }, strings.Repeat("ü", 128))
	f(config.Config{Web: config.Web{ConfigFile: "web.yml"}}, both, "ben") // whose password was looked at
	f(config.Config{}, both, "")                                          // nobody has looked at anything
}

func TestEditsOfAServer(t *testing.T) {
	cfg := config.Default()
	cfg.Data = t.TempDir()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	begin := func() *edits { return openEdits(cfg, func() time.Time { return now }, slog.New(slog.DiscardHandler)) }
	e := begin()
	n := lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}
	to := func(owner string) []lineage.Change {
		return []lineage.Change{{Slot: lineage.Slot{Field: lineage.OwnerField}, Texts: []string{owner}}}
	}
	if v, changed, err := e.Set(n, 0, to("a"), "anna"); v != 1 || !changed || err != nil {
		t.Fatalf("got %d, %t, %v", v, changed, err)
	}
	if v, changed, err := e.Set(n, 1, to("a"), "ben"); v != 1 || changed || err != nil {
		t.Errorf("the same again: got %d, %t, %v", v, changed, err)
	}
	_, _, err := e.Set(n, 0, to("b"), "ben")
	if c, ok := errors.AsType[*api.CatalogError](err); !ok || c.Conflict == nil || c.Conflict.Version != 1 || c.Conflict.By != "anna" {
		t.Errorf("got %v", err)
	}
	_, _, err = e.Set(n, 1, to(""), "ben")
	if c, ok := errors.AsType[*api.CatalogError](err); !ok || c.Conflict != nil {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(e.close(), e.close()); err != nil {
		t.Error(err)
	}
	if _, _, err := e.Set(n, 1, to("c"), ""); err == nil {
		t.Error("it is edited after it is closed")
	}
	// What can't be read is trouble, and all else goes on.
	if e = begin(); !e.Known(n) || len(e.trouble()) > 0 {
		t.Errorf("after a restart: %q", e.trouble())
	}
	_ = e.close()
	if err := os.WriteFile(filepath.Join(cfg.Data, catalogFolder, "edits"), []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e = begin()
	if _, _, err := e.Set(n, 0, to("c"), ""); err == nil || len(e.trouble()) != 1 || e.Trouble() == "" || e.Known(n) || e.close() != nil {
		t.Errorf("of another file: %v, %q", err, e.trouble())
	}
}
