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
