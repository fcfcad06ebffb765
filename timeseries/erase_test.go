package timeseries

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// The persons of the folder that is erased in, and somebody whose names begin as theirs do.
const (
	ann, annsHost = "User:ann", "10.1.2.3"
	other, desk   = "User:anna", "10.1.2.30"
)

// personal gives what a round tells to persons: ann is in all of it.
func personal(n int) lineage.Observation {
	o := richRound(n)
	who := func(a *lineage.Access, i int) {
		a.Client.Principal, a.Client.Host = other, "/"+desk
		if i%2 == 0 {
			a.Client.Principal, a.Client.Host, a.Client.ClientID = ann, "/"+annsHost, "shop-"+annsHost+"-1"
		}
	}
	for i := range o.Samples {
		who(&o.Samples[i].Subject, i)
	}
	for i := range o.Sightings {
		who(&o.Sightings[i].Access, i)
		o.Sightings[i].Detail = fmt.Sprintf("as %s from %s:%d", ann, annsHost, n/100)
	}
	for i := range o.Events {
		who(&o.Events[i].Access, i)
		o.Events[i].Detail = fmt.Sprintf("%s did it %d", ann, n)
	}
	for i := range o.Facts {
		if g := o.Facts[i].Group; g != nil {
			g.Members = []lineage.Member{{ID: fmt.Sprint("m", n), ClientID: "a", Host: "/" + annsHost}, {ID: "k", ClientID: annsHost + "-c", Host: "/" + desk}}
		}
	}
	if n%20 == 0 {
		o.Missing = []lineage.Missing{{Reason: "not permitted to " + ann, Share: 0.1}}
		o.Facts = append(o.Facts,
			lineage.Fact{Key: lineage.FactKey{Source: "c", Kind: lineage.PermissionFacts}, Permission: &lineage.PermissionFact{Rules: []lineage.Permission{
				{Topic: fmt.Sprint("t", n), Principal: ann, Host: annsHost, Operation: "READ", Allowed: true}, {Topic: "t", Principal: other, Host: desk, Operation: "READ"},
			}}},
			lineage.Fact{Key: lineage.FactKey{Source: "c", Kind: lineage.BlindSpotFacts, Name: "end-offsets"}, BlindSpots: []lineage.BlindSpot{
				{Source: "end-offsets", What: fmt.Sprintf("READ is denied to %s %d", ann, n/40), Remedy: "let " + annsHost + " in"},
			}},
			lineage.Fact{Key: lineage.FactKey{Source: "c", Kind: lineage.SourceFacts, Name: "end-offsets"}, Source: &lineage.SourceFact{
				State: lineage.SourceOff, Reason: fmt.Sprintf("switched off by %s %d", ann, n/60),
			}},
		)
	}
	if n%3 == 0 {
		o.Positions = append(o.Positions, lineage.Position{Key: "client/" + ann, Value: []byte{byte(n)}},
			lineage.Position{Key: "claims/topic-0", Value: fmt.Appendf(nil, "x%d %s", n, ann)}, lineage.Position{Key: "flow", Value: fmt.Appendf(nil, "x%d%s", n, annsHost)})
	}
	return o
}

// personalFolder has what happened to persons in all its files, the newest of it in the log.
func personalFolder(t *testing.T) string {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	s, err := Open(dir, richOptions())
	must(t, err)
	var some []lineage.Observation
	for n := 1; n <= richRounds; n++ {
		if some = append(some, personal(n)); n%12 == 0 || n > richRounds-60 {
			must(t, s.Append(ctx, some...))
			some = nil
		}
		if n%36 == 0 {
			must(t, s.Maintain(ctx, richAt(n)))
		}
	}
	if len(s.dead) == 0 || len(s.tiers[minuteTier].blocks) == 0 {
		t.Fatal("the folder has nothing of a kind of files")
	}
	must(t, s.Close())
	s, err = Open(dir, richOptions()) // which drops what nobody names any more
	must(t, err)
	must(t, s.Close())
	must(t, os.Mkdir(filepath.Join(dir, "quarantine"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "quarantine", "x"), []byte(ann), 0o600))
	return dir
}

