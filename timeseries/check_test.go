package timeseries_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/timeseries"
)

// contents are the files of a folder with what is in them.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	paths, _, _ := filesOf(t, dir)
	for _, p := range paths {
		b, err := os.ReadFile(filepath.Join(dir, p))
		check(t, err)
		out[p] = string(b)
	}
	return out
}

// TestCheckAndRepair damages one file after the other: check says so and changes nothing, repair does what it can and
// no more, and afterwards check has nothing to say.
func TestCheckAndRepair(t *testing.T) {
	t.Parallel()
	from := evenFolder(t)
	r, err := timeseries.Check(from)
	check(t, err)
	if len(r.Findings) != 0 || len(r.Lost) != 0 || r.Blocks < 4 || r.Tick != killOptions.Tick {
		t.Fatalf("a whole folder: %+v", r)
	}
	paths, _, _ := filesOf(t, from)
	for _, p := range paths {
		for _, where := range []string{"middle", "end"} {
			dir := copyFolder(t, from)
			b, err := os.ReadFile(filepath.Join(dir, p))
			check(t, err)
			at := len(b) / 2
			if where == "end" {
				at = len(b) - 3
			}
			b[at] ^= 4
			check(t, os.WriteFile(filepath.Join(dir, p), b, 0o600))
			before := contents(t, dir)
			r, err := timeseries.Check(dir)
			check(t, err)
			if len(r.Findings) == 0 {
				t.Errorf("%s of %s is damaged, and check does not say so", where, p)
			}
			for name, b := range contents(t, dir) {
				if before[name] != b {
					t.Errorf("%s of %s: check changed %s", where, p, name)
				}
				delete(before, name)
			}
			if len(before) > 0 {
				t.Errorf("%s of %s: after check files are gone", where, p)
			}
			fixed, err := timeseries.Repair(dir)
			check(t, err)
			isState := strings.Contains(p, "state-")
			isEnd := strings.HasPrefix(p, "blocks") && where == "end"
			switch {
			case isState || isEnd:
				if len(fixed.Lost) != 0 || len(fixed.Rewritten) == 0 {
					t.Errorf("%s of %s costs nothing; repair says %+v", where, p, fixed)
				}
			case len(fixed.Lost) == 0:
				t.Errorf("%s of %s: nothing is lost, says repair", where, p)
			}
			if r, err = timeseries.Check(dir); err != nil || strings.HasPrefix(p, "blocks") && len(r.Findings) != 0 {
				t.Errorf("%s of %s, after repair: %+v, %v", where, p, r, err)
			}
			checkDamaged(t, dir, where+" of "+p+", repaired")
		}
	}
}

// TestCheckRefuses has check keep its hands off what a process has open, and what is no data folder.
func TestCheckRefuses(t *testing.T) {
	dir := t.TempDir()
	if _, err := timeseries.Check(dir); err == nil || !strings.Contains(err.Error(), "no data folder") {
		t.Errorf("an empty folder: %v", err)
	}
	s, err := timeseries.Open(dir, killOptions)
	check(t, err)
	check(t, s.Append(context.Background(), evenRound(1)))
	if _, err := timeseries.Repair(dir); err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("a folder in use: %v", err)
	}
	check(t, s.Close())
}
