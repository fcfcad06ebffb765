package licences_test

import (
	"strings"
	"testing"

	"github.com/lineaged/lineaged/internal/licences"
)

// TestComplete holds the text against what the program is built of now: each module that a package is used of, each
// package of the UI's lock file, in its version, and nothing else.
func TestComplete(t *testing.T) {
	parts, err := licences.GoParts(t.Context(), "../..")
	if err != nil {
		t.Fatal(err)
	}
	ui, err := licences.UIParts("../..")
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) < 20 || len(ui) < 5 {
		t.Fatalf("only %d modules and %d packages of the UI are found", len(parts), len(ui))
	}
	const remedy = "run go generate ./internal/licences"
	wanted := map[string]bool{}
	for _, p := range append(parts, ui...) {
		wanted[strings.TrimSpace(p.String())] = true
	}
	named := map[string]bool{}
	for _, section := range strings.Split(licences.Text(), strings.Repeat("~", 80)+"\n\n")[1:] {
		names, text, _ := strings.Cut(section, "\n\n")
		for line := range strings.Lines(names) {
			name := strings.TrimSpace(line)
			named[name] = true
			if !wanted[name] {
				t.Errorf("%s is no part of lineaged: %s", name, remedy)
			}
		}
		if len(text) < 100 { // a notice of two lines has more
			t.Errorf("the licence of %s is %q", names, text)
		}
	}
	for name := range wanted {
		if !named[name] {
			t.Errorf("%s lacks its licence: %s", name, remedy)
		}
	}
}
