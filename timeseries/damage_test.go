package timeseries_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// long reports whether the long form of the tests is asked for, as make test-long does. It is a function, since the
// cache of test results does not see what is read before the tests begin.
func long() bool { return os.Getenv("LINEAGED_LONG") != "" }

// evenSeries advance evenly, so that whatever part of them is held has the same rate.
const evenSeries = 30

// evenRound is what is seen in round n.
func evenRound(n int) lineage.Observation {
	o := lineage.Observation{Source: west, Round: epoch.Add(time.Duration(n) * time.Minute), Interval: time.Minute}
	for i := range evenSeries {
		o.Samples = append(o.Samples, lineage.Sample{Subject: evenAccess(i), Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n * 60 * (i + 1))})
	}
	o.Positions = []lineage.Position{{Key: "n", Value: []byte(strconv.Itoa(n))}}
	return o
}

func evenAccess(i int) lineage.Access {
	a := writer
	a.Client.ClientID = strconv.Itoa(i)
	return a
}

const evenRounds = 400

// evenFolder makes a folder with blocks of raw ticks, a saved state, and a log of some segments, as a kill leaves it:
// nothing is closed.
func evenFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s, err := timeseries.Open(dir, killOptions)
	check(t, err)
	for n := 1; n <= evenRounds; n++ {
		check(t, s.Append(context.Background(), evenRound(n)))
		if n%100 == 50 {
			check(t, s.Maintain(context.Background(), epoch.Add(time.Duration(n)*time.Minute)))
		}
	}
	out := copyFolder(t, dir)
	check(t, s.Close())
	return out
}

func copyFolder(t *testing.T, dir string) string {
	t.Helper()
	out := t.TempDir()
	check(t, os.CopyFS(out, os.DirFS(dir)))
	return out
}

// filesOf returns the files of a folder that are not empty, and their bytes in all.
func filesOf(t *testing.T, dir string) (paths []string, sizes []int64, all int64) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil || info.Size() == 0 {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		paths, sizes, all = append(paths, rel), append(sizes, info.Size()), all+info.Size()
		return err
	}))
	return paths, sizes, all
}

// checkDamaged opens a folder that was damaged, and holds that nothing of it is lost without a word: each tick of each
// series has its rate, or lies in a gap that says damaged or quarantined. It returns how many ticks are lost, and what
// the log said.
func checkDamaged(t *testing.T, dir, what string) (lost int, said string) {
	t.Helper()
	var log bytes.Buffer
	o := killOptions
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	s, err := timeseries.Open(dir, o)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer func() { check(t, s.Close()) }()
	ctx := context.Background()
	next := evenRound(evenRounds + 1) // it goes on, from where it was
	for i := range next.Samples {
		next.Samples[i].Since = storetest.Newest(t, s, "west")
	}
	check(t, s.Append(ctx, next))
	w := lineage.Window{Start: epoch, End: epoch.Add(evenRounds * time.Minute)}
	ask := store.Ask{Window: w, Accesses: true, Lookback: storetest.Forever, Coverage: true}
	_, err = s.Window(ctx, ask)
	for try := 0; err != nil && try < 20; try++ {
		// what was not verified at opening turns out when it is read; the next answer goes on without it
		_, err = s.Window(ctx, ask)
	}
	check(t, err)
	got := storetest.Ask(t, s, w)
	c := got.Coverage()
	missing := map[int]bool{}
	for _, g := range c.Gaps {
		if !strings.HasPrefix(g.Reason, "damaged") && !strings.HasPrefix(g.Reason, "quarantined") {
			t.Errorf("%s: a gap of %s has the reason %q", what, g.Window, g.Reason)
		}
		for at := g.Window.Start; at.Before(g.Window.End); at = at.Add(time.Minute) {
			missing[int(at.Sub(epoch)/time.Minute)] = true
		}
	}
	if n := got.Rows.Len(); n != evenSeries && len(missing) < evenRounds {
		t.Errorf("%s: %d series are known, want %d", what, n, evenSeries)
	}
	series := make([]int32, got.Series.Len())
	for i := range series {
		series[i] = int32(i)
	}
	all, err := got.Details.Points(ctx, time.Minute, series)
	check(t, err)
	for i, points := range all {
		n, _ := strconv.Atoi(got.Rows.Access[got.Series.Row[i]].Client.ClientID)
		for j, p := range points {
			switch {
			case !p.OK && !missing[j]:
				t.Fatalf("%s: series %d is not known in minute %d, and no gap says so", what, n, j)
			case p.OK && math.Abs(p.Value-float64(n+1)) > 1e-6:
				t.Fatalf("%s: series %d has the rate %v in minute %d, want %d", what, n, p.Value, j, n+1)
			}
		}
	}
	return len(missing), log.String()
}

