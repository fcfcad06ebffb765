package timeseries

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// The kept folder silent-2 has files of silent subjects as version 2 wrote them, the sums with the index: keptRuns
// groups of one run, one in two rounds, and their facts.
const keptRuns = 150

func keptSilentOptions() Options {
	o := testOpts
	o.Tick = 20 * time.Minute
	o.Retention = Retention{Raw: 6 * time.Hour, Minute: 2 * day, Hour: 400 * day}
	o.silentFor = day
	return o
}

// keptRun is a group of one run, and what it read.
func keptRun(w *estate, i int) (lineage.Access, int64) { return w.run(2*i+1, 0) }

// keptRound has a group each other round.
func keptRound(w *estate, n int) lineage.Observation {
	x := w.round(n)
	if n%2 == 0 {
		x.Samples, x.Sightings, x.Facts = x.Samples[:len(x.Samples)-1], nil, x.Facts[1:]
	} else if n > 1 {
		x.Facts = x.Facts[:1]
	}
	return x
}

func keptEstate() *estate {
	return &estate{step: 20 * time.Minute, topics: 3, lasting: 2, writers: 2, runs: 1}
}

// writeSilent makes the kept folder anew.
func writeSilent(t *testing.T, name string) {
	t.Helper()
	dir, w := t.TempDir(), keptEstate()
	s, err := Open(dir, keptSilentOptions())
	must(t, err)
	for n := 1; n <= 2*keptRuns; n++ {
		must(t, s.Append(t.Context(), keptRound(w, n)))
		if n%6 == 0 {
			must(t, s.Maintain(t.Context(), w.at(n)))
		}
	}
	must(t, s.Close())
	zipped(t, dir, name+".zip")
}

// silentVersions returns how many files of silent subjects are of which version.
func silentVersions(t *testing.T, dir string) map[uint16]int {
	t.Helper()
	all, err := versionsOf(dir)
	must(t, err)
	out := map[uint16]int{}
	for _, x := range all {
		if strings.HasPrefix(filepath.Base(x.name), "silent-") {
			out[x.version]++
		}
	}
	return out
}

// TestKeptSilent opens a folder whose files of silent subjects are of version 2, with their sums in memory and in
// rosters: who is in them comes back with the number and the total that it had, over starts, and whoever is put away
// then goes into files of version 3.
func TestKeptSilent(t *testing.T) {
	t.Parallel()
	name := filepath.Join("testdata", "silent-2")
	if _, err := os.Stat(name + ".zip"); *keep && err != nil {
		writeSilent(t, name)
	}
	for _, recent := range []int{1, recentSums} {
		dir := unzip(t, name+".zip")
		old := silentVersions(t, dir)
		if len(old) != 1 || old[2] < 4 {
			t.Fatalf("files of silent subjects by version: %v", old)
		}
		o, w := keptSilentOptions(), keptEstate()
		o.recent = recent
		s, err := Open(dir, o)
		must(t, err)
		if rostered := len(s.rosters) > 0; rostered != (recent == 1) {
			t.Errorf("recent %d: %d rosters after the start", recent, len(s.rosters))
		}
		n := 2*keptRuns + 1
		for i := 3; i < keptRuns/2; i += 7 {
			a, total := keptRun(w, i)
			x := w.round(n)
			x.Samples = []lineage.Sample{{Subject: a, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: total + 5}}
			x.Sightings, x.Facts = nil, nil
			before, err := s.deadAccess(&a)
			must(t, err)
			must(t, s.Append(t.Context(), x))
			key := entryOf(s.engine, a).subject.find(lineage.Records, lineage.GroupOffsets).key
			amounts, err := s.amounts(t.Context(), lineage.Window{Start: w.at(n - 1), End: w.at(n)}, []seriesKey{key})
			must(t, err)
			got := amounts[0]
			if y := entryOf(s.engine, a).subject; before == nil || y.id != before.id || got.Total != 5 || got.Estimated {
				t.Fatalf("recent %d: group %d comes back with %+v, and not as %+v", recent, i, got, before)
			}
			n++
			must(t, s.Maintain(t.Context(), w.at(n)))
			must(t, s.Close())
			s, err = Open(dir, o)
			must(t, err)
		}
		must(t, s.Maintain(t.Context(), w.at(n+100)))
		must(t, s.Close())
		if now := silentVersions(t, dir); now[2] != old[2] || now[3] == 0 {
			t.Errorf("recent %d: files of silent subjects by version: %v, and before %v", recent, now, old)
		}
		if r, err := Check(dir); err != nil || len(r.Findings)+len(r.Lost) > 0 {
			t.Errorf("recent %d: check says %+v, %v", recent, r, err)
		}
	}
}

// TestKeptRosters opens a folder whose roster has no filters, as it was written before there were any: it says who was
// put away, and is made anew with filters, which then say the same.
func TestKeptRosters(t *testing.T) {
	t.Parallel()
	dir := unzip(t, filepath.Join("testdata", "roster-3.zip"))
	o, w := keptSilentOptions(), keptEstate()
	o.recent = 40
	s, err := Open(dir, o)
	must(t, err)
	if len(s.rosters) != 1 || s.rosters[0].filtered || s.rosters[0].sums < 100 {
		t.Fatalf("rosters: %+v", s.rosters)
	}
	var those []rosterFile
	for _, filtered := range []bool{false, true} {
		for i := range keptRuns {
			a, total := keptRun(w, i)
			before, err := s.deadAccess(&a)
			must(t, err)
			if before == nil {
				continue
			}
			if got := before.find(lineage.Records, lineage.GroupOffsets); got == nil || got.base != total {
				t.Fatalf("filters %t: group %d was put away with %+v, want %d", filtered, i, got, total)
			}
			for _, d := range s.dead {
				if d.ids.Contains(uint32(before.id)) {
					those = append(those, d.id())
				}
			}
		}
		n, never := len(those), lineage.Access{Topic: w.topic(0), Op: lineage.Read, Client: lineage.Client{Group: "never"}}
		if x, err := s.deadAccess(&never); err != nil || x != nil || n < 100 {
			t.Fatalf("filters %t: %d are known, and who never was as %+v, %v", filtered, n, x, err)
		}
		if filtered {
			if !slices.Equal(those[:n/2], those[n/2:]) {
				t.Error("those with filters say another than those without")
			}
			break
		}
		must(t, s.keepRosters())
		must(t, s.Close())
		s, err = Open(dir, o)
		must(t, err)
		if len(s.rosters) != 1 || !s.rosters[0].filtered {
			t.Fatalf("made anew: %+v", s.rosters)
		}
	}
	must(t, s.Close())
	if r, err := Check(dir); err != nil || len(r.Findings)+len(r.Lost) > 0 {
		t.Errorf("check says %+v, %v", r, err)
	}
}
