package timeseries

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// TestRostersFindAll makes files of random sums, many of them equal, some files of no subject, and drops the oldest now
// and then: after each step every sum is found in the files that have it and in no others, there are few rosters, and
// little of who is gone is in them.
func TestRostersFindAll(t *testing.T) {
	e := testEngine(t)
	e.recent = 300
	r := rand.New(rand.NewPCG(11, 4))
	held := map[int64][]uint32{}
	most := 0
	for n := int64(1); n <= 150; n++ {
		sums := make([]uint32, r.IntN(400))
		for i := range sums {
			switch r.IntN(3) {
			case 0:
				sums[i] = r.Uint32N(40) // more than a page of some
			case 1:
				sums[i] = math.MaxUint32 - r.Uint32N(3)
			default:
				sums[i] = r.Uint32()
			}
		}
		slices.Sort(sums)
		d := &deadFile{number: n, mark: markOf(sums), sums: sums, ids: roaring.New()}
		d.ids.AddRange(uint64(1000*n), uint64(1000*n)+uint64(len(sums)))
		held[n] = sums
		e.dead = append(slices.Clip(e.dead), d)
		if n%10 == 0 && n > 60 {
			for _, d := range e.dead[:10] {
				delete(held, d.number)
			}
			e.dead = e.dead[10:]
		}
		must(t, e.keepRosters())
		most = max(most, len(e.rosters))
		inMemory, live, listed := 0, 0, 0
		for _, d := range e.dead {
			inMemory += len(d.sums)
			live += len(held[d.number])
			if d.sums == nil && !d.rostered {
				t.Fatalf("file %d is in no roster, and not in memory", d.number)
			}
		}
		for _, x := range e.rosters {
			listed += x.sums
		}
		if inMemory > e.recent || listed > 3*live {
			t.Fatalf("after %d files %d sums are in memory, and %d in rosters, of %d", n, inMemory, listed, live)
		}
		for range 40 {
			sum := r.Uint32N(42)
			if any := held[n-r.Int64N(int64(len(held)))]; len(any) > 0 && r.IntN(2) > 0 {
				sum = any[r.IntN(len(any))]
			}
			var want, got []int64
			for number, sums := range held {
				if slices.Contains(sums, sum) {
					want = append(want, number)
				}
			}
			those, err := e.holders(e.dead, sum)
			must(t, err)
			for _, d := range those {
				got = append(got, d.number)
			}
			slices.Sort(want)
			slices.Reverse(want)
			if !slices.Equal(got, want) {
				t.Fatalf("after %d files sum %d is found in %v, want %v", n, sum, got, want)
			}
		}
	}
	if most < 2 || most > 8 {
		t.Errorf("there were %d rosters at most", most)
	}
}

// TestRosterOfAnother has a file with the number of one that a roster has, as after a crash: its sums are not taken to
// be in the roster, nor those of the other to be its own.
func TestRosterOfAnother(t *testing.T) {
	e := testEngine(t)
	e.recent = 1
	file := func(sums ...uint32) *deadFile {
		d := &deadFile{number: 7, mark: markOf(sums), sums: sums, ids: roaring.New()}
		d.ids.AddRange(1, 1+uint64(len(sums)))
		e.dead = []*deadFile{d}
		return d
	}
	old := file(3, 4, 9)
	must(t, e.keepRosters())
	if old.sums != nil || !old.rostered {
		t.Fatalf("no roster has %+v", old)
	}
	now := file(4, 5)
	if e.inRoster(now) {
		t.Error("the roster of another file is taken for its own")
	}
	for sum, want := range map[uint32]int{3: 0, 4: 1, 5: 1} {
		if got, err := e.holders(e.dead, sum); err != nil || len(got) != want {
			t.Errorf("sum %d is found in %d files, want %d: %v", sum, len(got), want, err)
		}
	}
	must(t, e.keepRosters()) // which drops the roster of whom nobody knows
	if len(e.rosters) != 1 || !e.rosters[0].has(now.id()) || e.rosters[0].has(old.id()) {
		t.Errorf("%d rosters, the largest is %+v", len(e.rosters), e.rosters[0])
	}
}

