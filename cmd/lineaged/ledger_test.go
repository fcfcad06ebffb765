package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/ledger"
)

// wantAudit takes the ledger of a running demo away, as an auditor with a shell does: its past was closed at the start.
func (s *server) wantAudit(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	bundle := filepath.Join(dir, "orders.lineaged-bundle")
	export := func(args ...string) (code int, out, errs string) {
		return ran(t, append([]string{"audit", "export", "--server", s.url, "--topic", "topic:west/orders"}, args...)...)
	}
	eventually(t, 30*time.Second, func() string {
		_, _, errs := export("--last", "6h", "-o", bundle)
		return errs
	})
	code, out, errs := ran(t, "audit", "verify", bundle)
	if code != exitOK || !strings.Contains(out, "verified: topic:west/orders, ") || !strings.Contains(out, "of the time after, nothing is said yet") {
		t.Fatalf("exit code %d: %s%s", code, out, errs)
	}
	if code, _, errs := export("--last", "6h", "-o", bundle); code == exitOK || !strings.Contains(errs, "exists") {
		t.Errorf("a file that is there: exit code %d, %s", code, errs)
	}
	for form, want := range map[string]string{"csv": "\r\n# topic: topic:west/orders\r\n", "html": "<h1>Who used <bdi>topic:west/orders</bdi></h1>", "json": `"format": "lineaged-proved"`} {
		code, out, errs := export("--last", "6h", "--format", form)
		if code != exitOK || !strings.Contains(out, want) || !strings.Contains(out, "application:shop/billing") {
			t.Errorf("%s: exit code %d, %s%.400s", form, code, errs, out)
		}
		if form == "json" && !json.Valid([]byte(out)) {
			t.Error("this is no JSON")
		}
	}
	s.wantAuditRefusals(t, bundle)
	s.wantSealed(t)
}

// wantSealed asks the API how much of a window is closed.
func (s *server) wantSealed(t *testing.T) {
	t.Helper()
	type sealed struct {
		Start, End, Final time.Time
		Periods           int
		Amendments        int
		AmendedAt         *time.Time
		Settled           bool
	}
	var is struct{ Ledger struct{ Some, None *sealed } }
	ask := func(topic string) string {
		return s.query(`{ ledger {
			some: sealed(topic: "`+topic+`", window: {last: "6h"}) { start end periods amendments amendedAt final settled }
			none: sealed(topic: "`+topic+`", window: {start: "2020-01-01T00:00:00Z", end: "2020-01-02T00:00:00Z"}) { periods }
		} }`, &is)
	}
	// The first of the past's periods may be taken away before the last is closed.
	eventually(t, 30*time.Second, func() string {
		problem := ask("topic:west/orders")
		if some := is.Ledger.Some; problem == "" && some != nil && some.Periods < 5 {
			return fmt.Sprintf("%d periods are closed", some.Periods)
		}
		return problem
	})
	some := is.Ledger.Some
	if some == nil || is.Ledger.None != nil {
		t.Fatalf("%+v, %+v", some, is.Ledger.None)
	}
	if n := int(some.End.Sub(some.Start) / time.Hour); some.Periods < 5 || n != some.Periods || some.Settled || !some.Final.After(some.End) {
		t.Errorf("%+v", some)
	}
	if problem := ask("orders"); !strings.Contains(problem, "is no topic's id") {
		t.Errorf("a topic that is none: %q", problem)
	}
}

func (s *server) wantAuditRefusals(t *testing.T, bundle string) {
	t.Helper()
	text, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	changed := filepath.Join(t.TempDir(), "changed")
	if err := os.WriteFile(changed, []byte(strings.Replace(string(text), "application:shop/billing", "application:shop/bil1ing", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		args []string
		want string
	}{
		{[]string{"verify", changed}, "NOT verified: entry "},
		{[]string{"verify", bundle, "--key", "lineaged.dev/ledger/0+00000000+AAAA"}, "the key that was given is"},
		{[]string{"verify", filepath.Join(t.TempDir(), "none")}, "no such file"},
		{[]string{"export", "--server", s.url, "--topic", "orders", "--last", "6h"}, `--topic: "orders" is no topic's id`},
		{[]string{"export", "--server", s.url, "--topic", "topic:west/orders", "--last", "6h", "--format", "pdf"}, `--format: "pdf" is none of`},
		{[]string{"export", "--server", s.url, "--topic", "topic:west/orders", "--start", "2020-01-01T00:00:00Z", "--end", "2020-01-02T00:00:00Z"}, "the ledger has no closed period in this window"},
		{[]string{"export", "--server", s.url, "--topic", "topic:west/orders", "--month", "2026-10"}, `--topic: "topic:west/orders" stands beside --month`},
		{[]string{"prove", "many"}, `RECORD: "many" is no index`},
	} {
		if code, out, errs := ran(t, append([]string{"audit"}, x.args...)...); code == exitOK || !strings.Contains(errs, x.want) {
			t.Errorf("%v: exit code %d, %s%s; want %q", x.args, code, out, errs, x.want)
		}
	}
	if status, body := s.get("/ledger/checkpoint"); status != http.StatusOK || !strings.HasPrefix(body, ledger.OriginPrefix) {
		t.Errorf("checkpoint: %d %s", status, body)
	}
	for _, path := range []string{"/ledger/personal", "/ledger/journal", "/ledger/tile/0/../../../ledger.key", "/ledger/"} {
		if status, _ := s.get(path); status == http.StatusOK {
			t.Errorf("%s is served", path)
		}
	}
}

func TestALedgerThatCannotGoOnIsTroubleAndNothingElse(t *testing.T) {
	cfg := config.Default()
	cfg.Data = t.TempDir()
	open := func() *book { return openBook(cfg, nil, nil, nil, time.Now, slog.New(slog.DiscardHandler)) }
	b := open()
	if trouble := b.trouble(); len(trouble) > 0 {
		t.Fatal(trouble)
	}
	if err := b.close(); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(cfg.Data, ledgerKey)
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key's file: %v, %v", info, err)
	}
	good, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, text, want string
	}{
		{"gone", "", "is gone"},
		{"another", "other", "is of the key"},
		{"nonsense", "PRIVATE+KEY+secret", "does not hold one"},
	} {
		if err := os.Remove(key); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		switch x.text {
		case "":
		case "other":
			if _, err := ledger.OpenKey(key, true); err != nil {
				t.Fatal(err)
			}
		default:
			if err := os.WriteFile(key, []byte(x.text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b := open()
		trouble := strings.Join(b.trouble(), "\n")
		if !strings.Contains(trouble, x.want) || strings.Contains(trouble, "secret") {
			t.Errorf("%s: %q, want %q", x.name, trouble, x.want)
		}
		if _, _, err := b.Bundle("topic:west/orders", time.Now(), time.Now()); err == nil {
			t.Errorf("%s: a ledger that is not open has a bundle", x.name)
		}
		answer := httptest.NewRecorder()
		b.handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/ledger/checkpoint", http.NoBody))
		if answer.Code != http.StatusNotFound {
			t.Errorf("%s: the checkpoint is answered with %s", x.name, strconv.Itoa(answer.Code))
		}
		_ = b.close()
	}
	if err := os.WriteFile(key, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if b = open(); len(b.trouble()) > 0 {
		t.Error(b.trouble())
	}
	if err := b.close(); err != nil {
		t.Error(err)
	}
	cfg.Ledger.Enabled = false
	if b = open(); len(b.trouble()) > 0 || b.log != nil {
		t.Errorf("switched off, it is open or trouble: %v", b.trouble())
	}
}
