package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Who may send what, and what is wrong with it.
func TestPushes(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"any": "0123456789abcdef\n", "west": "west-0123456789abcdef", "same": "0123456789abcdef", "short": "secret", "two": "0123456789abcdef 0123456789abcdef"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := func(rest string) (Config, error) {
		file := filepath.Join(dir, "lineaged.yaml")
		if err := os.WriteFile(file, []byte(rest), 0o600); err != nil {
			t.Fatal(err)
		}
		return Load(Input{File: file})
	}
	const west = "clusters: [{name: west, brokers: ['127.0.0.1:9092'], "
	f := func(what, yaml string, problems ...string) {
		t.Helper()
		_, err := load(yaml)
		switch {
		case len(problems) == 0 && err != nil:
			t.Errorf("%s: %v", what, err)
		case len(problems) > 0 && err == nil:
			t.Errorf("%s is taken", what)
		}
		for _, p := range problems {
			if err != nil && !strings.Contains(err.Error(), p) {
				t.Errorf("%s: %v, want %q", what, err, p)
			}
		}
		if err != nil && strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%s: the token is shown: %v", what, err)
		}
	}
	f("nobody", west+"}]")
	f("one for all", "otlp: {token_file: any, max_body: 1MiB}\n"+west+"telemetry: {subscribe: true, interval: 10s}}]")
	f("one's own", west+"push: {token_file: west}, telemetry: {subscribe: true}}]")
	f("both", "otlp: {token_file: any}\n"+west+"push: {token_file: west}}]")
	f("twice the same", "otlp: {token_file: any}\n"+west+"push: {token_file: same}}]", "clusters[0].push.token_file", "otlp.token_file too")
	f("a word", "otlp: {token_file: short}\n"+west+"}]", "otlp.token_file", "16 characters")
	f("two words", "otlp: {token_file: two}\n"+west+"}]", "otlp.token_file", "no space")
	f("no file", "otlp: {token_file: none}\n"+west+"}]", "otlp.token_file", "no such file")
	f("subscribed for nobody", west+"telemetry: {subscribe: true}}]", "clusters[0].telemetry.subscribe", "nobody may send")
	f("too often", west+"telemetry: {interval: 10ms}}]", "clusters[0].telemetry.interval")
	cfg, err := load("otlp: {token_file: any}\n" + west + "}]")
	if err != nil {
		t.Fatal(err)
	}
	if token, err := cfg.OTLP.Bearer(); err != nil || token.Reveal() != "0123456789abcdef" {
		t.Errorf("%q, %v", token.Reveal(), err)
	}
	if none, err := cfg.Clusters[0].Push.Bearer(); err != nil || !none.IsZero() {
		t.Errorf("%q, %v", none.Reveal(), err)
	}
}
