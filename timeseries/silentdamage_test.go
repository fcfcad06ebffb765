package timeseries

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// silentFolder makes a folder whose files of silent subjects hold a producer a day, and returns what opens it.
func silentFolder(t *testing.T) (dir string, o Options) {
	t.Helper()
	dir, o = t.TempDir(), testOpts
	o.Tick = 10 * time.Minute
	o.Retention = Retention{Raw: 3 * day, Minute: 8 * day, Hour: 400 * day}
	o.silentFor = day
	s, err := Open(dir, o)
	must(t, err)
	var some []lineage.Observation
	for n := 1; n <= 6*144; n++ {
		at := testStart.Add(time.Duration(n) * o.Tick)
		a := lineage.Access{Topic: lineage.Topic{Name: "orders"}, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(n / 144))}}
		some = append(some, lineage.Observation{Source: testSource, Round: at, Interval: o.Tick, Samples: []lineage.Sample{
			{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: int64(n)},
		}})
		if n%12 == 0 {
			must(t, s.Append(context.Background(), some...))
			must(t, s.Maintain(context.Background(), at))
			some = nil
		}
	}
	if len(s.dead) < 2 {
		t.Fatalf("%d files of silent subjects", len(s.dead))
	}
	must(t, s.Close())
	return dir, o
}

// hurtSilent flips a bit of a section of each file that matches, and returns how many do.
func hurtSilent(t *testing.T, dir, glob string) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "blocks", glob))
	must(t, err)
	for _, p := range all {
		b, err := os.ReadFile(p)
		must(t, err)
		b[shelfHeader+sectionHeader+10] ^= 4
		must(t, os.WriteFile(p, b, 0o600))
	}
	return len(all)
}

// TestDamageOfTheSilentIsMended damages a copy of each file of silent subjects: check says it, repair makes it anew.
func TestDamageOfTheSilentIsMended(t *testing.T) {
	t.Parallel()
	dir, _ := silentFolder(t)
	n := hurtSilent(t, dir, "silent-*.a")
	r, err := Check(dir)
	must(t, err)
	said := 0
	for _, f := range r.Findings {
		if strings.HasPrefix(f, "a copy of silent subjects is damaged") {
			said++
		}
	}
	if said != n || len(r.Lost) != 0 {
		t.Errorf("check of %d damaged copies: %q, lost %v", n, r.Findings, r.Lost)
	}
	r, err = Repair(dir)
	must(t, err)
	if len(r.Rewritten) != n || len(r.Lost) != 0 {
		t.Errorf("repair of %d damaged copies: rewritten %q, lost %v", n, r.Rewritten, r.Lost)
	}
	r, err = Check(dir)
	must(t, err)
	if len(r.Findings)+len(r.Lost)+len(r.Quarantine) != 0 {
		t.Errorf("after repair: %+v", r)
	}
	hurtSilent(t, dir, "silent-*.b") // what was made anew holds all
	if r, err = Repair(dir); err != nil || len(r.Rewritten) != n || len(r.Lost) != 0 {
		t.Errorf("repair from the copies that were made anew: %+v, %v", r, err)
	}
}

// TestTheSilentAreLost damages both copies: check and repair say what is lost, and a query of their time is answered
// without them, with a gap that says so.
func TestTheSilentAreLost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	from, o := silentFolder(t)
	for _, how := range []string{"query", "query of facts", "repair"} {
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS(from)))
		n := hurtSilent(t, dir, "silent-*.[ab]")
		if how == "query of facts" { // the facts are the section after
			flipSections(t, dir, factSection)
		}
		r, err := Check(dir)
		must(t, err)
		if len(r.Findings) == 0 || len(r.Lost) == 0 || !strings.HasPrefix(r.Lost[0].Reason, "quarantined") {
			t.Errorf("check: %q, lost %v", r.Findings, r.Lost)
		}
		if how == "repair" {
			r, err := Repair(dir)
			must(t, err)
			if len(r.Lost) == 0 || len(r.Quarantine) != n {
				t.Errorf("repair of %d damaged copies: %+v", n, r)
			}
		}
		s, err := Open(dir, o)
		must(t, err)
		ask := store.Ask{Window: lineage.Window{Start: testStart, End: testStart.Add(200 * o.Tick)}, Accesses: how != "query of facts", Coverage: true}
		if how == "query of facts" {
			ask.Facts = []lineage.FactKind{lineage.GroupFacts}
			for _, d := range s.dead { // as if groups had been put away too
				d.factFirst, d.factLast = d.first, d.last
			}
		}
		w, err := s.Window(ctx, ask)
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		said := false
		for _, x := range s.lost {
			said = said || x.damage && x.reason == lostSubjects
		}
		if w.Window != ask.Window || !said {
			t.Errorf("%s: lost %v", how, s.lost)
		}
		if h := s.Health(); len(h) == 0 {
			t.Errorf("%s: health is silent", how)
		}
		must(t, s.Close())
		if r, err = Check(dir); err != nil || len(r.Quarantine) == 0 || len(r.Lost) == 0 {
			t.Errorf("%s, then check: %+v, %v", how, r, err)
		}
	}
}