// contents returns all that is in a folder's files, as it can be read: what is compressed, and what stands as a
// difference, too.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	add := func(name string, b []byte) { out[name] = append(out[name], b...) }
	e := newEngine(richOptions(), nil, nil)
	defer e.codec.close()
	v := &diskVault{dir: filepath.Join(dir, "blocks"), tick: richTick, log: testOpts.Log, files: files{dry: true}}
	must(t, v.open())
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		must(t, err)
		b, err := os.ReadFile(path)
		must(t, err)
		add(name, b)
		var number uint64
		if _, err := fmt.Sscanf(filepath.Base(name), "%020d.log", &number); err == nil {
			one := newEngine(richOptions(), nil, nil)
			defer one.codec.close()
			tables := &replayTables{}
			for _, at := range frames(t, b) {
				payload, err := readFrame(b[at:])
				must(t, err)
				all, err := one.decodeFrame(payload, tables)
				must(t, err)
				for _, c := range all {
					for _, r := range c.records {
						for _, p := range r.positions {
							add(name, append([]byte(p.Key), p.Value...))
						}
						for _, f := range r.facts {
							add(name, f.bytes())
						}
					}
				}
			}
		}
		return nil
	}))
	for _, id := range v.list() {
		for _, s := range v.whole[id].order() {
			value, err := v.get(id, s)
			must(t, err)
			content, err := e.codec.open(value)
			must(t, err)
			add(id.String(), content)
			if s.kind == factSection {
				lines, err := decodeFacts(content)
				must(t, err)
				for _, l := range lines {
					for i := range l.past {
						add(id.String(), l.pastBody(i))
					}
					for i := range l.versions {
						add(id.String(), l.versions[i].bytes())
					}
				}
			}
		}
	}
	return out
}

func namesAnn(b []byte) bool {
	b = bytes.ReplaceAll(bytes.ReplaceAll(b, []byte(other), nil), []byte(desk), nil)
	return bytes.Contains(b, []byte(ann)) || bytes.Contains(b, []byte(annsHost))
}

