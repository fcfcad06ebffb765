package config

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the generated files")

const page = "../../docs/configuration.md"

func TestReferencePage(t *testing.T) {
	if *update {
		if err := os.WriteFile(page, []byte(Reference()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Reference(), string(got)); diff != "" {
		t.Errorf("docs/configuration.md is not up to date, run go test ./internal/config -update:\n%s", diff)
	}
}

// Every key, flag and variable is on the page, has a text, and no two keys share a name.
func TestReferenceIsComplete(t *testing.T) {
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	AddFlags(fs)
	seen := map[string]string{}
	text := Reference()
	for _, k := range keys() {
		if texts[k.path].short == "" {
			t.Errorf("%s has no text", k.path)
		}
		names := []string{k.env()}
		if s := k.shortEnv(); s != "" {
			names = append(names, s)
		}
		if f := k.flag(); f != "" {
			names = append(names, "--"+f)
			if fs.Lookup(f) == nil {
				t.Errorf("%s: --%s is not added", k.path, f)
			}
		}
		for _, n := range names {
			if other, twice := seen[n]; twice {
				t.Errorf("%s and %s share the name %s", k.path, other, n)
			}
			seen[n] = k.path
			if !strings.Contains(text, "`"+n+"`") {
				t.Errorf("%s is not on the page", n)
			}
		}
		for _, n := range names {
			if path, _, ok := k.matchEnv(strings.ReplaceAll(n, "_N_", "_7_")); strings.HasPrefix(n, envPrefix) && (!ok || !regexp.MustCompile(`^`+strings.ReplaceAll(regexp.QuoteMeta(k.path), `\*`, `[07]`)+`$`).MatchString(path)) {
				t.Errorf("%s sets %q, want %s", n, path, k.path)
			}
		}
	}
	for path := range texts {
		found := false
		for _, k := range keys() {
			found = found || k.path == path
		}
		if !found {
			t.Errorf("there is a text for %s and no such key", path)
		}
	}
	fs.VisitAll(func(f *pflag.Flag) {
		if _, ok := seen["--"+f.Name]; !ok {
			t.Errorf("--%s belongs to no key", f.Name)
		}
	})
}
