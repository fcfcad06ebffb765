package timeseries

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// segmentsOf is a folder whose log has three segments of five rounds each, and the paths of these.
func segmentsOf(t *testing.T) (dir string, paths []string) {
	t.Helper()
	dir = t.TempDir()
	s := openTest(t, dir)
	l := s.journal.(*appendLog)
	for n := 1; n <= 15; n++ {
		must(t, s.Append(context.Background(), testRound(n)))
		if n%5 == 0 {
			paths = append(paths, l.current.path)
			_, err := l.rotate()
			must(t, err)
		}
	}
	must(t, s.Close())
	return dir, paths
}

// TestWhatACrashLeaves cuts the log as a crash in a write does: check says that it costs nothing, and what it is, and
// what is open then holds the rounds before.
func TestWhatACrashLeaves(t *testing.T) {
	t.Parallel()
	from, paths := segmentsOf(t)
	last := filepath.Base(paths[2])
	whole, err := os.ReadFile(paths[2])
	must(t, err)
	frame := len(whole)
	for frame--; ; frame-- { // where the last frame begins
		if n, err := readFrame(whole[frame:]); err == nil && frame+frameBytes+len(n) == len(whole) {
			break
		}
	}
	empty := func(dir string) {
		for _, p := range paths {
			must(t, os.Remove(filepath.Join(dir, "log", filepath.Base(p))))
		}
	}
	draft := func(name string) func(string) {
		return func(dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "blocks", name+draftSuffix), []byte("half"), 0o600))
		}
	}
	for name, c := range map[string]struct {
		size   int // of the last segment; -1: as it is
		also   func(dir string)
		newest int
		left   int
	}{
		"nothing":                         {size: -1, newest: 15},
		"the last frame lacks a byte":     {size: len(whole) - 1, newest: 14, left: 1},
		"the last frame's payload is cut": {size: frame + frameBytes + 3, newest: 14, left: 1},
		"the last frame's header is cut":  {size: frame + 5, newest: 14, left: 1},
		"the last frame has a byte":       {size: frame + 1, newest: 14, left: 1},
		"the last frame is not there":     {size: frame, newest: 14},
		"a header and a byte":             {size: headerBytes + 1, newest: 10, left: 1},
		"a header":                        {size: headerBytes, newest: 10},
		"half a header":                   {size: headerBytes / 2, newest: 10, left: 1},
		"an empty segment":                {size: 0, newest: 10, left: 1},
		"nothing but an empty segment": {size: -1, also: func(dir string) {
			empty(dir)
			must(t, os.WriteFile(filepath.Join(dir, "log", segmentName(1)), nil, 0o600))
		}, left: 1},
		"a log of nothing":               {size: -1, also: empty},
		"a block that was being written": {size: -1, also: draft("raw-00000000000000000000.block"), newest: 15, left: 1},
		"a state that was being written": {size: -1, also: draft("state-00000000000000000001.a"), newest: 15, left: 1},
	} {
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS(from)))
		if c.size >= 0 {
			must(t, os.Truncate(filepath.Join(dir, "log", last), int64(c.size)))
		}
		if c.also != nil {
			c.also(dir)
		}
		for _, way := range []func(string) (Report, error){Check, Check, Repair} {
			r, err := way(dir)
			must(t, err)
			if len(r.Findings)+len(r.Lost)+len(r.Quarantine) != 0 || len(r.Leftovers) != c.left {
				t.Errorf("%s: %+v, want %d leftovers and no damage", name, r, c.left)
			}
			if want := testRound(c.newest).Round; c.newest > 0 && !r.Newest.Equal(want) || c.newest == 0 && !r.Newest.IsZero() {
				t.Errorf("%s: the newest round that is held is %v, want that of %d", name, r.Newest, c.newest)
			}
		}
		if r, err := Check(dir); err != nil || len(r.Leftovers) != 0 {
			t.Errorf("%s: after repair check says %+v, %v", name, r, err)
		}
		s := openTest(t, dir)
		if n := newest(s); n != c.newest {
			t.Errorf("%s: the newest round is %d, want %d", name, n, c.newest)
		}
		if h := s.Health(); len(h) != 0 {
			t.Errorf("%s: health says %q", name, h)
		}
		must(t, s.Close())
	}
}

// TestACutHeaderIsALoss cuts a segment that has others after it, or that the state names, within its header: what it
// held is lost, and a gap says so.
func TestACutHeaderIsALoss(t *testing.T) {
	t.Parallel()
	from, paths := segmentsOf(t)
	for _, size := range []int64{0, 1, headerBytes / 2, headerBytes - 1} {
		for which, p := range paths[:2] {
			dir := t.TempDir()
			must(t, os.CopyFS(dir, os.DirFS(from)))
			must(t, os.Truncate(filepath.Join(dir, "log", filepath.Base(p)), size))
			r, err := Check(dir)
			must(t, err)
			if len(r.Findings) == 0 || len(r.Lost) != 2-which || !r.Lost[0].Damage || !strings.Contains(r.Lost[0].Reason, filepath.Base(p)) {
				t.Errorf("segment %d of %d bytes: check says %+v", which, size, r)
			}
			s := openTest(t, dir)
			damage := s.damage()
			// what advanced until the first round after a loss of the first ones is not known either
			if len(damage) != 2-which || damage[0].b != s.floor(testRound(5*which+6).Round) {
				t.Errorf("segment %d of %d bytes: lost %+v", which, size, damage)
			}
			if h := s.Health(); len(h) != 1 {
				t.Errorf("segment %d of %d bytes: health says %q", which, size, h)
			}
			must(t, s.Close())
		}
	}
	// the last one, which a state names
	dir := t.TempDir()
	s := openTest(t, dir)
	must(t, s.Append(context.Background(), testRound(1)))
	s.dirty.Store(true)
	must(t, s.Maintain(context.Background(), testRound(1).Round))
	path := s.journal.(*appendLog).segments[0].path
	must(t, s.Close())
	must(t, os.Truncate(path, 10))
	r, err := Check(dir)
	must(t, err)
	if len(r.Findings) == 0 || len(r.Lost) != 1 || !r.Lost[0].Damage {
		t.Errorf("the last segment, which the state names: check says %+v", r)
	}
}