func whereNamed(t *testing.T, dir string) (out []string) {
	t.Helper()
	for name, b := range contents(t, dir) {
		if namesAnn(b) && !strings.HasPrefix(name, "blocks/") { // whose sections are looked at as they can be read
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// told is all that a store answers of some windows.
func told(t *testing.T, dir string) string {
	t.Helper()
	ctx := context.Background()
	s, err := Open(dir, richOptions())
	must(t, err)
	defer func() { must(t, s.Close()) }()
	var out strings.Builder
	for n := 0; n < richRounds; n += 36 {
		w := lineage.Window{Start: richAt(n), End: richAt(min(n+50, richRounds))}
		got, err := s.Window(ctx, store.Ask{Window: w, Accesses: true, Coverage: true, Lookback: day, Facts: []lineage.FactKind{
			lineage.GroupFacts, lineage.TopicFacts, lineage.SourceFacts, lineage.PermissionFacts, lineage.BlindSpotFacts,
		}})
		must(t, err)
		out.WriteString(windowText(got))
		for _, f := range got.Facts {
			fmt.Fprintf(&out, "%+v %+v %+v %+v\n", f.Group, f.Permission, f.BlindSpots, f.Source)
		}
		events, err := s.Events(ctx, store.EventFilter{Window: w, Limit: 1000})
		must(t, err)
		for _, e := range events.List {
			fmt.Fprintf(&out, "%+v\n", e)
		}
	}
	positions, err := s.Positions(ctx, testSource)
	must(t, err)
	for _, key := range []string{"0", "1", "2", "3", "4", "claims/topic-0"} {
		fmt.Fprintf(&out, "%s %q\n", key, positions[key])
	}
	return out.String()
}

func forgetAnn(t *testing.T) Erasing {
	t.Helper()
	p, err := lineage.NewPersons([]string{ann}, []string{annsHost})
	must(t, err)
	return Erasing{Persons: p, Position: func(_ lineage.Source, key string, value []byte) []byte {
		if !strings.HasPrefix(key, "claims/") {
			return nil
		}
		return []byte(p.Text(string(value)))
	}}
}

// TestErase forgets a person in a folder that has her in all kinds of files: no byte of it names her, and all that is
// answered is as it was but for her name.
func TestErase(t *testing.T) {
	t.Parallel()
	dir := personalFolder(t)
	before := told(t, dir)
	if named := whereNamed(t, dir); len(named) < 8 {
		t.Fatalf("she is in %v alone", named)
	}
	o := forgetAnn(t)
	o.Dry = true
	was := contents(t, dir)
	dry, err := Erase(dir, o)
	must(t, err)
	for name, b := range contents(t, dir) {
		if strings.HasPrefix(name, "blocks/") && !bytes.Equal(b, was[name]) {
			t.Errorf("%s is another after looking", name)
		}
	}
	if dry.Clients == 0 || dry.Facts == 0 || dry.Events == 0 || dry.Texts == 0 || dry.Positions == 0 || len(dry.Left) != 0 {
		t.Errorf("%+v", dry)
	}
	o.Dry = false
	done, err := Erase(dir, o)
	must(t, err)
	if fmt.Sprint(done.Files) != fmt.Sprint(dry.Files) || done.Clients != dry.Clients || fmt.Sprint(done.Removed) != fmt.Sprint(dry.Removed) {
		t.Errorf("it was to be %+v, and is %+v", dry, done)
	}
	if named := whereNamed(t, dir); len(named) > 0 {
		t.Errorf("she is still in %v", named)
	}
	after := told(t, dir)
	if d := firstDifference(o.Persons.Text(before), after); d != "" {
		t.Error("what is answered is not what it was: ", d)
	}
	r, err := Check(dir)
	must(t, err)
	if len(r.Findings) > 0 {
		t.Errorf("the folder is damaged: %v", r.Findings)
	}
	again, err := Erase(dir, o)
	must(t, err)
	if len(again.Files) > 0 {
		t.Errorf("a second time changes %v", again.Files)
	}
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return fmt.Sprintf("line %d of %d:\n%s\nnot\n%s", i, len(a), strings.Join(b[min(i, len(b)):min(i+1, len(b))], ""), a[i])
		}
	}
	return ""
}

// TestEraseKilled cuts an erasure short at operations on files: what is then opened is the folder as it was, or as it
// is to be, and never a part of each.
func TestEraseKilled(t *testing.T) {
	t.Parallel()
	from := personalFolder(t)
	killed := errors.New("killed")
	all := len(whereNamed(t, from))
	befores, afters, ops := 0, 0, 0
	whole := t.TempDir()
	must(t, os.CopyFS(whole, os.DirFS(from)))
	_, err := eraseWith(whole, forgetAnn(t), files{fast: true, hook: func(string, string) error { ops++; return nil }})
	must(t, err)
	// Most of what is done is done aside; the folder's own files are changed at the end.
	for _, at := range []int{0, 1, ops / 2, ops - 70, ops - 40, ops - 3, ops - 1} {
		dir := t.TempDir()
		must(t, os.CopyFS(dir, os.DirFS(from)))
		n, dead := 0, false
		_, err := eraseWith(dir, forgetAnn(t), files{fast: true, hook: func(string, string) error {
			if n++; n > at {
				dead = true
			}
			if dead {
				return killed
			}
			return nil
		}})
		if !errors.Is(err, killed) {
			t.Fatalf("cut short at operation %d of %d: %v", at, ops, err)
		}
		s, err := Open(dir, richOptions())
		must(t, err)
		must(t, s.Close())
		if _, err := os.Lstat(filepath.Join(dir, erasingFolder)); !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("cut short at operation %d it leaves a folder: %v", at, err)
		}
		switch named := whereNamed(t, dir); len(named) {
		case 0:
			afters++
		case all:
			befores++
		default:
			t.Fatalf("cut short at operation %d she is in %v, not %v", at, named, whereNamed(t, from))
		}
	}
	if befores == 0 || afters == 0 {
		t.Errorf("%d times as it was, %d times as it is to be", befores, afters)
	}
}

