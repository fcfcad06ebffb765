package timeseries

import (
	"archive/zip"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

var keep = flag.Bool("keep", false, "write the folders of the newest versions that are not there, and what is answered of them, to testdata")

// contentsOf returns what is in the files of a folder.
func contentsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, dir+"/")] = string(b)
		return err
	}))
	return out
}

// TestOtherVersions holds that a folder in which one file is of another version is refused by that file's name, and
// that nothing in it is changed.
func TestOtherVersions(t *testing.T) {
	dir := t.TempDir()
	keptFolder(t, dir)
	files := contentsOf(t, dir)
	kinds := map[string]bool{}
	for name, was := range files {
		length := map[string]int{"log": headerBytes, "blocks": shelfHeader}[filepath.Dir(name)]
		if length == 0 {
			continue
		}
		kinds[strings.TrimRight(filepath.Base(name), "0123456789.ablockg")] = true
		for version, word := range map[uint16]string{1: "older", logVersion + 1: "newer"} {
			b := []byte(was)
			binary.LittleEndian.PutUint16(b[8:], version)
			binary.LittleEndian.PutUint32(b[length-4:], crc32.Checksum(b[:length-4], castagnoli))
			must(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
			before := contentsOf(t, dir)
			_, err := Open(dir, keptOptions)
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), fmt.Sprintf("version %d, written by a%s", version, map[string]string{"older": "n older", "newer": " newer"}[word])) {
				t.Errorf("%s of version %d: %v", name, version, err)
			}
			if !reflect.DeepEqual(contentsOf(t, dir), before) {
				t.Errorf("%s of version %d: the folder was changed", name, version)
			}
			must(t, os.WriteFile(filepath.Join(dir, name), []byte(was), 0o600))
		}
	}
	if len(kinds) < 4 { // the log, blocks of two tiers, the state
		t.Errorf("only files of kinds %v were there", kinds)
	}
	s, err := Open(dir, keptOptions)
	must(t, err)
	must(t, s.Close())
}

// keptOptions are those that the folders in testdata were written with.
var keptOptions = func() Options {
	o := testOpts
	o.Retention = Retention{Raw: 2 * time.Hour, Minute: 3 * day, Hour: 400 * day}
	return o
}()

const keptHours = 30

// keptFolder writes a folder with something of everything: a log, blocks of two tiers and a state, and in them kinds
// that this version does not know.
func keptFolder(t *testing.T, dir string) {
	t.Helper()
	ctx := context.Background()
	s, err := Open(dir, keptOptions)
	must(t, err)
	first := s.floor(testStart)
	for n := int64(1); n <= keptHours*60; n += 5 {
		r := newerRecord(s.engine, first+n, n)
		r.round.span = 5
		o := testRound(int(n))
		o.Source.Name, o.Interval = "groups", 5*time.Minute
		group := lineage.GroupFact{Ref: lineage.GroupRef{Cluster: "c", Group: "g"}, State: "Stable", MembersKnown: true}
		for i := n / 60; i < n/60+5; i++ {
			group.Members = append(group.Members, lineage.Member{ID: fmt.Sprint("member-", i), ClientID: "x", Host: "/10.0.0.1"})
		}
		o.Facts = []lineage.Fact{{Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: "g"}, Group: &group}}
		o.Positions = []lineage.Position{{Key: "p", Value: fmt.Append(nil, "position ", n)}, {Key: "gone"}}
		if n%120 == 1 {
			o.Missing = []lineage.Missing{{Reason: "no answer", Share: 0.5, Groups: []lineage.GroupRef{group.Ref}}}
			o.Positions[1].Value = []byte("there")
		}
		c := &commit{records: []*record{r, s.recordOf(&o, first+n)}}
		s.submit(c)
		must(t, c.err)
	}
	must(t, s.Maintain(ctx, testStart.Add(keptHours*time.Hour)))
	must(t, s.Close())
}