// TestRosterCodec holds decode(encode(x)) == x.
func TestRosterCodec(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 5))
	for range 50 {
		x := &roster{number: 9, sums: r.IntN(1 << 30), files: []rosterFile{}, first: []uint32{}}
		for number := int64(0); r.IntN(9) > 0; {
			number += r.Int64N(1 << 30)
			x.files = append(x.files, rosterFile{number, r.Uint32()})
		}
		for range r.IntN(20) {
			x.first = append(x.first, r.Uint32())
		}
		slices.Sort(x.first)
		slices.SortFunc(x.files, compareRosterFiles)
		if got, err := decodeRosterHead(9, encodeRosterHead(x)); err != nil || !reflect.DeepEqual(got, x) {
			t.Fatalf("%+v came back as %+v, %v", x, got, err)
		}
		page := []rosterEntry{{0, 3}, {math.MaxUint32, 0}}
		for range r.IntN(300) {
			page = append(page, rosterEntry{r.Uint32(), r.Uint32N(4)})
		}
		slices.SortFunc(page, compareEntries)
		if got, err := decodeRosterPage(encodeRosterPage(page), 4); err != nil || !slices.Equal(got, page) {
			t.Fatalf("%v came back as %v, %v", page, got, err)
		}
		if _, err := decodeRosterPage(encodeRosterPage(page), 3); err == nil {
			t.Fatal("a file that is not there is read")
		}
		sums := []uint32{0, math.MaxUint32, r.Uint32()}
		if got, err := decodeSums(encodeSums(sums)); err != nil || !slices.Equal(got, sums) {
			t.Fatalf("%v came back as %v, %v", sums, got, err)
		}
	}
}

// TestSumsThatAreLost damages the sums of all files of silent subjects, in both copies: who comes back is known by a
// roster, and begins where it is; where there is no roster no source goes on from what it had counted.
func TestSumsThatAreLost(t *testing.T) {
	t.Parallel()
	from, o := silentFolder(t)
	o.recent = 1
	s, at := openPositioned(t, from, o)
	must(t, s.Maintain(t.Context(), at))
	if len(s.rosters) == 0 {
		t.Fatal("there is no roster")
	}
	must(t, s.Close())
	for _, rostered := range []bool{true, false} {
		dir := copied(t, from)
		flipSections(t, dir, sumSection)
		if !rostered {
			hurtRosters(t, dir, func(path string) error { return os.Remove(path) })
		}
		s, err := Open(dir, o)
		must(t, err)
		positions, err := s.Positions(t.Context(), testSource)
		must(t, err)
		if (len(positions) > 0) != rostered || len(s.dead) > 0 || len(s.Health()) == 0 {
			t.Errorf("with rosters %t: positions %q, %d files, health %q", rostered, positions, len(s.dead), s.Health())
		}
		if rostered {
			if got := comesBack(t, s, o, lostProducer, 6*144+1, 6*144+2, 5000); got.Total != 0 || !got.Estimated {
				t.Errorf("who is in a lost file comes back with %+v", got)
			}
		}
		must(t, s.Close())
	}
}