// TestEraseDamaged holds that what cannot be read of the log stays damage, and is gone.
func TestEraseDamaged(t *testing.T) {
	t.Parallel()
	dir := personalFolder(t)
	paths, err := filepath.Glob(filepath.Join(dir, "log", "*.log"))
	must(t, err)
	b, err := os.ReadFile(paths[0])
	must(t, err)
	at := frames(t, b)
	b[at[len(at)/2]+frameBytes+3] ^= 1
	must(t, os.WriteFile(paths[0], b, 0o600))
	_, err = Erase(dir, forgetAnn(t))
	must(t, err)
	if b, err = os.ReadFile(paths[0]); err != nil || namesAnn(b) {
		t.Errorf("what could not be read is still there: %v", err)
	}
	r, err := Check(dir)
	must(t, err)
	if len(r.Findings) == 0 || len(r.Lost) == 0 {
		t.Errorf("nothing is said of the damage: %+v", r)
	}
}

// TestEraseReasons forgets a person whom what is said of several rounds in one step of a coarser block names.
func TestEraseReasons(t *testing.T) {
	t.Parallel()
	dir, o := t.TempDir(), testOpts
	o.Tick = 30 * time.Second
	o.Retention = Retention{Raw: 2 * time.Hour, Minute: 8 * day, Hour: 400 * day}
	s, err := Open(dir, o)
	must(t, err)
	at := func(n int) time.Time { return testStart.Add(time.Duration(n) * o.Tick) }
	who := richWriter(0)
	for n := 1; n <= 27*120; n++ {
		must(t, s.Append(t.Context(), lineage.Observation{
			Source: testSource, Round: at(n), At: at(n), Interval: o.Tick,
			Samples:   []lineage.Sample{{Subject: who, Metric: lineage.Records, Evidence: lineage.Transaction, Value: int64(n), Estimated: true}},
			Sightings: []lineage.Sighting{{Access: who, Evidence: lineage.Transaction, Detail: []string{"at most", "at least"}[n%2] + " as " + ann}},
		}))
		if n%120 == 0 {
			must(t, s.Maintain(t.Context(), at(n)))
		}
	}
	must(t, s.Close())
	reasons := func() []string {
		t.Helper()
		s, err := Open(dir, o)
		must(t, err)
		defer func() { must(t, s.Close()) }()
		for _, b := range s.tiers[minuteTier].blocks {
			must(t, s.vault.has(b.file(), []sectionID{{reasonsSection, 0}}))
		}
		w, err := s.Window(t.Context(), store.Ask{Window: lineage.Window{Start: at(20), End: at(22)}, Accesses: true, Lookback: day})
		must(t, err)
		i, _ := w.Series.Find(0, lineage.Records, lineage.Transaction)
		out, err := w.Reasons(t.Context(), lineage.Window{Start: at(20), End: at(22)}, []int32{i})
		must(t, err)
		return out[0]
	}
	was, f := reasons(), forgetAnn(t)
	_, err = Erase(dir, f)
	must(t, err)
	for i, now := range reasons() {
		if strings.Contains(now, ann) || now != f.Persons.Text(was[i]) || len(was) != 2 {
			t.Errorf("%q is said, where it was %q of %q", now, was[i], was)
		}
	}
}