// keptAmount is what an amount said when folders were kept first.
type keptAmount struct {
	Known, Pending, Estimated bool
	Total, Shared, Observed   float64
	ObservedFor               time.Duration
}

// answersOf is what is answered of a kept folder, as text.
func answersOf(t *testing.T, s *Disk) string {
	t.Helper()
	ctx := context.Background()
	var out strings.Builder
	var ids []subjectID
	var keys []seriesKey
	for x := range s.subjects.all() {
		ids = append(ids, x.id)
		fmt.Fprintf(&out, "%d %s %v\n", x.id, s.at(x.first).Format(time.RFC3339), x.entry.access)
		for _, y := range x.series {
			if y.key.Metric < lineage.Metrics && y.key.Evidence < lineage.EvidenceKinds {
				keys = append(keys, y.key)
			}
		}
	}
	for _, m := range []lineage.Metric{newGauge, newCounter} { // who knows them finds them
		keys = append(keys, seriesKey{Subject: ids[0], Metric: m})
	}
	for _, hours := range [][2]int{{0, 2}, {3, 20}, {0, keptHours}, {keptHours - 1, keptHours}} {
		w := lineage.Window{Start: testStart.Add(time.Duration(hours[0]) * time.Hour), End: testStart.Add(time.Duration(hours[1]) * time.Hour)}
		amounts, err := s.amounts(ctx, w, keys)
		must(t, err)
		levels, err := s.levels(ctx, w.End, keys)
		must(t, err)
		evidence, err := s.evidence(ctx, w, ids)
		must(t, err)
		got, err := s.Window(ctx, store.Ask{Window: w, Facts: []lineage.FactKind{lineage.GroupFacts}, Coverage: true})
		must(t, err)
		facts, coverage := got.Facts, got.Coverage()
		if len(facts) != 1 {
			t.Fatalf("%d groups, want 1", len(facts))
		}
		events, err := s.Events(ctx, store.EventFilter{Window: w})
		must(t, err)
		fmt.Fprintf(&out, "hours %v\n", hours)
		for i, k := range keys {
			a := amounts[i]
			was := keptAmount{a.Known, a.Pending, a.Estimated, a.Total, a.Shared, a.Observed, a.ObservedFor}
			fmt.Fprintf(&out, "  %v %+v %+v\n", k, was, levels[i])
		}
		fmt.Fprintf(&out, "  %v\n  %+v since %s\n  %d events\n  observed %.4f, %d gaps\n", evidence, *facts[0].Group, facts[0].Since.Format(time.RFC3339), len(events.List), coverage.ObservedFraction, len(coverage.Gaps))
	}
	p, err := s.Positions(ctx, testSource)
	must(t, err)
	q, err := s.Positions(ctx, lineage.Source{Cluster: "west", Name: "groups"})
	must(t, err)
	fmt.Fprintf(&out, "positions %q %q\n", p, q)
	return out.String()
}

// TestKeptFolders opens the folder that each format version left in testdata, upgraded where it is of an older one:
// they are answered as they were then, and go on. Those older than any that is upgraded are refused by name. A change
// of format that forgets its version, its folder or the step to it fails here.
func TestKeptFolders(t *testing.T) {
	nameOf := func(v uint16) string { return filepath.Join("testdata", fmt.Sprintf("format-%d", v)) }
	if _, err := os.Stat(nameOf(formatVersion) + ".zip"); *keep && err != nil {
		writeKept(t, nameOf(formatVersion))
	}
	for v := uint16(oldestVersion); v <= formatVersion; v++ {
		if _, err := os.Stat(nameOf(v) + ".zip"); err != nil {
			t.Errorf("%v: each version's is kept; of the newest, make it with go test ./timeseries -run TestKeptFolders -keep", err)
		}
		if (formatSteps[v] == nil) != (v == formatVersion) {
			t.Errorf("version %d: there must be a step from each version but the newest, which is %d", v, formatVersion)
		}
	}
	kept, err := filepath.Glob(filepath.Join("testdata", "format-*.zip"))
	must(t, err)
	for _, path := range kept {
		var v uint16
		if _, err := fmt.Sscanf(filepath.Base(path), "format-%d.zip", &v); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		dir := unzip(t, path)
		if v != formatVersion {
			_, err := Open(dir, keptOptions)
			says := "lineaged data upgrade"
			if v < oldestVersion {
				says = "use another data folder"
			}
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: opened it says %v, not %q", path, err, says)
			}
			if _, err = Upgrade(dir); v < oldestVersion {
				if err == nil || !strings.Contains(err.Error(), says) {
					t.Errorf("%s: upgraded it says %v, not %q", path, err, says)
				}
				continue
			}
			must(t, err)
		}
		answersAsKept(t, dir, nameOf(v)+".txt")
	}
}