// TestSumsOfWhatIsLost takes a section of subjects away from each file of silent subjects, both copies: whose they are
// is still read, before the file is set aside, though no roster says it, and the sources go on.
func TestSumsOfWhatIsLost(t *testing.T) {
	t.Parallel()
	dir, o := silentFolder(t)
	s, at := openPositioned(t, dir, o)
	must(t, s.Maintain(t.Context(), at))
	v := s.vault.(*diskVault)
	for _, d := range s.dead {
		file := v.whole[d.file()]
		must(t, v.copyOf(d.file(), slices.DeleteFunc(file.order(), func(x sectionID) bool { return x.kind == subjectSection })))
	}
	must(t, s.Close())
	if hurtRosters(t, dir, os.Remove) > 0 {
		t.Fatal("a roster says whose the files are")
	}
	s, err := Open(dir, o)
	must(t, err)
	defer s.Close()
	positions, err := s.Positions(t.Context(), testSource)
	must(t, err)
	if len(positions) == 0 || len(s.dead)+len(s.unreadable) > 0 || len(s.unsure) < 2 {
		t.Errorf("positions %q, %d files, of %v nobody knows whose they are, of %d it is known", positions, len(s.dead), s.unreadable, len(s.unsure))
	}
	if left, err := filepath.Glob(filepath.Join(dir, "blocks", "silent-*")); err != nil || len(left) > 0 {
		t.Errorf("not set aside are %v, %v", left, err)
	}
	if got := comesBack(t, s, o, lostProducer, 6*144+1, 6*144+2, 5000); got.Total != 0 || !got.Estimated {
		t.Errorf("who is in a lost file comes back with %+v", got)
	}
}

// hurtRosters does something to each roster of a folder, and returns how many there are.
func hurtRosters(t *testing.T, dir string, do func(path string) error) int {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "blocks", "roster-*"))
	must(t, err)
	for _, p := range all {
		must(t, do(p))
	}
	return len(all)
}

// TestCheckOfRosters damages a page of each roster: check says it and that nothing is lost, repair does without it, and
// the next start makes another.
func TestCheckOfRosters(t *testing.T) {
	t.Parallel()
	dir, o := silentFolder(t)
	o.recent = 1
	must(t, maintained(t, dir, o))
	n := hurtRosters(t, dir, func(path string) error {
		b, err := os.ReadFile(path)
		must(t, err)
		b[shelfHeader+sectionHeader+4] ^= 1
		return os.WriteFile(path, b, 0o600)
	})
	before := contentsOf(t, dir)
	r, err := Check(dir)
	must(t, err)
	if n == 0 || len(r.Findings) != n || len(r.Lost) > 0 || !reflect.DeepEqual(contentsOf(t, dir), before) {
		t.Errorf("of %d rosters check says %q, lost %v", n, r.Findings, r.Lost)
	}
	r, err = Repair(dir)
	must(t, err)
	if len(r.Findings) != n || len(r.Lost)+len(r.Quarantine) > 0 || hurtRosters(t, dir, os.Remove) > 0 {
		t.Errorf("of %d rosters repair says %+v", n, r)
	}
	must(t, maintained(t, dir, o))
	if n := hurtRosters(t, dir, func(string) error { return nil }); n == 0 {
		t.Error("no roster was made")
	}
	if r, err = Check(dir); err != nil || len(r.Findings) > 0 {
		t.Errorf("then check says %+v, %v", r, err)
	}
}

// TestMergeOfDamaged merges rosters of which one is damaged: what was begun of another is left nowhere.
func TestMergeOfDamaged(t *testing.T) {
	t.Parallel()
	dir, o := silentFolder(t)
	o.recent = 1
	must(t, maintained(t, dir, o))
	s, err := Open(dir, o)
	must(t, err)
	defer s.Close()
	live := map[rosterFile]int{}
	for _, d := range s.dead {
		live[d.id()] = 1
	}
	n := hurtRosters(t, dir, func(path string) error {
		b, err := os.ReadFile(path)
		must(t, err)
		b[shelfHeader+sectionHeader+4] ^= 1
		return os.WriteFile(path, b, 0o600)
	})
	var bad *rosterError
	if x, err := s.merged(s.rosters, live); n == 0 || x != nil || !errors.As(err, &bad) || !damaged(err) {
		t.Errorf("%d damaged rosters become %+v, %v", n, x, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "blocks", "*"+draftSuffix))
	if must(t, err); len(left)+len(s.vault.(*diskVault).drafts) > 0 {
		t.Errorf("begun and left are %v", left)
	}
}