// TestACopyWithoutAName has a crash come between the names of the two copies of a file: the second gets its name.
func TestACopyWithoutAName(t *testing.T) {
	t.Parallel()
	from, o := silentFolder(t)
	for _, kind := range []string{"state", "silent"} {
		for _, letter := range []string{"a", "b"} {
			for _, cut := range []bool{false, true} {
				dir := t.TempDir()
				must(t, os.CopyFS(dir, os.DirFS(from)))
				all, err := filepath.Glob(filepath.Join(dir, "blocks", kind+"-*."+letter))
				must(t, err)
				path := all[len(all)-1]
				must(t, os.Rename(path, path+draftSuffix))
				if cut { // it is no copy: the one that there is has lost its other
					must(t, os.Truncate(path+draftSuffix, 100))
				}
				r, err := Check(dir)
				must(t, err)
				if len(r.Leftovers) != 1 || cut != (len(r.Findings) > 0) || len(r.Lost) != 0 {
					t.Errorf("%s without a name, cut %t: check says %+v", path, cut, r)
				}
				s, err := Open(dir, o)
				must(t, err)
				_, err = os.Stat(path)
				if named := err == nil; named == cut {
					t.Errorf("%s has its name after a start: %t, cut %t", path, named, cut)
				}
				must(t, s.Maintain(context.Background(), testStart.Add(6*144*o.Tick)))
				must(t, s.Close())
				if r, err = Check(dir); err != nil || len(r.Findings)+len(r.Leftovers)+len(r.Lost) != 0 {
					t.Errorf("%s, cut %t, after a start: %+v, %v", path, cut, r, err)
				}
			}
		}
	}
}

// TestTheSilentAreMendedByAStart damages a copy of each file of silent subjects: a start, and its first Maintain, make
// them whole, as they do the state.
func TestTheSilentAreMendedByAStart(t *testing.T) {
	t.Parallel()
	from, o := silentFolder(t)
	for _, letter := range []string{"a", "b"} {
		for how, hurt := range map[string]func(t *testing.T, path string){
			"a bit":       func(*testing.T, string) {},
			"cut off":     func(t *testing.T, path string) { must(t, os.Truncate(path, 90)) },
			"nothing":     func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) },
			"not there":   func(t *testing.T, path string) { must(t, os.Remove(path)) },
			"its own end": func(t *testing.T, path string) { flipEnd(t, path) },
		} {
			dir := t.TempDir()
			must(t, os.CopyFS(dir, os.DirFS(from)))
			all, err := filepath.Glob(filepath.Join(dir, "blocks", "silent-*."+letter))
			must(t, err)
			if how == "a bit" {
				hurtSilent(t, dir, "silent-*."+letter)
			}
			for _, p := range all {
				hurt(t, p)
			}
			s, err := Open(dir, o)
			must(t, err)
			if n := len(s.vault.(*diskVault).hurt); n != len(all) {
				t.Errorf("%s of copy %s: a start finds %d damaged files of %d", how, letter, n, len(all))
			}
			must(t, s.Maintain(context.Background(), testStart.Add(6*144*o.Tick)))
			must(t, s.Close())
			for _, p := range all {
				a, err := os.ReadFile(strings.TrimSuffix(p, letter) + "a")
				must(t, err)
				b, err := os.ReadFile(strings.TrimSuffix(p, letter) + "b")
				must(t, err)
				before, err := os.ReadFile(filepath.Join(from, "blocks", filepath.Base(p)))
				must(t, err)
				if string(a) != string(b) || string(a) != string(before) {
					t.Errorf("%s of %s: after a start the copies are of %d and %d bytes, before they were of %d", how, p, len(a), len(b), len(before))
				}
			}
			if r, err := Check(dir); err != nil || len(r.Findings)+len(r.Lost)+len(r.Quarantine) != 0 {
				t.Errorf("%s of copy %s, after a start: %+v, %v", how, letter, r, err)
			}
		}
	}
}

func flipEnd(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	b[len(b)-3] ^= 1
	must(t, os.WriteFile(path, b, 0o600))
}

// TestVerifyingGoesOn lets a start read nothing of the silent: the next Maintain reads, and mends.
func TestVerifyingGoesOn(t *testing.T) {
	t.Parallel()
	dir, o := silentFolder(t)
	hurtSilent(t, dir, "silent-*.b")
	s, err := Open(dir, o)
	must(t, err)
	v := s.vault.(*diskVault)
	clear(v.hurt)
	s.unverifiedDead = s.dead
	left, err := s.verifyDead(1)
	if err != nil || left > 0 || len(s.unverifiedDead) != len(s.dead)-1 || len(v.hurt) != 1 {
		t.Errorf("a byte of the files of silent subjects: %d left, %d of %d files wait, hurt %v, error %v", left, len(s.unverifiedDead), len(s.dead), v.hurt, err)
	}
	must(t, s.Maintain(context.Background(), testStart.Add(6*144*o.Tick)))
	must(t, s.Close())
	if r, err := Check(dir); err != nil || len(r.Findings) != 0 {
		t.Errorf("after Maintain: %+v, %v", r, err)
	}
}
