package lineage_test

import (
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestPaths: a path tells the names apart that it is made of, whatever stands in them.
func TestPaths(t *testing.T) {
	for _, names := range [][]string{{"a"}, {"a", "b"}, {"a.b", "c"}, {`a\`, "b"}, {`\.`, ".", `\\`}, {"a", ""}} {
		path := ""
		for _, name := range names {
			path = lineage.JoinPath(path, name)
		}
		if got := lineage.SplitPath(path); !slices.Equal(got, names) {
			t.Errorf("%q: %q was split into %q", names, path, got)
		}
	}
	if got := lineage.SplitPath(""); got != nil {
		t.Errorf("the empty path has the names %q", got)
	}
}