// maintained opens a folder of silentFolder, maintains and closes it.
func maintained(t *testing.T, dir string, o Options) error {
	t.Helper()
	s, err := Open(dir, o)
	must(t, err)
	must(t, s.Maintain(t.Context(), testStart.Add(6*144*o.Tick)))
	return s.Close()
}

// A comer is seen now and then, and tells what it read in all.
type comer struct {
	total  int64
	told   []spread // by tick
	rested bool     // once for longer than anything is kept
}

// TestWhoComesBackIsKnown has 40 groups come, go and come back after days and weeks, over restarts, kills, and damage
// and loss of rosters, and of rosters that are those of weeks ago: whoever is told of is told of as by a store that
// puts nobody away; who rested for longer than anything is kept advances by what it did, or is said to be estimated.
func TestWhoComesBackIsKnown(t *testing.T) {
	t.Parallel()
	seeds := 1
	if longForm {
		seeds = 30
	}
	for seed := range seeds {
		whoComesBackIsKnown(t, rand.New(rand.NewPCG(uint64(seed), 77)))
	}
}

func whoComesBackIsKnown(t *testing.T, r *rand.Rand) {
	t.Helper()
	const perDay, days, keep = 48, 75, 22
	o := testOpts
	o.Tick, o.Retention = day/perDay, Retention{Raw: 2 * day, Minute: 5 * day, Hour: keep * day}
	o.silentFor = 400 * day
	all := NewMemory(o)
	o.silentFor, o.crowd, o.recent, o.fast = day, 6, 5, true
	dir := t.TempDir()
	s, err := Open(dir, o)
	must(t, err)
	comers := make([]comer, 40)
	access := func(i int) lineage.Access {
		return lineage.Access{Topic: lineage.Topic{Name: fmt.Sprint("topic-", i%3)}, Op: lineage.Read, Client: lineage.Client{Group: fmt.Sprint("comer-", i)}}
	}
	at := func(n int) time.Time { return testStart.Add(time.Duration(n) * o.Tick) }
	var stale string // a copy of the rosters of long ago
	var some []lineage.Observation
	counts := map[string]int{}
	for n := 1; n <= days*perDay; n++ {
		x := lineage.Observation{Source: testSource, Round: at(n), Interval: o.Tick}
		for i := range comers {
			c := &comers[i]
			if every := []int{3 * perDay, 9 * perDay, 30 * perDay, perDay / 2}[i%4]; r.IntN(every) > 0 && n > 1 {
				continue
			}
			by := 1 + r.Int64N(50)
			last := 0
			if len(c.told) > 0 {
				last = int(c.told[len(c.told)-1].to)
			}
			c.rested = c.rested || n-last > keep*perDay
			c.total += by
			c.told = append(c.told, spread{from: int64(n - 1), to: int64(n), delta: by})
			x.Samples = append(x.Samples, lineage.Sample{Subject: access(i), Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: c.total})
		}
		if some = append(some, x); n%8 > 0 {
			continue
		}
		must(t, all.Append(t.Context(), some...))
		must(t, s.Append(t.Context(), some...))
		some = nil
		if r.IntN(4) > 0 {
			must(t, all.Maintain(t.Context(), at(n)))
			must(t, s.Maintain(t.Context(), at(n)))
		}
		if r.IntN(3) == 0 {
			from := max(n-r.IntN((keep-12)*perDay), perDay/24)
			comersAreKnown(t, s, all, comers, access, from, min(from+1+r.IntN(3*perDay), n), at)
		}
		if r.IntN(30) > 0 {
			continue
		}
		how := []string{"closed", "killed", "no rosters", "a bit", "cut off", "stale"}[r.IntN(6)]
		counts[how]++
		if how == "killed" {
			next := copied(t, dir)
			must(t, s.Close())
			dir = next
		} else {
			must(t, s.Close())
		}
		switch how {
		case "no rosters":
			hurtRosters(t, dir, os.Remove)
		case "a bit", "cut off":
			hurtRosters(t, dir, func(path string) error {
				b, err := os.ReadFile(path)
				must(t, err)
				if i := r.IntN(len(b)); how == "a bit" {
					b[i] ^= 1 << r.IntN(8)
				} else {
					b = b[:i]
				}
				return os.WriteFile(path, b, 0o600)
			})
		case "stale":
			hurtRosters(t, dir, os.Remove)
			if stale != "" {
				counts["were stale"] += hurtRosters(t, stale, func(path string) error {
					b, err := os.ReadFile(path)
					must(t, err)
					return os.WriteFile(filepath.Join(dir, "blocks", filepath.Base(path)), b, 0o600)
				})
			}
		}
		if r.IntN(3) == 0 {
			stale = copied(t, dir)
		}
		s, err = Open(dir, o)
		must(t, err)
		counts["rosters"] = max(counts["rosters"], len(s.rosters))
		if len(s.lost)+len(s.unreadable) > 0 {
			t.Fatalf("round %d, %s: lost are %v", n, how, s.lost)
		}
	}
	counts["gone"] = int(s.tiers[hourTier].floor - s.floor(testStart))
	for _, c := range comers {
		if c.rested {
			counts["rested"]++
		}
	}
	for _, what := range []string{"closed", "killed", "no rosters", "a bit", "cut off", "stale", "were stale", "rosters", "gone", "rested"} {
		if counts[what] <= 0 && !longForm {
			t.Errorf("%v: this shows little of %q", counts, what)
		}
	}
	if s.subjects.live > len(comers)/2 {
		t.Errorf("%d of %d are in memory", s.subjects.live, len(comers))
	}
	must(t, s.Close())
	must(t, all.Close())
}

