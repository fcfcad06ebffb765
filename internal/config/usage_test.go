package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestUsage(t *testing.T) {
	load := func(yaml string) (Config, error) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "lineaged.yaml")
		if err := os.WriteFile(path, []byte("clusters: [{name: west, brokers: ['b:9092']}]\n"+yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		return Load(Input{File: path})
	}
	c, err := load(`usage:
  currency: EUR
  charge: {storage: producers-by-share}
  prices:
  - {ingress: 0.00002, storage: "0.123456789012345678", partitions: 1}
  - {cluster: west, from: 2026-11-16, until: "2026-12-01", egress: 0.5}
`)
	if err != nil {
		t.Fatal(err)
	}
	p := c.Usage.Prices
	if p[0].Ingress != "0.00002" || p[0].Storage != "0.123456789012345678" || p[0].Partitions != "1" || p[1].Egress != "0.5" {
		t.Errorf("prices %+v", p)
	}
	if p[1].From.String() != "2026-11-16" || p[1].Until.String() != "2026-12-01" || !p[0].From.IsZero() {
		t.Errorf("from %s until %s", p[1].From, p[1].Until)
	}
	for _, x := range []struct{ yaml, says string }{
		{"usage: {prices: [{ingress: 1}]}", "usage.currency: is not set"},
		{"usage: {currency: euro}", "ISO 4217"},
		{"usage: {charge: {write: consumer}}", "none of producer, topic-owner"},
		{"usage: {currency: EUR, prices: [{cluster: west}]}", "no other price"},
		{"usage: {currency: EUR, prices: [{cluster: wst, ingress: 1}]}", "wst"},
		{"usage: {currency: EUR, prices: [{ingress: -1}]}", "not a decimal number"},
		{"usage: {currency: EUR, prices: [{ingress: '1e3'}]}", "not a decimal number"},
		{"usage: {currency: EUR, prices: [{ingress: 0.12345678901234567}]}", "put it in quotes"},
		{"usage: {currency: EUR, prices: [{from: 2026-02-30, ingress: 1}]}", "not a day"},
		{"usage: {currency: EUR, prices: [{from: 2026-03-01, until: 2026-03-01, ingress: 1}]}", "not after from"},
		{"usage: {currency: EUR, prices: [{ingress: 1}, {egress: 1}]}", "begins on the same day"},
	} {
		if _, err := load(x.yaml); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v, want %q in it", x.yaml, err, x.says)
		}
	}
}

func TestReports(t *testing.T) {
	folder := t.TempDir()
	load := func(yaml string) (Config, error) {
		t.Helper()
		path := filepath.Join(folder, "lineaged.yaml")
		if err := os.WriteFile(path, []byte("clusters: [{name: west, brokers: ['b:9092']}]\nusage:\n  reports:\n"+yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		return Load(Input{File: path})
	}
	c, err := load(`  - {scope: {tag: pii}, every: 30d, folder: reports}
  - {report: register, scope: {tag: "a/b"}, every: month, format: html, folder: /var/reports, after: 1h}
  - {name: west, scope: {cluster: west}, every: 1d, rows: periods, folder: reports}
  - {name: bearers, scope: {tag: pii}, every: 1d, derived: false, folder: reports}
`)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Usage.Reports
	if got, want := string(r[0].Folder), filepath.Join(folder, "reports"); got != want {
		t.Errorf("folder %s, want %s", got, want)
	}
	for i, want := range []string{"usage-tag-pii", "register-tag-a_b-c14cddc0", "west"} {
		if got := r[i].Called(); got != want {
			t.Errorf("report %d is called %s, want %s", i, got, want)
		}
	}
	if r[0].Late().String() != "10m0s" || r[1].Late().String() != "1h0m0s" || r[1].Every.String() != "month" || r[2].Every.String() != "1d" || r[0].Form() != "csv" {
		t.Errorf("%+v", r)
	}
	if r[0].Derived != nil || r[3].Derived == nil || *r[3].Derived {
		t.Errorf("derived: %v and %v", r[0].Derived, r[3].Derived)
	}
	for _, x := range []struct{ yaml, says string }{
		{"  - {scope: {tag: pii}, folder: x}", "usage.reports[0].every: is not set"},
		{"  - {scope: {tag: pii}, every: 1d}", "folder: is not set"},
		{"  - {every: 1d, folder: x}", "none or several of"},
		{"  - {scope: {tag: pii, owner: shop}, every: 1d, folder: x}", "none or several of"},
		{"  - {scope: {tag: pii}, every: 30s, folder: x}", "whole minutes"},
		{"  - {scope: {tag: pii}, every: 90s, folder: x}", "whole minutes"},
		{"  - {scope: {tag: pii}, every: 2y, folder: x}", "whole minutes"},
		{"  - {scope: {cluster: wst}, every: 1d, folder: x}", "wst"},
		{"  - {scope: {tag: pii}, every: 1d, folder: x, format: pdf}", "none of csv, json, html"},
		{"  - {scope: {tag: pii}, every: 1d, folder: x, rows: periods, format: json}", "for format csv"},
		{"  - {report: register, scope: {owner: shop}, every: 1d, folder: x}", "is of a tag"},
		{"  - {report: register, scope: {tag: pii}, every: 1d, folder: x, group_by: day}", "no group_by"},
		{"  - {scope: {owner: shop}, every: 1d, folder: x, derived: false}", "reports[0].derived: \"false\": is for scope.tag"},
		{"  - {scope: {tag: pii}, every: 1d, folder: x, rows: periods, derived: true}", "is not for rows: periods"},
		{"  - {scope: {tag: pii}, every: 1d, folder: x, derived: some}", "derived"},
		{"  - {scope: {tag: pii}, every: 1d, folder: x, name: ../x}", "no beginning of a file's name"},
		{"  - {scope: {tag: pii}, every: 1d, folder: x}\n  - {scope: {tag: pii}, every: 7d, folder: x}", "would write the same files"},
		{"  - {scope: {tag: pii}, every: 1d, folder: x, window: 1d}", "window"},
	} {
		if _, err := load(x.yaml + "\n"); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: %v, want %q in it", x.yaml, err, x.says)
		}
	}
}
