package timeseries

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hurtValue flips a bit in what a file of the store holds, and not in what only says where it is.
func hurtValue(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	at := headerBytes + frameBytes + 3
	if all, err := readDirectory(bytes.NewReader(b), int64(len(b))); err == nil {
		at = int(all[len(all)/2].offset) + all[len(all)/2].length/2
	}
	if at >= len(b) {
		return nil
	}
	b[at] ^= 2
	must(t, os.WriteFile(path, b, 0o600))
	return b
}

// isKept reports whether a file of a folder has a content.
func isKept(t *testing.T, dir string, content []byte) (found bool) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || bytes.Equal(b, content)
		return err
	}))
	return found
}

// TestNothingDamagedIsDeleted damages each file of a folder, both copies where there are two, and lets the quarantine
// fail at first or not: what was damaged is there after a start, maintenance, and another start.
func TestNothingDamagedIsDeleted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	from := richFolder(t)
	s, err := Open(from, richOptions()) // what a kill left is gone then
	must(t, err)
	must(t, s.Close())
	files, err := filepath.Glob(filepath.Join(from, "*", "*"))
	must(t, err)
	tried, kinds := 0, map[string]int{}
	for _, f := range slices.Backward(files) {
		name, err := filepath.Rel(from, f)
		must(t, err)
		kind := strings.TrimRight(name[:9], "-0123456789")
		if kinds[kind]++; strings.HasSuffix(name, ".b") || kinds[kind] > 2 || strings.Contains(name, "roster-") {
			continue // two of each kind are enough, and a roster is derived
		}
		for _, fails := range []bool{false, true} {
			dir := copied(t, from)
			content := hurtValue(t, filepath.Join(dir, name))
			if content == nil {
				continue
			}
			if base, two := strings.CutSuffix(name, ".a"); two {
				hurtValue(t, filepath.Join(dir, base+".b"))
			}
			tried++
			o := richOptions()
			o.hook = func(op, path string) error {
				if fails && (op == opMkdir || op == opRename) && strings.Contains(path, "quarantine") {
					return errors.New("the quarantine fails")
				}
				return nil
			}
			for n := range 3 {
				s, err := Open(dir, o)
				must(t, err)
				_ = richAnswers(t, s)
				must(t, s.Append(ctx, richRound(richRounds+1+24*n)))
				_ = s.Maintain(ctx, richAt(richRounds+1+24*n)) // it may say that the quarantine fails
				must(t, s.Close())
				if !isKept(t, dir, content) {
					t.Errorf("%s, the quarantine fails %t: deleted by start %d", name, fails, n)
					break
				}
				if n == 1 {
					fails = false
				}
			}
		}
	}
	if len(kinds) < 5 || tried < 2*len(kinds) {
		t.Errorf("only %d files were damaged, of %v", tried, kinds)
	}
}