// comersAreKnown holds a window's answer against what was told and against that of a store that puts nobody away.
func comersAreKnown(t *testing.T, s *Disk, all *Memory, comers []comer, access func(int) lineage.Access, from, to int, at func(int) time.Time) {
	t.Helper()
	ask := store.Ask{Window: lineage.Window{Start: at(from), End: at(to)}, Accesses: true}
	got, err := s.Window(t.Context(), ask)
	must(t, err)
	want, err := all.Window(t.Context(), ask)
	must(t, err)
	find := func(w *store.Window, a lineage.Access) (row int, amount lineage.Amount) {
		i := slices.IndexFunc(w.Rows.Access[:w.Rows.Topics], func(x *lineage.Access) bool { return *x == a })
		if i < 0 {
			return i, amount
		}
		k, ok := w.Series.Find(int32(i), lineage.Records, lineage.GroupOffsets)
		if !ok {
			return -1, amount
		}
		return i, w.Series.Amount[k]
	}
	for i := range comers {
		a := access(i)
		g, is := find(got, a)
		w, was := find(want, a)
		switch {
		case (g < 0) != (w < 0):
			t.Fatalf("rounds %d to %d: %v is row %d, want %d", from, to, a.Client.Group, g, w)
		case g < 0:
		case is == was && got.Rows.FirstSeen[g].Equal(want.Rows.FirstSeen[w]) && got.Rows.Moved[g] == want.Rows.Moved[w]:
		case comers[i].rested && is == was && got.Rows.FirstSeen[g].Before(want.Rows.FirstSeen[w]): // its file was held
		case !comers[i].rested || !is.Estimated || is.Total > was.Total:
			t.Fatalf("rounds %d to %d: %v is %+v, first seen %s, want %+v, first seen %s", from, to, a.Client.Group, is, got.Rows.FirstSeen[g], was, want.Rows.FirstSeen[w])
		}
	}
}