// TestFlips flips random bits in all files that a kill leaves: it always opens, and nothing is lost without a word.
func TestFlips(t *testing.T) {
	t.Parallel()
	flips := 100
	if long() {
		flips = 2000
	}
	from := evenFolder(t)
	paths, sizes, all := filesOf(t, from)
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 11))
	silent, costly := 0, map[string]int{}
	for range flips {
		at, file := r.Int64N(all), 0
		for at >= sizes[file] {
			at, file = at-sizes[file], file+1
		}
		bit := r.IntN(8)
		dir := copyFolder(t, from)
		path := filepath.Join(dir, paths[file])
		b, err := os.ReadFile(path)
		check(t, err)
		b[at] ^= 1 << bit
		check(t, os.WriteFile(path, b, 0o600))
		what := fmt.Sprintf("bit %d of byte %d of %s", bit, at, paths[file])
		lost, said := checkDamaged(t, dir, what)
		if !strings.Contains(said, "damaged") && !strings.Contains(said, "quarantine") {
			silent++
			t.Errorf("%s: the log does not say so, %d ticks are lost", what, lost)
		}
		if lost > 0 {
			costly[filepath.Dir(paths[file])]++
		}
		if t.Failed() {
			break
		}
		check(t, os.RemoveAll(dir))
	}
	t.Logf("%d flips in %d bytes of %d files: %d without a word, lost ticks by folder: %v", flips, all, len(paths), silent, costly)
}

// TestFilesGone deletes each file in turn, but the newest of the log, which only itself knows of; both copies of the
// state; and all blocks.
func TestFilesGone(t *testing.T) {
	t.Parallel()
	from := evenFolder(t)
	paths, _, _ := filesOf(t, from)
	gone := func(what string, remove func(path string) bool) {
		t.Helper()
		dir := copyFolder(t, from)
		for _, p := range paths {
			if remove(p) {
				check(t, os.Remove(filepath.Join(dir, p)))
			}
		}
		_, said := checkDamaged(t, dir, what+" is gone")
		if !strings.Contains(said, "level=") {
			t.Errorf("%s is gone, and the log does not say so", what)
		}
	}
	newest := ""
	for _, p := range paths {
		if strings.HasPrefix(p, "log") {
			newest = max(newest, p)
		}
	}
	for _, p := range paths {
		if p != newest {
			gone(p, func(path string) bool { return path == p })
		}
	}
	gone("the state", func(path string) bool { return strings.Contains(path, "state-") })
	gone("all of blocks/", func(path string) bool { return strings.HasPrefix(path, "blocks") })
}

// TestDamageStaysSaid damages a block and the log, goes on for hours, and starts again: the gaps still say why, the
// files are kept, and nothing else is missing.
func TestDamageStaysSaid(t *testing.T) {
	t.Parallel()
	dir := evenFolder(t)
	paths, _, _ := filesOf(t, dir)
	hit := 0
	for _, p := range paths {
		if strings.Contains(p, "raw-") && hit == 0 || strings.HasPrefix(p, "log") && hit == 1 {
			b, err := os.ReadFile(filepath.Join(dir, p))
			check(t, err)
			b[len(b)/2] ^= 1
			check(t, os.WriteFile(filepath.Join(dir, p), b, 0o600))
			hit++
		}
	}
	ctx := context.Background()
	reasons := func(s *timeseries.Disk) (out []string) {
		got, err := s.Window(ctx, store.Ask{Window: lineage.Window{Start: epoch, End: epoch.Add(evenRounds * time.Minute)}, Coverage: true})
		check(t, err)
		for _, g := range got.Coverage().Gaps {
			out = append(out, fmt.Sprint(g.Window, g.Reason))
		}
		return out
	}
	s, err := timeseries.Open(dir, killOptions)
	check(t, err)
	want := reasons(s)
	if len(want) != 2 || len(s.Health()) == 0 {
		t.Fatalf("gaps %q, health %q; want two", want, s.Health())
	}
	if p, err := s.Positions(ctx, west); err != nil || len(p) != 0 {
		t.Errorf("positions %q, %v: they may be mixed of old and new", p, err)
	}
	for n := evenRounds + 1; n <= evenRounds+300; n++ {
		check(t, s.Append(ctx, evenRound(n)))
		if n%50 == 0 {
			check(t, s.Maintain(ctx, epoch.Add(time.Duration(n)*time.Minute)))
		}
	}
	for range 2 {
		check(t, s.Close())
		s, err = timeseries.Open(dir, killOptions)
		check(t, err)
		if got := reasons(s); strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("after going on the gaps are %q, want %q", got, want)
		}
		if p, err := s.Positions(ctx, west); err != nil || string(p["n"]) != strconv.Itoa(evenRounds+300) {
			t.Errorf("positions %q, %v", p, err)
		}
	}
	if aside, err := os.ReadDir(filepath.Join(dir, "quarantine")); err != nil || len(aside) != 2 {
		t.Errorf("%d files are set aside (%v), want both that were damaged", len(aside), err)
	}
	check(t, s.Close())
}