// flipSections damages the sections of a kind of all files of silent subjects.
func flipSections(t *testing.T, dir string, kind byte) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "blocks", "silent-*.[ab]"))
	must(t, err)
	for _, p := range all {
		b, err := os.ReadFile(p)
		must(t, err)
		found, err := readDirectory(strings.NewReader(string(b)), int64(len(b)))
		must(t, err)
		for _, x := range found {
			if x.section.kind == kind {
				b[x.offset+int64(x.length)-1] ^= 4
			}
		}
		must(t, os.WriteFile(p, b, 0o600))
	}
}

// TestRevivalOverDamage sees one again whose file is damaged in both copies meanwhile: it begins anew, and the file is
// set aside.
func TestRevivalOverDamage(t *testing.T) {
	t.Parallel()
	dir, o := silentFolder(t)
	s, err := Open(dir, o)
	must(t, err)
	hurtSilent(t, dir, "silent-*.[ab]")
	before := len(s.dead)
	at := testStart.Add((6*144 + 1) * o.Tick)
	a := lineage.Access{Topic: lineage.Topic{Name: "orders"}, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(1)}}
	must(t, s.Append(context.Background(), lineage.Observation{Source: testSource, Round: at, Interval: o.Tick, Samples: []lineage.Sample{
		{Subject: a, Metric: lineage.Records, Evidence: lineage.ProducerState, Value: 5000},
	}}))
	if len(s.dead) != before-1 {
		t.Errorf("%d files of silent subjects of %d, want one less", len(s.dead), before)
	}
	must(t, s.Close())
}

// TestCutCopyOfTheState cuts a copy of the state off: the other makes it whole, by repair and by a start.
func TestCutCopyOfTheState(t *testing.T) {
	t.Parallel()
	from, o := silentFolder(t)
	for _, letter := range []string{"a", "b"} {
		for _, size := range []int64{0, 60, 200} {
			for _, repair := range []bool{false, true} {
				dir := t.TempDir()
				must(t, os.CopyFS(dir, os.DirFS(from)))
				all, err := filepath.Glob(filepath.Join(dir, "blocks", "state-*."+letter))
				must(t, err)
				must(t, os.Truncate(all[0], size))
				if repair {
					r, err := Repair(dir)
					must(t, err)
					if len(r.Lost) != 0 || len(r.Rewritten) == 0 {
						t.Errorf("repair: %+v", r)
					}
				} else {
					s, err := Open(dir, o)
					must(t, err)
					if !s.dirty.Load() {
						t.Errorf("state.%s of %d bytes is not made anew at the start", letter, size)
					}
					must(t, s.Maintain(context.Background(), testStart.Add(6*144*o.Tick)))
					must(t, s.Close())
				}
				r, err := Check(dir)
				must(t, err)
				if len(r.Findings)+len(r.Lost) != 0 || r.Earliest.IsZero() {
					t.Errorf("state.%s of %d bytes, repair %t: %+v", letter, size, repair, r)
				}
			}
		}
	}
}

// TestFailedNamesCloseTheirFiles has the first rename of a file fail: no descriptor stays open.
func TestFailedNamesCloseTheirFiles(t *testing.T) {
	s := openTest(t, t.TempDir())
	v := s.vault.(*diskVault)
	id := stateOf(1 << 40)
	must(t, v.begin(id))
	drafts := v.drafts[id].files
	v.files.hook = func(op, _ string) error {
		if op == opRename {
			return os.ErrPermission
		}
		return nil
	}
	if err := v.finish(id); err == nil {
		t.Error("a name that failed is no error")
	}
	v.files.hook = nil
	for _, f := range drafts {
		if err := f.Close(); err == nil {
			t.Errorf("%s stayed open", f.Name())
		}
	}
}

// TestFailedStartThatStays has a segment's header fail, and its removal too: the next append goes to another segment.
func TestFailedStartThatStays(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	s := openTest(t, dir)
	l := s.journal.(*appendLog)
	must(t, s.Append(ctx, testRound(1)))
	_, err := l.rotate()
	must(t, err)
	l.files.hook = func(op, path string) error {
		if strings.HasSuffix(path, ".log") && (op == opSync || op == opRemove) {
			return os.ErrPermission
		}
		return nil
	}
	if err := s.Append(ctx, testRound(2)); err == nil {
		t.Fatal("a header that failed is no error")
	}
	l.files.hook = nil
	must(t, s.Append(ctx, testRound(3)))
	must(t, s.Close())
	s = openTest(t, dir)
	if n := newest(s); n != 3 {
		t.Errorf("round %d after a restart, want 3", n)
	}
	for _, x := range s.lost {
		if x.damage {
			t.Errorf("lost %+v", x)
		}
	}
}
