package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMetricsPush(t *testing.T) {
	files := map[string]string{
		"headers": "Authorization: Bearer " + canary + "\nX-Scope-OrgID: shop\n", "empty": "\n", "word": canary + "\n", "two": "A: b\n" + canary + "\n",
		"host": "host: " + canary + "\n", "late": "A: b\n\n" + canary + "\n",
	}
	f := func(push, want string) {
		t.Helper()
		_, err := load(t, one+"metrics: {push: {"+push+"}}", files)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary)) {
			t.Errorf("%s: %v, not %s", push, err, want)
		}
	}
	f("url: 'http://otel:4318'", "")
	f("url: 'https://otel/otlp/v1/metrics', every: 10s, headers_file: headers, tls: {enabled: true}", "")
	f("every: 10s", "metrics.push.url: is not set")
	f("url: 'grpc://otel:4317'", "metrics.push.url")
	f("url: 'http://u:"+canary+"@otel'", "metrics.push.url: holds a user")
	f("url: 'http://otel?key="+canary+"'", "metrics.push.url: holds a user or parameters")
	f("url: 'http://otel', tls: {enabled: true}", "tls is set and the address is not https://")
	f("url: 'https://otel', tls: {ca_file: word}", "metrics.push.tls.ca_file")
	f("url: 'http://otel', every: 5s", "metrics.push.every")
	f("url: 'http://otel', every: 2h", "metrics.push.every")
	f("url: 'http://otel', headers_file: none", "metrics.push.headers_file")
	for _, bad := range []string{"empty", "word", "two"} {
		f("url: 'http://otel', headers_file: "+bad, "it is not lines such as")
	}
	f("url: 'http://otel', headers_file: host", "the header Host, which the protocol sets")
}

// Headers are read again, and stay what they were while their file is none.
func TestMetricsPushReread(t *testing.T) {
	at := filepath.Join(t.TempDir(), "headers")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("Authorization: Bearer one\n")
	p := MetricsPush{URL: "http://otel:4318/", HeadersFile: File(at)}
	now, err := p.Reread()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{"authorization: Bearer two\n", "Bearer two"}, {"half", "Bearer two"}, {"", "Bearer two"}, {"Authorization:Bearer three", "Bearer three"}} {
		write(c[0])
		if got := now().Get("Authorization"); got != c[1] {
			t.Errorf("%q: %q, not %q", c[0], got, c[1])
		}
	}
	if p.Address() != "http://otel:4318/v1/metrics" || (MetricsPush{URL: "http://p:9090/api/v1/otlp/v1/metrics"}).Address() != "http://p:9090/api/v1/otlp/v1/metrics" {
		t.Error(p.Address())
	}
}