// TestKeptNewer opens folders that have files of a newer version than others, as they were when that version began: the
// folder of format 2 has both of the version before, and that of log version 3 has blocks of it.
func TestKeptNewer(t *testing.T) {
	versions := func(dir string) (log, block uint16) {
		all, err := versionsOf(dir)
		must(t, err)
		for _, x := range all {
			if id, ok := parseName(filepath.Base(x.name)); ok && id.isBlock() {
				block = x.version
			} else if filepath.Dir(x.name) == "log" {
				log = x.version
			}
		}
		return log, block
	}
	for _, kept := range []struct {
		name       string
		log, block uint16
	}{{"format-2", 2, 2}, {"log-3", 3, 2}, {"block-3", 3, 3}} {
		name := filepath.Join("testdata", kept.name)
		if _, err := os.Stat(name + ".zip"); *keep && err != nil {
			writeKept(t, name)
		}
		dir := unzip(t, name+".zip")
		if log, block := versions(dir); log != kept.log || block != kept.block {
			t.Errorf("%s: the log is of version %d and a block of %d, want %d and %d", name, log, block, kept.log, kept.block)
		}
		answersAsKept(t, dir, name+".txt")
	}
	if logVersion != 3 || blockVersion != 3 {
		t.Error("a newer version than any that is kept here")
	}
}

// answersAsKept opens a folder, holds its answers against those that were kept with it, and has it go on.
func answersAsKept(t *testing.T, dir, kept string) {
	t.Helper()
	want, err := os.ReadFile(kept)
	must(t, err)
	s, err := Open(dir, keptOptions)
	must(t, err)
	if got := answersOf(t, s); got != string(want) {
		t.Fatalf("%s: answered\n%s\nwant\n%s", kept, got, want)
	}
	must(t, s.Maintain(context.Background(), testStart.Add((keptHours+1)*time.Hour)))
	must(t, s.Append(context.Background(), testRound((keptHours+1)*60)))
	must(t, s.Close())
	s, err = Open(dir, keptOptions)
	must(t, err)
	if n := newest(s); n != (keptHours+1)*60 {
		t.Errorf("%s: after it went on the newest round is %d", kept, n)
	}
	must(t, s.Close())
}

func writeKept(t *testing.T, name string) {
	t.Helper()
	dir := t.TempDir()
	keptFolder(t, dir)
	s, err := Open(dir, keptOptions)
	must(t, err)
	must(t, os.MkdirAll("testdata", 0o755))
	must(t, os.WriteFile(name+".txt", []byte(answersOf(t, s)), 0o644))
	must(t, s.Close())
	zipped(t, dir, name+".zip")
}

// zipped keeps a folder as a file.
func zipped(t *testing.T, dir, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	z := zip.NewWriter(f)
	must(t, z.AddFS(os.DirFS(dir)))
	must(t, z.Close())
	must(t, f.Close())
}

func unzip(t *testing.T, path string) string {
	t.Helper()
	z, err := zip.OpenReader(path)
	must(t, err)
	dir := t.TempDir()
	must(t, os.CopyFS(dir, z))
	must(t, z.Close())
	return dir
}
