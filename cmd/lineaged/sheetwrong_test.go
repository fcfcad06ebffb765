package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// All that is wrong with a sheet is said before a server is asked, a line each, and none is cut off.
func TestAllThatIsWrongWithASheetIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sheet.csv")
	text := "node,owner\n"
	const rows = 15
	for i := range rows {
		text += fmt.Sprintf("nothing-%d,x\n", i)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := ran(t, "catalog", "import", file)
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	if code != exitUsage || len(lines) != rows+1 || !strings.Contains(lines[rows], "nothing was changed") {
		t.Fatalf("exit code %d, %d lines:\n%s", code, len(lines), errs)
	}
	for i := range rows {
		if want := fmt.Sprintf(`line %d, node: "nothing-%d": is not the id of a node`, i+2, i); !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d is %q, want %q", i, lines[i], want)
		}
	}
}
